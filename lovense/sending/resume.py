"""What a page is told again: all that is in flight, under the ids it was sent with. A page plays an
id once."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from types import MappingProxyType

from ground.mongodb.collections import collection
from lovense.deciding import batch
from lovense.deciding.activation import (
    FINAL,
    S,
    activation_id,
    end_requests,
    run_seconds,
)
from lovense.models import Activation, Performer
from lovense.rows import ActivationRow, PerformerRow
from lovense.sending import envelope, groups, pages
from lovense.sending.messages import is_ending, is_marked
from tips.models import QueueRequest, RequestStatus
from tips.queue import claims
from tips.rows import RequestRow


@dataclass(frozen=True, slots=True)
class Command:
    """What the page is told again of what is in flight: its `lovense.activate`, or the
    `lovense.stop` of what was cancelled or stopped.

    `is_overdue`: the page has it, and has not said that it ended.
    """

    performer_id: str
    activation_id: str
    attempt: int
    epoch: int
    text: str
    is_overdue: bool
    is_stop: bool


def resume(performer_id: str, *, now: datetime, lease: int = 0) -> list[Command]:
    """What a page that has just taken the devices is told again.

    Before that ends the claim whose activation is over: whoever recorded that end may have died
    before it freed the lane."""
    claim = claims.claimed(performer_id)
    row = (
        collection(Activation).find_one({"_id": activation_id(claim["idempotency_key"])})
        if claim
        else None
    )
    if row and S(row["status"]) in FINAL:
        batch.ended([row], now=now)
        end_requests([row], now=now)
    return in_flight([performer_id], before=now, leases={performer_id: lease})


def in_flight(
    performer_ids: Iterable[str],
    *,
    before: datetime,
    leases: Mapping[str, int] = MappingProxyType({}),
) -> list[Command]:
    """What was dispatched to these performers before that moment and has not ended; what waits for
    its next attempt only if it is to end. `leases`: their numbers, by performer.

    Asked when a page connects and once a second for the pages of a process: what was lost on its
    way is found here."""
    wanted = {
        "performer_id": {"$in": list(performer_ids)},
        "status": {"$in": [S.DISPATCHED.value, S.ACTIVATED.value]},
    }
    alone_or_leading = {"dispatched_at": {"$lte": before}, "leader": None}
    rows = list(collection(Activation).find(wanted | alone_or_leading))
    if not rows:
        return []
    of_claims = {
        "_id": {"$in": [row["request_id"] for row in rows]},
        "status": RequestStatus.CLAIMED.value,
    }
    requests = {request["_id"]: request for request in collection(QueueRequest).find(of_claims)}
    performers = {
        p["_id"]: p
        for p in collection(Performer).find({"_id": {"$in": [row["performer_id"] for row in rows]}})
    }
    return [
        Command(
            row["performer_id"],
            row["_id"],
            row["attempt"],
            row["stop_epoch"],
            _text_again(
                row,
                requests.get(row["request_id"]),
                performers[row["performer_id"]],
                leases.get(row["performer_id"], 0),
            ),
            is_overdue=_should_have_ended(row, before),
            is_stop=is_ending(row, performers[row["performer_id"]]),
        )
        for row in rows
        if row["request_id"] in requests
        or is_marked(row)  # else it was given back, or the queue is being rebuilt
    ]


def _text_again(
    row: ActivationRow, request: RequestRow | None, performer: PerformerRow, lease: int
) -> str:
    """What one page has confirmed may have been taken over by another, which must not play it a
    second time."""
    is_confirmed = row["received_at"] is not None or row["status"] == S.ACTIVATED
    if request is None or is_ending(row, performer):
        return envelope.stop(row, performer, is_confirmed=is_confirmed)
    return envelope.text(row, request, performer, lease=lease, is_confirmed=is_confirmed)


def stop_on_pages(performer_ids: Iterable[str], *, now: datetime) -> None:
    """Tells the pages of these performers to end what was cancelled or stopped. It is told again
    every second until they answer."""
    holders = pages.holders(now=now, among=performer_ids)
    stops = [command for command in in_flight(holders, before=now) if command.is_stop]
    groups.publish(
        (holders[command.performer_id].channel, groups.stop(command.text)) for command in stops
    )


def _should_have_ended(row: ActivationRow, before: datetime) -> bool:
    began = row["started_at"] or row["received_at"]
    return began is not None and began + timedelta(seconds=run_seconds(row)) <= before
