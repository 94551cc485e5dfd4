"""Tallies: what her tips became in a span of time, and in the one before it, from what was counted:
hours, or for longer spans whole days with the hours at their ends. Reads only, as many rows as
there are days."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, NamedTuple, cast

from ground.mongodb.collections import collection
from lovense.history import daysums, hours
from lovense.history.daysums import DAY, SUMMED
from lovense.history.hours import HOUR
from lovense.models import PerformerDay, PerformerHour
from lovense.rows import HourCell, PerformerDayRow, PerformerHourRow, ShowTally
from tips.rows import Statement

BY_HOURS = timedelta(days=4)  # up to here hours are read: two days, and the two before them


class Tally(NamedTuple):
    """`cells` by item and outcome, or by outcome alone where no item is asked for; `days`: of each
    day of UTC that has any the tokens of its 24 hours."""

    cells: Sequence[HourCell]
    days: Mapping[datetime, Sequence[int]]

    @property
    def tokens(self) -> dict[datetime, int]:
        """By the hour that they came in."""
        return {
            day + n * HOUR: count
            for day, counts in self.days.items()
            for n, count in enumerate(counts)
            if count
        }


NOTHING = Tally((), {})


class Cut(NamedTuple):
    """A span of whole hours: its whole days, which may be none, and the hours at its ends."""

    first: datetime
    last: datetime  # the first moment after them
    ends: list[datetime]


def both(
    performer_id: str, *, before: datetime, since: datetime, until: datetime
) -> tuple[Tally, Tally]:
    """Of what lies between `since` and `until`; and, without items, between `before` and
    `since`."""
    before, since, until = (_whole(moment) for moment in (before, since, until))
    if until - before <= BY_HOURS + HOUR:
        rows = hours.between(performer_id, before, until)
        now = [row for row in rows if row["hour"] >= since]
        return of_hours(now), of_hours(rows[: len(rows) - len(now)])
    return _by_days(performer_id, cut(since, until), cut(before, since))


def of_hours(rows: Iterable[PerformerHourRow]) -> Tally:
    """Pure."""
    rows = list(rows)
    cells = [cell for row in rows for cell in row.get("cells", ())]
    return Tally(cells, _by_day((row["hour"], daysums.tokens_of(row)) for row in rows))


def of_show(kept: ShowTally) -> Tally:
    """Pure."""
    return Tally(kept["cells"], _by_day((each["hour"], each["tokens"]) for each in kept["hours"]))


def _by_day(hours_: Iterable[tuple[datetime, int]]) -> dict[datetime, list[int]]:
    found: dict[datetime, list[int]] = {}
    for hour, tokens in hours_:
        found.setdefault(daysums.floor(hour), [0] * 24)[hour.hour] = tokens
    return found


def _whole(moment: datetime) -> datetime:
    """An hour that lies in it only in part belongs to what was before."""
    return hours.floor(moment + HOUR - timedelta(microseconds=1))


def cut(since: datetime, until: datetime) -> Cut:
    """Pure."""
    first, last = daysums.floor(since + DAY - timedelta(microseconds=1)), daysums.floor(until)
    if first >= last:
        return Cut(since, since, list(_each(since, until)))
    return Cut(first, last, [*_each(since, first), *_each(last, until)])


def _each(since: datetime, until: datetime) -> Iterator[datetime]:
    while since < until:
        yield since
        since += HOUR


# --- by days -------------------------------------------------------------------------------------


def _by_days(performer_id: str, now: Cut, before: Cut) -> tuple[Tally, Tally]:
    """Three looks: 1. what each day held; 2. the hours at the ends; 3. the items of the days that
    are asked about, added up where they lie."""
    rows = _days(performer_id, before.first, now.last)
    ends = _hours(performer_id, [*before.ends, *now.ends])
    items = _items(performer_id, now)
    return (
        _joined(now, rows, ends, items),
        _joined(before, rows, ends, [c for row in _of(before, rows) for c in row["outcomes"]]),
    )


def _joined(
    span: Cut,
    rows: Sequence[PerformerDayRow],
    ends: Mapping[datetime, PerformerHourRow],
    cells: Sequence[HourCell],
) -> Tally:
    at_ends = of_hours(ends[hour] for hour in span.ends if hour in ends)
    whole = {row["day"]: row["tokens"] for row in _of(span, rows)}
    return Tally([*cells, *at_ends.cells], {**at_ends.days, **whole})


def _of(span: Cut, rows: Iterable[PerformerDayRow]) -> list[PerformerDayRow]:
    return [row for row in rows if span.first <= row["day"] < span.last]


def _within(performer_id: str, since: datetime, until: datetime) -> Statement:
    keys = (daysums.key_of(performer_id, moment) for moment in (since, until))
    return {"_id": dict(zip(("$gte", "$lt"), keys, strict=True))}


def _days(performer_id: str, since: datetime, until: datetime) -> list[PerformerDayRow]:
    found = collection(PerformerDay).find(_within(performer_id, since, until), {"cells": 0})
    return list(found.sort("_id", 1))


def _hours(performer_id: str, which: Sequence[datetime]) -> dict[datetime, PerformerHourRow]:
    keys = [hours.key_of(performer_id, hour) for hour in which]
    found = collection(PerformerHour).find({"_id": {"$in": keys}}).sort("_id", 1) if keys else ()
    return {row["hour"]: row for row in found}


def _items(performer_id: str, span: Cut) -> list[HourCell]:
    sums: dict[str, Any] = {name: {"$sum": f"$cells.{name}"} for name in SUMMED}
    stages: list[Statement] = [
        {"$match": _within(performer_id, span.first, span.last)},
        {"$sort": {"_id": 1}},
        {"$project": {"cells": 1}},
        {"$unwind": "$cells"},
        {
            "$group": {
                "_id": {"item": "$cells.item", "outcome": "$cells.outcome"},
                "title": {"$last": "$cells.title"},
                **sums,
            }
        },
        {"$sort": {"_id": 1}},
    ]
    found = collection(PerformerDay).aggregate(stages)
    return [cast(HourCell, {**row.pop("_id"), **row}) for row in found]
