"""The performance queue: one durable row per request, one claimed request per lane, oldest settled first.

A claim is a lease. "One at a time per performer" is the unique index `request_one_claimed_per_lane`: two workers may try,
one write wins. The head of a lane that waits (`available_at`) holds its lane, so a retry never lets the next one overtake.
"""

import re
import uuid
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from operator import itemgetter
from typing import Any

from pymongo import UpdateOne
from pymongo.client_session import ClientSession
from pymongo.errors import BulkWriteError, DuplicateKeyError
from pymongo.write_concern import WriteConcern

from ledger.database import collection
from tips import eventlog
from tips.models import ArchivedQueueRequest, QueueRequest, RequestStatus

PENDING, CLAIMED = RequestStatus.PENDING.value, RequestStatus.CLAIMED.value
HIGH = 10
MAX_ATTEMPTS = 3
BACKOFF_SECONDS = (1.0, 2.0, 4.0)
MAX_ERRORS_KEPT = 20
MAX_CLAIMS = 500  # lanes started by one statement
DUPLICATE_KEY = 11000
CLAIM, ONE_CLAIM_PER_LANE = "request_claim", "request_one_claimed_per_lane"
_NAMESPACE = uuid.UUID("6f1c2a52-5a0e-5d0b-9a63-3d1f0f6f2f10")

# To which status a request may move, and from where. `docs/states.md` shows the same table.
PREDECESSORS: dict[RequestStatus, frozenset[RequestStatus]] = {
    RequestStatus.PENDING: frozenset({RequestStatus.CLAIMED}),
    RequestStatus.CLAIMED: frozenset({RequestStatus.PENDING}),
    RequestStatus.COMPLETED: frozenset({RequestStatus.CLAIMED, RequestStatus.PENDING, RequestStatus.FAILED, RequestStatus.DEAD}),
    RequestStatus.FAILED: frozenset({RequestStatus.CLAIMED, RequestStatus.PENDING}),
    RequestStatus.CANCELLED: frozenset({RequestStatus.PENDING}),
    RequestStatus.DEAD: frozenset({RequestStatus.CLAIMED, RequestStatus.PENDING}),
}
FINAL = frozenset({RequestStatus.COMPLETED, RequestStatus.CANCELLED})
# A claim needs no majority of its own: the activation written after it has one, and the journal is ordered.
_FAST = WriteConcern(1)


def request_id(idempotency_key: str) -> str:
    """Derived, never random: submitting twice names the same row."""
    return str(uuid.uuid5(_NAMESPACE, idempotency_key))


def find(key: str, *fields: str) -> dict[str, Any] | None:
    """The request, whether it is in the queue or long finished and archived. (The copy is made before the original goes.)"""
    wanted = dict.fromkeys(fields, 1) or None
    found = collection(QueueRequest).find_one({"_id": key}, wanted)
    return found or collection(ArchivedQueueRequest).find_one({"_id": key}, wanted)


def submit_tips(events: Sequence[Mapping[str, Any]], *, now: datetime, session: ClientSession) -> None:
    """One PENDING request per event of the log (fifo, priority 10), in the transaction that logs the event."""
    rows = [
        {
            "_id": request_id(event["_id"]),
            "idempotency_key": event["_id"],
            "type": "TipActivated",
            "mode": "fifo",
            "priority": HIGH,
            "lane": event["payload"]["performerId"],
            "position": event["sequence"],
            "payload": event["payload"],
            "status": PENDING,
            "attempts": 0,
            "available_at": now,
            "claimed_by": "",
            "lease_until": None,
            "errors": [],
            "created_at": now,
            "claimed_at": None,
            "finished_at": None,
        }
        for event in events
    ]
    collection(QueueRequest).insert_many(rows, session=session)


def ensure(
    tip_ids: Sequence[str], *, over: Callable[[Sequence[str]], Collection[str]], now: datetime, session: ClientSession
) -> list[str]:
    """Gives each of these settled tips the request that it has lost; which ones that were.

    A request that is there, ended or archived, stays as it is. `over` says which tips have their verdict already, whatever became
    of their request: those never come back.
    """
    absent = _absent(tip_ids, session)
    ended = over(absent) if absent else ()
    lost = [tip_id for tip_id in absent if tip_id not in ended]
    if lost:
        rows = eventlog.of(lost)
        submit_tips([rows[tip_id] for tip_id in lost], now=now, session=session)
    return lost


def _absent(tip_ids: Sequence[str], session: ClientSession) -> list[str]:
    """Those without a request. Reads keys only; the archive is asked for what is not in the queue."""
    missing = {request_id(tip_id): tip_id for tip_id in tip_ids}
    for model in (QueueRequest, ArchivedQueueRequest):
        if missing:
            for row in collection(model).find({"_id": {"$in": list(missing)}}, {"_id": 1}, session=session):
                del missing[row["_id"]]
    return list(missing.values())


def free_lanes(lanes: Iterable[str]) -> list[str]:
    """The lanes of these in which nothing is claimed."""
    lanes = list(lanes)
    busy = {
        row["lane"] for row in collection(QueueRequest).find({"status": CLAIMED, "lane": {"$in": lanes}}, {"lane": 1, "_id": 0})
    }
    return [lane for lane in lanes if lane not in busy]


def heads(lanes: Sequence[str]) -> list[dict[str, Any]]:
    """The oldest pending request of each lane: one distinct scan of the claim index, whatever the depth."""
    if not lanes:
        return []
    return [
        row["head"]
        for row in collection(QueueRequest).aggregate(
            [
                {"$match": {"status": PENDING, "lane": {"$in": list(lanes)}}},
                {"$sort": {"status": 1, "lane": 1, "position": 1}},
                {"$group": {"_id": "$lane", "head": {"$first": "$$ROOT"}}},
            ]
        )
    ]


def claim(
    lanes: Iterable[str], *, by: str, now: datetime, lease_seconds: float, limit: int = MAX_CLAIMS, are_free: bool = False
) -> list[dict[str, Any]]:
    """Claims the head of every free lane of these, at most `limit`, longest waiting first; `attempts` is already counted.

    `are_free`: the caller has just freed them. Should it be wrong about one, the unique index still decides.
    """
    waiting = heads(list(lanes) if are_free else free_lanes(lanes))
    ready = sorted((row for row in waiting if row["available_at"] <= now), key=itemgetter("position"))[:limit]
    if not ready:
        return []
    until = now + timedelta(seconds=lease_seconds)
    mark = {"status": CLAIMED, "claimed_by": f"{by}/{uuid.uuid4().hex[:12]}", "lease_until": until, "claimed_at": now}
    if _claim_all([row["_id"] for row in ready], mark) != len(ready):  # another worker was first somewhere: which are ours?
        mine = {"_id": {"$in": [row["_id"] for row in ready]}, "claimed_by": mark["claimed_by"]}
        ours = {row["_id"] for row in collection(QueueRequest).find(mine, {"_id": 1})}
        ready = [row for row in ready if row["_id"] in ours]
    for row in ready:
        row.update(mark, attempts=row["attempts"] + 1)
    return ready


def _claim_all(ids: list[str], mark: dict[str, Any]) -> int:
    """One statement for all rows: a quarter of the cost of one each. The unique index stops it at a lane lost to another
    worker; the lanes after that are tried one by one."""
    changes = {"$set": mark, "$inc": {"attempts": 1}}
    claims = collection(QueueRequest, _FAST)
    try:
        return claims.update_many({"_id": {"$in": ids}, "status": PENDING}, changes, hint="_id_").modified_count
    except DuplicateKeyError:
        singles = [UpdateOne({"_id": row_id, "status": PENDING}, changes) for row_id in ids]
    try:
        claims.bulk_write(singles, ordered=False)
    except BulkWriteError as error:
        if any(failure["code"] != DUPLICATE_KEY for failure in error.details["writeErrors"]):
            raise
    return -1  # whatever the count: some were claimed by the first statement, so ask


def advance(request_ids: Iterable[str], to: RequestStatus, *, now: datetime, error: str = "") -> int:
    """Ends requests; how many moved. 0 means that another worker was first, which is a normal return."""
    changes: dict[str, Any] = {"$set": {"status": to.value, "finished_at": now, "lease_until": None}}
    if error:
        changes["$push"] = {"errors": {"$each": [{"at": now, "error": error}], "$slice": -MAX_ERRORS_KEPT}}
    froms = [status.value for status in PREDECESSORS[to]]
    result = collection(QueueRequest).update_many({"_id": {"$in": list(request_ids)}, "status": {"$in": froms}}, changes)
    return result.modified_count


def release(request_id: str, *, now: datetime, delay_seconds: float, error: str) -> int:
    """Gives a claim back to the head of its lane, not before the delay is over."""
    changes = {
        "$set": {
            "status": PENDING,
            "claimed_by": "",
            "lease_until": None,
            "available_at": now + timedelta(seconds=delay_seconds),
        },
        "$push": {"errors": {"$each": [{"at": now, "error": error}], "$slice": -MAX_ERRORS_KEPT}},
    }
    return collection(QueueRequest).update_one({"_id": request_id, "status": CLAIMED}, changes).modified_count


def extend(request_id: str, *, until: datetime) -> None:
    collection(QueueRequest, _FAST).update_one({"_id": request_id, "status": CLAIMED}, {"$set": {"lease_until": until}})


def standing(idempotency_keys: Iterable[str]) -> dict[str, dict[str, Any]]:
    """Where these requests stand, by idempotency key: status, when it ended, and the last error. Archived ones too."""
    fields = {"status": 1, "finished_at": 1, "errors": {"$slice": -1}, "idempotency_key": 1}
    missing = {request_id(key) for key in idempotency_keys}
    found: dict[str, dict[str, Any]] = {}
    for model in (QueueRequest, ArchivedQueueRequest):
        rows = list(collection(model).find({"_id": {"$in": list(missing)}}, fields)) if missing else []
        missing -= {row["_id"] for row in rows}
        found |= {row["idempotency_key"]: row for row in rows}
    return found


def claimed(lane: str) -> dict[str, Any] | None:
    """The one claimed request of the lane."""
    return collection(QueueRequest).find_one({"status": CLAIMED, "lane": lane})


def expired(*, now: datetime, limit: int) -> list[dict[str, Any]]:
    """Claims whose lease ran out. There are at most as many claims as performers online, so they are read by lane."""
    found = collection(QueueRequest).find({"status": CLAIMED, "lease_until": {"$lte": now}})
    return list(found.hint(ONE_CLAIM_PER_LANE).limit(limit))


def waiting_lanes() -> set[str]:
    """The lanes in which something is pending, whatever their depth."""
    lanes = collection(QueueRequest).aggregate(
        [
            {"$match": {"status": PENDING}},
            {"$sort": {"status": 1, "lane": 1, "position": 1}},
            {"$group": {"_id": "$lane", "first": {"$first": "$_id"}}},
        ]
    )
    return {row["_id"] for row in lanes}


def waiting_since(lane: str, *, before: datetime, limit: int) -> list[dict[str, Any]]:
    """The lane's pending requests that have been ready since before that moment, the oldest first."""
    found = collection(QueueRequest).find({"status": PENDING, "lane": lane, "available_at": {"$lte": before}})
    return list(found.sort("position", 1).limit(limit))


def expire_claims_of(slot: str, *, now: datetime) -> int:
    """A restarted worker ends its predecessor's leases, so that what was in its hands is looked at now, not in ten seconds."""
    held = {"status": CLAIMED, "claimed_by": {"$regex": f"^{re.escape(slot)}/"}}
    changes = {"$set": {"lease_until": now}}
    return collection(QueueRequest).update_many(held, changes, hint=ONE_CLAIM_PER_LANE).modified_count
