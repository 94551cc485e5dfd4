"""What the Overview says: how each of the six steps keeps up, which processes show themselves, what
was tipped today. Reads little: what waits is asked now, all else is of the last minute and of the
beats."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TypedDict

from adminpanel.models import Heartbeat, TipHour
from adminpanel.watch import health, readiness
from adminpanel.watch.health import Backlog
from adminpanel.watch.lasthour import LastHour
from ground.mongodb.collections import collection
from ground.ui import charts
from lovense import facts
from lovense.facts import Fact, WatchedHop
from tips.queue import counts

# What waits beside a fact, and where it is looked at. Nothing of its own waits for the last one:
# what plays does.
WAITS: dict[int, tuple[WatchedHop | None, str]] = {
    1: (facts.ENTRIES, "staff-queue"),
    2: (facts.DELIVERIES, "staff-reconciliation"),
    3: (facts.LOOKS, "staff-reconciliation"),
    4: (facts.REQUESTS, "staff-queue"),
    5: (facts.CLAIMS, "staff-queue"),
    6: (None, "staff-dead-letters"),
}
PROCESSES_SHOWN = 30
SILENT, GONE = timedelta(seconds=15), timedelta(days=1)


@dataclass(frozen=True)
class StepSeen:
    """One fact, what waits there, and what passed it in the last hour."""

    fact: Fact
    hop: WatchedHop | None
    route: str
    waiting: int
    is_at_least: bool
    oldest: float | None
    is_late: bool
    rate: int | None
    half: float | None
    most: float | None
    drawn: str
    highest: int

    @property
    def waited(self) -> str:
        return took(self.oldest)

    @property
    def half_took(self) -> str:
        return took(self.half)

    @property
    def most_took(self) -> str:
        return took(self.most)

    @property
    def word(self) -> str:
        if self.is_late:
            return "Late"
        return "Keeps up" if self.rate is not None else "Not known"

    @property
    def tone(self) -> str:
        return {"Late": "warn", "Keeps up": "good"}.get(self.word, "idle")


def took(seconds: float | None) -> str:
    """As a person reads it: two figures."""
    if seconds is None:
        return "–"
    if seconds < 1:
        return f"{seconds * 1000:.0f} ms"
    return f"{seconds:.2g} s" if seconds < 99.5 else f"{seconds / 60:.0f} min"


def steps(hour: LastHour, *, now: datetime) -> list[StepSeen]:
    waiting = {hop.name: hop for hop in health.hops(now=now)}
    return [_step(fact, hour, waiting) for fact in facts.SIX]


def _step(fact: Fact, hour: LastHour, waiting: dict[str, Backlog]) -> StepSeen:
    hop, route = WAITS[fact.number]
    found = waiting[hop.name] if hop else None
    passed = hour.passed(fact.number)
    known = [n for n in passed if n is not None]
    has_next = fact.number < len(facts.SIX)
    return StepSeen(
        fact=fact,
        hop=hop,
        route=route,
        waiting=found.depth if found else counts.running(limit=health.COUNTED_AT_MOST),
        is_at_least=bool(found and found.is_at_least),
        oldest=found.lag_seconds if found else None,
        is_late=bool(found and found.is_late),
        rate=hour.rate(fact.number),
        half=hour.wait(fact.number, 0.5) if has_next else None,
        most=hour.wait(fact.number, 0.99) if has_next else None,
        drawn=charts.trend(passed),
        highest=max(known, default=0),
    )


_COUNTS = ("No", "One", "Two", "Three", "Four", "Five", "All six")


def sentence(found: Sequence[StepSeen], hour: LastHour) -> str:
    """Everything that concerns somebody, in one sentence."""
    return f"{'; '.join(_clauses(found, hour))}."


def _clauses(found: Sequence[StepSeen], hour: LastHour) -> Iterator[str]:
    late = [step for step in found if step.is_late]
    if late:
        yield f"{', '.join(step.hop.title for step in late if step.hop)} falls behind"
    elif any(step.word == "Not known" for step in found):
        yield "Nobody has counted what passed in the last two minutes"
    else:
        keep = _COUNTS[len(found)]
        yield f"{keep} steps keep up"
    seen = hour.seen
    if seen is None:
        yield "the rest is not known, since nobody has looked lately"
        return
    if not seen["ledger"]["answers"]:
        yield "the ledger does not answer"
    for code, one, several in _SAID:
        if n := seen["saw"].get(code, 0):
            yield f"{n} {one if n == 1 else several}"
    n = seen["repairs"]["open"]
    yield f"{n or 'no'} {'repair is' if n == 1 else 'repairs are'} open"


_SAID = (
    ("refused", "row was refused", "rows were refused"),
    ("set_aside", "delivery lies aside", "deliveries lie aside"),
    ("dead", "dead letter waits for a decision", "dead letters wait for a decision"),
)


# --- processes -----------------------------------------------------------------------------------


@dataclass(frozen=True)
class ShownProcess:
    name: str
    at: datetime
    is_silent: bool
    memory_mb: int | None
    version: str | None
    skew_ms: int | None

    @property
    def word(self) -> str:
        return "Silent" if self.is_silent else "Answers"

    @property
    def tone(self) -> str:
        return "bad" if self.is_silent else "good"


_KINDS = {readiness.WEB: "Web", readiness.WORKERS: "Worker"}


def processes(*, now: datetime) -> list[ShownProcess]:
    """Those that have shown themselves within GONE, by what they are."""
    shown = {"at": {"$gt": now - GONE}}
    rows = collection(Heartbeat).find({"_id": {"$gte": readiness.CLOCK}, **shown}).sort("_id", 1)
    return [
        ShownProcess(
            name,
            row["at"],
            now - row["at"] > SILENT,
            row.get("memory_mb"),
            row.get("version"),
            row.get("skew_ms"),
        )
        for row in rows.limit(PROCESSES_SHOWN)
        if (name := _name(row["_id"]))
    ]


def _name(key: str) -> str:
    """The mark that a process leaves when it is asked whether it is ready is none of these."""
    if key == readiness.CLOCK:
        return "Beat, by a worker"
    kind, _, slot = key.partition("/")
    words = _KINDS.get(f"{kind}/", "")
    return f"{words} {slot}" if words else ""


# --- money ---------------------------------------------------------------------------------------


class Today(TypedDict):
    tips: int
    tokens: int
    net: int
    commission: int


def today(*, now: datetime) -> Today:
    """Since midnight (UTC), as counted by hours."""
    rows = list(collection(TipHour).find({"_id": {"$gte": now.strftime("%Y-%m-%dT00")}}))
    tips, tokens, net = (sum(row[name] for row in rows) for name in ("tips", "tokens", "net"))
    return {"tips": tips, "tokens": tokens, "net": net, "commission": tokens - net}
