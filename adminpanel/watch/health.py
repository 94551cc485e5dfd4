"""Is anything stuck: how much waits before each hop and for how long, what went wrong lately, and
how late the consumers of the event log are. Only reads.

Every question is answered by an index and counted no further than it matters: 100 000 that wait
make nothing slow."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from adminpanel.watch import readiness
from ground.inbox import inbox
from ground.journal import journal
from lovense import facts
from lovense.lane import submissions
from tips.log import emission
from tips.queue import counts
from tips.settlement import polling

DEPTH = submissions.DEPTH
COUNTED_AT_MOST = DEPTH + 1
FAILURES_WITHIN = timedelta(hours=1)


class Status(StrEnum):
    HEALTHY = "healthy"
    DEGRADED = "degraded"
    UNHEALTHY = "unhealthy"


@dataclass(frozen=True, slots=True)
class Measure:
    """What is watched. Above `degraded` it is a reason to look, above `unhealthy` to do
    something. `hop`: it is what waits there, which is counted once."""

    code: str
    degraded: int
    unhealthy: int
    counted_at_most: int
    count: Callable[[datetime, int], int] | None = None
    hop: str = ""


@dataclass(frozen=True, slots=True)
class Reading:
    measure: Measure
    saw: int

    @property
    def status(self) -> Status:
        if self.saw > self.measure.unhealthy:
            return Status.UNHEALTHY
        return Status.DEGRADED if self.saw > self.measure.degraded else Status.HEALTHY

    @property
    def is_at_least(self) -> bool:
        """It was not counted any further."""
        return self.saw >= self.measure.counted_at_most


MEASURES = (
    Measure(
        "depth",
        DEPTH * 70 // 100,
        DEPTH * 90 // 100,
        COUNTED_AT_MOST,
        hop=facts.REQUESTS.name,
    ),
    Measure(
        "failures",
        50,
        100,
        1000,
        lambda now, most: counts.gone_wrong(since=now - FAILURES_WITHIN, limit=most),
    ),
    Measure("dead", 20, 50, 1000, lambda now, most: counts.unreviewed(limit=most)),
    # Money that nobody looks at: one is enough.
    Measure("set_aside", 0, 50, 1000, lambda now, most: inbox.count_set_aside(limit=most)),
    # A row that everybody reads is not there: one is enough.
    Measure("refused", 0, 50, 1000, lambda now, most: journal.refused(limit=most)),
    # Milliseconds between the clock of a process and MongoDB's.
    Measure(
        "skew",
        readiness.SKEW_MS // 4,
        readiness.SKEW_MS,
        24 * 60 * 60 * 1000,
        lambda now, most: min(readiness.worst_skew_ms(), most),
    ),
)


@dataclass(frozen=True, slots=True)
class Backlog:
    """What waits before a hop: how many, and how long the oldest has. `is_at_least`: not counted
    any further."""

    name: str
    depth: int
    lag_seconds: float | None

    @property
    def is_at_least(self) -> bool:
        return self.depth >= COUNTED_AT_MOST

    @property
    def is_late(self) -> bool:
        late = facts.HOPS[self.name].late_seconds
        return late is not None and (self.lag_seconds or 0) > late


@dataclass(frozen=True, slots=True)
class Health:
    status: Status
    readings: tuple[Reading, ...]
    hops: tuple[Backlog, ...]

    @property
    def reasons(self) -> list[Reading]:
        return [reading for reading in self.readings if reading.status is not Status.HEALTHY]

    def saw(self, code: str) -> Reading:
        return next(reading for reading in self.readings if reading.measure.code == code)

    def hop(self, name: str) -> Backlog:
        return next(hop for hop in self.hops if hop.name == name)


def read(*, now: datetime) -> Health:
    waiting = hops(now=now)
    depths = {hop.name: hop.depth for hop in waiting}
    readings = tuple(
        Reading(each, each.count(now, each.counted_at_most) if each.count else depths[each.hop])
        for each in MEASURES
    )
    worst = max((reading.status for reading in readings), key=list(Status).index)
    return Health(worst, readings, waiting)


# How what waits before a hop is counted.
COUNTS: dict[str, Callable[[datetime, int], tuple[int, datetime | None]]] = {
    facts.ENTRIES.name: lambda now, limit: journal.behind(),
    facts.DELIVERIES.name: lambda now, limit: inbox.backlog(limit=limit),
    facts.LOOKS.name: lambda now, limit: polling.backlog(now=now, limit=limit),
    facts.REQUESTS.name: lambda now, limit: counts.backlog(limit=limit),
    facts.CLAIMS.name: lambda now, limit: counts.overdue(now=now, limit=limit),
}


def hops(*, now: datetime) -> tuple[Backlog, ...]:
    """The journal's, then in the order of the facts."""
    found = ((name, *COUNTS[name](now, COUNTED_AT_MOST)) for name in facts.HOPS)
    return tuple(
        Backlog(name, depth, (now - oldest).total_seconds() if oldest else None)
        for name, depth, oldest in found
    )


# --- the consumers of the event log --------------------------------------------------------------

LATE = timedelta(seconds=facts.LATE_SECONDS)


@dataclass(frozen=True, slots=True)
class ConsumerHealth:
    """A consumer of the event log: where it stands, how late it is, and a word for it."""

    standing: emission.Standing
    lag_seconds: int
    word: str
    tone: str


def consumers(*, now: datetime) -> list[ConsumerHealth]:
    return [_consumer(standing, now) for standing in emission.standings()]


def _consumer(standing: emission.Standing, now: datetime) -> ConsumerHealth:
    lag = max(timedelta(), now - standing.waits_since) if standing.waits_since else timedelta()
    if standing.attempts:
        found = ("Held up", "bad")
    elif lag > LATE:
        found = ("Behind", "warn")
    elif standing.dead:
        found = ("Has dead events", "warn")
    else:
        found = ("Up to date", "good")
    return ConsumerHealth(standing, int(lag.total_seconds()), *found)
