"""Patterns: a course of strengths that a performer writes, or that is shipped. Pure here; what is
hers is kept by `library.py`, and nothing in this room tells a device anything.

A score is a pattern as it is written: steps, ramps and loops. What plays is its timeline, which is
unrolled only after it was measured: a loop of thousands of millions is refused, not tried."""

from collections.abc import Iterable, Iterator, Mapping
from typing import NamedTuple, Union

from lovense.timeline import Segment, Timeline, ramp

LONGEST_TEXT = 4000  # characters
DEEPEST = 4  # loops within each other
LONGEST_MS = 300_000
MOST_SEGMENTS = 1000  # of its timeline, of all functions together

# What moves where a pattern names no function: those that the item names, else the main one.
MAIN = "Main"
# By the word that a text has for it. A stroke is no function of its own, and a position is never
# sent.
FUNCTIONS: Mapping[str, str] = {
    name.lower(): name
    for name in (
        *("Vibrate", "Vibrate1", "Vibrate2", "Vibrate3", "Rotate", "Pump", "Thrusting"),
        *("Fingering", "Suction", "Depth", "Oscillate"),
    )
}


class Move(NamedTuple):
    """From one level to another, or one level where both are equal. `function` empty: of whatever
    the pattern moves."""

    first: int
    last: int
    function: str = ""

    @property
    def segments(self) -> int:
        return abs(self.first - self.last) + 1


class PatternStep(NamedTuple):
    """What moves for so long; a function that is not named in it is still. A step without names has
    one move."""

    moves: tuple[Move, ...]
    ms: int


class Loop(NamedTuple):
    parts: tuple["Part", ...]
    times: int


Part = Union[PatternStep, Loop]  # noqa: UP007 - it names itself


class ScoreSize(NamedTuple):
    ms: int
    segments: int

    def __add__(self, other: "ScoreSize") -> "ScoreSize":  # type: ignore[override]
        return ScoreSize(self.ms + other.ms, self.segments + other.segments)

    def times(self, number: int) -> "ScoreSize":
        return ScoreSize(self.ms * number, self.segments * number)


class Score(NamedTuple):
    """A pattern: its parts, one after the other."""

    parts: tuple[Part, ...]

    @property
    def size(self) -> ScoreSize:
        return size(self.parts, len(self.functions) or 1)

    @property
    def functions(self) -> tuple[str, ...]:
        """Those that it names, as the vendor calls them, in their order; none: whatever the item
        names."""
        named = (move.function for step in _steps(self.parts) for move in step.moves)
        return tuple(dict.fromkeys(FUNCTIONS[name] for name in named if name))


def size(parts: Iterable[Part], functions: int = 1) -> ScoreSize:
    """How long, and at most how many segments, where a step without names moves so many functions;
    nothing is unrolled."""
    total = ScoreSize(0, 0)
    for part in parts:
        if isinstance(part, Loop):
            total += size(part.parts, functions).times(part.times)
        else:
            named = (each.segments * (1 if each.function else functions) for each in part.moves)
            total += ScoreSize(part.ms, sum(named))
    return total


def timeline(score: Score) -> Timeline:
    """What plays. A step that names nothing moves all functions that the pattern names, or MAIN
    where it names none. Raises ValueError for what is too large."""
    measured = score.size
    if measured.ms > LONGEST_MS or measured.segments > MOST_SEGMENTS:
        raise ValueError("The pattern is too large.")
    tracks: dict[str, list[Segment]] = {name: [] for name in score.functions or (MAIN,)}
    begin = 0
    for step in _unrolled(score.parts):
        for move in step.moves:
            names = [FUNCTIONS[move.function]] if move.function else list(tracks)
            for name in names:
                tracks[name] += _segments(move, step.ms, begin)
        begin += step.ms
    return Timeline(begin, {name: tuple(track) for name, track in tracks.items()})


def _segments(move: Move, ms: int, begin: int) -> Iterator[Segment]:
    if move.first == move.last:
        yield Segment(begin, begin + ms, move.first)
        return
    for start, end, level in ramp(move.first, move.last, ms, (MAIN,)).functions[MAIN]:
        yield Segment(begin + start, begin + end, level)


def _unrolled(parts: Iterable[Part]) -> Iterator[PatternStep]:
    for part in parts:
        if isinstance(part, Loop):
            for _ in range(part.times):
                yield from _unrolled(part.parts)
        else:
            yield part


def _steps(parts: Iterable[Part]) -> Iterator[PatternStep]:
    """Each as it is written, once."""
    for part in parts:
        if isinstance(part, Loop):
            yield from _steps(part.parts)
        else:
            yield part
