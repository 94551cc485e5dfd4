"""The performance queue: one durable row per request, one claimed request per lane; `tips/turns.py` says which is next.

A claim is a lease. "One at a time per performer" is the unique index `request_one_claimed_per_lane`: two workers may try,
one write wins. The head of a lane that waits (`available_at`) holds its lane, so a retry never lets the next one overtake.
"""

import re
import uuid
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from types import MappingProxyType
from typing import Any

from pymongo import UpdateOne
from pymongo.client_session import ClientSession
from pymongo.errors import BulkWriteError, DuplicateKeyError
from pymongo.write_concern import WriteConcern

from ledger.database import collection
from tips import turns
from tips.models import ArchivedQueueRequest, Mode, Priority, QueueRequest, RequestStatus, RequestType

Row = dict[str, Any]

PENDING, CLAIMED, JOINED = RequestStatus.PENDING.value, RequestStatus.CLAIMED.value, RequestStatus.JOINED.value
BACKOFF_SECONDS = (1.0, 2.0, 4.0)
MAX_ATTEMPTS = 1 + len(BACKOFF_SECONDS)
JITTER = 0.25  # of the pause, on top of it: what was refused together does not come back together
TURNS_PER_EVENT = 1_000_000  # places between one settled tip and the next, for what people submit
MAX_ERRORS_KEPT = 20
MAX_CLAIMS = 500  # lanes started by one statement
DUPLICATE_KEY = 11000
CLAIM, JOINS, ONE_CLAIM_PER_LANE = "request_claim", "request_joined", "request_one_claimed_per_lane"
FINISHED, GONE_WRONG, UNREVIEWED, BY_PEOPLE = "request_finished", "request_gone_wrong", "request_unreviewed", "request_by_people"
_NAMESPACE = uuid.UUID("6f1c2a52-5a0e-5d0b-9a63-3d1f0f6f2f10")

# To which status a request may move, and from where. `docs/states.md` shows the same table.
_UNDER_WAY = frozenset({RequestStatus.CLAIMED, RequestStatus.JOINED, RequestStatus.PENDING})
PREDECESSORS: dict[RequestStatus, frozenset[RequestStatus]] = {
    RequestStatus.PENDING: frozenset({RequestStatus.CLAIMED, RequestStatus.JOINED, RequestStatus.DEAD}),
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
REPLAYABLE = {"status": RequestStatus.DEAD.value, "review.resolution": {"$nin": sorted(SETTLED_OTHERWISE)}}
# A claim needs no majority of its own: the activation written after it has one, and the journal is ordered.
_FAST = WriteConcern(1)


def request_id(idempotency_key: str) -> str:
    """Derived, never random: submitting twice names the same row."""
    return str(uuid.uuid5(_NAMESPACE, idempotency_key))


def find(key: str, *fields: str) -> Row | None:
    """The request, whether it is in the queue or long finished and archived. (The copy is made before the original goes.)"""
    wanted = dict.fromkeys(fields, 1) or None
    found = collection(QueueRequest).find_one({"_id": key}, wanted)
    return found or collection(ArchivedQueueRequest).find_one({"_id": key}, wanted)


def submit_tips(events: Sequence[Mapping[str, Any]], *, now: datetime, session: ClientSession) -> None:
    """One PENDING request per event of the log (fifo, priority 10), in the transaction that logs the event."""
    collection(QueueRequest).insert_many([of_event(event, now) for event in events], session=session)


def of_event(event: Mapping[str, Any], now: datetime) -> Row:
    """The request that an event of the log asks for."""
    place = {"lane": event["payload"]["performerId"], "position": event["sequence"], "priority": Priority.HIGH}
    return new_row(event["_id"], RequestType.TIP, event["payload"], now=now, **place)


def new_row(key: str, kind: RequestType, payload: Any, *, lane: str, position: int, priority: Priority, now: datetime) -> Row:
    return {
        "_id": request_id(key),
        "idempotency_key": key,
        "type": kind.value,
        "mode": Mode.FIFO.value,
        "priority": priority.value,
        "lane": lane,
        "position": position,
        "line": turns.line(lane, priority),
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
        "claimed_at": None,
        "finished_at": None,
    }


# --- claiming ------------------------------------------------------------------------------------------------------------


def fronts(lanes: Iterable[str], *, are_free: bool = False) -> dict[str, list[Row]]:
    """Where something waits in the free ones of these lanes: the heads of the lane's lines.

    `are_free`: the caller has just freed them. Should it be wrong about one, the unique index still decides.
    """
    found: dict[str, list[Row]] = {}
    for row in heads(list(lanes) if are_free else free_lanes(lanes)):
        found.setdefault(row["lane"], []).append(row)
    return found


def free_lanes(lanes: Iterable[str]) -> list[str]:
    """The lanes of these in which nothing is claimed."""
    lanes = list(lanes)
    busy = {
        row["lane"] for row in collection(QueueRequest).find({"status": CLAIMED, "lane": {"$in": lanes}}, {"lane": 1, "_id": 0})
    }
    return [lane for lane in lanes if lane not in busy]


def heads(lanes: Sequence[str]) -> list[Row]:
    """The oldest pending request of each line of each lane: one distinct scan of the claim index, whatever the depth."""
    if not lanes:
        return []
    return [
        row["head"]
        for row in collection(QueueRequest).aggregate(
            [
                {"$match": {"status": PENDING, "line": {"$in": turns.lines(lanes)}}},
                {"$sort": {"status": 1, "line": 1, "turn": 1}},
                {"$group": {"_id": "$line", "head": {"$first": "$$ROOT"}}},
            ]
        )
    ]


def claim(
    waiting: Mapping[str, Sequence[Row]],
    *,
    by: str,
    now: datetime,
    lease_seconds: float,
    limit: int = MAX_CLAIMS,
    modes: Mapping[str, Mode] = MappingProxyType({}),
) -> list[Row]:
    """Claims the next request of every lane of these `fronts`, at most `limit`, longest waiting first; `attempts` is already
    counted. `modes`: where it is not fifo."""
    chosen = [(turns.next_of(heads, modes.get(lane, Mode.FIFO)), modes.get(lane, Mode.FIFO)) for lane, heads in waiting.items()]
    ready = [row for row, mode in chosen if turns.is_ready(row, mode, now)]
    ready = sorted(ready, key=turns.in_order)[:limit]
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
    worker; the lanes after that are tried one by one. What was claimed and given back since we looked is not as we saw it:
    its `available_at` says so."""
    changes = {"$set": mark, "$inc": {"attempts": 1}}
    claims = collection(QueueRequest, _FAST)
    as_seen = {"status": PENDING, "available_at": {"$lte": mark["claimed_at"]}}
    try:
        return claims.update_many({"_id": {"$in": ids}, **as_seen}, changes, hint="_id_").modified_count
    except DuplicateKeyError:
        singles = [UpdateOne({"_id": row_id, **as_seen}, changes) for row_id in ids]
    try:
        claims.bulk_write(singles, ordered=False)
    except BulkWriteError as error:
        if any(failure["code"] != DUPLICATE_KEY for failure in error.details["writeErrors"]):
            raise
    return -1  # whatever the count: some were claimed by the first statement, so ask


def advance(
    request_ids: Iterable[str],
    to: RequestStatus,
    *,
    now: datetime,
    error: str = "",
    cause: str = "",
    session: ClientSession | None = None,
) -> int:
    """Ends requests; how many moved. 0 means that another worker was first, which is a normal return."""
    changes: dict[str, Any] = {"$set": {"status": to.value, "finished_at": now, "lease_until": None}}
    if cause:
        changes["$set"]["cause"] = cause
    if error:
        changes["$push"] = _history(error, now)
    froms = [status.value for status in PREDECESSORS[to]]
    guard = {"_id": {"$in": list(request_ids)}, "status": {"$in": froms}}
    return collection(QueueRequest).update_many(guard, changes, session=session).modified_count


def _history(error: str, now: datetime) -> dict[str, Any]:
    return {"errors": {"$each": [{"at": now, "error": error}], "$slice": -MAX_ERRORS_KEPT}}


def release(request_id: str, *, now: datetime, delay_seconds: float, error: str) -> int:
    """Gives a claim back to its place in the lane, not before the delay is over."""
    return _give_back(request_id, now + timedelta(seconds=delay_seconds), {"$push": _history(error, now)})


def delay(request_id: str, *, until: datetime, by: str) -> int:
    """Gives a claim back because a limit says so: no attempt was made, so none is counted."""
    return _give_back(request_id, until, {"$inc": {"attempts": -1}}, delayed_by=by)


def _give_back(request_id: str, at: datetime, changes: dict[str, Any], **more: Any) -> int:
    back = {"status": PENDING, "claimed_by": "", "lease_until": None, "available_at": at, **more}
    return (
        collection(QueueRequest)
        .update_one({"_id": request_id, "status": {"$in": [CLAIMED, JOINED]}}, changes | {"$set": back})
        .modified_count
    )


def send_back(
    request_id: str, *, now: datetime, by: str = "", seen: datetime | None = None, session: ClientSession | None = None
) -> int:
    """A person puts a dead letter back into its place, with all its attempts before it; 1 is ours, 0 was another's.

    `seen`: when it died, as that person saw it. One that was settled in another way meanwhile does not go back.
    """
    line = {"at": now, "error": f"sent back into the queue by {by}"}
    back = {"status": PENDING, "claimed_by": "", "lease_until": None, "available_at": now, "finished_at": None, "leader": None}
    counted = {
        "replays": {"$add": [{"$ifNull": ["$replays", 0]}, 1]},
        "attempts_before": "$attempts",
        "errors": {"$slice": [{"$concatArrays": ["$errors", [line]]}, -MAX_ERRORS_KEPT]},
    }
    dead: dict[str, Any] = {"_id": request_id, **REPLAYABLE} | ({"finished_at": seen} if seen else {})
    changes = {"$set": back | counted | {"cause": None, "review": None}}
    return collection(QueueRequest).update_one(dead, [changes], session=session).modified_count


def tries(row: Row) -> int:
    """The attempts since it was submitted, or since a person sent it back into the queue."""
    return int(row["attempts"]) - int(row.get("attempts_before") or 0)


def pause_before_retry(row: Row) -> float | None:
    """Seconds until the next attempt; None when there is none: it is a dead letter. The jitter is the request's own."""
    tried = tries(row)
    jitter = JITTER * int(row["_id"][:4], 16) / 0xFFFF
    return BACKOFF_SECONDS[tried - 1] * (1 + jitter) if tried < MAX_ATTEMPTS else None


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


def claimed(lane: str) -> Row | None:
    """The one claimed request of the lane."""
    return collection(QueueRequest).find_one({"status": CLAIMED, "lane": lane})


def count_claimed() -> int:
    return collection(QueueRequest).count_documents({"status": CLAIMED}, hint=ONE_CLAIM_PER_LANE)


def expired(*, now: datetime, limit: int) -> list[Row]:
    """Claims whose lease ran out. There are at most as many claims as performers online, so they are read by lane."""
    found = collection(QueueRequest).find({"status": CLAIMED, "lease_until": {"$lte": now}})
    return list(found.hint(ONE_CLAIM_PER_LANE).limit(limit))


def waiting_lanes() -> set[str]:
    """The lanes in which something is pending, whatever their depth."""
    found = collection(QueueRequest).aggregate(
        [
            {"$match": {"status": PENDING}},
            {"$sort": {"status": 1, "line": 1, "turn": 1}},
            {"$group": {"_id": "$line", "first": {"$first": "$_id"}}},
        ]
    )
    return {turns.lane_of(row["_id"]) for row in found}


def waiting_in(lane: str, *, limit: int, before: datetime | None = None) -> list[Row]:
    """The lane's pending requests in the order of their turns; or those only that have been ready since before a moment."""
    wanted: dict[str, Any] = {"status": PENDING, "line": {"$in": turns.lines([lane])}}
    if before is not None:
        wanted["available_at"] = {"$lte": before}
    return list(collection(QueueRequest).find(wanted).sort("turn", 1).limit(limit))


def first_of_lines(lane: str, *, limit: int) -> list[Row]:
    """The first waiting requests of each line of a lane: whatever its mode, its next `limit` requests are among them."""
    pipelines: list[list[dict[str, Any]]] = [
        [{"$match": {"status": PENDING, "line": name}}, {"$sort": {"turn": 1}}, {"$limit": limit}] for name in turns.lines([lane])
    ]
    table = QueueRequest._meta.db_table
    union = [{"$unionWith": {"coll": table, "pipeline": pipeline}} for pipeline in pipelines[1:]]
    return list(collection(QueueRequest).aggregate(pipelines[0] + union))


def count_before(request: Row, mode: Mode, *, limit: int) -> int:
    """How many requests of its lane will have their turn before this one; counted no further than `limit`."""
    names = turns.lines([request["lane"]])
    if mode is not Mode.PRIORITY:
        before: dict[str, Any] = {"status": PENDING, "line": {"$in": names}, "turn": {"$lt": request["turn"]}}
    else:
        others: list[dict[str, Any]] = [
            {"status": PENDING, "line": name, "waiting_since": {"$lt": turns.overtakes_until(request, name)}}
            for name in names
            if name != request["line"]
        ]
        before = {"$or": [{"status": PENDING, "line": request["line"], "turn": {"$lt": request["turn"]}}, *others]}
    return collection(QueueRequest).count_documents(before, limit=limit)


def expire_claims_of(slot: str, *, now: datetime) -> int:
    """A restarted worker ends its predecessor's leases, so that what was in its hands is looked at now, not in ten seconds."""
    held = {"status": CLAIMED, "claimed_by": {"$regex": f"^{re.escape(slot)}/"}}
    changes = {"$set": {"lease_until": now}}
    return collection(QueueRequest).update_many(held, changes, hint=ONE_CLAIM_PER_LANE).modified_count


# --- joining: requests that play as part of another one's run -------------------------------------------------------------


def join(leader: Row, requests: Sequence[Row], *, now: datetime) -> list[Row]:
    """Takes waiting requests of the leader's lane into its run, in their order; those that were ours to take."""
    mark = {"status": JOINED, "leader": leader["idempotency_key"], "claimed_by": leader["claimed_by"], "claimed_at": now}
    ids = [row["_id"] for row in requests]
    changes = {"$set": mark, "$inc": {"attempts": 1}}
    if collection(QueueRequest, _FAST).update_many({"_id": {"$in": ids}, "status": PENDING}, changes).modified_count != len(ids):
        taken = {row["_id"] for row in joined_to([leader["idempotency_key"]])}
        requests = [row for row in requests if row["_id"] in taken]
    for row in requests:
        row.update(mark, attempts=row["attempts"] + 1)
    return list(requests)


def joined_to(leaders: Iterable[str]) -> list[Row]:
    """The requests that are part of the runs of these leaders (idempotency keys), in their order."""
    found = collection(QueueRequest).find({"status": JOINED, "leader": {"$in": list(leaders)}})
    return sorted(found, key=turns.in_order)


def of_keys(idempotency_keys: Iterable[str]) -> list[Row]:
    return list(collection(QueueRequest).find({"_id": {"$in": [request_id(key) for key in idempotency_keys]}}))


def joined(*, limit: int) -> list[Row]:
    """All of them: there are few, so the sweep asks which have lost their leader."""
    return list(collection(QueueRequest).find({"status": JOINED, "leader": {"$gt": ""}}).hint(JOINS).limit(limit))


# --- counting, no further than a limit --------------------------------------------------------------------------------------


def depth(*, limit: int) -> int:
    """How many requests wait in the deployment, counted no further than the limit: keys of one index, no documents."""
    return collection(QueueRequest).count_documents({"status": PENDING}, hint=CLAIM, limit=limit)


def depth_of(lane: str, *, limit: int) -> int:
    """How many requests wait in this lane, counted no further than the limit."""
    wanted = {"status": PENDING, "line": {"$in": turns.lines([lane])}}
    return collection(QueueRequest).count_documents(wanted, hint=CLAIM, limit=limit)


def running(*, limit: int) -> int:
    """How many lanes have something claimed."""
    return collection(QueueRequest).count_documents({"status": CLAIMED}, hint=ONE_CLAIM_PER_LANE, limit=limit)


def backlog(*, limit: int) -> tuple[int, datetime | None]:
    """How many wait, and since when the oldest of the heads of their lines has: whatever the depth, one look per line."""
    found = collection(QueueRequest).aggregate(
        [
            {"$match": {"status": PENDING}},
            {"$sort": {"status": 1, "line": 1, "turn": 1}},
            {"$group": {"_id": "$line", "since": {"$first": "$created_at"}}},
            {"$group": {"_id": None, "since": {"$min": "$since"}}},
        ]
    )
    return depth(limit=limit), next((row["since"] for row in found), None)


def overdue(*, now: datetime, limit: int) -> tuple[int, datetime | None]:
    """Claims whose lease has run out and that nobody has looked at, and when the first of them did."""
    leases = [row["lease_until"] for row in expired(now=now, limit=limit)]
    return len(leases), min(leases, default=None)


def gone_wrong(*, since: datetime, limit: int) -> int:
    """Requests that failed or died since then."""
    status = {"$in": [RequestStatus.FAILED.value, RequestStatus.DEAD.value]}
    wanted = {"status": status, "finished_at": {"$gt": since}}
    return collection(QueueRequest).count_documents(wanted, hint=GONE_WRONG, limit=limit)


def unreviewed(*, limit: int) -> int:
    """Dead letters about which nobody has decided."""
    wanted = {"status": RequestStatus.DEAD.value, "review": None}
    return collection(QueueRequest).count_documents(wanted, hint=UNREVIEWED, limit=limit)


def by_people(*, since: datetime) -> int:
    """Tests and manual ones since then."""
    wanted = {"type": {"$in": [RequestType.TEST.value, RequestType.MANUAL.value]}, "created_at": {"$gt": since}}
    return collection(QueueRequest).count_documents(wanted, hint=BY_PEOPLE)
