"""Compiler: what a vibration is on a device, and the vendor's commands that say it. Pure.

A timeline is made first, and the commands from it: whoever shows, promises or plays the vibration
reads the one that is kept. A pattern has one list of strengths for all of its letters; what differs
from it is told beside it, as one level, or left out."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from lovense.menus import steps
from lovense.menus.actuators import VIBRATING, Actuator, Capabilities, VibrationCaps
from lovense.menus.vibration import (
    FUNCTION,
    LONGEST_INTERVAL_MS,
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
    is_told_in_slices,
    nothing_fits,
    of_item,
    packed,
    turn_of,
    waveform_of,
)
from lovense.patterns.score import MAIN
from lovense.timeline import (
    FULL_SCALE,
    SECOND,
    TOP,
    Timeline,
    Track,
    longest,
    ramp,
    steady,
)

# What is not played as it was asked, each with a sentence for people.
ROUNDED_UP, LOWERED, SHORTENED = "rounded_up_to_2_s", "lowered_to_cap", "shortened_to_cap"
RESAMPLED, STEPS_ONLY, LEFT_OUT = "resampled", "steps_only", "function_left_out"
VENDORS_SHAPE, NEVER_STILL = "shape_is_the_vendors", "rests_at_the_lowest_level"
IN_STEPS = "in_steps"
NOTES = {
    ROUNDED_UP: "It runs 2 s: the vendor takes no run of 1 s.",
    LOWERED: "It is weaker than asked, since a limit is lower.",
    SHORTENED: "It ends earlier than asked, since a limit is shorter.",
    RESAMPLED: "Its shape is told in 50 equal steps, each at the level that lasts longest in it.",
    STEPS_ONLY: "A function whose curve is another one is told as one level.",
    LEFT_OUT: "A function is left out: it is off, not there, or cannot be told beside the others.",
    VENDORS_SHAPE: "The vendor's own shape; the drawing is approximate.",
    IN_STEPS: "Functions whose curves differ are told in steps of whole seconds.",
    NEVER_STILL: "Where it would be still it is at level 1, since level 0 may be full speed.",
}
# Why it cannot be played.
NO_TIME, NO_INTENSITY, FUNCTION_OFF, TOO_LONG = (
    *("no_time", "no_intensity", "function_off", "too_long_for_one_pattern"),
)
# Of a command that is told in slices, beside what the vendor reads: what each slice takes its part
# of (`lovense/bridges/standard.py`). Neither is ever sent.
DRAWING, STEPS = "drawing", "steps"


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
        named = vibration.moved or vibration.functions
        name = next((name for name, _ in named), capabilities.main)
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
    found = compile_or_refuse(item, caps, capabilities)
    return list(found.calls), found.promised_seconds


def compile_or_refuse(
    item: Mapping[str, Any], caps: VibrationCaps, capabilities: Capabilities
) -> Compiled:
    """What a menu item does. Raises NothingAllowed."""
    found = compile_vibration(of_item(item), capabilities, caps)
    if isinstance(found, Cannot):
        raise NothingAllowed(found.text)
    return found


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
    is_main = not vibration.functions and not vibration.names_functions
    named = ((capabilities.main, FULL_SCALE),) if is_main else vibration.moved
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

    def _turn(self) -> Timeline:
        """The shape once, at full strength."""
        names, written = [each.name for each in self._actuators], self.vibration.drawing
        if written is None:
            return self.waveform.once(names)
        tracks, main = written.functions, written.functions.get(MAIN, ())
        return Timeline(written.length_ms, {name: tracks.get(name, main) for name in names})

    def _drawn(self) -> Timeline:
        """What repeats itself until the end; where it has loops or ramps, all of it."""
        drawing = self._turn()
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
        """One list for those of one curve; the others beside it, or all of them in steps."""
        alike = _alike(drawing, self._actuators)
        if self._is_stepped(alike):
            return self._as_steps(drawing, notes)
        if not alike:
            level = _levels_only(drawing, self._actuators)
            call = self._function(level, self._actuators)
            return self._compiled(level, [call], *notes, STEPS_ONLY)
        names = [each.name for each in alike]
        theirs = drawing.only(names)
        call, told, is_exact = self._listed(theirs, alike)
        notes += [] if is_exact else [RESAMPLED]
        notes += [LEFT_OUT] if self._way and THRUST in names else []  # a pattern has no strokes
        others = [each for each in self._actuators if each.name not in names]
        calls = [call]
        if others and self.capabilities.takes_overlays:
            level = _levels_only(drawing, others).filled(told.length_ms)
            calls.append(self._function(level, others) | {"stopPrevious": 0})
            told, notes = told.beside(level), [*notes, STEPS_ONLY]
        elif others:
            notes.append(LEFT_OUT)
        return self._compiled(told, calls, *notes)

    def _listed(
        self, drawing: Timeline, alike: Sequence[Actuator]
    ) -> tuple[Command, Timeline, bool]:
        """A pattern, what of the drawing it plays, and whether that is all. In slices it is told
        finer than by one command."""
        shape, is_exact = self._shape(drawing)
        call = _pattern(shape, alike, self.seconds)
        if is_exact:
            return call, drawing, True
        if not (lease := self.capabilities.lease_seconds):
            return call, shape.once(drawing.functions).filled(self.seconds * SECOND), False
        is_exact = is_told_in_slices(drawing, slice_ms=(lease + 1) * SECOND)
        return call | {DRAWING: packed(drawing)}, drawing, is_exact

    def _shape(self, part: Timeline) -> tuple[Waveform, bool]:
        if self.vibration.drawing is not None:
            if self.vibration.is_plain:
                return turn_of(part, run_ms=self.seconds * SECOND)
            return waveform_of(part, interval_ms=LONGEST_INTERVAL_MS)
        interval = self.waveform.interval_ms
        if self.vibration.is_plain:
            values, *_ = part.samples(interval).values()
            return Waveform(values, interval), True
        return waveform_of(part, interval_ms=interval)

    # --- in steps --------------------------------------------------------------------------------

    def _is_stepped(self, alike: Sequence[Actuator]) -> bool:
        """The pattern itself says what moves how, and one list cannot."""
        may_step = bool(self.capabilities.hold_seconds) and self.vibration.names_functions
        return may_step and len(alike) < len(self._actuators)

    def _as_steps(self, drawing: Timeline, notes: Sequence[str]) -> Compiled:
        """Every function at one level a step, the one at which it is longest in it."""
        whole = drawing.filled(self.seconds * SECOND)
        told = steps.in_steps(whole, steps.edges(self.seconds, self.capabilities.hold_seconds))
        begins = [0, *told.edges]
        words = [self._words(told.at(ms), self._actuators) for ms in begins]
        each = [[ms // SECOND, action] for ms, action in zip(begins, words, strict=True)]
        call = _told(words[0], self.seconds) | {STEPS: each}
        return self._compiled(told, [call], *notes, IN_STEPS)

    def _words(self, levels: Mapping[str, int], actuators: Sequence[Actuator]) -> str:
        words = [f"{each.name}:{each.own(levels[each.name])}" for each in actuators]
        if self._way and any(each.name == THRUST for each in actuators):
            words.insert(0, f"{STROKE}:0-{self._way}")
        return ",".join(words)

    def _function(self, drawing: Timeline, actuators: Sequence[Actuator]) -> Command:
        return _told(self._words(drawing.at(0), actuators), self.seconds)

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
        names = {name for name, _ in (*self.vibration.functions, *self.vibration.moved)}
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
    return longest(lasting) if lasting else 0


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
