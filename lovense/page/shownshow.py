"""A show as a person reads it: when it was, how long, what earned most; and her history of it. One
look at most, and only where an address names a show."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta
from urllib.parse import urlencode

from django.urls import reverse

from ground.ui import charts
from lovense.page import days
from lovense.page.days import Calendar
from lovense.page.historyform import HistoryForm
from lovense.rows import BestItem, ShowRow
from lovense.shows import onair, summary

NONE = "–"
NOT_HERS = "must be one of your shows"


def words(row: ShowRow, calendar: Calendar) -> str:
    """`Today, 21:04`; `Sat 3 Jan, 21:04`; of another year `3 Jan 2025, 21:04`."""
    day, today = days.of_moment(row["began_at"], calendar.zone), calendar.today
    near = days.words(day, today) if today - day < timedelta(days=2) else ""
    usual = f"{day:%a} {day.day} {day:%b}" if day.year == today.year else f"{day.day} {day:%b %Y}"
    return f"{near or usual}, {calendar.told(row['began_at'])}"


def length(span: timedelta) -> str:
    """`2 h 05 min`, `12 min`, `40 s`: a number and its unit never part."""
    seconds = max(0, int(span.total_seconds()))
    if seconds < 60:
        return f"{seconds}\u00a0s"
    minutes = seconds // 60
    if minutes < 60:
        return f"{minutes}\u00a0min"
    return f"{minutes // 60}\u00a0h {minutes % 60:02d}\u00a0min"


def lasted(row: ShowRow) -> str:
    """Of one that is over."""
    return length(row["ended_at"] - row["began_at"]) if row["ended_at"] else NONE


def best_words(best: BestItem | None) -> str:
    """`Fireworks, 600 tokens`."""
    if best is None:
        return NONE
    return f"{best['title']}, {charts.words(best['tokens'])}\u00a0tokens"


# --- her history of one --------------------------------------------------------------------------


def history_of(number: str, **more: str) -> str:
    """The address of what that show's tips became."""
    return f"{reverse('history')}?{urlencode({'show': number} | more)}"


def narrowed(form: HistoryForm, performer_id: str) -> HistoryForm:
    """To the show that it asks for, if it asks for one of hers; of one that goes on, to what has
    been of it."""
    number = form.typed["show"]
    if not number or "show" in form.errors:
        return form
    row = summary.owned(performer_id, number)
    if row is None:
        return replace(form, errors={**form.errors, "show": NOT_HERS})
    asked, ended = form.filter, row["ended_at"]
    since = max(row["began_at"], asked.since or row["began_at"])
    until = min(ended, asked.until or ended) if ended else asked.until
    return replace(form, filter=replace(asked, since=since, until=until))


def choices(shows: Sequence[ShowRow], chosen: str, calendar: Calendar) -> list[tuple[str, str]]:
    """What may be asked for: her latest ones, and whatever the address names."""
    known = {summary.number_of(row): words(row, calendar) for row in shows}
    if chosen and chosen not in known:
        known[chosen] = "An older one"
    return [("", "Any"), *known.items()]


def latest(performer_id: str) -> list[ShowRow]:
    return onair.ended(performer_id, limit=OFFERED)


OFFERED = 20
