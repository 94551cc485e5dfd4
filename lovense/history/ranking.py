"""Ranking: which performers were tipped most in a span of whole hours, of the sums that stand on
her days, and on her hours at its ends. Reads two indexes and no row."""

from datetime import datetime
from typing import NamedTuple

from ground.mongodb.collections import collection
from lovense.history import tallies
from lovense.models import PerformerDay, PerformerHour
from lovense.models.hours import RANKED
from tips.rows import Statement


class Ranked(NamedTuple):
    """`sums`: of RANKED, the seconds in tenths."""

    performer_id: str
    sums: dict[str, int]


def top(since: datetime, until: datetime, *, most: int) -> list[Ranked]:
    """By tokens, then by id."""
    span = tallies.cut(since, until)
    days = {"day": {"$gte": span.first, "$lt": span.last}}
    ends = {"hour": {"$in": span.ends}}
    stages: list[Statement] = [
        *_read(days),
        {"$unionWith": {"coll": PerformerHour._meta.db_table, "pipeline": _read(ends)}},
        {"$group": {"_id": "$performer_id", **{n: {"$sum": f"$sum_{n}"} for n in RANKED}}},
        {"$group": {"_id": None, "top": {"$topN": {"n": most, **_FIRST}}}},
    ]
    found = collection(PerformerDay).aggregate(stages, hint="performer_day_ranked")
    return [Ranked(row.pop("_id"), row) for one in found for row in one["top"]]


_FIRST: Statement = {"sortBy": {"tokens": -1, "_id": 1}, "output": "$$ROOT"}


def _read(which: Statement) -> list[Statement]:
    """What the index holds, and nothing else."""
    wanted = {"_id": 0, "performer_id": 1, **{f"sum_{name}": 1 for name in RANKED}}
    return [{"$match": which}, {"$project": wanted}]
