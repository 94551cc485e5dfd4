"""Spans: what was counted by facet between two whole hours, of all performers or of one, from days
with the hours at their ends. Reads two collections by their keys."""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
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

BY_HOURS = timedelta(days=2)  # up to here nothing but hours is read
BARE = {"facets.of": 1, "facets.sums": 1, "hour": 1, "day": 1}


class CountedPart(NamedTuple):
    """An hour, or a whole day of UTC; a part that holds nothing is not there."""

    at: datetime
    cells: Sequence[FacetCell]
    by_hour: Sequence[DayHour]
    busiest: Sequence[BusyMinute]


Parts = Sequence[CountedPart]


def read(
    since: datetime, until: datetime, *, performer_id: str = "", is_bare: bool = False
) -> Parts:
    """In the order of time. `is_bare`: facets alone, and of them the sums."""
    wanted = BARE if is_bare else None
    if until - since <= BY_HOURS:
        return [_of_hour(row) for row in _hours(performer_id, [(since, until)], wanted)]
    span = tallies.cut(since, until)
    ends = [(since, span.first), (span.last, until)]
    parts = [_of_hour(row) for row in _hours(performer_id, ends, wanted)]
    parts += [_of_day(row) for row in _days(performer_id, span.first, span.last, wanted)]
    return sorted(parts, key=attrgetter("at"))


def _hours(
    whose: str, spans: Sequence[tuple[datetime, datetime]], wanted: Any
) -> Iterator[PlatformHourRow]:
    model = PerformerHour if whose else ActivationHour
    return _found(model, [(_hour_key(whose, a), _hour_key(whose, b)) for a, b in spans], wanted)


def _days(whose: str, since: datetime, until: datetime, wanted: Any) -> Iterator[PlatformDayRow]:
    model = PerformerDay if whose else ActivationDay
    return _found(model, [(_day_key(whose, since), _day_key(whose, until))], wanted)


def _found(model: type[Model], keys: Sequence[tuple[str, str]], wanted: Any) -> Iterator[Any]:
    within = [{"_id": {"$gte": first, "$lt": last}} for first, last in keys if first < last]
    if within:
        yield from collection(model).find({"$or": within}, wanted)


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
    found: Places = {}
    for part in parts:
        for cell in _asked(part.cells, chosen):
            place = tuple(cell["of"])
            if place not in found:
                found[place] = FacetSums()
            found[place].add(cell)
    return found


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
    n = facets.NAMES.index("outcome")
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
