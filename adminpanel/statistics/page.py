"""What the staff's Statistics show: the numbers of a period beside those of the one before it, how
long it took, and what came by which path, kind and device. Nothing is changed here."""

from collections.abc import Iterator, Sequence
from datetime import datetime
from functools import cached_property
from typing import Any, NamedTuple

from django.urls import reverse

from adminpanel.lists.performers import names_of
from adminpanel.statistics import asked as asking
from adminpanel.statistics import period
from adminpanel.statistics.asked import PERFORMER, StatisticsAsked
from adminpanel.statistics.counted import Counted, Numbers
from adminpanel.watch import recounting
from ground.ui import charts
from lovense.deciding.shortfall import TENTHS
from lovense.history import facets, latencies, spans
from lovense.history.daysums import DAY
from lovense.history.hours import HOUR
from lovense.history.ranking import Ranking
from lovense.menus.matching import DEFAULT_ITEM
from lovense.page import outcome
from lovense.page.devicespage import PATHS

MOST_PERFORMERS = 20
MOST_WORDS = 30  # of a facet
HOURS_SHOWN = 2  # days, up to which a line has a point for each hour
HEADS = {
    "bridge": "By path",
    "kind": "By kind of effect",
    "pattern": "By pattern",
    "device": "By type of device",
}
FACETS_HEAD = ("", "Tips", "Played", "Tokens", "Delivered", "Owed", "Settled to sent, p95")
PERFORMERS_HEAD = ("Performer", "Tips", "Played", "Tokens", "Net", "Delivered", "Owed")
NOT_PLAYED_HEAD = ("Why", "Tips", "Share")
LATENCY_HEAD = ("Between", "p50", "p95", "p99")
MINUTES_HEAD = ("Minute (UTC)", "Tips")
KINDS = {
    "LEVEL": "A level",
    "PRESET": "A preset",
    "PATTERN": "A pattern",
    facets.RANDOM: "Drawn at random",
    facets.HANDED_OVER: "The extension’s own levels",
    DEFAULT_ITEM: "The default reaction",
}
NONE = {
    "bridge": "Not told to any",
    "kind": "No item",
    "pattern": "None",
    "device": "Not told to any",
}
# The bands of the heat map, by their upper ends in milliseconds.
BANDS = (
    *(
        (250, "≤\u00a00.25\u00a0s"),
        (500, "≤\u00a00.5\u00a0s"),
        (1_000, "≤\u00a01\u00a0s"),
        (2_000, "≤\u00a02\u00a0s"),
        (5_000, "≤\u00a05\u00a0s"),
    ),
    *((15_000, "≤\u00a015\u00a0s"), (60_000, "≤\u00a01\u00a0min"), (10**9, "longer")),
)


class StaffStat(NamedTuple):
    """`change` in percent against the period before; None: nothing to compare with."""

    label: str
    value: str
    unit: str = ""
    change: int | None = None
    up_is_good: bool = True


class Linked(NamedTuple):
    words: str
    href: str


class FacetTable(NamedTuple):
    id: str
    title: str
    caption: str
    head: Sequence[str]
    rows: Sequence[Sequence[Any]]


class StatisticsShown:
    latency_head, not_played_head, minutes_head = LATENCY_HEAD, NOT_PLAYED_HEAD, MINUTES_HEAD
    performers_head, most_performers = PERFORMERS_HEAD, MOST_PERFORMERS

    def __init__(self, asked: StatisticsAsked, now: datetime) -> None:
        self.asked, self.period, self._at = asked, asked.period, now
        self.counted = Counted(asked)
        self.fresh = recounting.freshness()

    @property
    def is_late(self) -> bool:
        return self.fresh.is_late(self._at)

    # --- what is asked ---------------------------------------------------------------------------
    @property
    def chips(self) -> list[dict[str, Any]]:
        """The periods; each keeps what else is asked."""
        clean = {"from": "", "to": ""}
        return [
            {
                "href": self.asked.address(period=name, **clean),
                "words": words,
                "on": self.period.chosen == name,
            }
            for name, words in period.SHOWN.items()
        ]

    @property
    def chosen(self) -> list[dict[str, Any]]:
        """What narrows it, each with the address without it."""
        found = [
            (name, f"{HEADS.get(name, 'By outcome')[3:]}: {words_of(name, word)}")
            for name, word in self.asked.chosen.items()
        ]
        if whose := self.asked.performer_id:
            found.append((PERFORMER, f"performer: {names_of([whose]).get(whose, whose)}"))
        return [
            {"words": f"{words} ×", "href": self.asked.address(**{name: ""}), "on": True}
            for name, words in found
        ]

    @property
    def kept(self) -> list[tuple[str, str]]:
        """What a form of another period hands on."""
        said = {name: asking.said_of(word) for name, word in self.asked.chosen.items()}
        return [
            *said.items(),
            *([(PERFORMER, whose)] if (whose := self.asked.performer_id) else []),
        ]

    @property
    def words(self) -> str:
        first, last = self.period.first, self.period.last
        if first == last:
            return _day(first)
        return f"{_day(first)} to {_day(last)}"

    # --- numbers ---------------------------------------------------------------------------------
    @property
    def is_empty(self) -> bool:
        return not self.counted.now.sums["tips"]

    @property
    def stats(self) -> list[StaffStat]:
        now, before = self.counted.now, self.counted.before
        return [
            *self._settled,
            _stat("Turn came", now.sums["tips"], before.sums["tips"]),
            _stat("Played", now.played, before.played),
            _share("Share played", now, before),
            _stat("Tokens", now.sums["tokens"], before.sums["tokens"]),
            _stat("Net", now.sums["net"], before.sums["net"]),
            _stat("Commission", now.commission, before.commission),
            _seconds("Promised", now, before, "promised"),
            _seconds("Delivered", now, before, "delivered"),
            _seconds("Owed", now, before, "owed"),
        ]

    @property
    def _settled(self) -> Iterator[StaffStat]:
        """What is settled has no facet yet."""
        if not self.asked.is_narrowed:
            now = self.counted.settled(self.period.since, self.period.until)
            before = self.counted.settled(*self.period.before)
            yield _stat("Settled", now.tips, before.tips)

    @property
    def not_played(self) -> list[tuple[Any, str, str]]:
        now = self.counted.now
        return [
            (
                Linked(outcome.briefly(why), self.asked.address(outcome=why)),
                charts.words(tips),
                _percent(tips, now.over),
            )
            for why, tips in now.not_played
        ]

    @property
    def latency_rows(self) -> list[tuple[str, ...]]:
        now = self.counted.now
        named = (("Settled to sent", now.sent), ("Sent to started", now.started))
        return [(name, *map(span_words, found)) for name, found in named]

    # --- over time -------------------------------------------------------------------------------
    @property
    def is_hourly(self) -> bool:
        return self.period.until - self.period.since <= HOURS_SHOWN * DAY

    @property
    def unit(self) -> str:
        return "per hour (UTC)" if self.is_hourly else "per day (UTC)"

    @cached_property
    def _steps(self) -> list[datetime]:
        step = HOUR if self.is_hourly else DAY
        length = -((self.period.since - self.period.until) // step)
        return [self.period.since + n * step for n in range(length)]

    @property
    def labels(self) -> list[str]:
        return [f"{at:%H:%M}" if self.is_hourly else _day(at) for at in self._steps]

    @property
    def series(self) -> list[tuple[str, list[float]]]:
        parts = ((self.counted.parts, 0), (self.counted.before_parts, self.period.days))
        lines = [self._line(found, earlier) for found, earlier in parts]
        return list(zip(("This time", "Before"), lines, strict=True))

    def _line(self, parts: spans.Parts, days_earlier: int) -> list[float]:
        unit = HOUR if self.is_hourly else DAY
        found = spans.tokens_by(parts, self.asked.chosen, unit=unit)
        return [float(found[at - days_earlier * DAY]) for at in self._steps]

    @cached_property
    def heat(self) -> list[tuple[str, list[float]]]:
        """How many tips of each hour of the day took how long until they were sent, in percent of
        that hour's; of all facets together."""
        if self.asked.is_narrowed:
            return []
        by_hour = spans.by_hour_of_day(self.counted.parts)
        bands = [latencies.bucket_of(end) for end, _ in BANDS]
        rows: list[list[float]] = [[0.0] * 24 for _ in BANDS]
        for hour, counts in enumerate(by_hour):
            found = list(latencies.each(counts))
            whole = sum(count for _, count in found)
            for bucket, count in found:
                band = next(n for n, last in enumerate(bands) if bucket <= last)
                rows[band][hour] += 100 * count / whole
        return [(said, [*map(round, row)]) for (_, said), row in zip(BANDS, rows, strict=True)]

    @property
    def heat_columns(self) -> list[str]:
        return [f"{hour:02d}" for hour in range(24)]

    # --- by what ---------------------------------------------------------------------------------
    @property
    def tables(self) -> list[FacetTable]:
        return [
            FacetTable(
                name,
                title,
                f"Tips {title.lower()}",
                (title[3:].capitalize(), *FACETS_HEAD[1:]),
                self._rows(name),
            )
            for name, title in HEADS.items()
        ]

    def _rows(self, name: str) -> list[tuple[Any, ...]]:
        return [
            (
                Linked(words_of(name, word), self.asked.address(**{name: asking.said_of(word)})),
                *_cells(now),
            )
            for word, now in self.counted.by(name)[:MOST_WORDS]
        ]

    @cached_property
    def _ranking(self) -> Ranking:
        return self.counted.ranked(MOST_PERFORMERS)

    @property
    def performers_note(self) -> str:
        most = self._ranking.of_each
        return f"Of each day the {most} who were tipped most count" if most else ""

    @cached_property
    def performers(self) -> list[tuple[Any, ...]]:
        """Those who were tipped most; of all facets together."""
        if self.asked.is_narrowed or self.asked.performer_id:
            return []
        found = self._ranking.rows
        names = names_of(each.performer_id for each in found)
        return [
            (
                Linked(
                    names.get(each.performer_id, each.performer_id),
                    reverse("staff-performer", args=[each.performer_id]),
                ),
                *_ranked_cells(each.sums),
            )
            for each in found
            if each.sums["tips"]
        ]

    @property
    def minutes(self) -> list[tuple[str, str]]:
        """The busiest; of all facets together."""
        if self.asked.is_narrowed:
            return []
        found = spans.busiest(self.counted.parts)
        return [(f"{_day(each['at'])}, {each['at']:%H:%M}", str(each["tips"])) for each in found]


def words_of(name: str, word: str) -> str:
    """Of a facet, as a person reads it."""
    if not word:
        return NONE.get(name, "None")
    if name == "bridge":
        return PATHS[word][0] if word in PATHS else word
    if name == "outcome":
        return outcome.briefly(word)
    return KINDS.get(word, word.capitalize()) if name == "kind" else word.capitalize()


def span_words(milliseconds: float | None) -> str:
    """Two figures: more is not known."""
    if milliseconds is None:
        return "–"
    if milliseconds < 1000:
        return f"{float(f'{milliseconds:.2g}'):.0f} ms"
    seconds = float(f"{milliseconds / 1000:.2g}")
    return f"{seconds:g} s" if seconds < 120 else f"{seconds / 60:.2g} min"


def _cells(now: Numbers) -> tuple[str, ...]:
    return (
        charts.words(now.sums["tips"]),
        _percent(now.played, now.over),
        charts.words(now.sums["tokens"]),
        _tenths(now.sums["delivered"]),
        _tenths(now.sums["owed"]),
        span_words(now.sent.p95),
    )


def _ranked_cells(sums: dict[str, int]) -> tuple[str, ...]:
    return (
        charts.words(sums["tips"]),
        _percent(sums["played"], sums["over"]),
        *(charts.words(sums[name]) for name in ("tokens", "net")),
        *(_tenths(sums[name]) for name in ("delivered", "owed")),
    )


def _stat(label: str, now: float, before: float, unit: str = "") -> StaffStat:
    return StaffStat(label, charts.words(now), unit, _change(now, before))


def _seconds(label: str, now: Numbers, before: Numbers, name: str) -> StaffStat:
    told = charts.words(now.sums[name] / TENTHS)
    change = _change(now.sums[name], before.sums[name])
    return StaffStat(label, told, "s", change, up_is_good=name != "owed")


def _share(label: str, now: Numbers, before: Numbers) -> StaffStat:
    """Its change is that of the share, in points."""
    if not now.over:
        return StaffStat(label, "–")
    share = 100 * now.played / now.over
    change = round(share - 100 * before.played / before.over) if before.over else None
    return StaffStat(label, charts.words(share), "%", change)


def _change(now: float, before: float) -> int | None:
    return round(100 * (now - before) / before) if before else None


def _tenths(count: int) -> str:
    return f"{charts.words(count / TENTHS)}\u00a0s"


def _percent(count: int, whole: int) -> str:
    return f"{round(100 * count / whole)}\u00a0%" if whole else "–"


def _day(day: Any) -> str:
    return f"{day.day} {day:%b %Y}"
