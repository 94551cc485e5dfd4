"""Which values a key may have: read from a text, and written again as the same. Pure; a value is a
value of Python, so that nothing typed is ever part of a statement's shape."""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Any, NamedTuple, Protocol

from ground import clock

Statement = dict[str, Any]
TODAY, YESTERDAY = "today", "yesterday"
DAY = timedelta(days=1)
_UNITS = {
    "m": timedelta(minutes=1),
    "h": timedelta(hours=1),
    "d": DAY,
    "w": timedelta(weeks=1),
}


class NoSuchValue(ValueError):
    """The text is no value of this kind; or there is nothing that it names."""


class Ago(NamedTuple):
    """So many units before now: `2h`."""

    number: int
    unit: str


Value = str | bool | Ago | date | datetime


class ValueKind(Protocol):
    """`possible`: what may be typed, in words, for who typed something else."""

    @property
    def possible(self) -> tuple[str, ...]: ...

    def read(self, text: str) -> Value: ...

    def write(self, value: Any) -> str: ...


@dataclass(frozen=True, slots=True)
class Key:
    """A key of a list. `where`: the statement that its values make, raises NoSuchValue; `index`:
    what answers it; none: it filters what another one finds. `only`: the values that the index
    has, of all that are `possible`; none: all. `apart`: what it is asked for besides, each for
    itself."""

    name: str
    kind: ValueKind
    says: str
    where: Callable[[Sequence[Any]], Statement] | None = None
    index: str = ""
    may_be_negated: bool = True
    is_single: bool = False
    only: frozenset[str] = frozenset()
    apart: tuple[Statement, ...] = ({},)

    def ways(
        self, said: Statement, values: Sequence[Any], *, is_not: bool
    ) -> tuple[Statement, ...]:
        """What the index is asked, to find all that have these values, or any other; empty: it
        cannot. `said`: the statement that they make. A partial one is asked for each value apart:
        MongoDB merges what it finds so in order, and sorts where it is asked for several at
        once."""
        if not (self.index and self.where) or (is_not and not self.only):
            return ()
        if not self.only:
            return tuple({**said, **each} for each in self.apart)
        asked = [each for each in self.kind.possible if each not in values] if is_not else values
        if not set(asked) <= self.only:
            return ()
        return tuple(self.where([each]) for each in dict.fromkeys(asked))


# --- texts ---------------------------------------------------------------------------------------


def is_one_of(field: str) -> Callable[[Sequence[Any]], Statement]:
    """What a key of one field asks."""

    def where(values: Sequence[Any]) -> Statement:
        return {field: values[0] if len(values) == 1 else {"$in": list(values)}}

    return where


@dataclass(frozen=True, slots=True)
class Name:
    """Any text, so long as there is one. `kept`: of a longer one the rows hold so many characters,
    and it is found by these; 0: they hold all."""

    longest: int
    example: str
    kept: int = 0

    @property
    def possible(self) -> tuple[str, ...]:
        return (self.example, f"at most {self.longest} characters")

    def read(self, text: str) -> Value:
        if not text.strip() or len(text) > self.longest:
            raise NoSuchValue
        return text[: self.kept or None]

    def write(self, value: str) -> str:
        return value


@dataclass(frozen=True, slots=True)
class Shaped:
    """A text of one shape: an id, a word."""

    shape: str
    possible: tuple[str, ...]

    def read(self, text: str) -> Value:
        lowered = text.lower()
        if not re.fullmatch(self.shape, lowered, re.ASCII):
            raise NoSuchValue
        return lowered

    def write(self, value: str) -> str:
        return value


@dataclass(frozen=True, slots=True)
class OneOf:
    possible: tuple[str, ...]

    def read(self, text: str) -> Value:
        if text.lower() not in self.possible:
            raise NoSuchValue
        return text.lower()

    def write(self, value: str) -> str:
        return value


class Truth:
    possible = ("true", "false")

    def read(self, text: str) -> Value:
        if text.lower() not in self.possible:
            raise NoSuchValue
        return text.lower() == "true"

    def write(self, value: bool) -> str:  # noqa: FBT001 as every kind
        return "true" if value else "false"


_AMOUNT = re.compile(r"([1-9][0-9]{0,8})(?:(-)([1-9][0-9]{0,8})?)?", re.ASCII)


class Amount:
    """`500`; from one to another: `100-500`; at least: `100-`."""

    possible = ("500", "100-500", "100-")

    def read(self, text: str) -> Value:
        found = _AMOUNT.fullmatch(text)
        if found is None or (found[3] and int(found[3]) < int(found[1])):
            raise NoSuchValue
        return text

    def write(self, value: str) -> str:
        return value


def bounds_of(amount: str) -> tuple[int, int | None]:
    """From, and to; None: without an end."""
    least, dash, most = amount.partition("-")
    return int(least), (int(most) if most else None) if dash else int(least)


# --- times, all of them UTC ----------------------------------------------------------------------

_AGO = re.compile(r"([1-9][0-9]{0,3})([mhdw])", re.ASCII)
_DATE = re.compile(r"\d{4}-\d\d-\d\d", re.ASCII)
_MOMENT = re.compile(r"(\d{4}-\d\d-\d\dT\d\d:\d\d(?::\d\d)?)Z?", re.ASCII | re.IGNORECASE)


class Moment:
    """`2h`: that long ago; `2026-11-28`: when that day began; `2026-11-28T12:00`, with seconds if
    need be."""

    possible = ("2h", "3d", "2w", "2026-11-28", "2026-11-28T12:00")

    def read(self, text: str) -> Value:
        if ago := _AGO.fullmatch(text.lower()):
            return Ago(int(ago[1]), ago[2])
        if _DATE.fullmatch(text):
            return _day(text)
        if found := _MOMENT.fullmatch(text):
            moment: datetime = _calendar(datetime.fromisoformat, found[1].upper())
            return moment.replace(tzinfo=UTC)
        raise NoSuchValue

    def write(self, value: Ago | date | datetime) -> str:
        if isinstance(value, Ago):
            return f"{value.number}{value.unit}"
        if isinstance(value, datetime):
            return value.isoformat(timespec="seconds").removesuffix("+00:00").removesuffix(":00")
        return value.isoformat()


class Day:
    possible = (TODAY, YESTERDAY, "2026-11-28")

    def read(self, text: str) -> Value:
        if text.lower() in (TODAY, YESTERDAY):
            return text.lower()
        if _DATE.fullmatch(text):
            return _day(text)
        raise NoSuchValue

    def write(self, value: str | date) -> str:
        return value if isinstance(value, str) else value.isoformat()


def _day(text: str) -> date:
    found: date = _calendar(date.fromisoformat, text)
    if not clock.EARLIEST.date() <= found < clock.LATEST.date():
        raise NoSuchValue
    return found


def _calendar(read: Callable[[str], Any], text: str) -> Any:
    try:
        found = read(text)
    except ValueError:
        raise NoSuchValue from None
    if not clock.EARLIEST.year <= found.year < clock.LATEST.year:
        raise NoSuchValue
    return found


def moment_of(value: Ago | date | datetime, now: datetime) -> datetime:
    if isinstance(value, Ago):
        return clock.before(now, value.number * _UNITS[value.unit])
    if isinstance(value, datetime):
        return value
    return datetime.combine(value, time(), UTC)


def day_of(value: str | date, now: datetime) -> tuple[datetime, datetime]:
    """From when to when."""
    today = now.astimezone(UTC).date()
    named = {TODAY: today, YESTERDAY: today - DAY}
    begin = moment_of(named[value] if isinstance(value, str) else value, now)
    return begin, begin + DAY
