"""What time is it, and how is a time written. MongoDB keeps milliseconds, so the clock never hands
out anything finer."""

import re
from datetime import UTC, datetime, timedelta
from functools import lru_cache

# Strict: a date, a time with seconds, and a zone. "2026-01-03", local times and week dates are
# refused. More decimals than we keep are cut off: others measure finer.
_ISO = re.compile(r"(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)(?:\.(\d+))?(Z|[+-]\d\d:\d\d)", re.ASCII)

# What a time that comes from outside may be, so that sums with it stay inside the calendar.
EARLIEST = datetime(1970, 1, 1, tzinfo=UTC)
LATEST = datetime(9999, 1, 1, tzinfo=UTC)
AHEAD = timedelta(days=1)  # of our clock: theirs may be fast, and no zone is further away


class NoSuchMoment(ValueError):
    """It is written as a time, and there is no such day, hour or year."""


def now() -> datetime:
    return truncated(datetime.now(UTC))


def at(nanoseconds: int) -> datetime:
    """The moment that is so many after 1970 began."""
    return EARLIEST + timedelta(milliseconds=nanoseconds // 1_000_000)


def nanoseconds(moment: datetime) -> int:
    return (moment - EARLIEST) // timedelta(milliseconds=1) * 1_000_000


def truncated(moment: datetime) -> datetime:
    """The same moment as MongoDB will give it back."""
    return moment.replace(microsecond=moment.microsecond // 1000 * 1000)


def iso(moment: datetime) -> str:
    """`2026-01-03T04:15:00.000Z`. A naive datetime is a programming error, not a guess about
    zones."""
    if moment.tzinfo is None:
        raise ValueError("a datetime without a zone")
    return _written(moment)


@lru_cache(maxsize=64)  # the moment of a round is written many times
def _written(moment: datetime) -> str:
    return moment.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def parse(written: str) -> datetime:
    """The moment that an ISO-8601 string names; ValueError unless it names one moment exactly."""
    found = _ISO.fullmatch(written) if isinstance(written, str) else None
    if found is None:
        raise ValueError("not an ISO-8601 time with seconds and a zone")
    seconds, decimals, zone = found.groups(default="")
    try:
        return datetime.fromisoformat(f"{seconds}.{decimals[:3]:0<3}{zone}").astimezone(UTC)
    except (ValueError, OverflowError):
        raise NoSuchMoment("a time outside the calendar") from None


def before(moment: datetime, by: timedelta) -> datetime:
    """Earlier by that much, and no earlier than the calendar: for rows that were stored under other
    rules."""
    return max(moment, EARLIEST + by) - by


def after(moment: datetime, by: timedelta) -> datetime:
    return min(moment, LATEST - by) + by
