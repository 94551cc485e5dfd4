"""What a dispatched activation says to the page that holds the devices."""

from collections.abc import Callable, Iterable, Iterator, Mapping

from lovense.deciding.rules import Rules
from lovense.rows import ActivationRow, LayerMessage
from lovense.sending import envelope, groups
from lovense.sending.pages import Holder
from tips.rows import RequestRow

Message = tuple[str, LayerMessage]  # the page's channel, and what it is sent
Deliver = Callable[[Iterable[Message]], None]


def messages(
    pairs: Iterable[tuple[RequestRow, ActivationRow]], rules: Rules, holders: Mapping[str, Holder]
) -> Iterator[Message]:
    for request, row in pairs:
        performer, holder = rules.performers[row["performer_id"]], holders[row["performer_id"]]
        if is_cancelled(row):
            message = groups.stop(envelope.stop(row, performer, is_confirmed=False))
        else:
            text = envelope.text(row, request, performer, lease=holder.lease)
            message = groups.activate(row["_id"], row["attempt"], text, holder.lease)
        yield holder.channel, message


def is_cancelled(row: ActivationRow) -> bool:
    """Somebody wants it ended, and no page has said yet that it has."""
    return row.get("cancelled_at") is not None
