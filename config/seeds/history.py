"""A long history of a few performers, as their shows would have left it, or of many: for looking at
lists that are long, and for measuring them.

It may be broken off at any moment and said again: what is there is left as it is."""

import random
from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from typing import Any, NamedTuple

from config.seeds import cast, crowd, doors
from config.seeds.bulk import Bulk
from config.seeds.crowd import CrowdHistory, CrowdSize
from config.seeds.past import (
    BY,
    LIMIT,
    PastWriter,
    Progress,
    Seeded,
    begin,
    calm,
    count_hours,
    finish,
    is_finished,
)
from config.seeds.script import MINUTE, MOST_A_SHOW, SeededShow, evenings, tips
from config.seeds.slices import SliceWriter
from ground import clock, ids
from ground.journal import journal, trimming
from lovense.bridges import choosing
from lovense.deciding.rules import Rules
from lovense.devices import register
from lovense.devices.summary import SIMULATOR
from lovense.menus import publishing
from lovense.owed import keeping as owed
from lovense.performers import enrolment
from lovense.shows import keeping, onair, sums
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


TIPS_FUNDED = 100_000  # by one purchase of each viewer


class HistorySize(NamedTuple):
    """`activations` of each performer, each of a tip. Raises ValueError for more than her evenings
    hold."""

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
        _tell(now)
    return names


def _tell(now: datetime) -> None:
    """Whoever listens to the event log has heard of it all."""
    while emission.drain(now=now):
        pass
    daily_heads.keep(now=now)


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


# --- of many --------------------------------------------------------------------------------------


def make_crowd(size: CrowdSize, *, seed: int, now: datetime, progress: Progress) -> list[str]:
    """The names of the performers. 1. Who they are, their menus and devices; 2. of some of them an
    evening step by step; 3. all else in slices; 4. what is owed, and their shows; 5. who listens
    has heard of it, and nothing of the journal is to be trimmed."""
    names = [f"history-{number}" for number in range(1, size.performers + 1)]
    began = now - (size.days + size.evenings + 2) * DAY
    with ids.drawn_from(random.Random(f"history/{seed}/{journal.last()}")):
        doors.fund(at=began, times=1 + size.tips // TIPS_FUNDED)
        histories = [
            crowd.history(_enrolled(name, seed, began), size, place, seed, now)
            for place, name in enumerate(names)
        ]
        for place, each in enumerate(histories):
            register.report(each.her.performer_id, list(cast.TOYS), now=began)
            _write_evening(each, now - size.day_of_evening(place) * DAY, seed, progress)
    _write_slices(histories, size, seed, progress)
    with ids.drawn_from(random.Random(f"history/{seed}/{journal.last()}")):
        while owed.drain(now=now, limit=LIMIT):
            pass
        for each in histories:
            _finish(each, began, now)
        _tell(now)
    while trimming.trim(now=now):
        pass
    return names


def _write_evening(planned: CrowdHistory, day: datetime, seed: int, progress: Progress) -> None:
    """In which everything may become of her tips, where she has one."""
    if count := planned.share.detailed:
        show = next(evenings(now=day + DAY, days=1, count=count))
        chance = random.Random(f"{seed}/{planned.her.name}")
        PastWriter(planned.her, progress).write(show, tips(show, chance, STORIES))


def _write_slices(
    histories: Sequence[CrowdHistory], size: CrowdSize, seed: int, progress: Progress
) -> None:
    rules = Rules.read([each.her.performer_id for each in histories])
    made = Bulk([pair for each in histories for pair in each.her.pairs])
    steps = sum(each.share.tips + each.share.tests for each in histories)
    writer = SliceWriter(rules, made, seed=seed, audit=size.audit, steps=steps)
    writer.write(crowd.steps(histories), progress)


def _finish(planned: CrowdHistory, began: datetime, now: datetime) -> None:
    """1. Her shows, the last one as a page leaves it. 2. Her hours."""
    her, *earlier = planned.her, *planned.shows
    if not earlier or is_finished(her, last := earlier.pop()):
        return
    aired = [{"since": show.begins, "until": show.ends, "by": her.name} for show in earlier]
    lease: Any = {"_id": her.performer_id, "aired": aired, "expires_at": clock.EARLIEST}
    keeping.keep(lease, now=now)
    for row in onair.ended(her.performer_id, limit=len(aired)):
        sums.keep(row, now=now)
    begin(her.performer_id, last)
    count_hours(her.performer_id, began, last.begins - MINUTE)
    finish(her, last)
