"""The period that her statistics are about: tonight, some days, or from a day to a day, and the one
before it, which is as long; or a show, and the show before it. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from urllib.parse import urlencode
from zoneinfo import ZoneInfo

from lovense.page import days

LONGEST_DAYS = 90
PERIODS = {"tonight": 1, "7": 7, "30": 30, "90": 90}
SHOW = "show"  # the last one that is over
WORDS = {"tonight": "Tonight", SHOW: "Last show", "7": "7 days", "30": "30 days", "90": "90 days"}
USUAL = "tonight"
DAY = timedelta(days=1)


@dataclass(frozen=True)
class Period:
    """Whole days, both included. `notes` say what was asked for and is not so; `errors` what is
    wrong with a field."""

    first: date
    last: date
    zone: ZoneInfo
    chosen: str = ""  # of PERIODS; empty: from a day to a day
    typed: Mapping[str, str] = field(default_factory=dict)
    errors: Mapping[str, str] = field(default_factory=dict)
    notes: tuple[str, ...] = ()

    @property
    def shown(self) -> dict[str, str]:
        """What a field that takes only days can hold."""
        return days.that_are_days(self.typed)

    @property
    def days(self) -> int:
        return (self.last - self.first).days + 1

    @property
    def since(self) -> datetime:
        return days.begin(self.first, self.zone)

    @property
    def until(self) -> datetime:
        return days.begin(self.last + DAY, self.zone)

    @property
    def before(self) -> datetime:
        """When the period before it begins, which ends where this one does."""
        return days.begin(self.first - self.days * DAY, self.zone)

    @property
    def before_until(self) -> datetime:
        return self.since

    @property
    def query(self) -> str:
        if self.chosen:
            return urlencode({"period": self.chosen})
        return urlencode({"from": str(self.first), "to": str(self.last)})


@dataclass(frozen=True)
class ShowPeriod:
    """A show of hers that is over, as a period; `before` and `before_until`: of the show before it,
    one moment where there was none."""

    since: datetime
    until: datetime
    before: datetime
    before_until: datetime
    query: str
    chosen: str = ""
    shown: Mapping[str, str] = field(default_factory=dict)
    errors: Mapping[str, str] = field(default_factory=dict)
    notes: tuple[str, ...] = ()

    @property
    def days(self) -> int:
        """In which it lies."""
        return max(1, -((self.since - self.until) // DAY))


def asks_for_show(query: Mapping[str, str]) -> str | None:
    """The number of a show, or SHOW for the last one; None: something else is asked for."""
    if query.get("from") or query.get("to"):
        return None
    return query.get("show", "")[:20] or (SHOW if query.get("period") == SHOW else None)


def read(query: Mapping[str, str], zone: ZoneInfo, today: date) -> Period:
    """What is no period is the usual one, with what is wrong; a longer one than LONGEST_DAYS is
    that long, and says so."""
    typed = {name: query.get(name, "")[:20] for name in ("from", "to")}
    if not any(typed.values()):
        name = SHOW if asks_for_show(query) else query.get("period", "")
        return _named(name or USUAL, zone, today)
    errors, found = dict[str, str](), dict[str, date]()
    for name, said in typed.items():
        if said:
            try:
                found[name] = days.read(said)
            except ValueError as wrong:
                errors[name] = str(wrong)
    last = min(found.get("to", today), today)
    first = found.get("from", last)
    if first > last:
        is_later = first > today
        errors["from"] = "must not be later than today" if is_later else "must not be after “To”"
        first = last
    notes: tuple[str, ...] = ()
    if (last - first).days >= LONGEST_DAYS:
        first, notes = last - (LONGEST_DAYS - 1) * DAY, (_TOO_LONG,)
    return Period(first, last, zone, typed=typed, errors=errors, notes=notes)


_TOO_LONG = f"At most {LONGEST_DAYS} days are shown at once: these are the last of them."


_NO_SHOW = "No show of yours is over yet: this is tonight."


def _named(name: str, zone: ZoneInfo, today: date) -> Period:
    """Of a show that there is not, tonight, and a note."""
    is_known = name in PERIODS or name == SHOW
    errors = {} if is_known else {"period": f"must be one of {', '.join(WORDS)}"}
    chosen, notes = (name, ()) if name in PERIODS else (USUAL, (_NO_SHOW,) if is_known else ())
    first = today - (PERIODS[chosen] - 1) * DAY
    return Period(first, today, zone, chosen, errors=errors, notes=notes)
