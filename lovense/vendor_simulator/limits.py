"""The vendor's limits for a command, read strictly: what the journal calls a violation. The toy
itself is lenient, as the real ones are; whoever sends commands should not lean on that.

Source: the vendor's Standard API pages (Function, Pattern, Preset), where `timeSec`,
`loopRunningSec` and `loopPauseSec` are "greater than 1", `timeSec` is 0 for "until stopped", a
pattern's interval is "greater than 100" ms, and `All` stands in the list of the LAN alone."""

import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from lovense.devices.toytable import TOPS
from lovense.menus.vibration import SHAPES
from lovense.simulator.commands import LISTS, MAX_VALUES, SHORTEST_STROKE
from lovense.simulator.toys import MAX_TOYS

CLOUD = "cloud"
NOT_PLAYED = ("Position", "PatternV2")  # the vendor's, and no command of this product
SHORTEST_INTERVAL_MS = 101

_LEVEL = re.compile(r"(\w+):(\d{1,4})", re.ASCII)
_STROKE = re.compile(r"Stroke:(\d{1,3})-(\d{1,3})", re.ASCII)
_RULE = re.compile(r"V:1;F:(?:[vrptfsdo](?:,[vrptfsdo])*)?;S:(\d{3,5})#", re.ASCII)
_STRENGTH = re.compile(r"(?:\d|1\d|20)(?:;(?:\d|1\d|20))*", re.ASCII)

Told = Mapping[str, Any]


def violation(command: Told, *, via: str) -> str:
    """The first limit that the command breaks, as `field: rule`; empty where it keeps all."""
    return next(_broken(command, via), "")


def _broken(command: Told, via: str) -> Iterator[str]:
    name = command.get("command")
    if not isinstance(name, str) or name not in (*LISTS, *_RULES, *NOT_PLAYED):
        yield "command: is none of the vendor's"
    elif name in _RULES:
        yield from _RULES[name](command, via)
        yield from _toy(command)


# --- each command --------------------------------------------------------------------------------


def _function(command: Told, via: str) -> Iterator[str]:
    action = command.get("action")
    if action == "Stop":
        if command.get("timeSec", 0) != 0:
            yield "timeSec: is 0 with Stop"
    elif not isinstance(action, str):
        yield "action: is a text"
    else:
        yield from _words(action.split(","), via)
        yield from _time(command)
    for name in ("loopRunningSec", "loopPauseSec"):
        if name in command and not _is_above_one(command[name]):
            yield f"{name}: is greater than 1"
    if command.get("stopPrevious", 1) not in (0, 1):
        yield "stopPrevious: is 0 or 1"
    yield from _version(command, 1)


def _words(words: list[str], via: str) -> Iterator[str]:
    names = [word.partition(":")[0] for word in words]
    for name, word in zip(names, words, strict=True):
        top = TOPS["Vibrate"] if name == "All" else TOPS.get(name)
        if top is None or name == "Position":
            yield "action: a word is none of the vendor's"
        elif name == "All" and via == CLOUD:
            yield "action: All is a word of the LAN alone"
        elif name == "Stroke":
            yield from _stroke(word, names)
        elif not (found := _LEVEL.fullmatch(word)) or int(found[2]) > top:
            yield f"action: {name} goes from 0 to {top}"


def _stroke(word: str, names: list[str]) -> Iterator[str]:
    found = _STROKE.fullmatch(word)
    low, high = (int(found[1]), int(found[2])) if found else (0, 0)
    if high > TOPS["Stroke"] or high - low < SHORTEST_STROKE:
        yield f"action: a stroke spans at least {SHORTEST_STROKE} within 0 to 100"
    if "Thrusting" not in names:
        yield "action: a stroke goes with Thrusting"


def _pattern(command: Told, via: str) -> Iterator[str]:
    rule, strength = command.get("rule"), command.get("strength")
    found = _RULE.fullmatch(rule) if isinstance(rule, str) else None
    if not found:
        yield "rule: is V:1;F:<letters>;S:<ms>#"
    elif int(found[1]) < SHORTEST_INTERVAL_MS:
        yield "rule: the interval is greater than 100 ms"
    if not isinstance(strength, str) or not _STRENGTH.fullmatch(strength):
        yield "strength: is whole numbers from 0 to 20 between semicolons"
    elif strength.count(";") >= MAX_VALUES:
        yield f"strength: has at most {MAX_VALUES} numbers"
    yield from _time(command)
    yield from _version(command, 2)


def _preset(command: Told, via: str) -> Iterator[str]:
    if command.get("name") not in tuple(SHAPES):
        yield f"name: is one of {', '.join(SHAPES)}"
    yield from _time(command)
    yield from _version(command, 1)


# --- what they share -----------------------------------------------------------------------------


def _time(command: Told) -> Iterator[str]:
    seconds = command.get("timeSec")
    if not (_is_above_one(seconds) or (seconds == 0 and not isinstance(seconds, bool))):
        yield "timeSec: is 0, or greater than 1"


def _is_above_one(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and value > 1


def _version(command: Told, number: int) -> Iterator[str]:
    if command.get("apiVer") != number:
        yield f"apiVer: is {number}"


def _toy(command: Told) -> Iterator[str]:
    named = command.get("toy")
    ids = named if isinstance(named, list) else [named]
    if named is None:
        return
    if not 0 < len(ids) <= MAX_TOYS or not all(isinstance(one, str) and one for one in ids):
        yield f"toy: is an id, or a list of 1 to {MAX_TOYS}"


_RULES: Mapping[str, Callable[[Told, str], Iterator[str]]] = {
    "Function": _function,
    "Pattern": _pattern,
    "Preset": _preset,
}
