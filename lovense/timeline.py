"""Timeline: which level each function of a device has, from when until when. Pure, and a value:
whatever shows, sends, promises or plays a vibration comes from it.

Times are whole milliseconds from its beginning, levels go from 0 to 20 for every function, whatever
the device's own range is. Segments and not samples: an hour of one level is one of them."""

import math
from bisect import bisect_right
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
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
        return {name: _level(track, ms) for name, track in self.functions.items()}

    def samples(self, step_ms: int) -> dict[str, tuple[int, ...]]:
        """Of each step the level that lasts longest in it, the higher of equals; the last step may
        be shorter."""
        if step_ms < 1:
            raise ValueError("A step takes at least 1 ms.")
        return {
            name: tuple(_sampled(track, self.length_ms, step_ms))
            for name, track in self.functions.items()
        }

    @property
    def edges(self) -> list[int]:
        """The moments at which a level becomes another one; its beginning and its end are none."""
        found = {edge for each in self._segments for edge in (each.start, each.end)}
        return sorted(found - {0, self.length_ms})

    @property
    def grid_ms(self) -> int:
        """The longest step on which all of its edges lie; 0: it has none."""
        found = [edge for start, end, _ in self._segments for edge in (start, end)]
        return math.gcd(*[edge for edge in found if edge != self.length_ms])

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
        return self._with(lambda level: -(-level * percent // FULL_SCALE), functions)

    def lowered(self, cap: int, functions: Iterable[str] | None = None) -> "Timeline":
        """No stronger than this."""
        return self._with(lambda level: min(level, cap), functions)

    def lifted(self, floor: int, functions: Iterable[str] | None = None) -> "Timeline":
        """What moves is at least that strong, and what is still stays so."""
        return self._with(lambda level: max(level, floor), functions)

    def coarse(self, top: int, functions: Iterable[str]) -> "Timeline":
        """As functions play it that have so many levels; rounded up."""
        return self._with(lambda level: -(-level * top // TOP) * TOP // top, functions)

    def _with(self, change: Callable[[int], int], functions: Iterable[str] | None) -> "Timeline":
        named = set(self.functions if functions is None else functions)
        changed = {
            name: tuple(Segment(start, end, change(level)) for start, end, level in track)
            for name, track in self.functions.items()
            if name in named
        }
        return Timeline(self.length_ms, {**self.functions, **changed})

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
        return Timeline(length, {name: _later(track, by) for name, track in self.functions.items()})

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

    def under(self, envelope: "Timeline") -> "Timeline":
        """Each function, at each moment, at the envelope's share of 20; rounded up. The envelope
        has one function."""
        (shares,) = envelope.functions.values()
        tracks = {
            name: tuple(
                Segment(start, end, -(-level * share // TOP))
                for start, end, level, share in _pieces(track, shares)
            )
            for name, track in self.functions.items()
        }
        return Timeline(self.length_ms, tracks)

    def resting(self, level: int, functions: Iterable[str]) -> "Timeline":
        """Where these functions are still, they are at that level."""
        tracks = {
            name: tuple(
                Segment(start, end, found or level)
                for start, end, found in _covering(self.functions[name], self.length_ms)
            )
            for name in functions
        }
        return Timeline(self.length_ms, {**self.functions, **tracks})

    def only(self, functions: Iterable[str]) -> "Timeline":
        """Without the others."""
        kept = {name: self.functions[name] for name in functions}
        return self if len(kept) == len(self.functions) else Timeline(self.length_ms, kept)

    def repeated(self, times: int, pause_ms: int = 0) -> "Timeline":
        """So many times, still between them; not after the last."""
        if times < 1 or pause_ms < 0:
            raise ValueError("It is repeated at least once, with no negative pause.")
        period = self.length_ms + pause_ms
        begins = range(0, period * times, period) if period else ()
        tracks = {name: _turns(track, begins) for name, track in self.functions.items()}
        return Timeline(max(0, period * times - pause_ms), tracks)

    def filled(self, length_ms: int) -> "Timeline":
        """Over and over until that moment; nothing where it has no length."""
        return self.looped(0, length_ms)

    def looped(self, start: int, end: int) -> "Timeline":
        """Over and over, and of that the part between these moments, which begins at 0."""
        if not self.length_ms or end <= start:
            return self.cut(0, 0).lasting(max(0, end - start))
        length, begin = end - start, -(start % self.length_ms)
        begins = range(begin, length, self.length_ms)
        tracks = {n: _looped(track, begins, length) for n, track in self.functions.items()}
        return _tidied(length, tracks)


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


def _tidied(length_ms: int, tracks: Mapping[str, Track]) -> Timeline:
    """Of tracks that are tidy already: nobody looks at them again."""
    made = object.__new__(Timeline)
    object.__setattr__(made, "length_ms", length_ms)
    object.__setattr__(made, "functions", tracks)
    return made


def _tidy(track: Iterable[Segment], length: int) -> Track:
    """In order, within the length, equal neighbours as one, and nothing that is still. Raises
    ValueError for segments that overlap and for levels that there are not."""
    found: list[Segment] = []
    until: int | None = None
    end_before = level_before = 0  # of the last one that was found
    for each in track:
        start, end, level = kept = each
        if not 0 <= level <= TOP:
            raise ValueError(f"Levels go from 0 to {TOP}.")
        if until is not None and start < until:
            raise ValueError("Segments come one after the other.")
        until = end if end > start else start
        if start < 0 or end > length:
            start, end = max(0, start), min(end, length)
            kept = Segment(start, end, level)
        if not level or start >= end:
            continue
        if level == level_before and start == end_before:
            kept = Segment(found.pop().start, end, level)
        found.append(kept)
        end_before, level_before = end, level
    return tuple(found)


def _later(track: Track, by: int) -> Track:
    return tuple(Segment(start + by, end + by, level) for start, end, level in track)


def _turns(track: Track, begins: Iterable[int]) -> Track:
    return tuple(
        [
            Segment(begin + start, begin + end, level)
            for begin in begins
            for start, end, level in track
        ]
    )


def _looped(track: Track, begins: range, length: int) -> Track:
    """Turns of a tidy track, until that moment: tidy, too. Only where the end of a turn goes on in
    the next one are there neighbours to be joined."""
    found = [
        Segment(begin + start, begin + end, level)
        for begin in begins
        for start, end, level in track
        if begin + end > 0 and begin + start < length
    ]
    if not found:
        return ()
    if found[0].start < 0:
        found[0] = Segment(0, found[0].end, found[0].level)
    if found[-1].end > length:
        found[-1] = Segment(found[-1].start, length, found[-1].level)
    first, last = track[0], track[-1]
    goes_on = first.start == 0 and last.end == begins.step and first.level == last.level
    return _tidy(found, length) if goes_on and len(begins) > 1 else tuple(found)


def _level(track: Track, ms: int) -> int:
    place = bisect_right(track, ms, key=_start) - 1
    return track[place].level if place >= 0 and ms < track[place].end else 0


def _start(segment: Segment) -> int:
    return segment.start


def _covering(track: Track, length: int) -> Iterator[Segment]:
    """All of the length: between the segments, those that are still."""
    until = 0
    for each in track:
        if until < each.start:
            yield Segment(until, each.start, 0)
        yield each
        until = each.end
    if until < length:
        yield Segment(until, length, 0)


def _sampled(track: Track, length: int, step: int) -> list[int]:
    """One pass: steps that lie within one segment are written together."""
    levels = [*_covering(track, length)]
    if all(end - start >= step for start, end, _ in levels[1:-1]):
        return _of_few_edges(levels, step)
    found: list[int] = []
    lasting: dict[int, int] = {}  # by level, of the step under way
    for start, end, level in levels:
        begin = start
        if begin % step:
            begin = min(end, start - start % step + step)
            lasting[level] = lasting.get(level, 0) + begin - start
            if not begin % step:
                found.append(longest(lasting))
                lasting = {}
        whole = (end - begin) // step
        found += [level] * whole
        if rest := end - begin - whole * step:
            lasting[level] = rest
    return [*found, longest(lasting)] if lasting else found


def _of_few_edges(levels: Sequence[Segment], step: int) -> list[int]:
    """Where no step holds more than one edge, and the longer of its two levels is the step's."""
    found: list[int] = []
    for (_, edge, level), (_, end, after) in pairwise(levels):
        before, behind = edge % step, min(end - edge, step - edge % step)
        is_longer = before and (before, level) > (behind, after)
        found += [level] * (edge // step + bool(is_longer) - len(found))
    return found + [levels[-1].level] * (-(-levels[-1].end // step) - len(found)) if levels else []


def longest(lasting: Mapping[int, int]) -> int:
    """The level that lasts longest, the higher of equals."""
    return max(zip(lasting.values(), lasting, strict=True))[1]


def _added(first: Mapping[str, Track], then: Mapping[str, Track]) -> dict[str, Track]:
    return {name: first.get(name, ()) + then.get(name, ()) for name in {**first, **then}}


def _stronger(one: Track, other: Track) -> Track:
    return tuple(
        Segment(start, end, max(level, others)) for start, end, level, others in _pieces(one, other)
    )


def _pieces(one: Track, other: Track) -> Iterable[tuple[int, int, int, int]]:
    """In each of which neither changes: from when until when, and both levels."""
    edges = sorted({edge for each in (*one, *other) for edge in (each.start, each.end)})
    ends = edges[1:]
    return zip(edges, ends, _levels(one, edges), _levels(other, edges), strict=False)


def _levels(track: Track, moments: Iterable[int]) -> Iterator[int]:
    """At each of these, which rise."""
    place, count = 0, len(track)
    for ms in moments:
        while place < count and track[place].end <= ms:
            place += 1
        yield track[place].level if place < count and track[place].start <= ms else 0
