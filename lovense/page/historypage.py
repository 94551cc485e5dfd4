"""What her history shows: a slice of it by day, what each of them became, and where it goes on.
Nothing is changed here."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from functools import cached_property

from django.urls import reverse

from ground.ui import charts, shown
from ground.words import isolated
from lovense.deciding.activation import OWED_KEY
from lovense.deciding.shortfall import TENTHS
from lovense.history import browsing
from lovense.history.browsing import READ_AT_MOST, HistorySlice
from lovense.menus import reading
from lovense.models import Activation, OwedState, Performer
from lovense.owed import listing
from lovense.page import days, historyform, outcome, shownshow, shownwords
from lovense.page.outcome import Outcome
from lovense.page.shownwords import ShownWords
from lovense.rows import Item, OwedRow

LONGEST_PLACE = 80
NAME_SHOWN, NAME_WHOLE = 24, 64


@dataclass(frozen=True, slots=True)
class ShownRun:
    """A row: who and how much, what it became, and when, in her zone."""

    activation_id: str
    title: str
    outcome: Outcome
    owed: str
    clock: str
    moment: datetime

    @property
    def icon(self) -> str:
        return shown.sign(self.outcome.tone)

    @property
    def href(self) -> str:
        return reverse("history-run", args=[self.activation_id])


@dataclass(frozen=True, slots=True)
class ShownDay:
    day: date
    words: str
    runs: list[ShownRun]

    @property
    def id(self) -> str:
        """Of its heading."""
        return f"day-{self.day}"


@dataclass(frozen=True, slots=True)
class SearchEnd:
    """Where a search gave up, and the address that goes on from there."""

    title: str
    words: str
    href: str


class HistoryPage:
    """What the page shows; each part is read once, and only where it is shown."""

    def __init__(self, performer: Performer, query: Mapping[str, str], now: datetime) -> None:
        self._id, self._menu = performer.performer_id, performer.menu_version
        self._calendar, self._said = days.calendar_of(performer, now), shownwords.of(performer)
        self.zone, self.today = self._calendar.zone, self._calendar.today
        self.form = shownshow.narrowed(historyform.read(query, self.zone), self._id)
        self._after, self._before = (query.get(each, "") for each in ("after", "before"))

    @cached_property
    def slice(self) -> HistorySlice:
        places = {
            name: said if len(said) <= LONGEST_PLACE and said.isprintable() else ""
            for name, said in (("after", self._after), ("before", self._before))
        }
        return browsing.slice_of(self._id, self.form.filter, **places)

    @cached_property
    def _owed(self) -> Mapping[str, OwedRow]:
        short = [row.pk for row in self.slice.rows if outcome.may_owe(row)]
        return listing.of(short)

    @property
    def days(self) -> list[ShownDay]:
        return [
            ShownDay(day, days.words(day, self.today), [self._shown(row) for row in rows])
            for day, rows in days.grouped(self.slice.rows, self.zone)
        ]

    def _shown(self, row: Activation) -> ShownRun:
        return ShownRun(
            row.pk,
            who_and_what(row, self._said, most=NAME_SHOWN),
            outcome.of(row),
            owed_words(self._owed.get(row.pk)),
            self._calendar.told(row.created_at),
            row.created_at,
        )

    @property
    def items(self) -> list[tuple[str, str]]:
        return self.form.items(self._offered)

    @property
    def shows(self) -> list[tuple[str, str]]:
        latest, chosen = shownshow.latest(self._id), self.form.typed["show"]
        return shownshow.choices(latest, chosen, self._calendar)

    @cached_property
    def _offered(self) -> list[Item]:
        key = f"{self._id}.{self._menu}"
        found = reading.read([key]) if self._menu else {}
        return list(found[key].items) if key in found else []

    @property
    def newer(self) -> str:
        return self.form.at(before=self.slice.newer) if self.slice.newer else ""

    @property
    def older(self) -> str:
        return self.form.at(after=self.slice.older) if self.slice.older else ""

    @property
    def is_asked(self) -> bool:
        """Something is left out, so that nothing may be found although there is something."""
        asked = self.form.filter
        return asked.is_search or bool(asked.since or asked.until)

    @property
    def gave_up(self) -> SearchEnd | None:
        place = self.slice.gave_up
        if place is None:
            return None
        day = days.words(days.of_moment(place.created_at, self.zone), self.today)
        read = charts.words(READ_AT_MOST)
        return SearchEnd(
            f"{read} of yours were looked through",
            f"That is as far back as {day}. There may be more before it.",
            self.form.at(after=place.activation_id),
        )

    @property
    def all(self) -> str:
        """The address that asks for nothing but what the chips do."""
        outcome_asked = self.form.filter.outcome
        return f"{reverse('history')}{f'?outcome={outcome_asked}' if outcome_asked else ''}"

    @property
    def file(self) -> str:
        """The address of the file that holds the same."""
        return f"{reverse('history-file')}{f'?{self.form.query}' if self.form.query else ''}"


def called(name: str, most: int = NAME_SHOWN) -> str:
    """A viewer's name, cut where it would push everything else away."""
    return isolated(name if len(name) <= most else f"{name[: most - 1]}…") or "Someone"


def who_and_what(row: Activation, shown: ShownWords, *, most: int) -> str:
    """`bob · 100 tokens`; of a test, and of what is owed, who set it off."""
    who = called(shown.who(row.tipper_name), most)
    return f"{who} · {tokens(row.amount)}" if row.tip_id else f"{who} · {kind_of(row)}"


def kind_of(row: Activation) -> str:
    """Of what no tip set off."""
    return "Owed" if row.pk.startswith(OWED_KEY) else "Test"


def tokens(amount: int) -> str:
    """A number and its unit never part."""
    return f"{charts.words(amount)}\u00a0token{'' if amount == 1 else 's'}"


def owed_words(row: OwedRow | None) -> str:
    """What is still owed; empty where nothing is, or it is decided."""
    if row is None or row["state"] != OwedState.OPEN:
        return ""
    return f"{row['owed'] / TENTHS:g}\u00a0s owed"
