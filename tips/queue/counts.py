"""What waits, how long and how much: reads only, each bounded, each by an index."""

from collections.abc import Iterable
from datetime import datetime

from ground.mongodb.collections import collection
from tips.models import (
    ArchivedQueueRequest,
    Mode,
    QueueRequest,
    RequestStatus,
    RequestType,
)
from tips.queue import ordering
from tips.queue.claims import CLAIM, ONE_CLAIM_PER_LANE, expired
from tips.queue.requests import CLAIMED, PENDING, request_id
from tips.rows import RequestRow, Statement

FINISHED, GONE_WRONG, UNREVIEWED, BY_PEOPLE = (
    "request_finished",
    "request_gone_wrong",
    "request_unreviewed",
    "request_by_people",
)


def standing(idempotency_keys: Iterable[str]) -> dict[str, RequestRow]:
    """Where these requests stand, by idempotency key: status, when it ended, and the last error.
    Archived ones too."""
    fields = {"status": 1, "finished_at": 1, "errors": {"$slice": -1}, "idempotency_key": 1}
    missing = {request_id(key) for key in idempotency_keys}
    found: dict[str, RequestRow] = {}
    for model in (QueueRequest, ArchivedQueueRequest):
        rows = (
            list(collection(model).find({"_id": {"$in": list(missing)}}, fields)) if missing else []
        )
        missing -= {row["_id"] for row in rows}
        found |= {row["idempotency_key"]: row for row in rows}
    return found


def waiting_lanes() -> set[str]:
    """The lanes in which something is pending, whatever their depth."""
    found = collection(QueueRequest).aggregate(
        [
            {"$match": {"status": PENDING}},
            {"$sort": {"status": 1, "line": 1, "turn": 1}},
            {"$group": {"_id": "$line", "first": {"$first": "$_id"}}},
        ]
    )
    return {ordering.lane_of(row["_id"]) for row in found}


def waiting_in(lane: str, *, limit: int, before: datetime | None = None) -> list[RequestRow]:
    """The lane's pending requests in the order of their turns; or those only that have been ready
    since before a moment."""
    wanted: Statement = {"status": PENDING, "line": {"$in": ordering.lines([lane])}}
    if before is not None:
        wanted["available_at"] = {"$lte": before}
    return list(collection(QueueRequest).find(wanted).sort("turn", 1).limit(limit))


def has_older(lane: str, before: datetime) -> bool:
    """Something that came before then is still to be decided in this lane, or is being."""
    older = {"created_at": {"$lt": before}}
    waits = {"status": PENDING, "line": {"$in": ordering.lines([lane])}}
    claimed = {"status": CLAIMED, "lane": lane}
    asked = (
        collection(QueueRequest).find_one(each | older, {"_id": 1}) for each in (waits, claimed)
    )
    return any(row is not None for row in asked)


def first_of_lines(lane: str, *, limit: int) -> list[RequestRow]:
    """The first waiting requests of each line of a lane: whatever its mode, its next `limit`
    requests are among them."""
    pipelines: list[list[Statement]] = [
        [{"$match": {"status": PENDING, "line": name}}, {"$sort": {"turn": 1}}, {"$limit": limit}]
        for name in ordering.lines([lane])
    ]
    table = QueueRequest._meta.db_table
    union = [{"$unionWith": {"coll": table, "pipeline": pipeline}} for pipeline in pipelines[1:]]
    return list(collection(QueueRequest).aggregate(pipelines[0] + union))


def count_before(request: RequestRow, mode: Mode, *, limit: int) -> int:
    """How many requests of its lane will have their turn before this one; counted no further than
    `limit`."""
    names = ordering.lines([request["lane"]])
    if mode is not Mode.PRIORITY:
        before: Statement = {
            "status": PENDING,
            "line": {"$in": names},
            "turn": {"$lt": request["turn"]},
        }
    else:
        others: list[Statement] = [
            {
                "status": PENDING,
                "line": name,
                "waiting_since": {"$lt": ordering.overtakes_until(request, name)},
            }
            for name in names
            if name != request["line"]
        ]
        before = {
            "$or": [
                {"status": PENDING, "line": request["line"], "turn": {"$lt": request["turn"]}},
                *others,
            ]
        }
    return collection(QueueRequest).count_documents(before, limit=limit)


def depth(*, limit: int) -> int:
    """How many requests wait in the deployment, counted no further than the limit: keys of one
    index, no documents."""
    return collection(QueueRequest).count_documents({"status": PENDING}, hint=CLAIM, limit=limit)


def depth_of(lane: str, *, limit: int) -> int:
    """How many requests wait in this lane, counted no further than the limit."""
    wanted = {"status": PENDING, "line": {"$in": ordering.lines([lane])}}
    return collection(QueueRequest).count_documents(wanted, hint=CLAIM, limit=limit)


def running(*, limit: int) -> int:
    """How many lanes have something claimed."""
    return collection(QueueRequest).count_documents(
        {"status": CLAIMED}, hint=ONE_CLAIM_PER_LANE, limit=limit
    )


def backlog(*, limit: int) -> tuple[int, datetime | None]:
    """How many wait, and since when the oldest of the heads of their lines has: whatever the depth,
    one look per line, and both in one command."""
    counted: list[Statement] = [
        {"$match": {"status": PENDING}},
        {"$limit": limit},
        {"$group": {"_id": None, "depth": {"$sum": 1}}},
    ]
    found = collection(QueueRequest).aggregate(
        [
            {"$match": {"status": PENDING}},
            {"$sort": {"status": 1, "line": 1, "turn": 1}},
            {"$group": {"_id": "$line", "since": {"$first": "$created_at"}}},
            {"$group": {"_id": None, "since": {"$min": "$since"}}},
            {"$unionWith": {"coll": QueueRequest._meta.db_table, "pipeline": counted}},
        ]
    )
    said = {key: value for row in found for key, value in row.items()}
    return said.get("depth", 0), said.get("since")


def overdue(*, now: datetime, limit: int) -> tuple[int, datetime | None]:
    """Claims whose lease has run out and that nobody has looked at, and when the first of them
    did."""
    found = expired(now=now, limit=limit)
    leases = [row["lease_until"] for row in found if row["lease_until"]]
    return len(found), min(leases, default=None)


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
    wanted = {
        "type": {"$in": [RequestType.TEST.value, RequestType.MANUAL.value]},
        "created_at": {"$gt": since},
    }
    return collection(QueueRequest).count_documents(wanted, hint=BY_PEOPLE)
