"""Waveform: a timeline as a drawing, one SVG path for each function. Pure.

It is drawn from the very timeline that plays, in a box `WIDTH` wide and as high as there are
levels, and is never larger than `LONGEST_PATH`, however long and restless the timeline is."""

from collections.abc import Iterable, Iterator
from itertools import groupby
from typing import NamedTuple

from lovense.timeline import TOP, Segment, Timeline, Track

WIDTH, HEIGHT = 1000, TOP
LONGEST_PATH = 2048  # bytes
STEPS = 200  # of what is too restless for that: as many columns


class Curve(NamedTuple):
    """One function and its path, for a box of WIDTH × HEIGHT."""

    function: str
    path: str


def paths(timeline: Timeline) -> list[Curve]:
    """In the order in which the timeline names its functions; nothing of one without a length."""
    if not timeline.length_ms:
        return []
    return [Curve(name, _path(name, timeline)) for name in timeline.functions]


def _path(function: str, timeline: Timeline) -> str:
    exact = _drawn(_corners(timeline.functions[function], timeline.length_ms))
    return exact if len(exact) <= LONGEST_PATH else _sampled(function, timeline)


def _sampled(function: str, timeline: Timeline) -> str:
    """Each column as high as what is strongest in it."""
    step_ms = -(-timeline.length_ms // STEPS)
    peaks = [0] * -(-timeline.length_ms // step_ms)
    for start, end, level in timeline.functions[function]:
        for column in range(start // step_ms, (end - 1) // step_ms + 1):
            peaks[column] = max(peaks[column], level)
    width = step_ms * WIDTH / timeline.length_ms
    return _drawn((round(place * width), level) for place, level in enumerate(peaks))


def _corners(track: Track, length_ms: int) -> Iterator[tuple[int, int]]:
    """Where it changes, in the box, and to which level."""
    until = 0
    for start, end, level in (*track, Segment(length_ms, length_ms, 0)):
        if until < start:
            yield round(until * WIDTH / length_ms), 0
        if start < end:
            yield round(start * WIDTH / length_ms), level
        until = end


def _drawn(corners: Iterable[tuple[int, int]]) -> str:
    """What is shorter than a column is a line as high as it is: nothing that moves is left out."""
    path, before = f"M0 {HEIGHT}", 0
    for x, column in groupby(corners, key=lambda corner: corner[0]):
        levels = [level for _, level in column]
        peak = max(levels)
        told = [peak, levels[-1]] if peak > max(before, levels[-1]) else levels[-1:]
        if told != [before]:
            path += (f"H{x}" if x else "") + "".join(f"V{HEIGHT - level}" for level in told)
            before = levels[-1]
    return f"{path}H{WIDTH}V{HEIGHT}Z"
