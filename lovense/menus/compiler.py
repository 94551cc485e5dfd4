"""Compiler: what a vibration is on a device, and the vendor's commands that say it. Pure.

A timeline is made first, and the commands from it: whoever shows, promises or plays the vibration
reads the one that is kept. A pattern has one list of strengths for all of its letters; what differs
from it is told beside it, as one level, or left out."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from lovense.menus.timeline import FULL_SCALE, SECOND, TOP, Timeline, Track, ramp, steady
from lovense.menus.vibration import (
    FUNCTION,
    SHAPES,
    SHORTEST_RUN_SECONDS,
    SHORTEST_STROKE,
    STROKE,
    THRUST,
    Command,
    InvalidVibration,
    NothingAllowed,
    Vibration,
    VibrationKind,
    Waveform,
    fitted,
    nothing_fits,
    of_item,
    waveform_of,
)

# What is not played as it was asked, each with a sentence for people.
ROUNDED_UP, LOWERED, SHORTENED = "rounded_up_to_2_s", "lowered_to_cap", "shortened_to_cap"
RESAMPLED, STEPS_ONLY, LEFT_OUT = "resampled", "steps_only", "function_left_out"
VENDORS_SHAPE, NEVER_STILL = "shape_is_the_vendors", "rests_at_the_lowest_level"
NOTES = {
    ROUNDED_UP: "It runs 2 s: the vendor takes no run of 1 s.",
    LOWERED: "It is weaker than asked, since a limit is lower.",
    SHORTENED: "It ends earlier than asked, since a limit is shorter.",
    RESAMPLED: "Its shape is told in 50 equal steps, each at the level that lasts longest in it.",
    STEPS_ONLY: "A function whose curve is another one is told as one level.",
    LEFT_OUT: "A function is left out: it is off, not there, or cannot be told beside the others.",
    VENDORS_SHAPE: "The vendor's own shape; the drawing is approximate.",
    NEVER_STILL: "Where it would be still it is at level 1, since level 0 may be full speed.",
}
# Why it cannot be played.
NO_TIME, NO_INTENSITY, FUNCTION_OFF, TOO_LONG = (
    *("no_time", "no_intensity", "function_off", "too_long_for_one_pattern"),
)


class Actuator(NamedTuple):
    """A function that may be told to a device. `letter`: its own in a pattern, "" where it has
    none; `top`, `cap` and `floor` in its own range. `stops_at_zero` False: it may take level 0 for
    full speed."""

    name: str
    letter: str = ""
    top: int = TOP
    cap: int = TOP
    floor: int = 0
    stops_at_zero: bool = True

    def within(self, intensity: int) -> int:
        """Its cap where no more than this of 20 is allowed; never rounded up over it."""
        return min(self.cap, intensity * self.top // TOP)

    @property
    def least(self) -> int:
        """Its floor, of 20."""
        return self.floor * TOP // self.top

    @property
    def has_curve(self) -> bool:
        """It can be told a list of strengths as it is, not scaled by the app."""
        return self.top == TOP and len(self.letter) == 1

    def own(self, level: int) -> int:
        return -(-level * self.top // TOP)


VIBRATES = Actuator(FUNCTION, "v")


class Capabilities(NamedTuple):
    """Of devices that are told the same. `scale`: how much of every strength, in percent.
    `takes_overlays`: a function can be told beside what runs."""

    main: str = FUNCTION
    actuators: tuple[Actuator, ...] = (VIBRATES,)
    scale: int = FULL_SCALE
    takes_overlays: bool = False

    def actuator(self, name: str) -> Actuator | None:
        return next((each for each in self.actuators if each.name == name and each.cap), None)


VIBRATING = Capabilities()


class VibrationCaps(NamedTuple):
    """The strictest of the platform's, of hers and of the devices'."""

    seconds: int
    intensity: int


class Cannot(NamedTuple):
    """Why it is not played, and which function is the reason, if one is."""

    reason: str
    function: str
    text: str


@dataclass(frozen=True, slots=True)
class Compiled:
    """`drawing`, over and over until the end of the run, is what plays."""

    drawing: Timeline
    calls: tuple[Command, ...]
    promised_seconds: int
    notes: tuple[str, ...] = ()

    @property
    def timeline(self) -> Timeline:
        return self.drawing.filled(self.promised_seconds * SECOND)

    @property
    def is_exact(self) -> bool:
        """The calls give the very timeline."""
        return VENDORS_SHAPE not in self.notes


def compile_vibration(
    vibration: Vibration, capabilities: Capabilities, caps: VibrationCaps
) -> Compiled | Cannot:
    """Never stronger than the caps, and cut at its end where it is too long, never faster."""
    if caps.intensity < 1:
        return Cannot(NO_INTENSITY, "", "The intensity cap is 0.")
    if caps.seconds < SHORTEST_RUN_SECONDS:
        return Cannot(NO_TIME, "", nothing_fits(caps.seconds))
    parts = _parts(vibration, capabilities, caps)
    if not parts:
        name = next((name for name, _ in vibration.functions), capabilities.main)
        return Cannot(FUNCTION_OFF, name, f"{name} is off, or not there.")
    work = _Work(vibration, capabilities, caps, parts)
    try:
        return work.done()
    except InvalidVibration:
        name = parts[0].actuator.name
        return Cannot(TOO_LONG, name, "It is too long for one pattern of the vendor's.")


def compile_item(
    item: Mapping[str, Any],
    *,
    maximum_seconds: int,
    maximum_intensity: int,
    capabilities: Capabilities = VIBRATING,
) -> tuple[list[Command], int]:
    """What a menu item does, and the seconds that it promises. Raises NothingAllowed."""
    caps = VibrationCaps(maximum_seconds, maximum_intensity)
    found = compile_vibration(of_item(item), capabilities, caps)
    if isinstance(found, Cannot):
        raise NothingAllowed(found.text)
    return list(found.calls), found.promised_seconds


# --- what each function is asked -----------------------------------------------------------------


class _Part(NamedTuple):
    """One function of a vibration: the strength that it is asked for and the one that it gets."""

    actuator: Actuator
    asked: int
    top: int
    least: int


def _parts(
    vibration: Vibration, capabilities: Capabilities, caps: VibrationCaps
) -> tuple[_Part, ...]:
    """Of those that may be told; a stroke is none, it bounds the way of a thrust."""
    named = vibration.functions or ((capabilities.main, FULL_SCALE),)
    strength = _share(vibration.strength or TOP, capabilities.scale)
    return tuple(
        _part(actuator, _share(strength, scale), caps)
        for name, scale in named
        if (actuator := capabilities.actuator(name)) and name != STROKE
        if actuator.within(caps.intensity)
    )


def _part(actuator: Actuator, asked: int, caps: VibrationCaps) -> _Part:
    cap = actuator.within(caps.intensity) * TOP // actuator.top
    return _Part(actuator, asked, min(asked, cap), min(actuator.least, cap))


def _share(level: int, percent: int) -> int:
    return fitted(level, scale=percent, floor=0, cap=TOP)


# --- one vibration -------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Work:
    """One vibration on the way to its commands."""

    vibration: Vibration
    capabilities: Capabilities
    caps: VibrationCaps
    parts: tuple[_Part, ...]

    @property
    def seconds(self) -> int:
        return max(SHORTEST_RUN_SECONDS, min(self.vibration.length, self.caps.seconds))

    @property
    def waveform(self) -> Waveform:
        """The shape at full strength; of a level a second of it."""
        if self.vibration.kind is VibrationKind.LEVEL:
            return Waveform((TOP,), SECOND)
        return self.vibration.shape or SHAPES[self.vibration.preset]

    def done(self) -> Compiled:
        drawing = self._drawn()
        if self._is_the_vendors:
            call = _preset(self.vibration.preset, self.seconds)
            return self._compiled(drawing, [call], VENDORS_SHAPE)
        if self.vibration.kind is VibrationKind.LEVEL and not drawing.edges:
            return self._compiled(drawing, [self._function(drawing, self._actuators)])
        restless = self._restless(drawing)
        never_still = [] if restless is drawing or restless == drawing else [NEVER_STILL]
        return self._as_pattern(restless, never_still)

    def _compiled(self, drawing: Timeline, calls: Sequence[Command], *more: str) -> Compiled:
        notes = dict.fromkeys((*self._notes(), *more))
        return Compiled(drawing, tuple(calls), self.seconds, tuple(notes))

    # --- the timeline ----------------------------------------------------------------------------

    def _drawn(self) -> Timeline:
        """What repeats itself until the end; where it has loops or ramps, all of it."""
        drawing = self.waveform.once(each.name for each in self._actuators)
        for actuator, _, top, _ in self.parts:
            if top != TOP:
                drawing = drawing.scaled(top * FULL_SCALE // TOP, [actuator.name])
        if not self.vibration.is_plain:
            drawing = self._whole(drawing)
        for actuator, _, _, least in self.parts:
            if least:
                drawing = drawing.lifted(least, [actuator.name])
            if actuator.top != TOP:
                drawing = drawing.coarse(actuator.top, [actuator.name])
        return drawing

    def _whole(self, once: Timeline) -> Timeline:
        """No more of it than is played."""
        its, end = self.vibration, self.seconds
        loop = its.seconds if its.loops > 1 else max(its.seconds, SHORTEST_RUN_SECONDS)
        times = min(its.loops, -(-end // (loop + its.pause_seconds)))
        turns = once.filled(min(loop, end) * SECOND).repeated(times, its.pause_seconds * SECOND)
        return turns.under(_envelope(its)).lasting(end * SECOND)

    def _restless(self, drawing: Timeline) -> Timeline:
        never_still = [each.name for each in self._actuators if not each.stops_at_zero]
        return drawing.resting(1, never_still) if never_still else drawing

    # --- the commands ----------------------------------------------------------------------------

    @property
    def _actuators(self) -> list[Actuator]:
        return [each.actuator for each in self.parts]

    @property
    def _is_the_vendors(self) -> bool:
        """Its own shape, as strong and as long as it is: a preset takes no strength."""
        actuator, _, top, least = self.parts[0]
        return (
            self.vibration.kind is VibrationKind.PRESET
            and self.vibration.strength is None
            and self.vibration.is_plain
            and not self.vibration.functions
            and (actuator.name, top, least) == (FUNCTION, TOP, 0)
        )

    def _as_pattern(self, drawing: Timeline, notes: list[str]) -> Compiled:
        """One list for those of one curve; the others beside it."""
        alike = _alike(drawing, self._actuators)
        if not alike:
            level = _levels_only(drawing, self._actuators)
            call = self._function(level, self._actuators)
            return self._compiled(level, [call], *notes, STEPS_ONLY)
        names = [each.name for each in alike]
        theirs = drawing.only(names)
        shape, is_exact = self._shape(theirs)
        told = theirs if is_exact else self._played(shape, names)
        notes += [] if is_exact else [RESAMPLED]
        notes += [LEFT_OUT] if self._way and THRUST in names else []  # a pattern has no strokes
        others = [each for each in self._actuators if each.name not in names]
        calls = [_pattern(shape, alike, self.seconds)]
        if others and self.capabilities.takes_overlays:
            level = _levels_only(drawing, others).lasting(told.length_ms)
            calls.append(self._function(level, others) | {"stopPrevious": 0})
            told, notes = told.beside(level), [*notes, STEPS_ONLY]
        elif others:
            notes.append(LEFT_OUT)
        return self._compiled(told, calls, *notes)

    def _shape(self, part: Timeline) -> tuple[Waveform, bool]:
        interval = self.waveform.interval_ms
        if self.vibration.is_plain:
            values, *_ = part.samples(interval).values()
            return Waveform(values, interval), True
        return waveform_of(part, interval_ms=interval)

    def _played(self, shape: Waveform, names: Iterable[str]) -> Timeline:
        return shape.once(names).filled(self.seconds * SECOND)

    def _function(self, drawing: Timeline, actuators: Sequence[Actuator]) -> Command:
        levels = drawing.at(0)
        words = [f"{each.name}:{each.own(levels[each.name])}" for each in actuators]
        if self._way and any(each.name == THRUST for each in actuators):
            words.insert(0, f"{STROKE}:0-{self._way}")
        return _told(",".join(words), self.seconds)

    @property
    def _way(self) -> int:
        """Of a stroke that is asked, in percent; 0: none is, or none that is long enough may be."""
        asked = dict(self.vibration.functions).get(STROKE, 0)
        actuator = self.capabilities.actuator(STROKE)
        cap = actuator.within(self.caps.intensity) if actuator else 0
        return min(cap, max(asked, SHORTEST_STROKE)) if asked and cap >= SHORTEST_STROKE else 0

    # --- what is not as it was asked -------------------------------------------------------------

    def _notes(self) -> Iterator[str]:
        if self.vibration.length < self.seconds:
            yield ROUNDED_UP
        if self.vibration.length > self.seconds:
            yield SHORTENED
        if any(each.top < each.asked for each in self.parts):
            yield LOWERED
        if self._lacks:
            yield LEFT_OUT

    @property
    def _lacks(self) -> bool:
        """One that is named is not told."""
        names = {name for name, _ in self.vibration.functions}
        told = {each.name for each in self._actuators}
        may_stroke = self._way > 0 and THRUST in told
        return bool(names - told - ({STROKE} if may_stroke else set()))


def _envelope(vibration: Vibration) -> Timeline:
    """How much of its strength there is at each moment, of 20."""
    length = max(vibration.length, SHORTEST_RUN_SECONDS)
    between = length - vibration.ramp_in - vibration.ramp_out
    rise = ramp(1, TOP, vibration.ramp_in * SECOND, ("share",))
    fall = ramp(TOP, 1, vibration.ramp_out * SECOND, ("share",))
    return rise.joined(steady(TOP, between * SECOND, ("share",))).joined(fall)


def _alike(drawing: Timeline, actuators: Sequence[Actuator]) -> list[Actuator]:
    """Those of the first curve that a pattern can tell; none where it can tell none."""
    able = [each for each in actuators if each.has_curve]
    return [each for each in able if _same(drawing, each, able[0])]


def _same(drawing: Timeline, one: Actuator, other: Actuator) -> bool:
    return drawing.functions[one.name] == drawing.functions[other.name]


def _levels_only(drawing: Timeline, actuators: Iterable[Actuator]) -> Timeline:
    """Each at the level at which it moves longest, the higher of equals."""
    levels = {each.name: _usual(drawing.functions[each.name]) for each in actuators}
    found = Timeline(drawing.length_ms)
    for name, level in levels.items():
        found = found.beside(steady(level, drawing.length_ms, (name,)))
    return found


def _usual(track: Track) -> int:
    lasting: dict[int, int] = {}
    for start, end, level in track:
        lasting[level] = lasting.get(level, 0) + end - start
    return max(lasting, key=lambda level: (lasting[level], level), default=0)


# --- the vendor's words --------------------------------------------------------------------------


def _told(action: str, seconds: int) -> Command:
    return {"command": "Function", "action": action, "timeSec": seconds, "apiVer": 1}


def _preset(name: str, seconds: int) -> Command:
    return {"command": "Preset", "name": name, "timeSec": seconds, "apiVer": 1}


def _pattern(shape: Waveform, actuators: Iterable[Actuator], seconds: int) -> Command:
    # The letters are named: an empty F would drive every function of the toy on one scale.
    letters = ",".join(each.letter for each in actuators)
    return {
        "command": "Pattern",
        "rule": f"V:1;F:{letters};S:{shape.interval_ms}#",
        "strength": shape.text,
        "timeSec": seconds,
        "apiVer": 2,
    }
