"""What the test of one device sets in motion: that device alone, by one of its functions or by a
pattern. Pure.

A function that moves hardware and is off is tested at TRIAL_LEVEL for TRIAL_SECONDS, whatever was
asked for; switched on, no stronger than FIRST_LEVEL, for a test begins with the first seconds of
its movement. Strengths are of 20, whatever a function's own range."""

from lovense.deciding.rules import Caps, Share
from lovense.devices import summary, toytable
from lovense.menus.actuators import Actuator, VibrationCaps
from lovense.menus.compiler import compile_or_refuse
from lovense.menus.vibration import (
    MAXIMUM_LEVEL,
    SHORTEST_STROKE,
    STROKE,
    THRUST,
    Command,
    NothingAllowed,
    fitted,
    functions_of,
    run_seconds,
)
from lovense.rows import DeviceSummary, Item
from lovense.timeline import FULL_SCALE
from tips.rows import Payload

TRIAL_SECONDS = 2
FIRST_LEVEL = 5


def is_one(payload: Payload) -> bool:
    """The request tests one device: `device` is its toy's id, `function` what of it; empty: what a
    pattern moves."""
    return bool(payload.get("device"))


def is_of_function(payload: Payload) -> bool:
    return is_one(payload) and bool(payload.get("function"))


def may_move(device: DeviceSummary, function: str) -> bool:
    return function in device["functions"] or function in device.get("untried", ())


def moved_by(item: Item, device: DeviceSummary) -> list[str]:
    """Of what the pattern of an item moves, what this device may be told."""
    return summary.usable(device, functions_of(item) or [summary.main(device)])


def of_pattern(item: Item, device: DeviceSummary, caps: Caps) -> tuple[list[Command], int]:
    """The commands and the seconds they promise. What moves hardware is no stronger than in any
    test. Raises NothingAllowed."""
    named = tuple(_actuator(name, device) for name in moved_by(item, device))
    share = Share(
        (device["toyId"],),
        device.get("scale", FULL_SCALE),
        main=summary.main(device),
        named=named,
        takes_overlays=summary.takes_overlays(device),
    )
    limits = VibrationCaps(caps.seconds, caps.intensity)
    found = compile_or_refuse(item, limits, caps.of(share))
    return [{**each, "toy": [device["toyId"]]} for each in found.calls], found.promised_seconds


def _actuator(name: str, device: DeviceSummary) -> Actuator:
    first = FIRST_LEVEL if name in summary.GUARDED else MAXIMUM_LEVEL
    cap = min(_cap(name, device), _in_range(first, name))
    return summary.actuator(name, cap=cap, floor=device.get("floors", {}).get(name, 0))


def compiled(
    item: Item, function: str, device: DeviceSummary, caps: Caps
) -> tuple[list[Command], int]:
    """The commands and the seconds they promise. Raises NothingAllowed."""
    if caps.intensity < 1:
        raise NothingAllowed("The intensity cap is 0.")
    is_untried = function in device.get("untried", ())
    asked = TRIAL_SECONDS if is_untried else item["durationSec"]
    seconds = run_seconds(asked, maximum_seconds=caps.seconds)
    command: Command = {
        "command": "Function",
        "action": _action(item["intensity"], function, device, caps),
        "timeSec": seconds,
        "toy": [device["toyId"]],
        "apiVer": 1,
    }
    return [command], seconds


def _action(strength: int, function: str, device: DeviceSummary, caps: Caps) -> str:
    level = level_of(strength, function, device, caps)
    if function != STROKE:
        return f"{function}:{level}"
    if not may_move(device, THRUST):
        raise NothingAllowed(f"A stroke goes with {THRUST}, which this device does not do.")
    way, cap = max(level, SHORTEST_STROKE), _cap(function, device)
    if way > cap:
        raise NothingAllowed(f"The shortest stroke is {SHORTEST_STROKE}, the cap {cap}.")
    thrust = level_of(toytable.TRIAL_LEVEL, THRUST, device, caps)
    return f"{STROKE}:0-{way},{THRUST}:{thrust}"


def level_of(strength: int, function: str, device: DeviceSummary, caps: Caps) -> int:
    """Of the function's own range."""
    if function in device.get("untried", ()):
        scale, floor, first = FULL_SCALE, 0, toytable.TRIAL_LEVEL
        strength = toytable.TRIAL_LEVEL
    else:
        scale = device.get("scale", FULL_SCALE)
        floor = device.get("floors", {}).get(function, 0)
        first = FIRST_LEVEL if function in summary.GUARDED else MAXIMUM_LEVEL
    cap = min(
        _cap(function, device), *(_in_range(each, function) for each in (first, caps.intensity))
    )
    return fitted(_in_range(strength, function), scale=scale, floor=floor, cap=cap)


def _cap(function: str, device: DeviceSummary) -> int:
    return (device.get("untried", {}) | device["functions"])[function]


def _in_range(strength: int, function: str) -> int:
    """Rounded up, so that what is to move moves."""
    return -(-strength * toytable.TOPS[function] // MAXIMUM_LEVEL)
