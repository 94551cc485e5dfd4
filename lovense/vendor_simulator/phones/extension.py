"""The performer's Cam Extension, as far as a page's script can tell: her settings, and what a tip
of some amount makes her toys do. The script itself is `broadcast.js`, beside this module."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from lovense.rows import Json
from lovense.simulator.commands import SINGLE_MOTORS, singles
from lovense.vendor_simulator.phones.phone import Phone

SCRIPT = Path(__file__).with_name("broadcast.js")
VIA = "extension"
NOW, LATE, NEVER, TWICE = "now", "late", "never", "twice"
READY = (NOW, LATE, NEVER, TWICE)
PLAIN, ODD, BROKEN, THROWS, MUTE = "plain", "odd", "broken", "throws", "mute"
SHAPES = (PLAIN, ODD, BROKEN, THROWS, MUTE)
CALL = ("call", "websiteName", "modelName", "amount", "tipperName")
CAM_VERSION = "30.4.4"
PRESETS = ("earthquake", "fireworks", "wave", "pulse")
LONGEST_SECONDS = 3600.0


def _level(low: int, high: int, seconds: int, vibration: int, rotation: int) -> Json:
    return {"min": low, "max": high, "time": seconds, "vLevel": vibration, "rLevel": rotation}


def _settings() -> Json:
    """Numbers in levels and texts in specials, as the vendor's own sample has them."""
    return {
        "levels": {
            "level1": _level(1, 9, 2, 4, 0),
            "level2": _level(10, 99, 5, 8, 4),
            "level3": _level(100, 499, 10, 14, 10),
        },
        "special": {
            "earthquake": {"enable": True, "type": "earthquake", "time": "15", "token": "500"},
            "pause": {"enable": True, "type": "pause", "time": "10", "token": "501"},
            "clear": {"enable": True, "type": "clear", "token": "502"},
        },
    }


@dataclass(slots=True)
class ExtensionState:
    """`ready`: when the script says that the extension has bound, if at all; `late_ms`
    after it was made, where it is late. `shape`: in which
    shapes it tells things. `odd`: lists as maps or single objects, numbers as texts, settings as
    JSON text; `broken`: nothing that means anything; `throws`: every call fails; `mute`: it tells
    nothing of its queue."""

    ready: str = NOW
    late_ms: float = 8_000
    shape: str = PLAIN
    settings: Json = field(default_factory=_settings)


def commands_for(phone: Phone, told: Any) -> list[Json]:
    """What a running item of the script's queue makes the toys do; nothing for what it cannot
    read."""
    if not isinstance(told, dict):
        return []
    seconds = _number(told.get("time"), LONGEST_SECONDS)
    special = told.get("specialType")
    if special in PRESETS:
        return [{"command": "Preset", "name": special, "timeSec": seconds, "apiVer": 1}]
    if special == "clear":
        return [{"command": "Function", "action": "Stop", "timeSec": 0, "apiVer": 1}]
    levels = {"Vibrate": _number(told.get("vLevel"), 20), "Rotate": _number(told.get("rLevel"), 20)}
    known = {
        "Vibrate" if function in SINGLE_MOTORS else function
        for toy in phone.toys
        for function in singles(toy.kind)
    }
    words = [f"{name}:{level:.0f}" for name, level in levels.items() if level and name in known]
    if not words or not seconds:
        return []
    return [{"command": "Function", "action": ",".join(words), "timeSec": seconds, "apiVer": 1}]


def _number(value: Any, most: float) -> float:
    """As the settings may have it: a number, a text of one, or nothing."""
    try:
        return max(0.0, min(float(value or 0), most))
    except (TypeError, ValueError, OverflowError):
        return 0.0
