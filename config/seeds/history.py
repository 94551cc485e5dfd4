"""A long history of a few performers, as their shows would have left it: for looking at lists that
are long, and for measuring them.

It may be broken off at any moment and said again: tips that are there are left as they are."""

import random
from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import NamedTuple

from config.seeds import cast, doors
from config.seeds.past import BY, PastWriter, Progress, Seeded, calm
from config.seeds.script import MOST_A_SHOW, SeededShow, evenings, tips
from ground import ids
from ground.journal import journal
from lovense.bridges import choosing
from lovense.devices.summary import SIMULATOR
from lovense.menus import publishing
from lovense.performers import enrolment
from tips.log import daily_heads, emission

DAY = timedelta(days=1)
# Mostly what goes in bulk: what is worked out step by step takes a hundred times as long.
STORIES = {
    "played": 9200,
    "shortened": 250,
    "below_minimum": 250,
    "no_match": 130,
    "too_late": 50,
    "offline": 60,
    "failed": 15,
    "silent": 10,
    "dead": 5,
    "cancelled": 10,
    "skipped": 10,
    "stopped": 10,
}
MENU = tuple(item for item in cast.FIRST_MENU if not item["pattern"].startswith("my/"))


class HistorySize(NamedTuple):
    """`activations` of each performer. Raises ValueError for more than her evenings hold."""

    performers: int
    activations: int
    days: int

    def check(self) -> None:
        if min(self) < 1:
            raise ValueError("There is at least one performer, one activation and one day.")
        if self.activations > self.days * MOST_A_SHOW:
            raise ValueError(f"A day holds at most {MOST_A_SHOW} activations of a performer.")


def make(
    size: HistorySize, *, seed: int, now: datetime, progress: Progress, first: int = 1
) -> list[str]:
    """The names of the performers, numbered from `first`. Of each: 1. who she is, and her menu;
    2. what a run that was broken off has left; 3. her shows. Then who listens to the event log has
    heard of it all."""
    names = [f"history-{number}" for number in range(first, first + size.performers)]
    with ids.drawn_from(random.Random(f"history/{seed}/{journal.last()}")):
        began = now - (size.days + 2) * DAY
        doors.fund(at=began)
        for name in names:
            her = _enrolled(name, seed, began)
            calm(her, now)
            writer = PastWriter(her, progress)
            chance = random.Random(f"{seed}/{name}")
            for show in _shows(size, now):
                writer.write(show, tips(show, chance, STORIES))
        while emission.drain(now=now):
            pass
        daily_heads.keep(now=now)
    return names


def _shows(size: HistorySize, now: datetime) -> Iterator[SeededShow]:
    return evenings(now=now, days=size.days, count=size.activations)


def _enrolled(name: str, seed: int, began: datetime) -> Seeded:
    own_id = cast.performer_id(name)
    enrolment.enrol(performer_id=own_id, username=name, password="", now=began)
    her = Seeded(own_id, name, cast.prefix_of_tips(own_id, f"history-{seed}"))
    if not her.known():
        path = {"bridge": SIMULATOR}
        choosing.change(performer_id=own_id, changes=path, by=BY, now=began)
        publishing.publish(own_id, MENU, began)
    return her
