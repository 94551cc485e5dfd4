"""Settlement in memory: a plain tip's tokens, its event and its request, worked out before anything
is written.

The rules are those of `record.py`, called on rows that do not exist yet; what they give becomes
durable as one journal entry and is unfolded afterwards (`projection.py`). What is not plain goes
the careful way. Nothing here asks a database or a clock."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from ground.inbox import projection as inbox_projection
from ground.inbox.inbox import Call
from ground.mongodb.collections import Document
from ledger.gateway import Group, PostedEntry
from tips.intake.payloads import Order, TipOrder
from tips.log import events
from tips.queue import requests as queue
from tips.rows import EventRow, RequestRow, TipRow
from tips.settlement import record
from tips.settlement.record import ReceivedAs

PLAIN = "tip.succeeded"


# Moves the tokens of a group in the books' memory: the posting as an entry carries it, and its
# entries, which prove the tip. Raises gateway.Refused.
Move = Callable[[Group, datetime], tuple[Mapping[str, Any], Sequence[PostedEntry]]]


@dataclass(slots=True)
class Head:
    """Where the event log ends."""

    sequence: int
    digest: str


@dataclass(frozen=True, slots=True)
class Settled:
    """One tip of a round; its request may be started in the same moment."""

    call: Call
    order: TipOrder
    tip: TipRow  # as it was recorded, before it was settled
    posting: Mapping[str, Any]
    event: EventRow
    request: RequestRow


def is_plain(call: Call, order: Order | None) -> bool:
    """A tip with its own default reference: any other may be a key that stands for something else.
    (the keys of an entry are the tip's id and the delivery's)"""
    return (
        isinstance(order, TipOrder)
        and call.event_type == PLAIN
        and order.source_ref == f"TIP_{order.tip_id}"
    )


def accounts(order: TipOrder) -> tuple[str, str, str]:
    return record.accounts_of(order.tipper_id, order.performer_id)


def settle(call: Call, order: TipOrder, move: Move, head: Head, *, now: datetime) -> Settled:
    """Moves the tip's tokens and appends its event to this head. Raises what `move` raises, and
    then nothing has moved."""
    tip = record.tip_row(order, ReceivedAs(call.key, call.received_at), now)
    moved, entries = move(record.orders(tip), now)
    payload = record.payload_of(tip, entries, now)
    rows, digest = events.chain([payload], sequence=head.sequence, previous=head.digest, now=now)
    head.sequence, head.digest = head.sequence + 1, digest
    request = queue.of_event(rows[0], now, queue.tipped_at(tip))
    return Settled(call, order, tip, moved, rows[0], request)


def written(tips: list[Settled]) -> Document:
    """These tips as an entry carries them."""
    if not tips:
        return {}
    return {
        "keys": [key for each in tips for key in (each.order.tip_id, each.call.key)],
        "deliveries": [inbox_projection.written(each.call) for each in tips],
        "postings": [each.posting for each in tips],
        "events": [each.event for each in tips],
    }
