"""Spans: what was counted by facet between two whole hours, of all performers or of one, from days
with the hours at their ends. Reads two collections by their keys."""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from operator import attrgetter
from typing import Any, NamedTuple

from django.db.models import Model

from ground.mongodb.collections import collection
from lovense.history import daysums, facets, hours, latencies, platform, tallies
from lovense.history.daysums import DAY
from lovense.history.facets import FacetSums, Places
from lovense.models import ActivationDay, ActivationHour, PerformerDay, PerformerHour
from lovense.rows import (
    BusyMinute,
    DayHour,
    FacetCell,
    PlatformDayRow,
    PlatformHourRow,
)
from tips.rows import Statement

OUTCOME = "outcome"
BY_HOURS = timedelta(days=2)  # up to here nothing but hours is read


class CountedPart(NamedTuple):
    """An hour, or a whole day of UTC; a part that holds nothing is not there."""

    at: datetime
    cells: Sequence[FacetCell]
    by_hour: Sequence[DayHour]
    busiest: Sequence[BusyMinute]


Parts = Sequence[CountedPart]


def read(since: datetime, until: datetime, *, performer_id: str = "") -> Parts:
    """In the order of time."""
    hourly, daily = _lying(since, until, performer_id)
    parts = [_of_hour(row) for row in _found(*hourly)]
    parts += [_of_day(row) for row in _found(*daily)]
    return sorted(parts, key=attrgetter("at"))


def outcomes(
    since: datetime, until: datetime, *, chosen: Mapping[str, str], performer_id: str = ""
) -> Parts:
    """The same by outcome alone and without latencies, of those alone that have the words that were
    chosen: summed by the database, which is a third of the work of handing over every place."""
    hourly, daily = _lying(since, until, performer_id)
    found = [*_summed(*hourly, at="$hour", chosen=chosen)]
    found += _summed(*daily, at="$day", chosen=chosen)
    return sorted(found, key=attrgetter("at"))


Lying = tuple[type[Model], list[Statement]]


def _lying(since: datetime, until: datetime, whose: str) -> tuple[Lying, Lying]:
    """In which rows it lies: hours, and for longer times days with the hours at their ends."""
    of_hours, of_days = (PerformerHour, PerformerDay) if whose else (ActivationHour, ActivationDay)
    if until - since <= BY_HOURS:
        return (of_hours, _within(whose, _hour_key, (since, until))), (of_days, [])
    span = tallies.cut(since, until)
    ends = _within(whose, _hour_key, (since, span.first), (span.last, until))
    return (of_hours, ends), (of_days, _within(whose, _day_key, (span.first, span.last)))


def _within(
    whose: str, key_of: Callable[[str, datetime], str], *spans: tuple[datetime, datetime]
) -> list[Statement]:
    keys = [(key_of(whose, since), key_of(whose, until)) for since, until in spans]
    return [{"_id": {"$gte": first, "$lt": last}} for first, last in keys if first < last]


def _found(model: type[Model], within: list[Statement]) -> Iterator[Any]:
    if within:
        yield from collection(model).find({"$or": within})


def _summed(
    model: type[Model], within: list[Statement], *, at: str, chosen: Mapping[str, str]
) -> Iterator[CountedPart]:
    asked = {f"facets.of.{facets.NAMES.index(name)}": word for name, word in chosen.items()}
    outcome: Statement = {"$arrayElemAt": ["$facets.of", facets.NAMES.index(OUTCOME)]}
    sums: Statement = {
        name: {"$sum": {"$arrayElemAt": ["$facets.sums", n]}}
        for n, name in enumerate(facets.SUMMED)
    }
    steps: list[Statement] = [
        {"$match": {"$or": within}},
        {"$project": {"_id": 0, "at": at, "facets.of": 1, "facets.sums": 1}},
        {"$unwind": "$facets"},
        {"$match": asked},
        {"$group": {"_id": {"at": "$at", "outcome": outcome}, **sums}},
    ]
    for row in collection(model).aggregate(steps) if within else ():
        of = [{**chosen, OUTCOME: row["_id"]["outcome"]}.get(name, "") for name in facets.NAMES]
        cell = FacetCell(of=of, sums=[row[name] for name in facets.SUMMED], sent=b"", started=b"")
        yield CountedPart(row["_id"]["at"], [cell], (), ())


def _hour_key(whose: str, hour: datetime) -> str:
    return hours.key_of(whose, hour) if whose else platform.key_of(hour)


def _day_key(whose: str, day: datetime) -> str:
    return daysums.key_of(whose, day) if whose else platform.key_of_day(day)


def _of_hour(row: PlatformHourRow) -> CountedPart:
    found = daysums.of_hour(row)
    busiest = daysums.busiest(daysums.minutes_of(row))
    return CountedPart(row["hour"], row.get("facets") or (), [found] if found else (), busiest)


def _of_day(row: PlatformDayRow) -> CountedPart:
    by_hour, busiest = row.get("by_hour") or (), row.get("busiest") or ()
    return CountedPart(row["day"], row.get("facets") or (), by_hour, busiest)


# --- sums: pure ----------------------------------------------------------------------------------


def places(parts: Parts, chosen: Mapping[str, str]) -> Places:
    """By place among the facets; of those alone that have the words that were chosen."""
    return facets.together(cell for part in parts for cell in _asked(part.cells, chosen))


def _asked(cells: Sequence[FacetCell], chosen: Mapping[str, str]) -> Iterable[FacetCell]:
    if not chosen:
        return cells
    asked = [(facets.NAMES.index(name), word) for name, word in chosen.items()]
    return (cell for cell in cells if all(cell["of"][n] == word for n, word in asked))


def total(found: Places) -> FacetSums:
    return _together(found.values())


def by(found: Places, name: str) -> dict[str, Places]:
    """By the word of one facet."""
    n = facets.NAMES.index(name)
    parted: dict[str, Places] = {}
    for place, sums in found.items():
        parted.setdefault(place[n], {})[place] = sums
    return parted


def tips_of(found: Places, *outcomes: str) -> int:
    """Of those that became one of these."""
    n = facets.NAMES.index(OUTCOME)
    return sum(sums["tips"] for place, sums in found.items() if place[n] in outcomes)


def _together(many: Iterable[FacetSums]) -> FacetSums:
    whole = FacetSums()
    for each in many:
        whole.join(each)
    return whole


def busiest(parts: Parts) -> list[BusyMinute]:
    return daysums.busiest(each for part in parts for each in part.busiest)


def by_hour_of_day(parts: Parts) -> list[int]:
    """For each hour of the day (UTC) how long it took until it was sent, as counts."""
    found = [0] * 24
    for each in (hour for part in parts for hour in part.by_hour):
        found[each["hour"]] += latencies.read(each["sent"])
    return found


def tokens_by(parts: Parts, chosen: Mapping[str, str], *, unit: timedelta) -> Counter[datetime]:
    """By hour or by day (UTC)."""
    floor, n = daysums.floor if unit == DAY else hours.floor, facets.SUMMED.index("tokens")
    found: Counter[datetime] = Counter()
    for part in parts:
        found[floor(part.at)] += sum(cell["sums"][n] for cell in _asked(part.cells, chosen))
    return found
