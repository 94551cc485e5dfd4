"""What a vibration is: how strong, in what shape, for how long. Pure functions, no clock, no
database.

The vendor's limits stand here: a run time must be above 1 s, and 0 means "for ever", so it is never
compiled; levels go from 0 to 20; a preset takes no strength; a pattern has at most 50 values and an
interval above 100 ms. `lovense/menus/compiler.py` makes commands that keep them."""

import math
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from functools import lru_cache
from typing import Any

from lovense.patterns import reading, shipped
from lovense.patterns.score import MAIN
from lovense.timeline import FULL_SCALE, SECOND, TOP, Segment, Timeline, of_steps

Command = dict[str, Any]

# The vendor's stop, and nothing else is one: level 0 is full speed on one toy.
STOP: Command = {"command": "Function", "action": "Stop", "timeSec": 0, "apiVer": 1}
FUNCTION = "Vibrate"  # what is moved where nothing else is known
# A stroke is no function of its own: it bounds the way of a thrust, in percent.
THRUST, STROKE, SHORTEST_STROKE = "Thrusting", "Stroke", 20
MAXIMUM_LEVEL = TOP
SHORTEST_RUN_SECONDS = (
    2  # the vendor's "more than 1"; a 1 s item runs 2 s, and the performer is told so
)
LONGEST_ITEM_SECONDS = 3600
MAXIMUM_LOOPS = 100
LONGEST_PAUSE = 60  # s
PARTS_KEPT = 1024  # of shapes, drawn: what is told again and again is worked out once
MAXIMUM_PATTERN_VALUES = 50
INTERVAL_ABOVE_MS = 100
LONGEST_INTERVAL_MS = 1000


class VibrationKind(StrEnum):
    LEVEL = "LEVEL"
    PRESET = "PRESET"
    PATTERN = "PATTERN"


class InvalidVibration(ValueError):
    """A vibration must stay within what a toy can do."""


class NothingAllowed(ValueError):
    """The caps leave no run that the vendor accepts (under 2 s, or intensity 0): the toy must stay
    still."""


@dataclass(frozen=True)
class Waveform:
    """A wave form at full strength; it repeats until the run time is over."""

    values: tuple[int, ...]
    interval_ms: int

    def __post_init__(self) -> None:
        if not 1 <= len(self.values) <= MAXIMUM_PATTERN_VALUES:
            raise InvalidVibration(
                f"A pattern has 1 to {MAXIMUM_PATTERN_VALUES} values, not {len(self.values)}."
            )
        if min(self.values) < 0 or max(self.values) > MAXIMUM_LEVEL:
            raise InvalidVibration(f"Pattern values go from 0 to {MAXIMUM_LEVEL}.")
        if not INTERVAL_ABOVE_MS < self.interval_ms <= LONGEST_INTERVAL_MS:
            raise InvalidVibration(
                f"A pattern's interval is above {INTERVAL_ABOVE_MS} ms, at most "
                f"{LONGEST_INTERVAL_MS} ms."
            )

    @property
    def length_ms(self) -> int:
        return len(self.values) * self.interval_ms

    @property
    def text(self) -> str:
        """As a command carries its values."""
        return ";".join(map(str, self.values))

    def once(self, functions: Iterable[str] = (FUNCTION,)) -> Timeline:
        """Drawn, from its first value to its last."""
        return _drawn(self, tuple(functions))


@lru_cache(maxsize=PARTS_KEPT)
def _drawn(shape: Waveform, functions: tuple[str, ...]) -> Timeline:
    return of_steps(shape.values, shape.interval_ms, functions)


def part_of(shape: Waveform, start_ms: int, end_ms: int) -> Waveform:
    """What one pattern says of a shape that is played over and over, from then until then."""
    return _part_of(shape, start_ms % shape.length_ms, end_ms - start_ms)


@lru_cache(maxsize=PARTS_KEPT)
def _part_of(shape: Waveform, start_ms: int, length_ms: int) -> Waveform:
    """On the grid of its values all of it is told, beginning there; else what is played of it."""
    interval = shape.interval_ms
    if start_ms % interval == 0:
        first = start_ms // interval
        return Waveform(shape.values[first:] + shape.values[:first], interval)
    part = shape.once().looped(start_ms, start_ms + length_ms)
    return waveform_of(part, interval_ms=interval)[0]


def packed(drawing: Timeline) -> str:
    """One curve, as a command carries it that is told in slices: level*ms, also where it is
    still."""
    (track, *_), until, found = [*drawing.functions.values()], 0, list[str]()
    for start, end, level in (*track, Segment(drawing.length_ms, drawing.length_ms, 0)):
        if until < start:
            found.append(f"0*{start - until}")
        if start < end:
            found.append(f"{level}*{end - start}")
        until = end
    return " ".join(found)


@lru_cache(maxsize=PARTS_KEPT)
def _unpacked(text: str) -> Timeline:
    track, begin = list[Segment](), 0
    for level, ms in (each.split("*") for each in text.split()):
        track.append(Segment(begin, begin + int(ms), int(level)))
        begin += int(ms)
    return Timeline(begin, {FUNCTION: tuple(track)})


@lru_cache(maxsize=PARTS_KEPT)
def part_of_packed(text: str, start_ms: int, end_ms: int) -> Waveform:
    """What one pattern says of a drawing that is played over and over, from then until then."""
    part = _unpacked(text).looped(start_ms, end_ms)
    return waveform_of(part, interval_ms=LONGEST_INTERVAL_MS)[0]


def waveform_of(part: Timeline, *, interval_ms: int) -> tuple[Waveform, bool]:
    """What one pattern can say of a timeline whose functions are alike, and whether that is all.

    It is where all edges lie on one grid, this interval's or one of their own, and few values tell
    it, over and over where it repeats itself. Else it is resampled, to the smallest interval that
    fits. Raises InvalidVibration for what is too long for one pattern."""
    if interval := _grid(part.grid_ms, interval_ms):
        values = _repeating(_samples(part, interval))
        if len(values) <= MAXIMUM_PATTERN_VALUES:
            return Waveform(values, interval), True
    smallest = -(-part.length_ms // MAXIMUM_PATTERN_VALUES)
    interval = max(INTERVAL_ABOVE_MS + 1, smallest)
    return Waveform(_samples(part, interval), interval), False


def turn_of(turn: Timeline, *, run_ms: int) -> tuple[Waveform, bool]:
    """What one pattern can say of a timeline that is played over and over for so long, and whether
    that is all. Raises InvalidVibration for what is too long for one pattern."""
    if turn.length_ms >= run_ms:
        return waveform_of(turn.cut(0, run_ms), interval_ms=LONGEST_INTERVAL_MS)
    if interval := _grid(math.gcd(turn.grid_ms, turn.length_ms), LONGEST_INTERVAL_MS):
        values = _shortest_turn(_samples(turn, interval))
        if len(values) <= MAXIMUM_PATTERN_VALUES:
            return Waveform(values, interval), True
    if (shape := _resampled_turn(turn, run_ms)) is not None:
        return shape, False
    return waveform_of(turn.filled(run_ms), interval_ms=LONGEST_INTERVAL_MS)


def _resampled_turn(turn: Timeline, run_ms: int) -> Waveform | None:
    """As many values as there may be, so that its end is the end of a turn: by no more than one
    step after all of its turns."""
    most = min(MAXIMUM_PATTERN_VALUES, turn.length_ms // (INTERVAL_ABOVE_MS + 1))
    for count in range(most, 0, -1):
        interval = round(turn.length_ms / count)
        late = abs(count * interval - turn.length_ms) * -(-run_ms // turn.length_ms)
        if interval <= LONGEST_INTERVAL_MS and late <= interval:
            return Waveform(_samples(turn, interval)[:count], interval)
    return None


def _shortest_turn(values: tuple[int, ...]) -> tuple[int, ...]:
    """The shortest one of which they are a whole number."""
    for count in range(1, len(values)):
        if len(values) % count == 0 and values[:count] * (len(values) // count) == values:
            return values[:count]
    return values


def is_told_in_slices(turn: Timeline, *, slice_ms: int) -> bool:
    """Wherever in whole seconds a slice begins, one pattern says all of its part."""
    common = math.gcd(turn.grid_ms, turn.length_ms, SECOND)
    interval = _grid(common, LONGEST_INTERVAL_MS)
    return bool(interval) and slice_ms <= interval * MAXIMUM_PATTERN_VALUES


def _samples(part: Timeline, interval_ms: int) -> tuple[int, ...]:
    values, *_ = part.samples(interval_ms).values()
    return values


def _grid(common: int, wished: int) -> int:
    """The interval on which all edges of that grid lie: the wished one, else the longest; 0: there
    is none."""
    if common % wished == 0:
        return wished
    lawful = range(min(common, LONGEST_INTERVAL_MS), INTERVAL_ABOVE_MS, -1)
    return next((ms for ms in lawful if common % ms == 0), 0)


def _repeating(values: tuple[int, ...]) -> tuple[int, ...]:
    """The shortest beginning that, over and over, is all of it."""
    longest = min(len(values), MAXIMUM_PATTERN_VALUES + 1)
    for period in range(1, longest):
        if values[period:] == values[:-period]:
            return values[:period]
    return values


# Our own drawings of the vendor's presets: a preset takes no strength, a pattern does.
SHAPES: dict[str, Waveform] = {
    "pulse": Waveform((20, 20, 0, 0, 20, 20, 0, 0), 250),
    "wave": Waveform((2, 5, 8, 11, 14, 17, 20, 17, 14, 11, 8, 5), 200),
    "fireworks": Waveform((3, 6, 10, 15, 20, 20, 4, 14, 0, 9, 18, 2, 20, 0, 0, 0), 150),
    "earthquake": Waveform((20, 8, 17, 12, 20, 6, 15, 19, 10, 20, 13, 7, 18, 9), 120),
}
LEVEL_PATTERN = "level"
PATTERNS = (LEVEL_PATTERN, *shipped.NAMES)
TEXT = "patternText"  # of an item that is played: the pattern of hers that it names, by value


@dataclass(frozen=True)
class Vibration:
    """How strong, in what shape, for how long. `strength` None belongs to a preset only: as the
    vendor's app plays it. `loops` of `seconds` each, with a pause between them; `ramp_in` and
    `ramp_out` are seconds of all of it. `functions`, each with its scale in percent; none: the main
    function of whatever device plays it. A pattern has a `shape`, or a `drawing` that may move
    several functions, each in its own way."""

    kind: VibrationKind
    seconds: int
    strength: int | None = None
    preset: str = ""
    shape: Waveform | None = None
    drawing: Timeline | None = None
    loops: int = 1
    pause_seconds: int = 0
    ramp_in: int = 0
    ramp_out: int = 0
    functions: tuple[tuple[str, int], ...] = ()

    def __post_init__(self) -> None:
        if not 1 <= self.seconds <= LONGEST_ITEM_SECONDS:
            raise InvalidVibration(
                f"A vibration lasts 1 to {LONGEST_ITEM_SECONDS} s, not {self.seconds}."
            )
        if self.strength is not None and not 1 <= self.strength <= MAXIMUM_LEVEL:
            raise InvalidVibration(
                f"A strength goes from 1 to {MAXIMUM_LEVEL}, not {self.strength}."
            )
        if self.strength is None and self.kind is not VibrationKind.PRESET:
            raise InvalidVibration(f"A {self.kind} needs a strength.")
        if self.kind is VibrationKind.PRESET and self.preset not in SHAPES:
            raise InvalidVibration(f"A preset is one of {', '.join(SHAPES)}, not {self.preset!r}.")
        if self.kind is VibrationKind.PATTERN and not (self.shape or self.drawing):
            raise InvalidVibration("A pattern needs its values.")
        self._check_parts()

    def _check_parts(self) -> None:
        if not (1 <= self.loops <= MAXIMUM_LOOPS and 0 <= self.pause_seconds <= LONGEST_PAUSE):
            raise InvalidVibration(
                f"A vibration has 1 to {MAXIMUM_LOOPS} loops and pauses of at most "
                f"{LONGEST_PAUSE} s."
            )
        if min(self.ramp_in, self.ramp_out) < 0 or self.ramp_in + self.ramp_out > self.length:
            raise InvalidVibration(f"Its ramps fit into its {self.length} s.")
        if any(not 1 <= scale <= FULL_SCALE for _, scale in self.functions):
            raise InvalidVibration(f"A function's scale goes from 1 to {FULL_SCALE} %.")
        if len(dict(self.functions)) != len(self.functions):
            raise InvalidVibration("Each function is named once.")

    @property
    def length(self) -> int:
        """In seconds, its loops and their pauses included."""
        return self.loops * self.seconds + (self.loops - 1) * self.pause_seconds

    @property
    def names_functions(self) -> bool:
        """Its pattern says what moves how."""
        return self.drawing is not None and MAIN not in self.drawing.functions

    @property
    def moved(self) -> tuple[tuple[str, int], ...]:
        """What it names, with the scale of each; none: the main function. Of a pattern that names
        functions, those that the item names too, or all of them where it names none."""
        if self.drawing is None or not self.names_functions:
            return self.functions
        scales = dict(self.functions)
        return tuple(
            (name, scales.get(name, FULL_SCALE))
            for name in self.drawing.functions
            if not scales or name in scales
        )

    @property
    def is_plain(self) -> bool:
        """One shape over and over until its end."""
        return self.loops == 1 and not self.ramp_in and not self.ramp_out


def of_item(item: Mapping[str, Any]) -> Vibration:
    """The vibration a menu item stands for."""
    drawing = drawn_of(item)
    return Vibration(
        kind_of(item["pattern"]),
        item["durationSec"],
        item["intensity"],
        item["pattern"] if item["pattern"] in SHAPES else "",
        drawing=drawing,
        loops=item.get("loops", 1),
        pause_seconds=item.get("pauseSec", 0),
        ramp_in=item.get("rampInSec", 0),
        ramp_out=item.get("rampOutSec", 0),
        functions=tuple(dict(item.get("functions", ())).items()),
    )


def kind_of(pattern: str) -> VibrationKind:
    if pattern == LEVEL_PATTERN:
        return VibrationKind.LEVEL
    return VibrationKind.PRESET if pattern in SHAPES else VibrationKind.PATTERN


def drawn_of(item: Mapping[str, Any]) -> Timeline | None:
    """One turn of the pattern that it names; None of a level and of a preset."""
    name = item["pattern"]
    if name == LEVEL_PATTERN or name in SHAPES:
        return None
    if text := item.get(TEXT) or shipped.TEXTS.get(name):
        return reading.drawn(text)
    raise InvalidVibration(f"There is no pattern {name!r}.")


def functions_of(item: Mapping[str, Any]) -> Collection[str]:
    """Those that are moved by name: the item's, or its pattern's; none: the main function."""
    named: Collection[str] = item.get("functions", ())
    drawing = drawn_of(item)
    if drawing is None or MAIN in drawing.functions:
        return named
    return [name for name in drawing.functions if not named or name in named] or named


PARTS = frozenset({"loops", "pauseSec", "rampInSec", "rampOutSec", "functions", TEXT})


def parts_of(item: Mapping[str, Any]) -> tuple[tuple[str, Any], ...]:
    """What an item says of its vibration beside its pattern, strength and seconds; hashable."""
    if item.keys().isdisjoint(PARTS):
        return ()
    said = {name: item[name] for name in sorted(PARTS) if name in item}
    if "functions" in said:
        said["functions"] = tuple(said["functions"].items())
    return tuple(said.items())


def run_seconds(seconds: int, *, maximum_seconds: int) -> int:
    """How long the toy really runs: within the cap, and never under what the vendor accepts."""
    if maximum_seconds < SHORTEST_RUN_SECONDS:
        raise NothingAllowed(nothing_fits(maximum_seconds))
    return max(SHORTEST_RUN_SECONDS, min(seconds, maximum_seconds))


def nothing_fits(seconds: int) -> str:
    return f"No run fits into {seconds} s; the vendor's shortest is {SHORTEST_RUN_SECONDS} s."


def fitted(level: int, *, scale: int, floor: int, cap: int) -> int:
    """A level as a device is told it: its share of what is asked, rounded up; not weaker than it is
    felt; and never above its cap."""
    return min(cap, max(-(-level * scale // FULL_SCALE), floor)) if level else 0
