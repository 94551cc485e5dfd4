"""What her statistics show: a period beside the one before it, by item and by hour, from what was
counted; her shows; and who tipped most, where she asks for that. Nothing is changed here."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cached_property

from ground.ui import charts
from ground.words import isolated
from lovense.deciding.shortfall import TENTHS
from lovense.history import hours, tallies, tippers
from lovense.history.counting import PLAYED, UNDER_WAY
from lovense.history.daysums import SUMMED
from lovense.history.tallies import Tally
from lovense.models import Performer
from lovense.page import days, outcome, periods, shownwords, showperiod
from lovense.page.historyform import OutcomeChip
from lovense.page.historypage import called
from lovense.page.periods import Period, ShowPeriod
from lovense.page.showperiod import SHOWS_HEAD, Cell
from lovense.rows import HourCell
from lovense.shows import onair

HOURS_SHOWN = 2  # days, up to which a line has a point for each hour
WEEKDAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
HEAT_DAYS = 7  # with fewer, a weekday says nothing
MOST_ITEMS = 50
MOST_SHOWS = 20
WITHOUT_ITEM = "No effect"
# The heads of its tables.
ITEMS_HEAD = ("Item", "Tips", "Tokens", "Seconds", "Per second")
NOT_PLAYED_HEAD = ("Why", "Tips", "Share")
TIPPERS_HEAD = ("Who", "Tips", "Tokens")


@dataclass(frozen=True, slots=True)
class ShownStat:
    """`change` in percent against the period before; None: nothing to compare with."""

    label: str
    value: str
    unit: str = ""
    change: int | None = None
    up_is_good: bool = True


class HourSums(Counter[str]):
    """The cells of some hours together."""

    def __init__(self, cells: Sequence[HourCell]) -> None:
        super().__init__({name: _sum(cells, name) for name in SUMMED})
        self.by_outcome: Counter[str] = Counter()
        for cell in cells:
            self.by_outcome[cell["outcome"]] += cell["tips"]

    @property
    def wait(self) -> float | None:
        """In seconds, on average; None: nothing has begun."""
        return self["waited_ms"] / self["waits"] / 1000 if self["waits"] else None

    @property
    def over(self) -> int:
        return self["tips"] - self.by_outcome[UNDER_WAY]


class StatisticsPage:
    """What the page shows. What was counted is read once, for both periods."""

    items_head, not_played_head, tippers_head = ITEMS_HEAD, NOT_PLAYED_HEAD, TIPPERS_HEAD
    shows_head = SHOWS_HEAD

    def __init__(self, performer: Performer, query: Mapping[str, str], now: datetime) -> None:
        self._id, self._calendar = performer.performer_id, days.calendar_of(performer, now)
        self._said = shownwords.of(performer)
        self.zone, self.today = self._calendar.zone, self._calendar.today
        self._show = showperiod.asked(self._id, query)
        self.period: Period | ShowPeriod = (
            self._show.period if self._show else periods.read(query, self.zone, self.today)
        )
        self.shows_tippers = query.get("tippers") == "1"

    @cached_property
    def _both(self) -> tuple[Tally, Tally]:
        if self._show:
            return self._show.now, self._show.before
        asked = self.period
        return tallies.both(self._id, before=asked.before, since=asked.since, until=asked.until)

    @property
    def _now(self) -> Tally:
        return self._both[0]

    @property
    def _before(self) -> Tally:
        return self._both[1]

    @cached_property
    def sums(self) -> HourSums:
        return HourSums(self._now.cells)

    # --- which period ----------------------------------------------------------------------------
    @property
    def chips(self) -> list[OutcomeChip]:
        return [
            OutcomeChip(f"?period={name}", said, self.period.chosen == name)
            for name, said in periods.WORDS.items()
        ]

    @property
    def words(self) -> str:
        """The days, or the show, as a person says them."""
        period = self.period
        if isinstance(period, ShowPeriod):
            return self._show.words(self._calendar) if self._show else ""
        first = days.words(period.first, self.today)
        if period.days == 1:
            return first
        last = days.words(period.last, self.today)
        return f"{first} to {last.lower() if period.last == self.today else last}"

    @property
    def against(self) -> str:
        return "Against the show before" if self._show else "Against the time before"

    @property
    def tips(self) -> str:
        """The address of what the tips of this show became; empty: it is about no show."""
        return self._show.tips if self._show else ""

    @cached_property
    def shows(self) -> list[tuple[Cell, ...]]:
        """Those that began in these days, or the latest ones beside the one that is shown."""
        since, until = (None, None) if self._show else (self.period.since, self.period.until)
        found = onair.ended(self._id, limit=MOST_SHOWS, before=until, since=since)
        return [showperiod.row(each, self._calendar) for each in found]

    # --- numbers ---------------------------------------------------------------------------------
    @property
    def stats(self) -> list[ShownStat]:
        now, before = self.sums, HourSums(self._before.cells)
        told = [
            _stat("Tips", now["tips"], before["tips"]),
            _stat("Tokens", now["tokens"], before["tokens"]),
            _stat("Net", now["net"], before["net"], "tokens"),
            _stat("Played", now.by_outcome[PLAYED], before.by_outcome[PLAYED], "tips"),
            _seconds("Promised", now["promised"], before["promised"]),
            _seconds("Delivered", now["delivered"], before["delivered"]),
            _seconds("Owed", now["owed"], before["owed"], up_is_good=False),
        ]
        if now.wait is not None:
            told.append(_stat("Mean wait", now.wait, before.wait or 0, "s", up_is_good=False))
        return told

    @property
    def not_played(self) -> list[tuple[str, str, str]]:
        """Each reason with how many tips, and which share of those that are over."""
        found = self.sums.by_outcome
        return [
            (
                outcome.briefly(reason),
                charts.words(count),
                _percent(count, self.sums.over),
            )
            for reason, count in found.most_common()
            if count and reason not in (PLAYED, UNDER_WAY)
        ]

    @property
    def not_played_words(self) -> str:
        count = self.sums.over - self.sums.by_outcome[PLAYED]
        return f"{_percent(count, self.sums.over)} of the tips did not play"

    @property
    def items(self) -> list[tuple[str, ...]]:
        """By tokens: title, tips, tokens, seconds delivered, tokens per second."""
        found: dict[str, list[HourCell]] = defaultdict(list)
        for cell in self._now.cells:
            found[cell["item"]].append(cell)
        shown = sorted(found.values(), key=lambda cells: -_sum(cells, "tokens"))
        return [_item(cells) for cells in shown[:MOST_ITEMS]]

    # --- over time -------------------------------------------------------------------------------
    @property
    def is_hourly(self) -> bool:
        return self.period.days <= HOURS_SHOWN

    @property
    def unit(self) -> str:
        return "per hour" if self.is_hourly else "per day"

    @property
    def labels(self) -> list[str]:
        return [self._label(at) for at in self._points(self.period.since, self.period.until)]

    @property
    def series(self) -> list[tuple[str, list[float]]]:
        asked = self.period
        now = self._line(self._now, asked.since, asked.until)
        before = self._line(self._before, asked.before, asked.before_until)
        # The one before may be shorter; and where the clocks were changed it is an hour longer.
        return [("This time", now), ("Before", [*before, *[0.0] * len(now)][: len(now)])]

    def _points(self, since: datetime, until: datetime) -> Iterator[datetime]:
        at = hours.floor(since) if self._show and self.is_hourly else since
        while at < until:
            yield at
            at = at + hours.HOUR if self.is_hourly else self._day_after(at)

    def _day_after(self, at: datetime) -> datetime:
        return days.begin(days.of_moment(at, self.zone) + timedelta(days=1), self.zone)

    def _label(self, at: datetime) -> str:
        if self.is_hourly:
            return self._calendar.told(at)
        local = at.astimezone(self.zone)
        return f"{local:%a} {local.day} {local:%b}"

    def _line(self, counted: Tally, since: datetime, until: datetime) -> list[float]:
        if self.is_hourly:
            by_hour = counted.tokens
            return [float(by_hour.get(hours.floor(at), 0)) for at in self._points(since, until)]
        by_day = days.sums(counted.days, self.zone)
        return [float(by_day[days.of_moment(at, self.zone)]) for at in self._points(since, until)]

    @property
    def heat(self) -> list[tuple[str, list[float]]]:
        """Tokens by weekday and hour; nothing for less than a week."""
        if self.period.days < HEAT_DAYS:
            return []
        return list(zip(WEEKDAYS, days.by_weekday(self._now.days, self.zone), strict=True))

    @property
    def heat_columns(self) -> list[str]:
        return [f"{hour:02d}" for hour in range(24)]

    # --- who -------------------------------------------------------------------------------------
    @property
    def with_tippers(self) -> str:
        return f"?{self.period.query}&tippers=1#tippers"

    @cached_property
    def tippers(self) -> list[tuple[str, str, str]]:
        """Name, tips, tokens: read only where she asks."""
        found = tippers.top(self._id, self.period.since, self.period.until)
        return [
            (called(self._said.who(each.name)), charts.words(each.tips), charts.words(each.tokens))
            for each in found
        ]


def _sum(cells: Iterable[HourCell], name: str) -> int:
    return sum(cell[name] for cell in cells)  # type: ignore[literal-required]


def _stat(
    label: str, now: float, before: float, unit: str = "", *, up_is_good: bool = True
) -> ShownStat:
    change = round(100 * (now - before) / before) if before else None
    return ShownStat(label, charts.words(now), unit, change, up_is_good)


def _seconds(label: str, now: int, before: int, *, up_is_good: bool = True) -> ShownStat:
    return _stat(label, now / TENTHS, before / TENTHS, "s", up_is_good=up_is_good)


def _percent(count: int, whole: int) -> str:
    return f"{round(100 * count / whole) if whole else 0}\u00a0%"


def _item(cells: Sequence[HourCell]) -> tuple[str, ...]:
    """By the title that it had last."""
    title = next((cell["title"] for cell in reversed(cells) if cell["title"]), WITHOUT_ITEM)
    tips, tokens, tenths = (_sum(cells, name) for name in ("tips", "tokens", "delivered"))
    seconds = tenths / TENTHS
    rate = charts.words(tokens / seconds) if seconds else "–"
    return (isolated(title), *map(charts.words, (tips, tokens, seconds)), rate)
