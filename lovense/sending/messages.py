"""What a dispatched activation says to the page that holds the devices."""

from collections.abc import Callable, Iterable, Iterator, Mapping

from lovense.deciding.rules import Rules
from lovense.rows import ActivationRow, LayerMessage, PerformerRow
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
        if is_ending(row, performer):
            message = groups.stop(envelope.stop(row, performer, is_confirmed=False))
        else:
            text = envelope.text(row, request, performer, lease=holder.lease)
            message = groups.activate(row, text, holder.lease)
        yield holder.channel, message


def is_marked(row: ActivationRow) -> bool:
    """Somebody wants it ended, and no page has said yet that it has."""
    return row.get("cancelled_at") is not None or row.get("stopped_at") is not None


def is_ending(row: ActivationRow, performer: PerformerRow) -> bool:
    """It is marked; or a worker that did not know of a stop has sent it after that."""
    return is_marked(row) or row["stop_epoch"] < performer["stop_epoch"]
