"""Ranking: which performers were tipped most in a span of whole hours, of the sums that stand on
her days, and on her hours at its ends. Reads two indexes and no row.

Where there are more performers and days than can be added up while somebody waits, of each day
those count who were tipped most in it."""

from collections.abc import Sequence
from datetime import datetime
from typing import NamedTuple

from django.db.models import Model

from ground.mongodb.collections import collection
from lovense.history import tallies
from lovense.history.daysums import DAY
from lovense.models import Performer, PerformerDay, PerformerHour
from lovense.models.hours import RANKED
from tips.rows import Statement

Part = tuple[type[Model], list[Statement]]
WHOLE = 30_000  # sums of a performer and a day that are added up, all of them
CUT = 10_000  # and of those who were tipped most, where there are more


class Ranked(NamedTuple):
    """`sums`: of RANKED, the seconds in tenths."""

    performer_id: str
    sums: dict[str, int]


class Ranking(NamedTuple):
    """By tokens, then by id. `of_each`: how many of each day or hour count; 0: all."""

    rows: list[Ranked]
    of_each: int = 0


def top(since: datetime, until: datetime, *, most: int) -> Ranking:
    span = tallies.cut(since, until)
    days = {"day": {"$gte": span.first, "$lt": span.last}}
    parts = (span.last - span.first).days + len(span.ends)
    if collection(Performer).estimated_document_count() * parts <= WHOLE:
        ends = _read({"hour": {"$in": span.ends}})
        return Ranking(_added([(PerformerDay, _read(days)), (PerformerHour, ends)], most))
    of_each = max(CUT // parts, most)
    days_in = range(parts - len(span.ends))
    cut: list[Part] = [
        *((PerformerDay, _first({"day": span.first + n * DAY}, of_each)) for n in days_in),
        *((PerformerHour, _first({"hour": hour}, of_each)) for hour in span.ends),
    ]
    return Ranking(_added(cut, most), of_each)


def _added(parts: Sequence[Part], most: int) -> list[Ranked]:
    (model, first), *others = parts
    stages: list[Statement] = [
        *first,
        *({"$unionWith": {"coll": m._meta.db_table, "pipeline": read}} for m, read in others),
        {"$group": {"_id": "$performer_id", **{n: {"$sum": f"$sum_{n}"} for n in RANKED}}},
        {"$group": {"_id": None, "top": {"$topN": {"n": most, **_FIRST}}}},
    ]
    found = collection(model).aggregate(stages)
    return [Ranked(row.pop("_id"), row) for one in found for row in one["top"]]


_FIRST: Statement = {"sortBy": {"tokens": -1, "_id": 1}, "output": "$$ROOT"}


def _read(which: Statement) -> list[Statement]:
    """What the index holds, and nothing else."""
    wanted = {"_id": 0, "performer_id": 1, **{f"sum_{name}": 1 for name in RANKED}}
    return [{"$match": which}, {"$project": wanted}]


def _first(which: Statement, most: int) -> list[Statement]:
    match, project = _read(which)
    order: Statement = {"$sort": {"sum_tokens": -1, "performer_id": 1}}
    return [match, order, {"$limit": most}, project]
