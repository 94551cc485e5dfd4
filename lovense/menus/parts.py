"""What an item says of its vibration beside pattern, strength and seconds: its functions, its loops
and ramps, and which devices play it, each how much later. Their rules, and the names that a
performer's devices have. Pure."""

import re
import unicodedata
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from lovense.menus.vibration import (
    LONGEST_ITEM_SECONDS,
    LONGEST_PAUSE,
    MAXIMUM_LOOPS,
    STROKE,
    THRUST,
)
from lovense.rows import Item
from lovense.timeline import FULL_SCALE

USUAL: Mapping[str, Any] = {
    "functions": {},
    "loops": 1,
    "pauseSec": 0,
    "rampInSec": 0,
    "rampOutSec": 0,
    "devices": [],
}
FIELDS = tuple(USUAL)
MOST_FUNCTIONS, MOST_DEVICES = 12, 16
LONGEST_OFFSET = 30_000  # ms
LONGEST_NAME = 120  # of a device: its id, or its nickname
_FUNCTION = re.compile(r"[A-Za-z0-9]{1,32}")
_LIMITS = {
    "loops": (1, MAXIMUM_LOOPS),
    "pauseSec": (0, LONGEST_PAUSE),
    "rampInSec": (0, LONGEST_ITEM_SECONDS),
    "rampOutSec": (0, LONGEST_ITEM_SECONDS),
}
FUNCTIONS_RULE = (
    f"must be an object of at most {MOST_FUNCTIONS} functions, each with a scale from 1 to "
    f"{FULL_SCALE} %"
)
GONE = "a device that is gone"
DEVICES_RULE = (
    f"must be a list of at most {MOST_DEVICES} devices, each {{device, offsetMs}} once, its "
    f"offsetMs from 0 to {LONGEST_OFFSET}"
)


class HerToys(NamedTuple):
    """What an item may name of a performer's devices. `names`: by id, toy's id and `folded`
    nickname the toy's id, `nicknames` the other way; `functions`: what they have, or any toy has
    while she has none."""

    names: Mapping[str, str]
    functions: frozenset[str]
    nicknames: Mapping[str, str]

    def find(self, name: str) -> str | None:
        return self.names.get(name) or self.names.get(folded(name))


def folded(nickname: str) -> str:
    """Two nicknames are the same when these are."""
    return unicodedata.normalize("NFKC", nickname).casefold()


def offsets(item: Mapping[str, Any]) -> dict[str, int]:
    """By toy how many ms later than the run it is wished to start; empty: all play, together."""
    return {each["device"]: each["offsetMs"] for each in item.get("devices", ())}


def length_of(item: Mapping[str, Any]) -> int:
    """In seconds, loops and pauses included."""
    loops = item.get("loops", 1)
    return int(loops * item["durationSec"] + (loops - 1) * item.get("pauseSec", 0))


def shortened(item: Item, seconds: int) -> Item:
    """So that all of it fits: once, and with ramps of at most half of it."""
    if length_of(item) <= seconds:
        return item
    fitting = min(item["durationSec"], seconds)
    ramps = {name: min(item.get(name, 0), fitting // 2) for name in ("rampInSec", "rampOutSec")}
    return {**item, "loops": 1, "pauseSec": 0, "durationSec": fitting, **ramps}


def words(item: Mapping[str, Any], nicknames: Mapping[str, str]) -> str:
    """For people, what is not usual of it; empty where all is."""
    loops, pause = item.get("loops", 1), item.get("pauseSec", 0)
    rise, fall = item.get("rampInSec", 0), item.get("rampOutSec", 0)
    between = f", {pause} s between" if pause else ""
    functions = [f"{name} {scale} %" for name, scale in item.get("functions", {}).items()]
    found = [
        f"{loops} times{between}" if loops > 1 else "",
        f"rises for {rise} s" if rise else "",
        f"fades for {fall} s" if fall else "",
        " and ".join(functions),
        _devices_words(offsets(item), nicknames),
    ]
    return ", ".join(filter(None, found))


def _devices_words(found: Mapping[str, int], nicknames: Mapping[str, str]) -> str:
    told = [
        f"{nicknames.get(toy_id, GONE)}{f' {ms} ms later' if ms else ''}"
        for toy_id, ms in found.items()
    ]
    return f"on {' and '.join(told)}" if told else ""


# --- rules ---------------------------------------------------------------------------------------


def rules(item: Mapping[str, Any]) -> dict[str, str]:
    """By field the rule that it breaks; empty: none."""
    found = {name: _number_rule(item[name], *limits) for name, limits in _LIMITS.items()}
    found["functions"] = _functions_rule(item["functions"])
    found["devices"] = "" if _are_devices(item["devices"]) else DEVICES_RULE
    if not any(found.values()):
        found["rampOutSec"] = _ramps_rule(item)
    return found


def _number_rule(value: object, lowest: int, highest: int) -> str:
    is_one = type(value) is int and lowest <= value <= highest
    return "" if is_one else f"must be a whole number from {lowest} to {highest}"


def _functions_rule(value: object) -> str:
    if not isinstance(value, dict) or len(value) > MOST_FUNCTIONS:
        return FUNCTIONS_RULE
    if not all(_FUNCTION.fullmatch(name) for name in value):
        return FUNCTIONS_RULE
    if any(_number_rule(scale, 1, FULL_SCALE) for scale in value.values()):
        return FUNCTIONS_RULE
    if STROKE in value and THRUST not in value:
        return f"{STROKE} bounds the way of {THRUST}, and goes with it alone"
    return ""


def _are_devices(value: object) -> bool:
    if not isinstance(value, list) or len(value) > MOST_DEVICES:
        return False
    if not all(_is_device(each) for each in value):
        return False
    return len({each["device"] for each in value}) == len(value)


def _is_device(value: object) -> bool:
    if not isinstance(value, dict) or not {"device"} <= value.keys() <= {"device", "offsetMs"}:
        return False
    name, offset = value["device"], value.get("offsetMs", 0)
    is_name = isinstance(name, str) and 0 < len(name) <= LONGEST_NAME
    return is_name and not _number_rule(offset, 0, LONGEST_OFFSET)


def _ramps_rule(item: Mapping[str, Any]) -> str:
    if type(item["durationSec"]) is not int:
        return ""
    length = length_of(item)
    if item["rampInSec"] + item["rampOutSec"] <= length:
        return ""
    return f"both ramps must fit into the {length} s of the item, its loops and pauses included"


# --- what is hers --------------------------------------------------------------------------------


def foreign(said: Mapping[str, Any], toys: HerToys) -> Iterator[tuple[str, str]]:
    """Of what is said, and breaks no rule: each field that names what she does not have, and why
    that is wrong."""
    for name in said.get("functions", ()):
        if name not in toys.functions:
            yield "functions", f"none of your devices has {name}"
    for each in said.get("devices", ()):
        if toys.find(each["device"]) is None:
            yield "devices", f"none of your devices is {each['device']!r}"


def named(item: Mapping[str, Any], toys: HerToys | None) -> Item:
    """Its devices by the toy's id, each with its offset."""
    devices = [
        {
            "device": (toys and toys.find(each["device"])) or each["device"],
            "offsetMs": each.get("offsetMs", 0),
        }
        for each in item["devices"]
    ]
    return {**item, "devices": devices}
