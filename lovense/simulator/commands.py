"""A vendor's command, read for one type of toy: what it sets in motion, or the vendor's code for
why not. Pure; its twin is `static/js/commands.js`.

As the vendor's app is known to do, a level that is too high is lowered without a word; what is no
number, no known word or too long is refused (docs/decisions/0088-what-a-toy-answers.md)."""

import math
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from lovense.devices.toytable import LETTERS, TOPS, ToyType
from lovense.menus.vibration import SHAPES

INVALID_COMMAND, TOY_NOT_FOUND, NOT_CONNECTED, UNSUPPORTED, INVALID_PARAMETER = range(400, 405)
LISTS = ("GetToys", "GetToyName")
MOTIONS = ("Function", "Pattern", "Preset")
MAX_VALUES = 50
TOP = 20  # of a pattern's value; functions with fewer levels are scaled
LONGEST_SECONDS = 10**6  # no number of the vendor's; what is longer is no run time
SHORTEST_STROKE = 20
SINGLE_MOTORS = ("Vibrate1", "Vibrate2", "Vibrate3")

_LEVEL = re.compile(r"(\w+):(\d{1,9})", re.ASCII)
_STROKE = re.compile(r"Stroke:(\d{1,3})-(\d{1,3})", re.ASCII)
_RULE = re.compile(r"V:1;F:([a-z](?:,[a-z])*)?;S:(\d{1,5})#", re.ASCII)
_VALUES = re.compile(r"\d{1,3}(?:;\d{1,3})*", re.ASCII)


class NotObeyed(Exception):
    """The vendor's code for a command that this toy does not take."""

    def __init__(self, code: int) -> None:
        super().__init__(code)
        self.code = code


@dataclass(frozen=True, slots=True)
class Motion:
    """What a command sets in motion, in ms from its beginning. `values` of each single function
    follow each other every `interval`, over and over, until `length` (None: until stopped). Of each
    `pace` and `pause` together, only the first is played."""

    values: Mapping[str, tuple[int, ...]]
    interval: int = 1000
    length: float | None = None
    pace: float = 0
    pause: float = 0
    is_overlay: bool = False
    is_preset: bool = False

    def level(self, function: str, elapsed: float) -> int:
        if self.pause and elapsed % (self.pace + self.pause) >= self.pace:
            return 0
        values = self.values[function]
        return values[math.floor(elapsed / self.interval) % len(values)]

    @property
    def moves(self) -> bool:
        return any(any(values) for values in self.values.values())

    def with_values(self, values: Mapping[str, tuple[int, ...]]) -> "Motion":
        return replace(self, values=values)

    def within(self, caps: Mapping[str, int], longest: float) -> "Motion":
        """The same, no stronger and no longer; a function without a cap is still."""
        values = {
            function: tuple(min(level, caps.get(function, 0)) for level in levels)
            for function, levels in self.values.items()
        }
        length = longest if self.length is None else min(self.length, longest)
        return replace(self, values=values, length=length)

    def next_step(self, elapsed: float) -> float:
        """The first moment after `elapsed` at which a level may be another one, its end aside."""
        steps = [math.inf]
        if any(len(set(values)) > 1 for values in self.values.values()):
            steps.append((math.floor(elapsed / self.interval) + 1) * self.interval)
        if self.pause:
            whole = self.pace + self.pause
            turn = math.floor(elapsed / whole) * whole
            steps.append(turn + self.pace if elapsed < turn + self.pace else turn + whole)
        return min(steps)


def is_stop(command: Mapping[str, Any]) -> bool:
    return command.get("command") == "Function" and command.get("action") == "Stop"


def read(command: Mapping[str, Any], kind: ToyType) -> Motion:
    """Of a command that is no list and no stop. Raises NotObeyed."""
    name = command.get("command")
    if name == "Function":
        return _function(command, kind)
    if name == "Pattern":
        return _pattern(command, kind)
    if name == "Preset":
        return _preset(command, kind)
    raise NotObeyed(INVALID_COMMAND)


def seconds_of(command: Mapping[str, Any]) -> float:
    """`timeSec`; 0 is "until stopped". Raises NotObeyed."""
    return _number(command.get("timeSec"))


def singles(kind: ToyType) -> tuple[str, ...]:
    """The functions of a type that move by themselves: with single motors, Vibrate is all of
    them."""
    motors = tuple(function for function in kind.functions if function in SINGLE_MOTORS)
    return tuple(function for function in kind.functions if function != "Vibrate" or not motors)


# --- Function ------------------------------------------------------------------------------------


def _function(command: Mapping[str, Any], kind: ToyType) -> Motion:
    action = command.get("action")
    if not isinstance(action, str) or not action:
        raise NotObeyed(INVALID_PARAMETER)
    levels, stroke = _levels(action.split(","))
    values = _spread(levels, kind)
    if stroke and "Thrusting" in values:
        values["Stroke"] = stroke
    if not values:
        raise NotObeyed(UNSUPPORTED)
    pause = _optional(command, "loopPauseSec")
    pace = _optional(command, "loopRunningSec")
    return Motion(
        {function: (level,) for function, level in values.items()},
        length=_length(command),
        pace=pace,
        pause=pause if pace else 0,
        is_overlay=command.get("stopPrevious", 1) in (0, "0", False),
    )


def _levels(words: Iterable[str]) -> tuple[dict[str, int], int]:
    """Levels by the word of the action, and the span of a Stroke; 0 where there is none, or one too
    short to be played."""
    levels: dict[str, int] = {}
    stroke = 0
    for word in (word.strip(" ") for word in words):
        if found := _STROKE.fullmatch(word):
            low, high = (min(int(end), TOPS["Stroke"]) for end in found.groups())
            if low > high:
                raise NotObeyed(INVALID_PARAMETER)
            stroke = high - low if high - low >= SHORTEST_STROKE else 0
        elif word.partition(":")[0] not in _WORDS:
            raise NotObeyed(INVALID_COMMAND)
        elif found := _LEVEL.fullmatch(word):
            levels[found[1]] = int(found[2])
        else:
            raise NotObeyed(INVALID_PARAMETER)
    if not levels:  # a Stroke goes with Thrusting, never alone
        raise NotObeyed(INVALID_PARAMETER)
    return levels, stroke


_WORDS = ({*TOPS} - {"Position"}) | {"All"}


def _spread(levels: Mapping[str, int], kind: ToyType) -> dict[str, int]:
    """By the functions that move by themselves. What is named binds more than what is meant with
    others: a single motor more than Vibrate, Vibrate more than All."""
    found: dict[str, int] = {}
    for function in singles(kind):
        broad = "Vibrate" if function in SINGLE_MOTORS else function
        for word in (function, broad, "All"):
            if word in levels and function not in _NEVER:
                found[function] = min(levels[word], TOPS[function])
                break
    return found


_NEVER = ("Position",)  # only the vendor's command of that name moves it


# --- Pattern and Preset --------------------------------------------------------------------------


def _pattern(command: Mapping[str, Any], kind: ToyType) -> Motion:
    rule, strength = command.get("rule"), command.get("strength")
    if not isinstance(rule, str) or not isinstance(strength, str):
        raise NotObeyed(INVALID_PARAMETER)
    found = _RULE.fullmatch(rule)
    if not found or not int(found[2]) or not _VALUES.fullmatch(strength):
        raise NotObeyed(INVALID_PARAMETER)
    values = [min(int(value), TOP) for value in strength.split(";")]
    letters = found[1].split(",") if found[1] else []
    if len(values) > MAX_VALUES or not all(letter in LETTERS for letter in letters):
        raise NotObeyed(INVALID_PARAMETER)
    functions = _driven([LETTERS[letter] for letter in letters], kind)
    return Motion(
        {function: tuple(_scaled(value, function) for value in values) for function in functions},
        interval=int(found[2]),
        length=_length(command),
    )


def _preset(command: Mapping[str, Any], kind: ToyType) -> Motion:
    """Drawn as our own shapes of that name: the vendor's are not published."""
    shape = SHAPES.get(str(command.get("name")))
    if shape is None:
        raise NotObeyed(INVALID_PARAMETER)
    return Motion(
        {
            function: tuple(_scaled(value, function) for value in shape.values)
            for function in _driven([], kind)
        },
        interval=shape.interval_ms,
        length=_length(command),
        is_preset=True,
    )


def _driven(named: list[str], kind: ToyType) -> list[str]:
    """The functions of this toy that a strength list drives; no name means all of them."""
    functions = [
        function
        for function in singles(kind)
        if function not in _NEVER
        and (not named or ("Vibrate" if function in SINGLE_MOTORS else function) in named)
    ]
    if not functions:
        raise NotObeyed(UNSUPPORTED)
    return functions


def _scaled(value: int, function: str) -> int:
    """To the nearest level of a function that has fewer; a half goes up."""
    return (value * TOPS[function] * 2 + TOP) // (2 * TOP)


# --- numbers -------------------------------------------------------------------------------------


def _length(command: Mapping[str, Any]) -> float | None:
    seconds = seconds_of(command)
    return seconds * 1000 if seconds else None


def _optional(command: Mapping[str, Any], name: str) -> float:
    """In ms; 0 where it is absent."""
    return _number(command[name]) * 1000 if command.get(name) is not None else 0


def _number(value: Any) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise NotObeyed(INVALID_PARAMETER)
    if not 0 <= value <= LONGEST_SECONDS:  # so is what is not a number at all
        raise NotObeyed(INVALID_PARAMETER)
    return value
