"""A show as the period of her statistics, beside the show before it; and her shows as a table. Each
row is read once."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple

from django.urls import reverse

from ground.ui import charts
from ground.words import isolated
from lovense.deciding.shortfall import TENTHS
from lovense.history import tallies
from lovense.history.tallies import NOTHING, Tally
from lovense.page import periods, shownshow
from lovense.page.days import Calendar
from lovense.page.periods import SHOW, ShowPeriod
from lovense.rows import ShowRow
from lovense.shows import onair, summary

SHOWS_HEAD = ("Show", "Lasted", "Tips", "Tokens", "Played", "Owed", "Best item")


class LinkedCell(NamedTuple):
    """Of a table."""

    words: str
    href: str


Cell = str | LinkedCell


@dataclass(frozen=True, slots=True)
class AskedShow:
    period: ShowPeriod
    row: ShowRow
    now: Tally
    before: Tally

    def words(self, calendar: Calendar) -> str:
        return f"{shownshow.words(self.row, calendar)}, {shownshow.lasted(self.row)}"

    @property
    def tips(self) -> str:
        return shownshow.history_of(summary.number_of(self.row))


def asked(performer_id: str, query: Mapping[str, str]) -> AskedShow | None:
    """None: the address asks for no show, or for none of hers that is over."""
    wanted = periods.asks_for_show(query)
    found = onair.counted(performer_id, "" if wanted == SHOW else wanted) if wanted else []
    if not found:
        return None
    row, before = found[0], next(iter(found[1:]), None)
    since, until = _span(row)
    period = ShowPeriod(
        since,
        until,
        *(_span(before) if before else (since, since)),
        query=f"show={summary.number_of(row)}",
        chosen=SHOW if wanted == SHOW else "",
    )
    return AskedShow(period, row, _tally(row), _tally(before))


def _span(row: ShowRow) -> tuple[datetime, datetime]:
    return row["began_at"], row["ended_at"] or row["began_at"]


def _tally(row: ShowRow | None) -> Tally:
    """Nothing until it has been counted, within seconds of its end."""
    kept = row.get("tally") if row else None
    return tallies.of_show(kept) if kept else NOTHING


def row(show: ShowRow, calendar: Calendar) -> tuple[Cell, ...]:
    """Of a table: it leads to the numbers of that show."""
    number, sums = summary.number_of(show), show["sums"]
    href = f"{reverse('statistics')}?show={number}"
    first = LinkedCell(shownshow.words(show, calendar), href)
    if sums is None:
        return (first, shownshow.lasted(show), *[shownshow.NONE] * 5)
    counts = (charts.words(sums[name]) for name in ("tips", "tokens", "played"))
    owed = f"{charts.words(sums['owed'] / TENTHS)}\u00a0s"
    best = isolated(sums["best"]["title"]) if sums["best"] else shownshow.NONE
    return (first, shownshow.lasted(show), *counts, owed, best)
