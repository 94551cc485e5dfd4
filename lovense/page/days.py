"""Days as a performer counts them: in her time zone, and by the names that a person gives them.
Pure, but for the platform's own zone."""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from datetime import UTC, date, datetime, time, timedelta
from itertools import groupby
from typing import NamedTuple, Protocol, TypeVar
from zoneinfo import ZoneInfo

from django.conf import settings

from lovense.models import Performer
from lovense.performers import sections
from lovense.performers.sections import CLOCKS

FIRST, LAST = date(2000, 1, 1), date(2099, 12, 31)  # that a page is asked about


class Dated(Protocol):
    """Something that happened at a moment."""

    @property
    def created_at(self) -> datetime: ...


T = TypeVar("T", bound=Dated)


def zone_of(performer: Performer) -> ZoneInfo:
    """Hers; the platform's, as long as she has not said."""
    return ZoneInfo(sections.chosen(performer.page_choices, "timeZone") or settings.TIME_ZONE)


class Calendar(NamedTuple):
    """By what a performer is told of a moment: her zone, her clock, and which day it is there."""

    zone: ZoneInfo
    clock: str
    today: date

    def told(self, moment: datetime) -> str:
        """`21:04`, or `9:04 pm`."""
        local = moment.astimezone(self.zone)
        return self._of_hour(local.hour, f"{local:%M}")

    def exactly(self, moment: datetime) -> str:
        """To the millisecond."""
        local = moment.astimezone(self.zone)
        return self._of_hour(local.hour, f"{local:%M:%S}.{local.microsecond // 1000:03d}")

    def _of_hour(self, hour: int, rest: str) -> str:
        if self.clock == CLOCKS[0]:
            return f"{hour:02d}:{rest}"
        return f"{hour % 12 or 12}:{rest}\u00a0{'am' if hour < 12 else 'pm'}"


def calendar_of(performer: Performer, now: datetime) -> Calendar:
    zone, clock = zone_of(performer), sections.chosen(performer.page_choices, "clock")
    return Calendar(zone, clock, of_moment(now, zone))


def begin(day: date, zone: ZoneInfo) -> datetime:
    """The first moment of that day."""
    return datetime.combine(day, time(), zone).astimezone(UTC)


def of_moment(moment: datetime, zone: ZoneInfo) -> date:
    return moment.astimezone(zone).date()


def words(day: date, today: date) -> str:
    """`Today`, `Yesterday`, `Saturday, 3 January 2026`."""
    if today - day in _NEAR:
        return _NEAR[today - day]
    return f"{day:%A}, {day.day} {day:%B %Y}"


_NEAR = {timedelta(0): "Today", timedelta(1): "Yesterday"}


def read(text: str) -> date:
    """A day as a browser sends it, `2026-01-03`. Raises ValueError with what is wrong, as a
    person reads it."""
    try:
        found = date.fromisoformat(text)
    except ValueError:
        raise ValueError("must be a day, as 2026-01-03") from None
    if not FIRST <= found <= LAST:
        raise ValueError(f"must be from {FIRST} to {LAST}")
    return found


def that_are_days(typed: Mapping[str, str]) -> dict[str, str]:
    """Those values that are days, each as a browser sends it: its field refuses any other."""
    found: dict[str, str] = {}
    for name, said in typed.items():
        with suppress(ValueError):
            found[name] = read(said).isoformat()
    return found


def grouped(rows: Iterable[T], zone: ZoneInfo) -> Iterator[tuple[date, list[T]]]:
    """Neighbours of one day together, in their order. The one place that says what belongs
    together in her history."""
    for day, those in groupby(rows, key=lambda row: of_moment(row.created_at, zone)):
        yield day, list(those)


def in_zone(day: datetime, zone: ZoneInfo) -> tuple[date, int, int] | None:
    """Where the hours of a day of UTC lie: the local day that its first one is of, how many of them
    are still of that day (24: all), and the local hour of the first. None: its clocks change in
    it, so that each hour has to be asked for itself."""
    local, later = day.astimezone(zone), (day + timedelta(days=1)).astimezone(zone)
    if local.utcoffset() != later.utcoffset():
        return None
    left = -(-(24 * 60 - local.hour * 60 - local.minute) // 60)
    return local.date(), left, local.hour


def sums(counted: Mapping[datetime, Sequence[int]], zone: ZoneInfo) -> Counter[date]:
    """Of the 24 hours of days of UTC, by local day."""
    found: Counter[date] = Counter()
    for day, hours in counted.items():
        if (place := in_zone(day, zone)) is None:
            for n, count in enumerate(hours):
                found[of_moment(day + timedelta(hours=n), zone)] += count
            continue
        first, left, _ = place
        found[first] += sum(hours[:left])
        found[first + timedelta(days=1)] += sum(hours[left:])
    return found


def by_weekday(counted: Mapping[datetime, Sequence[int]], zone: ZoneInfo) -> list[list[float]]:
    """The same, by weekday and local hour."""
    found = [[0.0] * 24 for _ in range(7)]
    for day, hours in counted.items():
        if (place := in_zone(day, zone)) is None:
            for n, count in enumerate(hours):
                local = (day + timedelta(hours=n)).astimezone(zone)
                found[local.weekday()][local.hour] += count
            continue
        first, left, hour = place
        for n, count in enumerate(hours):
            weekday = (first.weekday() + (n >= left)) % 7
            found[weekday][(hour + n) % 24] += count
    return found
