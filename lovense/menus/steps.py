"""A run in steps: curves that differ, told by commands that hold one level of each function for
whole seconds. Pure."""

from collections.abc import Iterator, Sequence
from itertools import pairwise

from lovense.menus.vibration import SHORTEST_RUN_SECONDS
from lovense.timeline import SECOND, Segment, Timeline, Track, longest

MOST_STEPS = 150  # of one run


def edges(seconds: int, hold: int) -> list[int]:
    """In which seconds steps begin, and the end; the last step lasts as long as a run must."""
    hold = max(hold, -(-seconds // MOST_STEPS))
    found = [*range(0, seconds, hold), seconds]
    if len(found) > 2 and found[-1] - found[-2] < SHORTEST_RUN_SECONDS:
        del found[-2]
    return found


def in_steps(whole: Timeline, at: Sequence[int]) -> Timeline:
    return Timeline(
        whole.length_ms,
        {name: tuple(_stepped(track, at)) for name, track in whole.functions.items()},
    )


def _stepped(track: Track, at: Sequence[int]) -> Iterator[Segment]:
    """One pass over both."""
    place = 0
    for begin, end in pairwise(second * SECOND for second in at):
        lasting = {0: end - begin}
        while place < len(track) and track[place].start < end:
            start, until, level = track[place]
            ms = min(until, end) - max(start, begin)
            lasting[level] = lasting.get(level, 0) + ms
            lasting[0] -= ms
            if until > end:
                break
            place += 1
        yield Segment(begin, end, longest(lasting))
