"""Timeline: which level each function of a device has, from when until when. Pure, and a value:
whatever shows, sends, promises or plays a vibration comes from it.

Times are whole milliseconds from its beginning, levels go from 0 to 20 for every function, whatever
the device's own range is. Segments and not samples: an hour of one level is one of them."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from typing import NamedTuple

TOP = 20  # the strongest level
FULL_SCALE = 100  # percent
SECOND = 1000  # ms


class Segment(NamedTuple):
    """From `start` until before `end`, in ms; `level` is never 0."""

    start: int
    end: int
    level: int


Track = tuple[Segment, ...]


@dataclass(frozen=True, slots=True)
class Timeline:
    """By function its segments in order, none beside an equal one. Where there is no segment a
    function is still; one that is still all the time is named all the same."""

    length_ms: int
    functions: Mapping[str, Track] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if self.length_ms < 0:
            raise ValueError("A timeline has no negative length.")
        tracks = {name: _tidy(track, self.length_ms) for name, track in self.functions.items()}
        object.__setattr__(self, "functions", tracks)

    # --- reading ---------------------------------------------------------------------------------

    def at(self, ms: int) -> dict[str, int]:
        """The level of each function then."""
        return {
            name: next((each.level for each in track if each.start <= ms < each.end), 0)
            for name, track in self.functions.items()
        }

    def samples(self, step_ms: int) -> dict[str, tuple[int, ...]]:
        """Of each step the level that lasts longest in it, the higher of equals; the last step may
        be shorter."""
        if step_ms < 1:
            raise ValueError("A step takes at least 1 ms.")
        steps = range(0, self.length_ms, step_ms)
        return {
            name: tuple(_longest(track, at, min(at + step_ms, self.length_ms)) for at in steps)
            for name, track in self.functions.items()
        }

    @property
    def peak(self) -> int:
        return max((each.level for each in self._segments), default=0)

    @property
    def effect(self) -> float:
        """How much there is of it: level/20 × seconds, of all functions together."""
        total = sum((each.end - each.start) * each.level for each in self._segments)
        return total / TOP / SECOND

    @property
    def _segments(self) -> Iterable[Segment]:
        return (each for track in self.functions.values() for each in track)

    # --- making another --------------------------------------------------------------------------

    def scaled(self, percent: int, functions: Iterable[str] | None = None) -> "Timeline":
        """Of these functions, or of all; rounded up, so that what moved still moves."""
        named = set(self.functions if functions is None else functions)
        return self._with(lambda level: -(-level * percent // FULL_SCALE), named)

    def lowered(self, cap: int, functions: Iterable[str] | None = None) -> "Timeline":
        """No stronger than this."""
        named = set(self.functions if functions is None else functions)
        return self._with(lambda level: min(level, cap), named)

    def lifted(self, floor: int) -> "Timeline":
        """What moves is at least that strong, and what is still stays so."""
        return self._with(lambda level: max(level, floor), set(self.functions))

    def _with(self, change: Callable[[int], int], named: set[str]) -> "Timeline":
        return Timeline(
            self.length_ms,
            {
                name: tuple(
                    each._replace(level=change(each.level)) if name in named else each
                    for each in track
                )
                for name, track in self.functions.items()
            },
        )

    def cut(self, start: int, end: int) -> "Timeline":
        """The part between these moments, which begins at 0."""
        start, end = max(0, start), min(end, self.length_ms)
        length = max(0, end - start)
        return self._moved(-start, length)

    def shifted(self, by: int) -> "Timeline":
        """The same, so much later: still until then."""
        if by < 0:
            raise ValueError("A timeline is not shifted to before its beginning.")
        return self._moved(by, self.length_ms + by)

    def lasting(self, length_ms: int) -> "Timeline":
        """As long as that: its end is cut, or still."""
        return self._moved(0, length_ms)

    def _moved(self, by: int, length: int) -> "Timeline":
        tracks = {
            name: tuple(Segment(each.start + by, each.end + by, each.level) for each in track)
            for name, track in self.functions.items()
        }
        return Timeline(length, tracks)

    def joined(self, other: "Timeline") -> "Timeline":
        """One after the other."""
        later = other.shifted(self.length_ms)
        return Timeline(later.length_ms, _added(self.functions, later.functions))

    def beside(self, other: "Timeline") -> "Timeline":
        """Both at once; a function that both name has the stronger level."""
        length = max(self.length_ms, other.length_ms)
        names = {**self.functions, **other.functions}
        tracks = {
            name: _stronger(self.functions.get(name, ()), other.functions.get(name, ()))
            for name in names
        }
        return Timeline(length, tracks)

    def repeated(self, times: int, pause_ms: int = 0) -> "Timeline":
        """So many times, still between them; not after the last."""
        if times < 1 or pause_ms < 0:
            raise ValueError("It is repeated at least once, with no negative pause.")
        period = self.length_ms + pause_ms
        turns = [
            self._moved(turn * period, self.length_ms + turn * period) for turn in range(times)
        ]
        tracks = {
            name: tuple(s for turn in turns for s in turn.functions[name])
            for name in self.functions
        }
        return Timeline(period * times - pause_ms, tracks)

    def filled(self, length_ms: int) -> "Timeline":
        """Over and over until that moment; nothing where it has no length."""
        if not self.length_ms:
            return self.lasting(length_ms)
        return self.repeated(max(1, -(-length_ms // self.length_ms))).lasting(length_ms)


def steady(level: int, ms: int, functions: Iterable[str]) -> Timeline:
    """One level all the time."""
    return Timeline(ms, {name: (Segment(0, ms, level),) for name in functions})


def of_steps(values: Sequence[int], step_ms: int, functions: Iterable[str]) -> Timeline:
    """One level a step, the same of each function."""
    track = tuple(Segment(n * step_ms, (n + 1) * step_ms, level) for n, level in enumerate(values))
    return Timeline(len(values) * step_ms, dict.fromkeys(functions, track))


def ramp(first: int, last: int, ms: int, functions: Iterable[str]) -> Timeline:
    """From one level to another in equal steps of one level, each as long as the others."""
    levels = range(first, last + 1) if first <= last else range(first, last - 1, -1)
    edges = [round(n * ms / len(levels)) for n in range(len(levels) + 1)]
    track = tuple(
        Segment(start, end, level)
        for level, start, end in zip(levels, edges, edges[1:], strict=False)
    )
    return Timeline(ms, dict.fromkeys(functions, track))


# --- tracks --------------------------------------------------------------------------------------


def _tidy(track: Iterable[Segment], length: int) -> Track:
    """In order, within the length, equal neighbours as one, and nothing that is still. Raises
    ValueError for segments that overlap and for levels that there are not."""
    found: list[Segment] = []
    until: int | None = None
    for each in track:
        if not 0 <= each.level <= TOP:
            raise ValueError(f"Levels go from 0 to {TOP}.")
        if until is not None and each.start < until:
            raise ValueError("Segments come one after the other.")
        until = max(each.start, each.end)
        kept = Segment(max(0, each.start), min(each.end, length), each.level)
        if kept.start < kept.end and kept.level:
            _add(found, kept)
    return tuple(found)


def _add(found: list[Segment], kept: Segment) -> None:
    if found and (found[-1].end, found[-1].level) == (kept.start, kept.level):
        kept = kept._replace(start=found.pop().start)
    found.append(kept)


def _longest(track: Track, start: int, end: int) -> int:
    lasting: dict[int, int] = {}
    moving = 0
    for each in track:
        common = min(each.end, end) - max(each.start, start)
        if common > 0:
            lasting[each.level] = lasting.get(each.level, 0) + common
            moving += common
    lasting[0] = end - start - moving
    return max(lasting, key=lambda level: (lasting[level], level))


def _added(first: Mapping[str, Track], then: Mapping[str, Track]) -> dict[str, Track]:
    return {name: first.get(name, ()) + then.get(name, ()) for name in {**first, **then}}


def _stronger(one: Track, other: Track) -> Track:
    edges = sorted({edge for each in (*one, *other) for edge in (each.start, each.end)})
    return tuple(
        Segment(start, end, max(_longest(one, start, end), _longest(other, start, end)))
        for start, end in pairwise(edges)
    )
