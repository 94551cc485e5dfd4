"""What a vibration is, and how it becomes the vendor's commands: pure functions, no clock, no
database.

The vendor's limits, all kept here: a run time must be above 1 s, and 0 means "for ever", so it is
never compiled; levels go from 0 to 20; a preset takes no strength; a pattern has at most 50 values
and an interval above 100 ms."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

Command = dict[str, Any]

# The vendor's stop, and nothing else is one: level 0 is full speed on one toy.
STOP: Command = {"command": "Function", "action": "Stop", "timeSec": 0, "apiVer": 1}
FUNCTION = "Vibrate"  # the vendor's word for what every item plays
MAXIMUM_LEVEL = 20
FULL_SCALE = 100  # percent
SHORTEST_RUN_SECONDS = (
    2  # the vendor's "more than 1"; a 1 s item runs 2 s, and the performer is told so
)
LONGEST_ITEM_SECONDS = 3600
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
        if any(not 0 <= value <= MAXIMUM_LEVEL for value in self.values):
            raise InvalidVibration(f"Pattern values go from 0 to {MAXIMUM_LEVEL}.")
        if not INTERVAL_ABOVE_MS < self.interval_ms <= LONGEST_INTERVAL_MS:
            raise InvalidVibration(
                f"A pattern's interval is above {INTERVAL_ABOVE_MS} ms, at most "
                f"{LONGEST_INTERVAL_MS} ms."
            )

    def scaled(self, intensity: int) -> "Waveform":
        """The same shape with `intensity` as its top. Rounded up, so that what moved still
        moves."""
        return Waveform(
            tuple(-(-value * intensity // MAXIMUM_LEVEL) for value in self.values), self.interval_ms
        )

    def lifted(self, floor: int) -> "Waveform":
        """What moves is at least that strong, and what is still stays so."""
        return Waveform(
            tuple(value and max(value, floor) for value in self.values), self.interval_ms
        )


# Our own drawings of the vendor's presets: a preset takes no strength, a pattern does.
SHAPES: dict[str, Waveform] = {
    "pulse": Waveform((20, 20, 0, 0, 20, 20, 0, 0), 250),
    "wave": Waveform((2, 5, 8, 11, 14, 17, 20, 17, 14, 11, 8, 5), 200),
    "fireworks": Waveform((3, 6, 10, 15, 20, 20, 4, 14, 0, 9, 18, 2, 20, 0, 0, 0), 150),
    "earthquake": Waveform((20, 8, 17, 12, 20, 6, 15, 19, 10, 20, 13, 7, 18, 9), 120),
}
LEVEL_PATTERN = "level"
PATTERNS = (LEVEL_PATTERN, *SHAPES)


@dataclass(frozen=True)
class Vibration:
    """How strong, in what shape, for how long. `strength` None belongs to a preset only: as the
    vendor's app plays it."""

    kind: VibrationKind
    seconds: int
    strength: int | None = None
    preset: str = ""
    shape: Waveform | None = None

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
        if self.kind is VibrationKind.PATTERN and self.shape is None:
            raise InvalidVibration("A pattern needs its values.")


def of_item(item: Mapping[str, Any]) -> Vibration:
    """The vibration a menu item stands for."""
    if item["pattern"] == LEVEL_PATTERN:
        return Vibration(VibrationKind.LEVEL, item["durationSec"], item["intensity"])
    return Vibration(VibrationKind.PRESET, item["durationSec"], item["intensity"], item["pattern"])


def run_seconds(seconds: int, *, maximum_seconds: int) -> int:
    """How long the toy really runs: within the cap, and never under what the vendor accepts."""
    if maximum_seconds < SHORTEST_RUN_SECONDS:
        raise NothingAllowed(
            f"No run fits into {maximum_seconds} s; the vendor's shortest is "
            f"{SHORTEST_RUN_SECONDS} s."
        )
    return max(SHORTEST_RUN_SECONDS, min(seconds, maximum_seconds))


def fitted(level: int, *, scale: int, floor: int, cap: int) -> int:
    """A level as a device is told it: its share of what is asked, rounded up; not weaker than it is
    felt; and never above its cap."""
    return min(cap, max(-(-level * scale // FULL_SCALE), floor)) if level else 0


def compile_vibration(
    vibration: Vibration,
    *,
    maximum_seconds: int,
    maximum_intensity: int,
    scale: int = FULL_SCALE,
    floor: int = 0,
) -> tuple[list[Command], int]:
    """The vendor's commands and the seconds they promise. `scale`, in percent, and `floor` are of
    the devices that are told."""
    if maximum_intensity < 1:
        raise NothingAllowed("The intensity cap is 0.")
    seconds = run_seconds(vibration.seconds, maximum_seconds=maximum_seconds)
    cap = min(maximum_intensity, MAXIMUM_LEVEL)
    strength = fitted(vibration.strength or MAXIMUM_LEVEL, scale=scale, floor=0, cap=cap)
    if vibration.kind is VibrationKind.LEVEL:
        level = fitted(strength, scale=FULL_SCALE, floor=floor, cap=cap)
        return [_function(level, seconds)], seconds
    if vibration.strength is None and strength == MAXIMUM_LEVEL and not floor:
        return [_preset(vibration.preset, seconds)], seconds
    shape = vibration.shape or SHAPES[vibration.preset]
    return [_pattern(shape.scaled(strength).lifted(min(floor, cap)), seconds)], seconds


def compile_item(
    item: Mapping[str, Any],
    *,
    maximum_seconds: int,
    maximum_intensity: int,
    scale: int = FULL_SCALE,
    floor: int = 0,
) -> tuple[list[Command], int]:
    """What a menu item does, within the caps of the platform and of the performer."""
    return compile_vibration(
        of_item(item),
        maximum_seconds=maximum_seconds,
        maximum_intensity=maximum_intensity,
        scale=scale,
        floor=floor,
    )


def _function(level: int, seconds: int) -> Command:
    return {"command": "Function", "action": f"{FUNCTION}:{level}", "timeSec": seconds, "apiVer": 1}


def _preset(name: str, seconds: int) -> Command:
    return {"command": "Preset", "name": name, "timeSec": seconds, "apiVer": 1}


def _pattern(shape: Waveform, seconds: int) -> Command:
    # F:v drives vibration alone: an empty F would drive every function of the toy on one scale.
    return {
        "command": "Pattern",
        "rule": f"V:1;F:v;S:{shape.interval_ms}#",
        "strength": ";".join(str(value) for value in shape.values),
        "timeSec": seconds,
        "apiVer": 2,
    }
