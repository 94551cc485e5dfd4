"""The longest queues, and who has paused: what the page of the queue shows beside its health. Only
reads.

Counting all that wait reads one key of an index for each, 50 000 in less than half a second on two
busy cores, and the page asks once in ten seconds."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import islice
from typing import Any

from ground.mongodb.collections import collection
from lovense.deciding.rules import is_paused, is_stopped
from lovense.models import PageLease, Performer
from tips.models import EPOCH, QueueRequest, RequestStatus
from tips.queue import claims, ordering

Row = dict[str, Any]

LANES_SHOWN = 10
PAUSED_SHOWN = 20


@dataclass(frozen=True, slots=True)
class LaneDepth:
    """What waits for one performer, and whether a page of hers could play it."""

    performer_id: str
    name: str
    depth: int
    oldest: datetime
    has_page: bool
    is_paused: bool
    is_stopped: bool


def longest(*, now: datetime) -> list[LaneDepth]:
    """The performers for whom most waits, the longest first."""
    depths = _depths()
    shown = sorted(depths, key=lambda lane: (-depths[lane], lane))[:LANES_SHOWN]
    oldest: dict[str, datetime] = {}
    for head in claims.heads(shown):
        oldest[head["lane"]] = min(
            head["waiting_since"], oldest.get(head["lane"], head["waiting_since"])
        )
    performers: dict[str, Any] = {}
    if shown:
        performers = {row["_id"]: row for row in _performers(shown, now)}
    return [
        LaneDepth(
            performer_id=lane,
            name=performers[lane]["display_name"] if lane in performers else lane,
            depth=depths[lane],
            oldest=oldest[lane],
            has_page=lane in performers and bool(performers[lane]["page"]),
            is_paused=lane in performers and is_paused(performers[lane], now),
            is_stopped=lane in performers and is_stopped(performers[lane]),
        )
        for lane in shown
        if lane in oldest  # else it has just been played
    ]


def _performers(keys: Sequence[str], now: datetime) -> Iterable[Any]:
    """Each with the lease of the page that holds her devices, if one does."""
    page = {
        "from": PageLease._meta.db_table,
        "localField": "_id",
        "foreignField": "_id",
        "pipeline": [{"$match": {"expires_at": {"$gt": now}}}],
        "as": "page",
    }
    steps: list[Row] = [{"$match": {"_id": {"$in": list(keys)}}}, {"$lookup": page}]
    return collection(Performer).aggregate(steps)


def _depths() -> dict[str, int]:
    steps: list[Row] = [
        {"$match": {"status": RequestStatus.PENDING.value}},
        {"$group": {"_id": "$line", "depth": {"$sum": 1}}},
    ]
    depths: dict[str, int] = {}
    for row in collection(QueueRequest).aggregate(steps, hint=claims.CLAIM):
        lane = ordering.lane_of(row["_id"])
        depths[lane] = depths.get(lane, 0) + row["depth"]
    return depths


def paused(*, now: datetime) -> list[Row]:
    """Who has paused, the longest first; `performer_id` is her key."""
    found = collection(Performer).find({"paused_at": {"$gt": EPOCH}}).hint("performer_paused")
    rows = found.sort("paused_at", 1)
    held = islice((row for row in rows if is_paused(row, now)), PAUSED_SHOWN)
    return [{**row, "performer_id": row["_id"]} for row in held]
