"""Slices: a run that a phone is told piece by piece, so that it is silent soon after everything of
ours has died. Pure.

A phone goes on with what it has accepted, also when page, worker and network are gone. So a run is
cut into windows of at most a lease; each is told one second before the one before it ends, in whole
seconds to its own end. Once, and never late: what was not told in time is missed."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import pairwise

from lovense.menus.compiler import STEPS
from lovense.menus.vibration import SHORTEST_RUN_SECONDS
from lovense.rows import Command

HEAD_START_SECONDS = 1
LATE_SECONDS = 0.5  # so much later than planned it is still told; it is over that much later, too


@dataclass(frozen=True, slots=True)
class SliceWindow:
    """In whole seconds of its run, from `start` to `until`. `head`: it is told so much before;
    `tail`: its command runs so much longer."""

    n: int
    start: int
    until: int
    head: int = HEAD_START_SECONDS
    tail: int = 0

    @property
    def told_at(self) -> int:
        """The first at once, every other one while the one before it still runs."""
        return max(0, self.start - self.head) if self.n else self.start

    @property
    def run_seconds(self) -> int:
        """For how long its command runs."""
        return self.until + self.tail - self.told_at


def planned(
    commands: Sequence[Command], seconds: int, lease_seconds: int
) -> tuple[SliceWindow, ...]:
    """The windows of a run in which a device is told these. Where they are told in steps, none
    holds more than one step, and each is told when it begins: what runs ends a second later, so
    that nothing is still between two of them."""
    begins = {int(second) for each in commands for second, _ in each.get(STEPS, ())}
    if not begins:
        return windows(seconds, lease_seconds)
    edges = sorted({0, *(each for each in begins if each < seconds)})
    found = [
        (start + each.start, start + each.until)
        for start, until in pairwise([*edges, seconds])
        for each in windows(until - start, lease_seconds)
    ]
    return _in_steps([SliceWindow(n, start, until) for n, (start, until) in enumerate(found)])


def as_told(found: Sequence[SliceWindow], commands: Sequence[Command]) -> tuple[SliceWindow, ...]:
    """These windows, as what is told in them wants it: in steps or not."""
    if not any(STEPS in each for each in commands):
        return tuple(found)
    return _in_steps(found)


def _in_steps(found: Sequence[SliceWindow]) -> tuple[SliceWindow, ...]:
    """The last one lasts as long as a command must, and ends with the run."""
    kept = list(found)
    if len(kept) > 1 and kept[-1].until - kept[-1].start < SHORTEST_RUN_SECONDS:
        last = kept.pop()
        kept[-1] = replace(kept[-1], until=last.until)
    ends = [replace(each, head=0, tail=1) for each in kept[:-1]]
    return (*ends, replace(kept[-1], head=0, tail=0))


def windows(seconds: int, lease_seconds: int) -> tuple[SliceWindow, ...]:
    """Of a run of at least 2 s, evened: the last one has at least 2 s, too."""
    count = -(-seconds // lease_seconds)
    least, longer = divmod(seconds, count)
    found: list[SliceWindow] = []
    start = 0
    for n in range(count):
        until = start + least + (n < longer)
        found.append(SliceWindow(n, start, until))
        start = until
    return tuple(found)


def shifted(found: Sequence[SliceWindow], by: int) -> tuple[SliceWindow, ...]:
    """The windows of what begins so many seconds later and ends with the others; none where too
    little is left of the first."""
    if not by:
        return tuple(found)
    end = found[-1].until
    later = (
        replace(each, start=each.start + by, until=min(each.until + by, end)) for each in found
    )
    kept = tuple(each for each in later if each.until > each.start)
    if kept and not kept[0].head:
        kept = _in_steps(kept)
    return kept if kept and kept[0].run_seconds >= 2 else ()
