"""The period that statistics are about: whole days of UTC up to now, or from a day to a day, and
the one before it, which is as long and as far along. Pure."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta

from lovense.page import days

LONGEST_DAYS = 90
DAY, HOUR = timedelta(days=1), timedelta(hours=1)
SHOWN = {"1d": "Today", "7d": "7 days", "30d": "30 days", "90d": "90 days"}
USUAL = "7d"
RULE = f"must be a number of days, today among them, as 7d, from 1d to {LONGEST_DAYS}d"
_PERIOD = re.compile(r"([1-9][0-9]?)d", re.ASCII)


@dataclass(frozen=True)
class StaffPeriod:
    """Whole hours from `since` on and before `until`; `first` and `last` are the days they lie in.
    `errors`: what is wrong with a field; then it is the usual period."""

    first: date
    last: date
    until: datetime
    chosen: str = ""  # as `7d`; empty: from a day to a day
    typed: Mapping[str, str] = field(default_factory=dict)
    errors: Mapping[str, str] = field(default_factory=dict)

    @property
    def days(self) -> int:
        return (self.last - self.first).days + 1

    @property
    def since(self) -> datetime:
        return _begin(self.first)

    @property
    def before(self) -> tuple[datetime, datetime]:
        """As many days earlier: where today is not over, neither is that of theirs."""
        length = self.days * DAY
        return self.since - length, self.until - length

    @property
    def asked(self) -> dict[str, str]:
        if self.chosen:
            return {"period": self.chosen}
        return {"from": str(self.first), "to": str(self.last)}

    @property
    def shown(self) -> dict[str, str]:
        """What a field that takes only days can hold."""
        return days.that_are_days(self.typed)


def read(query: Mapping[str, str], now: datetime) -> StaffPeriod:
    typed = {name: query.get(name, "")[:20] for name in ("from", "to")}
    if not any(typed.values()):
        return _named(query.get("period", "")[:20] or USUAL, now)
    errors, found, today = dict[str, str](), dict[str, date](), now.date()
    if query.get("period"):
        errors["period"] = "must not be asked for beside days"
    for name, said in typed.items():
        try:
            found[name] = days.read(said) if said else today
        except ValueError as wrong:
            errors[name] = str(wrong)
    first, last = found.get("from", today), min(found.get("to", today), today)
    if not errors and first > last:
        errors["from"] = "must not be later than today, nor than “To”"
    elif not errors and (last - first).days >= LONGEST_DAYS:
        errors["from"] = f"must be at most {LONGEST_DAYS} days before “To”"
    if errors:
        return _named(USUAL, now, typed=typed, errors=errors)
    return StaffPeriod(first, last, min(_begin(last + DAY), _hour_after(now)), typed=typed)


def _named(
    name: str,
    now: datetime,
    *,
    typed: Mapping[str, str] | None = None,
    errors: Mapping[str, str] | None = None,
) -> StaffPeriod:
    found = _PERIOD.fullmatch(name)
    length = int(found[1]) if found else 0
    if not 1 <= length <= LONGEST_DAYS:
        return _named(USUAL, now, typed={"period": name}, errors={"period": RULE})
    first = now.date() - (length - 1) * DAY
    return StaffPeriod(first, now.date(), _hour_after(now), name, typed or {}, errors or {})


def _begin(day: date) -> datetime:
    return datetime.combine(day, time(), UTC)


def _hour_after(now: datetime) -> datetime:
    return now.replace(minute=0, second=0, microsecond=0) + HOUR
