"""Slices: a run that a phone is told piece by piece, so that it is silent soon after everything of
ours has died. Pure.

A phone goes on with what it has accepted, also when page, worker and network are gone. So a run is
cut into windows of at most a lease; each is told one second before the one before it ends, in whole
seconds to its own end. Once, and never late: what was not told in time is missed."""

from collections.abc import Sequence
from dataclasses import dataclass

HEAD_START_SECONDS = 1
LATE_SECONDS = 0.5  # so much later than planned it is still told; it is over that much later, too


@dataclass(frozen=True, slots=True)
class SliceWindow:
    """In whole seconds of its run, from `start` to `until`."""

    n: int
    start: int
    until: int

    @property
    def told_at(self) -> int:
        """The first at once, every other one while the one before it still runs."""
        return max(0, self.start - HEAD_START_SECONDS) if self.n else self.start

    @property
    def run_seconds(self) -> int:
        """For how long its command runs."""
        return self.until - self.told_at


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
    later = (SliceWindow(each.n, each.start + by, min(each.until + by, end)) for each in found)
    kept = tuple(each for each in later if each.until > each.start)
    return kept if kept and kept[0].run_seconds >= 2 else ()
