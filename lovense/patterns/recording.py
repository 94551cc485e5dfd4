"""Samples of a strength, as they were recorded or drawn, made into a pattern that a person can
read. Pure.

A level holds until the next sample; the last one says when it ends. As little as possible is
changed: as it was recorded, where that fits; else within one level; else on a coarser grid of
times. What is still stays still."""

import itertools
from collections.abc import Iterable, Sequence
from typing import NamedTuple

from ground.json.fields import Fields, Malformed
from lovense.patterns import writing
from lovense.patterns.score import (
    LONGEST_MS,
    LONGEST_TEXT,
    MAIN,
    MOST_SEGMENTS,
    Move,
    PatternStep,
    Score,
)
from lovense.timeline import TOP, Segment, Timeline

MOST_SAMPLES = 6000
LATEST_MS = 24 * 60 * 60 * 1000
GRIDS_MS = (100, 200, 300, 500, 1000)  # with the last one, 300 s always fit
WITHIN = 1  # level, by which what is simplified differs from what was recorded

SHIFTED, CUT, SIMPLIFIED, COARSER = "begins_at_0", "cut_at_300_s", "simplified", "coarser"
CHANGES = {
    SHIFTED: "It begins with its first sample: the time before it is left out.",
    CUT: "What is later than 300 s is left out.",
    SIMPLIFIED: "Levels that differ by little were made one, each at most one level off.",
    COARSER: "It changes only every {ms} ms, at the level that lasts longest in each: finer, the "
    "text would have been too long.",
}


class PatternChange(NamedTuple):
    """What is not as it came: a code for programs and a sentence for people."""

    code: str
    text: str


class Simplified(NamedTuple):
    score: Score
    changes: list[PatternChange]


def samples_of(body: Fields, name: str = "samples") -> list[tuple[int, int]]:
    """Moment and level of each. Raises Malformed."""
    found: list[tuple[int, int]] = []
    for each in body.objects(name, maximum=MOST_SAMPLES):
        each.only("ms", "level")
        least = found[-1][0] + 1 if found else 0
        ms = each.integer("ms", minimum=least, maximum=LATEST_MS)
        found.append((ms, each.integer("level", minimum=0, maximum=TOP)))
    if len(found) < 2:
        raise Malformed(name, "must hold at least two samples")
    return found


def simplified(samples: Sequence[tuple[int, int]]) -> Simplified:
    """1. From 0 on. 2. No longer than a pattern. 3. As coarse as it must be to be one."""
    changes = [_change(SHIFTED)] if samples[0][0] else []
    track = _track(samples)
    if samples[-1][0] - samples[0][0] > LONGEST_MS:
        changes.append(_change(CUT))
    recorded = Timeline(min(LONGEST_MS, samples[-1][0] - samples[0][0]), {MAIN: tuple(track)})
    for found, change in _ever_coarser(recorded):
        if _fits(found):
            return Simplified(found, [*changes, *change])
    raise ValueError("The coarsest grid is too fine for the longest pattern.")


def _track(samples: Sequence[tuple[int, int]]) -> list[Segment]:
    first = samples[0][0]
    return [
        Segment(ms - first, until - first, level)
        for (ms, level), (until, _) in itertools.pairwise(samples)
    ]


def _ever_coarser(recorded: Timeline) -> Iterable[tuple[Score, list[PatternChange]]]:
    steps = _steps(recorded)
    yield _score(steps), []
    yield _score(_merged(steps)), [_change(SIMPLIFIED)]
    for grid in GRIDS_MS:
        values = recorded.samples(grid)[MAIN]
        on_grid = [(level, grid) for level in values]
        yield _score(_merged(on_grid)), [_change(SIMPLIFIED), _change(COARSER, grid)]


def _change(code: str, ms: int = 0) -> PatternChange:
    return PatternChange(code, CHANGES[code].format(ms=ms))


def _fits(score: Score) -> bool:
    measured = score.size
    is_small = measured.segments <= MOST_SEGMENTS and 0 < measured.ms <= LONGEST_MS
    return is_small and len(writing.written(score)) <= LONGEST_TEXT


def _steps(recorded: Timeline) -> list[tuple[int, int]]:
    """Level and length of each, those that are still included."""
    found, until = list[tuple[int, int]](), 0
    for start, end, level in recorded.functions[MAIN]:
        if until < start:
            found.append((0, start - until))
        found.append((level, end - start))
        until = end
    if until < recorded.length_ms:
        found.append((0, recorded.length_ms - until))
    return found


def _merged(steps: Iterable[tuple[int, int]]) -> list[tuple[int, int]]:
    """Neighbours as one while each is within WITHIN of it; the higher middle."""
    found = list[tuple[int, int]]()
    low = high = length = 0
    for level, ms in steps:
        is_alike = bool(low) == bool(level) and max(high, level) - min(low, level) <= 2 * WITHIN
        if length and is_alike:
            low, high, length = min(low, level), max(high, level), length + ms
            continue
        if length:
            found.append((-(-(low + high) // 2), length))
        low, high, length = level, level, ms
    return [*found, (-(-(low + high) // 2), length)] if length else found


def _score(steps: Iterable[tuple[int, int]]) -> Score:
    return Score(tuple(PatternStep((Move(level, level),), ms) for level, ms in steps))
