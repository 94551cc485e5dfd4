"""Claims: leases on the next request of each free lane, and on those that play as part of its run;
given back, extended, expired.

"One at a time per performer" is the unique index `request_one_claimed_per_lane`: two workers may
try, one write wins. The head of a lane that waits (`available_at`) holds its lane, so a retry never
lets the next one overtake."""

import re
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from types import MappingProxyType
from typing import NamedTuple

from pymongo import UpdateOne
from pymongo.client_session import ClientSession
from pymongo.errors import BulkWriteError, DuplicateKeyError

from ground import ids
from ground.mongodb import unique
from ground.mongodb.collections import collection
from tips.models import (
    Mode,
    QueueRequest,
)
from tips.queue import ordering
from tips.queue.requests import (
    CLAIMED,
    FAST,
    JOINED,
    MAX_ERRORS_KEPT,
    PENDING,
    REPLAYABLE,
    history,
    request_id,
)
from tips.rows import RequestRow, Statement

BACKOFF_SECONDS = (1.0, 2.0, 4.0)
MAX_ATTEMPTS = 1 + len(BACKOFF_SECONDS)
JITTER = 0.25  # of the pause, on top of it: what was refused together does not come back together
MAX_CLAIMS = 500  # lanes started by one statement
CLAIM, TRIED, JOINS = "request_claim", "request_tried", "request_joined"
ONE_CLAIM_PER_LANE = "request_one_claimed_per_lane"


def fronts(lanes: Iterable[str], *, are_free: bool = False) -> dict[str, list[RequestRow]]:
    """Where something waits in the free ones of these lanes: the heads of the lane's lines, and
    what was tried behind them.

    `are_free`: the caller has just freed them. Should it be wrong about one, the unique index still
    decides."""
    found: dict[str, list[RequestRow]] = {}
    for row in heads(list(lanes) if are_free else free_lanes(lanes)):
        found.setdefault(row["lane"], []).append(row)
    for row in tried(found):
        if row not in found[row["lane"]]:
            found[row["lane"]].append(row)
    return found


def free_lanes(lanes: Iterable[str]) -> list[str]:
    """The lanes of these in which nothing is claimed."""
    lanes = list(lanes)
    busy = {
        row["lane"]
        for row in collection(QueueRequest).find(
            {"status": CLAIMED, "lane": {"$in": lanes}}, {"lane": 1, "_id": 0}
        )
    }
    return [lane for lane in lanes if lane not in busy]


def heads(lanes: Sequence[str]) -> list[RequestRow]:
    """The oldest pending request of each line of each lane: one distinct scan of the claim index,
    whatever the depth."""
    if not lanes:
        return []
    return [
        row["head"]
        for row in collection(QueueRequest).aggregate(
            [
                {"$match": {"status": PENDING, "line": {"$in": ordering.lines(lanes)}}},
                {"$sort": {"status": 1, "line": 1, "turn": 1}},
                {"$group": {"_id": "$line", "head": {"$first": "$$ROOT"}}},
            ]
        )
    ]


def tried(lanes: Iterable[str]) -> list[RequestRow]:
    """What waits in these lanes for its next attempt, wherever it stands. Something that a person
    sent back may stand before it in its line."""
    told = {"$gt": ["$attempts", {"$ifNull": ["$attempts_before", 0]}]}
    wanted = {"status": PENDING, "attempts": {"$gt": 0}, "lane": {"$in": list(lanes)}}
    return list(collection(QueueRequest).find(wanted | {"$expr": told}).hint(TRIED))


def waiting(request_ids: Iterable[str]) -> list[RequestRow]:
    """Those of these that wait."""
    wanted = {"_id": {"$in": list(request_ids)}, "status": PENDING}
    return list(collection(QueueRequest).find(wanted))


def claim(
    waiting: Mapping[str, Sequence[RequestRow]],
    *,
    by: str,
    now: datetime,
    lease_seconds: float,
    limit: int = MAX_CLAIMS,
    modes: Mapping[str, Mode] = MappingProxyType({}),
) -> list[RequestRow]:
    """Claims the next request of every lane of these `fronts`, at most `limit`, longest waiting
    first; `attempts` is already counted. `modes`: where it is not fifo."""
    chosen = [
        (ordering.next_of(heads, modes.get(lane, Mode.FIFO)), modes.get(lane, Mode.FIFO))
        for lane, heads in waiting.items()
    ]
    ready = [row for row, mode in chosen if ordering.is_ready(row, mode, now)]
    ready = sorted(ready, key=ordering.in_order)[:limit]
    if not ready:
        return []
    until = now + timedelta(seconds=lease_seconds)
    holder = _name(by)
    mark = {"status": CLAIMED, "claimed_by": holder, "lease_until": until, "claimed_at": now}
    if _claim_all([row["_id"] for row in ready], mark) != len(
        ready
    ):  # another worker was first somewhere: which are ours?
        mine = {"_id": {"$in": [row["_id"] for row in ready]}, "claimed_by": holder}
        ours = {row["_id"] for row in collection(QueueRequest).find(mine, {"_id": 1})}
        ready = [row for row in ready if row["_id"] in ours]
    for row in ready:
        row["status"], row["claimed_by"], row["attempts"] = CLAIMED, holder, row["attempts"] + 1
        row["lease_until"], row["claimed_at"] = until, now
    return ready


def _claim_all(ids: list[str], mark: Statement) -> int:
    """One statement for all rows: a quarter of the cost of one each. The unique index stops it at a
    lane lost to another worker; the lanes after that are tried one by one. What was claimed and
    given back since we looked is not as we saw it: its `available_at` says so."""
    changes = {"$set": mark, "$inc": {"attempts": 1}}
    claims = collection(QueueRequest, FAST)
    as_seen = {"status": PENDING, "available_at": {"$lte": mark["claimed_at"]}}
    try:
        return claims.update_many(
            {"_id": {"$in": ids}, **as_seen}, changes, hint="_id_"
        ).modified_count
    except DuplicateKeyError:
        singles = [UpdateOne({"_id": row_id, **as_seen}, changes) for row_id in ids]
    try:
        claims.bulk_write(singles, ordered=False)
    except BulkWriteError as error:
        unique.clashes(error)
    return -1  # whatever the count: some were claimed by the first statement, so ask


class GivenBack(NamedTuple):
    """A claim that goes back to its place in the lane, and waits there. `error`: why the attempt
    failed. `limit`: what makes it wait. `claim`: the name of the claim that is meant, so that a
    slow hand does not give back a later one. No attempt is counted where a limit made it wait, or
    `is_attempt` says that none was made; one that `is_spared` has its number, and counts as none of
    those it has."""

    request_id: str
    until: datetime
    error: str = ""
    limit: str = ""
    claim: str = ""
    is_attempt: bool = True
    is_spared: bool = False


def untouched(row: RequestRow) -> GivenBack:
    """As if it had not been claimed."""
    return GivenBack(row["_id"], row["available_at"], claim=row["claimed_by"], is_attempt=False)


def release(
    request_id: str, *, now: datetime, delay_seconds: float, error: str, claim: str = ""
) -> int:
    """Gives a claim back to its place in the lane, not before the delay is over."""
    until = now + timedelta(seconds=delay_seconds)
    return give_back([GivenBack(request_id, until, error=error, claim=claim)], now=now)


def give_back(
    given: Sequence[GivenBack], *, now: datetime, session: ClientSession | None = None
) -> int:
    if not given:
        return 0
    updates = [_back(one, now) for one in given]
    done = collection(QueueRequest).bulk_write(updates, ordered=False, session=session)
    return done.modified_count


def _back(one: GivenBack, now: datetime) -> UpdateOne:
    back = {"status": PENDING, "claimed_by": "", "lease_until": None, "available_at": one.until}
    changes: Statement = {"$set": back}
    if one.limit:
        back["delayed_by"] = one.limit
    if one.limit or not one.is_attempt:
        changes["$inc"] = {"attempts": -1}
    elif one.is_spared:
        changes["$inc"] = {"attempts_before": 1}
    if one.error:
        changes["$push"] = history(one.error, now)
    held: Statement = {"_id": one.request_id, "status": {"$in": [CLAIMED, JOINED]}}
    if one.claim:
        held["claimed_by"] = one.claim
    return UpdateOne(held, changes)


def send_back(
    request_id: str,
    *,
    now: datetime,
    by: str = "",
    seen: datetime | None = None,
    reviewed_at: datetime | None = None,
    session: ClientSession | None = None,
) -> int:
    """A person puts a dead letter back into its place, with all its attempts before it; 1 is ours,
    0 was another's.

    `seen`: when it died, as that person saw it, and `reviewed_at` the last word about it. One that
    was settled in another way meanwhile does not go back."""
    line = {"at": now, "error": f"sent back into the queue by {by}"}
    back = {
        "status": PENDING,
        "claimed_by": "",
        "lease_until": None,
        "available_at": now,
        "finished_at": None,
        "leader": None,
    }
    counted = {
        "replays": {"$add": [{"$ifNull": ["$replays", 0]}, 1]},
        "attempts_before": "$attempts",
        "errors": {"$slice": [{"$concatArrays": ["$errors", [line]]}, -MAX_ERRORS_KEPT]},
    }
    as_seen = {"finished_at": seen, "review.at": reviewed_at} if seen else {}
    dead: Statement = {"_id": request_id, **REPLAYABLE} | as_seen
    changes = {"$set": back | counted | {"cause": None, "review": None}}
    return collection(QueueRequest).update_one(dead, [changes], session=session).modified_count


def tries(row: RequestRow) -> int:
    """The attempts since it was submitted, or since a person sent it back into the queue."""
    return int(row["attempts"]) - int(row.get("attempts_before") or 0)


def pause_before_retry(row: RequestRow) -> float | None:
    """Seconds until the next attempt; None when there is none: it is a dead letter. The jitter is
    the request's own."""
    tried = tries(row)
    jitter = JITTER * int(row["_id"][:4], 16) / 0xFFFF
    return BACKOFF_SECONDS[tried - 1] * (1 + jitter) if tried < MAX_ATTEMPTS else None


def extend(request_id: str, *, until: datetime) -> bool:
    """Whether it is claimed."""
    held = {"_id": request_id, "status": CLAIMED}
    changes = {"$set": {"lease_until": until}}
    return bool(collection(QueueRequest, FAST).update_one(held, changes).matched_count)


def retake(request_id: str, *, by: str, now: datetime, until: datetime) -> bool:
    """What waits for its next attempt turns out to be under way: it has its lane again, unless the
    lane has gone on. No attempt is counted, since none is made."""
    mark = {
        "status": CLAIMED,
        "claimed_by": _name(by),
        "claimed_at": now,
        "lease_until": until,
        "available_at": now,
    }
    waits = {"_id": request_id, "status": PENDING, "attempts": {"$gt": 0}}
    try:
        return bool(collection(QueueRequest).update_one(waits, {"$set": mark}).modified_count)
    except DuplicateKeyError:
        return False


def _name(by: str) -> str:
    """No two claims have the same."""
    return f"{by}/{ids.short()}"


def claimed(lane: str, *, session: ClientSession | None = None) -> RequestRow | None:
    """The one claimed request of the lane."""
    return collection(QueueRequest).find_one({"status": CLAIMED, "lane": lane}, session=session)


def count_claimed() -> int:
    return collection(QueueRequest).count_documents({"status": CLAIMED}, hint=ONE_CLAIM_PER_LANE)


def expired(*, now: datetime, limit: int) -> list[RequestRow]:
    """Claims whose lease ran out. There are at most as many claims as performers online, so they
    are read by lane."""
    found = collection(QueueRequest).find({"status": CLAIMED, "lease_until": {"$lte": now}})
    return list(found.hint(ONE_CLAIM_PER_LANE).limit(limit))


def expire_claims_of(slot: str, *, now: datetime) -> int:
    """A restarted worker ends its predecessor's leases, so that what was in its hands is looked at
    now, not in ten seconds."""
    held = {"status": CLAIMED, "claimed_by": {"$regex": f"^{re.escape(slot)}/"}}
    changes = {"$set": {"lease_until": now}}
    return (
        collection(QueueRequest).update_many(held, changes, hint=ONE_CLAIM_PER_LANE).modified_count
    )


def join(leader: RequestRow, requests: Sequence[RequestRow]) -> list[RequestRow]:
    """Takes waiting requests of the leader's lane into its run, in their order; those that were
    ours to take."""
    ids = [row["_id"] for row in requests]
    mark = {
        "status": JOINED,
        "leader": leader["idempotency_key"],
        "claimed_by": leader["claimed_by"],
        "claimed_at": leader["claimed_at"],
    }
    changes = {"$set": mark, "$inc": {"attempts": 1}}
    if collection(QueueRequest, FAST).update_many(
        {"_id": {"$in": ids}, "status": PENDING}, changes
    ).modified_count != len(ids):
        taken = {row["_id"] for row in joined_to([leader["idempotency_key"]])}
        requests = [row for row in requests if row["_id"] in taken]
    return [as_joined(leader, row) for row in requests]


def as_joined(leader: RequestRow, request: RequestRow) -> RequestRow:
    """This waiting request as it will be in the leader's run."""
    joined = request.copy()
    joined["status"], joined["leader"] = JOINED, leader["idempotency_key"]
    joined["claimed_by"], joined["claimed_at"] = leader["claimed_by"], leader["claimed_at"]
    joined["attempts"] += 1
    return joined


def joined_to(leaders: Iterable[str]) -> list[RequestRow]:
    """The requests that are part of the runs of these leaders (idempotency keys), in their
    order."""
    found = collection(QueueRequest).find({"status": JOINED, "leader": {"$in": list(leaders)}})
    return sorted(found, key=ordering.in_order)


def of_keys(idempotency_keys: Iterable[str]) -> list[RequestRow]:
    return list(
        collection(QueueRequest).find(
            {"_id": {"$in": [request_id(key) for key in idempotency_keys]}}
        )
    )


def joined(*, limit: int) -> list[RequestRow]:
    """All of them: there are few, so the sweep asks which have lost their leader."""
    return list(
        collection(QueueRequest)
        .find({"status": JOINED, "leader": {"$gt": ""}})
        .hint(JOINS)
        .limit(limit)
    )
