"""The last hop: what is checked directly before a command leaves for a toy, whoever made it. Too
strong and too long is lowered, unlawful is refused; what passes is written anew, from what was read
and nothing else. Pure: no clock, no database. The twin is `static/js/fence.js`; both pass
`tests/golden/fence.json` (docs/fence.md).

It trusts nothing that was decided before: that caps were kept, that a stop was heard."""

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeGuard

from lovense.devices.toytable import (
    LETTERS,
    TOPS,
    TRIAL_LEVEL,
    ZERO_MAY_MOVE,
)
from lovense.menus.vibration import (
    INTERVAL_ABOVE_MS,
    LONGEST_ITEM_SECONDS,
    MAXIMUM_LEVEL,
    MAXIMUM_PATTERN_VALUES,
    SHAPES,
    SHORTEST_RUN_SECONDS,
    SHORTEST_STROKE,
    STOP,
    STROKE,
    Command,
)
from lovense.rows import DeviceSummary

STOPPED, UNSUPPORTED = "stopped", "unsupported"
BAD_COMMAND, NOT_CONNECTED = "bad_command", "not_connected"
MAX_TOYS = 16  # named by one command
LONGEST_SECONDS = 10**6  # what is longer is no run time
VIBRATE = "Vibrate"
SINGLE_MOTORS = ("Vibrate1", "Vibrate2", "Vibrate3")
WORDS = frozenset(TOPS) - {"Position", STROKE}
PATTERN_LETTERS = {letter: name for letter, name in LETTERS.items() if len(letter) == 1}

_LEVEL = re.compile(r"(\w+):(\d{1,9})", re.ASCII)
_STROKE = re.compile(r"Stroke:(\d{1,3})-(\d{1,3})", re.ASCII)
_RULE = re.compile(r"V:1;F:([a-z](?:,[a-z])*);S:(\d{1,5})#", re.ASCII)
_VALUES = re.compile(r"\d{1,3}(?:;\d{1,3})*", re.ASCII)

Functions = Mapping[str, int]


class Fenced(Exception):
    """The command must not leave; `code` says why."""

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code


@dataclass(frozen=True, slots=True)
class Bounds:
    """What binds now. `devices`: by toy the functions that may be used, each with its highest
    level, as DeviceSummary has them; 0: it has this one, and it may not be used. None: none has
    been reported yet. `epoch`: the latest stop of which this side has heard. `seconds`: of toys
    that have a limit of their own."""

    devices: Mapping[str, Functions] | None
    epoch: int = 0
    is_stopped: bool = False
    maximum_intensity: int = MAXIMUM_LEVEL
    longest_seconds: int = LONGEST_ITEM_SECONDS
    seconds: Functions = field(default_factory=dict)


def functions_of(
    devices: Iterable[DeviceSummary], *, is_test: bool = False
) -> dict[str, Functions]:
    """For `Bounds.devices`. One that is switched off may use nothing; what moves hardware and was
    never tried is for a test alone, and gentle."""
    return {
        each["toyId"]: _usable(each, is_test=is_test) if each["isEnabled"] else {}
        for each in devices
    }


def _usable(device: DeviceSummary, *, is_test: bool) -> Functions:
    if not is_test:
        return device["functions"]
    untried = device.get("untried", {})
    return {name: min(cap, _gentle(name)) for name, cap in untried.items()} | device["functions"]


def _gentle(name: str) -> int:
    return SHORTEST_STROKE if name == STROKE else -(-TRIAL_LEVEL * TOPS[name] // MAXIMUM_LEVEL)


def seconds_of(devices: Iterable[DeviceSummary]) -> dict[str, int]:
    """For `Bounds.seconds`."""
    own = {each["toyId"]: each["maximumSeconds"] for each in devices}
    return {toy_id: seconds for toy_id, seconds in own.items() if seconds is not None}


def checked(command: Any, bounds: Bounds, *, epoch: int) -> Command:
    """What may be sent of this command, that was decided under this epoch. Raises Fenced."""
    if not isinstance(command, Mapping):
        raise Fenced(BAD_COMMAND)
    if command.get("command") == "Function" and command.get("action") == "Stop":
        return _stop(command)
    if epoch < bounds.epoch or bounds.is_stopped:
        raise Fenced(STOPPED)
    name = command.get("command")
    if not isinstance(name, str) or name not in _CHECKS:
        raise Fenced(BAD_COMMAND)
    return _CHECKS[name](command, bounds)


def caps(toy_id: str, bounds: Bounds) -> dict[str, int]:
    """The highest level of each function of a toy, as it binds now."""
    functions = (bounds.devices or {}).get(toy_id, {})
    return {name: _cap(name, [functions], bounds) for name in functions}


def longest(toy_ids: Iterable[str], bounds: Bounds) -> int:
    """For how long these toys may run."""
    own = (bounds.seconds[toy_id] for toy_id in toy_ids if toy_id in bounds.seconds)
    return min([bounds.longest_seconds, *own])


# --- each command --------------------------------------------------------------------------------


def _stop(command: Mapping[str, Any]) -> Command:
    """Of every toy, where it does not say clearly of which."""
    named = command.get("toy")
    return {**STOP, "toy": named} if named is not None and _are_ids(named) else {**STOP}


def _function(command: Mapping[str, Any], bounds: Bounds) -> Command:
    levels, stroke = _levels(command.get("action"))
    needed = [*levels, STROKE] if stroke else [*levels]
    target = _target(command, bounds, lambda functions: _may(functions, needed))
    words = [f"{name}:{_lowered(level, name, target)}" for name, level in levels.items()]
    if stroke:
        words.append(_shorter(stroke, target.cap(STROKE)))
    return {
        "command": "Function",
        "action": ",".join(words),
        "timeSec": _seconds(command, target.longest),
        **_loops(command),
        **target.named,
        "apiVer": 1,
    }


def _pattern(command: Mapping[str, Any], bounds: Bounds) -> Command:
    rule, strength = command.get("rule"), command.get("strength")
    if not isinstance(rule, str) or not isinstance(strength, str):
        raise Fenced(BAD_COMMAND)
    found = _RULE.fullmatch(rule)
    if not found or int(found[2]) <= INTERVAL_ABOVE_MS or not _VALUES.fullmatch(strength):
        raise Fenced(BAD_COMMAND)
    letters, values = found[1].split(","), strength.split(";")
    if len(values) > MAXIMUM_PATTERN_VALUES or not all(one in PATTERN_LETTERS for one in letters):
        raise Fenced(BAD_COMMAND)
    names = [PATTERN_LETTERS[letter] for letter in letters]
    target = _target(command, bounds, lambda functions: _may(functions, names))
    return {
        "command": "Pattern",
        "rule": f"V:1;F:{found[1]};S:{int(found[2])}#",
        "strength": _lower_values([int(value) for value in values], names, target),
        "timeSec": _seconds(command, target.longest),
        **target.named,
        "apiVer": 2,
    }


def _preset(command: Mapping[str, Any], bounds: Bounds) -> Command:
    """It takes no strength and drives whatever the toy has."""
    name = command.get("name")
    if not isinstance(name, str) or name not in SHAPES:
        raise Fenced(BAD_COMMAND)
    if bounds.devices is None or bounds.maximum_intensity < MAXIMUM_LEVEL:
        raise Fenced(UNSUPPORTED)
    target = _target(command, bounds, _is_uncapped)
    seconds = _seconds(command, target.longest)
    return {"command": "Preset", "name": name, "timeSec": seconds, **target.named, "apiVer": 1}


_CHECKS: Mapping[str, Callable[[Mapping[str, Any], Bounds], Command]] = {
    "Function": _function,
    "Pattern": _pattern,
    "Preset": _preset,
}


# --- for which toys ------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Target:
    """The toys of a command: as it names them, what they may do, and for how long."""

    named: Command
    functions: Sequence[Functions]
    bounds: Bounds
    longest: int

    def cap(self, name: str) -> int:
        return _cap(name, self.functions, self.bounds)


def _target(
    command: Mapping[str, Any], bounds: Bounds, may: Callable[[Functions], bool]
) -> _Target:
    """Those that are named, who all have to be able to; without a name those that are."""
    given = command.get("toy")
    if given is not None and not _are_ids(given):
        raise Fenced(BAD_COMMAND)
    named: list[str] = given if isinstance(given, list) else [] if given is None else [given]
    if bounds.devices is None:
        if not may({VIBRATE: MAXIMUM_LEVEL}):
            raise Fenced(UNSUPPORTED)
        told = {} if given is None else {"toy": given}
        return _Target(told, [{VIBRATE: MAXIMUM_LEVEL}], bounds, longest(named, bounds))
    devices = bounds.devices
    if given is None:
        named = sorted(toy_id for toy_id in devices if may(devices[toy_id]))
        given = named
    if not devices and not named:
        raise Fenced(NOT_CONNECTED)
    if not named or not all(toy_id in devices and may(devices[toy_id]) for toy_id in named):
        raise Fenced(UNSUPPORTED)
    functions = [devices[toy_id] for toy_id in named]
    return _Target({"toy": given}, functions, bounds, longest(named, bounds))


def _are_ids(named: Any) -> bool:
    ids = named if isinstance(named, list) else [named]
    return 0 < len(ids) <= MAX_TOYS and all(isinstance(one, str) and one for one in ids)


def _may(functions: Functions, names: Iterable[str]) -> bool:
    return all(_own(functions, name) > 0 for name in names)


def _is_uncapped(functions: Functions) -> bool:
    return len(functions) > 0 and all(functions[name] >= TOPS[name] for name in functions)


def _own(functions: Functions, name: str) -> int:
    """Vibrate moves each single motor, and a single motor never more than Vibrate may."""
    level = functions.get(name, 0)
    if name == VIBRATE:
        return min([level, *(functions[one] for one in SINGLE_MOTORS if one in functions)])
    if name in SINGLE_MOTORS:
        return min(level, functions.get(VIBRATE) or MAXIMUM_LEVEL)
    return level


def _cap(name: str, toys: Iterable[Functions], bounds: Bounds) -> int:
    """The strictest of these toys, within her intensity: never rounded up over it."""
    share = bounds.maximum_intensity * TOPS[name] // MAXIMUM_LEVEL
    return min([TOPS[name], share, *(_own(functions, name) for functions in toys)])


# --- levels --------------------------------------------------------------------------------------


def _levels(action: Any) -> tuple[dict[str, int], tuple[int, int] | None]:
    """By function, and the way of a Stroke."""
    levels: dict[str, int] = {}
    stroke = None
    if not isinstance(action, str):
        raise Fenced(BAD_COMMAND)
    for word in (one.strip(" ") for one in action.split(",")):
        if found := _STROKE.fullmatch(word):
            stroke = int(found[1]), int(found[2])
        elif (found := _LEVEL.fullmatch(word)) and found[1] in WORDS:
            levels[found[1]] = int(found[2])
        else:
            raise Fenced(BAD_COMMAND)
    if not levels or (stroke and "Thrusting" not in levels):
        raise Fenced(BAD_COMMAND)
    return levels, stroke


def _lowered(level: int, name: str, target: _Target) -> int:
    lowered = min(level, target.cap(name))
    if lowered == 0 and name in ZERO_MAY_MOVE:
        raise Fenced(UNSUPPORTED)
    return lowered


def _shorter(stroke: tuple[int, int], cap: int) -> str:
    """A way that ends within the cap. One too short is not lawful, and is never made longer."""
    low, high = stroke[0], min(stroke[1], TOPS[STROKE])
    if high - low < SHORTEST_STROKE:
        raise Fenced(BAD_COMMAND)
    if cap - low < SHORTEST_STROKE:
        raise Fenced(UNSUPPORTED)
    return f"{STROKE}:{low}-{min(high, cap)}"


def _lower_values(values: Sequence[int], names: Iterable[str], target: _Target) -> str:
    """One list drives all of them, from 0 to 20: under the strictest, whichever way a toy with
    fewer levels rounds."""
    top = min(target.cap(name) * MAXIMUM_LEVEL // TOPS[name] for name in names)
    lowered = [min(value, top) for value in values]
    least = min(lowered)
    if any(name in ZERO_MAY_MOVE and least * TOPS[name] < MAXIMUM_LEVEL for name in names):
        raise Fenced(UNSUPPORTED)
    return ";".join(str(value) for value in lowered)


# --- numbers -------------------------------------------------------------------------------------


def _seconds(command: Mapping[str, Any], at_most: int) -> int:
    """Whole, and never 0: that is a stop's alone."""
    seconds = command.get("timeSec")
    if not _is_number(seconds, SHORTEST_RUN_SECONDS) or seconds != int(seconds):
        raise Fenced(BAD_COMMAND)
    if at_most < SHORTEST_RUN_SECONDS:
        raise Fenced(UNSUPPORTED)
    return min(int(seconds), at_most)


def _loops(command: Mapping[str, Any]) -> Command:
    """Those that it has; null is not there."""
    found: Command = {}
    for name in ("loopRunningSec", "loopPauseSec"):
        value = command.get(name)
        if value is not None:
            if not _is_number(value, 1) or value == 1:
                raise Fenced(BAD_COMMAND)
            found[name] = value
    previous = command.get("stopPrevious")
    if previous is not None:
        if not _is_number(previous, 0) or previous not in (0, 1):
            raise Fenced(BAD_COMMAND)
        found["stopPrevious"] = int(previous)
    return found


def _is_number(value: Any, least: int) -> TypeGuard[float]:
    """Not below `least`, and not endless."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return False
    return least <= value <= LONGEST_SECONDS
