"""The performance queue: one durable row per request, one claimed request per lane;
`tips/queue/ordering.py` says which is next.

A claim is a lease. "One at a time per performer" is the unique index
`request_one_claimed_per_lane`: two workers may try, one write wins. The head of a lane that waits
(`available_at`) holds its lane, so a retry never lets the next one overtake."""

import uuid
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from types import MappingProxyType

from pymongo.client_session import ClientSession
from pymongo.write_concern import WriteConcern

from ground import ids
from ground.mongodb.collections import collection
from tips.models import (
    ArchivedQueueRequest,
    Mode,
    Priority,
    QueueRequest,
    RequestStatus,
    RequestType,
)
from tips.queue import ordering
from tips.rows import EventRow, Payload, RequestRow, Statement, TipRow

PENDING, CLAIMED, JOINED = (
    RequestStatus.PENDING.value,
    RequestStatus.CLAIMED.value,
    RequestStatus.JOINED.value,
)
_NOBODY_KNOWS: Mapping[str, datetime] = MappingProxyType({})
TURNS_PER_EVENT = 1_000_000  # places between one settled tip and the next, for what people submit
MAX_ERRORS_KEPT = 20
_NAMESPACE = uuid.UUID("6f1c2a52-5a0e-5d0b-9a63-3d1f0f6f2f10")

# To which status a request may move, and from where. `docs/states.md` shows the same table.
_UNDER_WAY = frozenset({RequestStatus.CLAIMED, RequestStatus.JOINED, RequestStatus.PENDING})
PREDECESSORS: dict[RequestStatus, frozenset[RequestStatus]] = {
    RequestStatus.PENDING: frozenset(
        {RequestStatus.CLAIMED, RequestStatus.JOINED, RequestStatus.DEAD}
    ),
    RequestStatus.CLAIMED: frozenset({RequestStatus.PENDING}),
    RequestStatus.JOINED: frozenset({RequestStatus.PENDING}),
    RequestStatus.COMPLETED: _UNDER_WAY | {RequestStatus.FAILED, RequestStatus.DEAD},
    RequestStatus.FAILED: _UNDER_WAY,
    RequestStatus.CANCELLED: _UNDER_WAY,
    RequestStatus.DEAD: _UNDER_WAY,
}
FINAL = frozenset({RequestStatus.COMPLETED, RequestStatus.CANCELLED})
# A dead letter that a person has settled in one of these ways never goes back into the queue.
SETTLED_OTHERWISE = frozenset({"refunded", "waived", "duplicate"})
REPLAYABLE = {
    "status": RequestStatus.DEAD.value,
    "review.resolution": {"$nin": sorted(SETTLED_OTHERWISE)},
}
# A claim needs no majority of its own: the activation written after it has one, and the journal is
# ordered.
FAST = WriteConcern(1)


def request_id(idempotency_key: str) -> str:
    """Derived, never random: submitting twice names the same row."""
    return ids.derived(_NAMESPACE, idempotency_key)


def find(key: str, *fields: str) -> RequestRow | None:
    """The request, whether it is in the queue or long finished and archived. (The copy is made
    before the original goes.)"""
    wanted = dict.fromkeys(fields, 1) or None
    found = collection(QueueRequest).find_one({"_id": key}, wanted)
    return found or collection(ArchivedQueueRequest).find_one({"_id": key}, wanted)


def came_at(keys: Sequence[str]) -> dict[str, datetime]:
    """When each of these was settled or submitted, wherever it lies."""
    found: dict[str, datetime] = {}
    for model in (QueueRequest, ArchivedQueueRequest):
        missing = {"_id": {"$in": [key for key in keys if key not in found]}}
        rows = collection(model).find(missing, {"created_at": 1}) if len(found) < len(keys) else ()
        found |= {row["_id"]: row["created_at"] for row in rows}
    return found


def submit_tips(
    events: Sequence[EventRow],
    *,
    tipped_at: Mapping[str, datetime] = _NOBODY_KNOWS,
    now: datetime,
    session: ClientSession,
) -> None:
    """One PENDING request per event of the log (fifo, priority 10), in the transaction that logs
    the event. `tipped_at`, by tip id."""
    collection(QueueRequest).insert_many(
        [of_event(event, now, tipped_at.get(event["_id"])) for event in events], session=session
    )


def tipped_at(tip: TipRow) -> datetime:
    """When the viewer tipped, of a row of tips. Older rows do not say when it was received."""
    moment: datetime = tip.get("tipped_at") or min(tip["happened_at"], tip["created_at"])
    return moment


def of_event(event: EventRow, now: datetime, tipped: datetime | None = None) -> RequestRow:
    """The request that an event of the log asks for."""
    place = {
        "lane": event["payload"]["performerId"],
        "position": event["sequence"],
        "priority": Priority.HIGH,
    }
    row = new_row(event["_id"], RequestType.TIP, event["payload"], now=now, **place)
    return row | {"tipped_at": tipped}


def new_row(
    key: str,
    kind: RequestType,
    payload: Payload,
    *,
    lane: str,
    position: int,
    priority: Priority,
    now: datetime,
) -> RequestRow:
    return {
        "_id": request_id(key),
        "idempotency_key": key,
        "type": kind.value,
        "mode": Mode.FIFO.value,
        "priority": priority.value,
        "lane": lane,
        "position": position,
        "line": ordering.line(lane, priority),
        "turn": position * TURNS_PER_EVENT,
        "waiting_since": now,
        "payload": payload,
        "status": PENDING,
        "attempts": 0,
        "available_at": now,
        "claimed_by": "",
        "lease_until": None,
        "errors": [],
        "created_at": now,
        "tipped_at": None,
        "claimed_at": None,
        "finished_at": None,
    }


# --- claiming ------------------------------------------------------------------------------------


def advance(
    request_ids: Iterable[str],
    to: RequestStatus,
    *,
    now: datetime,
    error: str = "",
    cause: str = "",
    session: ClientSession | None = None,
) -> int:
    """Ends requests; how many moved. 0 means that another worker was first, which is a normal
    return."""
    changes: Statement = {"$set": {"status": to.value, "finished_at": now, "lease_until": None}}
    if cause:
        changes["$set"]["cause"] = cause
    if error:
        changes["$push"] = history(error, now)
    froms = [status.value for status in PREDECESSORS[to]]
    guard = {"_id": {"$in": list(request_ids)}, "status": {"$in": froms}}
    return collection(QueueRequest).update_many(guard, changes, session=session).modified_count


def history(error: str, now: datetime) -> Statement:
    return {"errors": {"$each": [{"at": now, "error": error}], "$slice": -MAX_ERRORS_KEPT}}


# --- joining: requests that play as part of another one's run ------------------------------------


# --- counting, no further than a limit -----------------------------------------------------------
