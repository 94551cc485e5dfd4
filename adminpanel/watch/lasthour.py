"""The last hour, as its minutes tell it: how things are in one word, and what passed. Pure but for
one read; no look at anything else.

What nobody has looked at for FRESH is not known, whatever it was: a light that nobody refreshed is
not green."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from functools import cached_property

from adminpanel.watch import minutes, passing
from adminpanel.watch.health import Status
from adminpanel.watch.minutes import MINUTE, MinuteRow
from adminpanel.watch.moment import HealthLook
from lovense import facts

SHOWN = 60  # minutes
FRESH = timedelta(seconds=150)  # two looks were missed


class HealthWord(StrEnum):
    """How everything is. The value is what people read."""

    WELL = "Healthy"
    STRAINED = "Degraded"
    ILL = "Unhealthy"
    UNKNOWN = "Not known"

    @property
    def tone(self) -> str:
        return _TONES[self]


_TONES = {
    HealthWord.WELL: "good",
    HealthWord.STRAINED: "warn",
    HealthWord.ILL: "bad",
    HealthWord.UNKNOWN: "idle",
}
_WORDS = {
    Status.HEALTHY: HealthWord.WELL,
    Status.DEGRADED: HealthWord.STRAINED,
    Status.UNHEALTHY: HealthWord.ILL,
}


@dataclass(frozen=True)
class LastHour:
    rows: Sequence[MinuteRow]
    now: datetime

    @cached_property
    def looked(self) -> MinuteRow | None:
        """The minute with the newest look, however old."""
        return next((row for row in reversed(self.rows) if row["seen"]), None)

    @property
    def looked_at(self) -> datetime | None:
        return self.looked["seen_at"] if self.looked else None

    @property
    def seen(self) -> HealthLook | None:
        """None: nobody has looked lately."""
        at = self.looked_at
        is_fresh = at is not None and self.now - at < FRESH
        return self.looked["seen"] if self.looked and is_fresh else None

    @property
    def word(self) -> HealthWord:
        return word_of(self.seen) if self.seen else HealthWord.UNKNOWN

    @property
    def repairs(self) -> list[tuple[str, int]]:
        """Of each kind in words how many are open, the most first."""
        kinds = self.seen["repairs"]["kinds"] if self.seen else {}
        return sorted(
            ((kind_words(kind), n) for kind, n in kinds.items()), key=lambda row: (-row[1], row)
        )

    @property
    def worst_repair(self) -> str:
        """Its kind alone; empty: none is open, or nobody has looked."""
        worst = self.seen["repairs"]["worst"] if self.seen else None
        return kind_words(worst["kind"]) if worst else ""

    @cached_property
    def _by_key(self) -> dict[str, MinuteRow]:
        return {row["_id"]: row for row in self.rows}

    @cached_property
    def _minutes(self) -> list[MinuteRow | None]:
        """The last SHOWN that are over; None: it was not written."""
        ended = minutes.floor(self.now)
        keys = (minutes.key_of(ended - n * MINUTE) for n in range(SHOWN, 0, -1))
        return [self._by_key.get(key) for key in keys]

    def passed(self, fact: int) -> list[int | None]:
        """In each minute; None: it is not known."""
        return [row["passed"]["counts"][fact - 1] if row else None for row in self._minutes]

    def rate(self, fact: int) -> int | None:
        """A minute, of the last one that was written, which is one of the last two."""
        return next((n for n in reversed(self.passed(fact)[-2:]) if n is not None), None)

    def wait(self, fact: int, share: float) -> float | None:
        """Seconds from this fact to the next one."""
        rows = (row for row in self._minutes if row)
        return passing.percentile((row["passed"]["waits"][fact - 1] for row in rows), share)

    @property
    def is_sampled(self) -> bool:
        return any(row["passed"]["is_sampled"] for row in self._minutes if row)


def read(*, now: datetime) -> LastHour:
    return LastHour(minutes.since(now - (SHOWN + 1) * MINUTE), now)


def word_of(seen: HealthLook) -> HealthWord:
    """The queue's health, unless a step or the ledger is worse."""
    if not seen["ledger"]["answers"]:
        return HealthWord.ILL
    word = _WORDS[Status(seen["status"])]
    is_late = any(late(hop["name"], hop["lag"]) for hop in seen["hops"])
    return HealthWord.STRAINED if is_late and word is HealthWord.WELL else word


def kind_words(kind: str) -> str:
    return kind.replace("_", " ").capitalize()


def late(hop: str, lag: float | None) -> bool:
    limit = facts.HOPS[hop].late_seconds
    return limit is not None and (lag or 0) > limit
