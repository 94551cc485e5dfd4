"""What many performers did in a long time: who was on air when, what was tipped and what was
tested there. Pure: the same for the same size, seed and moment."""

import heapq
import math
import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import NamedTuple

from config.seeds import script
from config.seeds.past import Seeded
from config.seeds.script import BEGINS, EARLIER, MINUTE, MOST_A_SHOW, SECOND, SeededShow, SeededTip

DAY = timedelta(days=1)
# Of each performer of so many an evening before all others is written step by step, so that all
# that can become of a tip is there; the rest is what goes in bulk.
DETAILED_OF, DETAILED_TIPS = 20, 100
STORIES = {
    "played": 9200,
    "shortened": 250,
    "below_minimum": 250,
    "no_match": 130,
    "too_late": 50,
    "offline": 60,
}
# From one start to the next: longer than anything plays that is tipped or tested for, so nothing
# has to wait and no slice of a history depends on another one.
TIP_TAKES, TEST_TAKES = 33 * SECOND, 10 * SECOND
TESTED = (10, 12, 15, 20, 25, 30, 33, 40)  # amounts whose items are short


class CrowdSize(NamedTuple):
    """All of them together. Raises ValueError for what does not fit into the evenings."""

    performers: int
    tips: int
    activations: int
    audit: int
    days: int

    def check(self) -> None:
        if min(self.performers, self.tips, self.activations, self.days) < 1 or self.audit < 0:
            raise ValueError("There is at least one performer, tip, activation and day.")
        if self.tips > self.activations:
            raise ValueError("Each tip has an activation: there are at least as many of these.")
        most = self.performers * self.days * MOST_A_SHOW
        if self.activations > most:
            raise ValueError(f"A day holds at most {MOST_A_SHOW} activations of a performer.")

    @property
    def evenings(self) -> int:
        """Those that are written step by step: one a day, before all others."""
        return math.ceil(self.performers / DETAILED_OF)

    def day_of_evening(self, place: int) -> int:
        """How many days ago."""
        return self.days + self.evenings - place // DETAILED_OF

    def of(self, place: int) -> "CrowdShare":
        tips = _share(self.tips, place, self.performers)
        detailed = min(DETAILED_TIPS, tips // 2) if place % DETAILED_OF == 0 else 0
        tests = _share(self.activations - self.tips, place, self.performers)
        return CrowdShare(detailed, tips - detailed, tests)


class CrowdShare(NamedTuple):
    """Of one performer: her tips that are written step by step, those in bulk, and her tests."""

    detailed: int
    tips: int
    tests: int


@dataclass(frozen=True, slots=True)
class CrowdStep:
    """One activation of hers, her `number`-th: of a tip, or of a test that asks what `amount`
    would do."""

    her: Seeded
    show: SeededShow
    number: int
    at: datetime
    amount: int
    tip: SeededTip | None


@dataclass(frozen=True, slots=True)
class CrowdHistory:
    """Of one performer, as it is planned; `tipped`: which of her activations are of tips."""

    her: Seeded
    share: CrowdShare
    shows: Sequence[SeededShow]
    tipped: frozenset[int]
    chance: random.Random

    def steps(self) -> Iterator[CrowdStep]:
        """In the order of time; once."""
        tips = self.share.detailed
        for show in self.shows:
            at = show.begins + MINUTE
            for number in range(show.first, show.first + show.count):
                moment = at + self.chance.randrange(1000) * SECOND / 1000
                if number in self.tipped:
                    story = self.chance.choices(_NAMES, cum_weights=_WEIGHTS)[0]
                    tip = script.tip(tips, moment, story, self.chance)
                    yield CrowdStep(self.her, show, number, moment, tip.amount, tip)
                    tips += 1
                else:
                    amount = self.chance.choice(TESTED)
                    yield CrowdStep(self.her, show, number, moment, amount, None)
                at += _takes(number, self.tipped)


_NAMES = list(STORIES)
_WEIGHTS = [sum(list(STORIES.values())[: n + 1]) for n in range(len(STORIES))]


def history(her: Seeded, size: CrowdSize, place: int, seed: int, now: datetime) -> CrowdHistory:
    share = size.of(place)
    chance = random.Random(f"crowd/{seed}/{her.name}")
    count = share.tips + share.tests
    tipped = frozenset(chance.sample(range(count), share.tips))
    return CrowdHistory(her, share, list(_shows(size, place, count, tipped, now)), tipped, chance)


def _shows(
    size: CrowdSize, place: int, count: int, tipped: frozenset[int], now: datetime
) -> Iterator[SeededShow]:
    """As few as hold them all, spread over the days; not all performers on the same ones."""
    shows = min(size.days, math.ceil(count / MOST_A_SHOW))
    first = 0
    for n in range(shows):
        some = _share(count, n, shows)
        day = size.days - (n * size.days + size.days * place // size.performers) // shows
        begins = datetime.combine((now - EARLIER - day * DAY).date(), BEGINS)
        takes = sum((_takes(number, tipped) for number in range(first, first + some)), MINUTE)
        yield SeededShow(begins, begins + takes + MINUTE, first, some)
        first += some


def steps(histories: Sequence[CrowdHistory]) -> Iterator[CrowdStep]:
    """Of all of them, in the order of time and of what is delivered; once."""
    each = (one.steps() for one in histories)
    return heapq.merge(*each, key=_place)


def _place(step: CrowdStep) -> tuple[datetime, int, str]:
    return step.at, step.tip.number if step.tip else 0, step.her.performer_id


def _takes(number: int, tipped: frozenset[int]) -> timedelta:
    return TIP_TAKES if number in tipped else TEST_TAKES


def _share(total: int, place: int, of: int) -> int:
    return total * (place + 1) // of - total * place // of
