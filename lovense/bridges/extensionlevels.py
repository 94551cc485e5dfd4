"""The levels and special commands that are set in the Cam Extension, read from whatever shape its
settings come in: a map, a list, or either as JSON text. Pure."""

import json
from collections.abc import Mapping
from typing import Any

from ground.json.fields import MAX_AMOUNT
from lovense.menus.vibration import LONGEST_ITEM_SECONDS, MAXIMUM_LEVEL
from lovense.rows import ExtensionLevel

MAX_LEVELS, MAX_SPECIALS = 100, 40
LONGEST_NAME = 32
# Special commands that move nothing for a time that could be promised.
PAUSE, CLEAR, GIVE_CONTROL, RANDOM_TIME = "pause", "clear", "giveControl", "randomTime"
STILL = frozenset({PAUSE, CLEAR})


def read(value: Any) -> tuple[list[ExtensionLevel], int]:
    """Special commands, then levels, each in its order; and how many say nothing readable. What is
    switched off, or has no price, is not there."""
    value = parsed(value)
    settings = value if isinstance(value, Mapping) else {}
    specials = [
        _special(name, each)
        for name, each in _named(settings.get("special"))[:MAX_SPECIALS]
        if _is_on(each)
    ]
    levels = [_level(name, each) for name, each in _named(settings.get("levels"))[:MAX_LEVELS]]
    found = [each for each in (*specials, *levels) if each is not None]
    return found, len(specials) + len(levels) - len(found) + (settings is not value)


def _named(value: Any) -> list[tuple[str, Any]]:
    """From a map, a list, or either as JSON text."""
    value = parsed(value)
    if isinstance(value, Mapping):
        return [(str(name), each) for name, each in value.items()]
    told = enumerate(value, start=1) if isinstance(value, list) else ()
    return [(f"level{place}", each) for place, each in told]


def parsed(value: Any) -> Any:
    if not isinstance(value, str):
        return value
    try:
        return json.loads(value)
    except (ValueError, RecursionError):
        return None


def _level(name: str, value: Any) -> ExtensionLevel | None:
    if not isinstance(value, Mapping):
        return None
    low, high = _whole(value.get("min")), _whole(value.get("max"))
    if low is None or high is None or low > high:
        return None
    return {
        "name": _text(name),
        "special": "",
        "minimum": low,
        "maximum": high,
        "seconds": _whole(value.get("time"), LONGEST_ITEM_SECONDS) or 0,
        "vibration": _whole(value.get("vLevel"), MAXIMUM_LEVEL),
        "rotation": _whole(value.get("rLevel"), MAXIMUM_LEVEL) or 0,
    }


def _is_on(value: Any) -> bool:
    """What does not say that it is off, and has a price."""
    if not isinstance(value, Mapping):
        return True  # and is counted as unread
    off = (False, 0, "0", "", "false", "False")
    has_price = any(_price(value, name) for name in ("token", "tokens", "tokensBegin"))
    return value.get("enable", True) not in off and has_price


def _price(value: Mapping[str, Any], name: str) -> bool:
    return value.get(name) not in (None, "")


def _special(name: str, value: Any) -> ExtensionLevel | None:
    if not isinstance(value, Mapping):
        return None
    price = value.get("token", value.get("tokens"))
    low = _whole(value.get("tokensBegin", price))
    high = _whole(value.get("tokensEnd", low if price is None else price))
    if low is None or high is None or low > high:
        return None
    kind = _text(value.get("type") or name)
    is_timed = kind not in STILL and kind not in (GIVE_CONTROL, RANDOM_TIME)
    return {
        "name": _text(name),
        "special": kind,
        "minimum": low,
        "maximum": high,
        "seconds": (_whole(value.get("time"), LONGEST_ITEM_SECONDS) or 0) if is_timed else 0,
        "vibration": _strength(kind, value),
        "rotation": 0,
    }


def _strength(kind: str, value: Mapping[str, Any]) -> int | None:
    """A pattern has none of its own."""
    if kind in STILL:
        return 0
    return _whole(value.get("level"), MAXIMUM_LEVEL) if kind == RANDOM_TIME else None


def _whole(value: Any, most: int = MAX_AMOUNT) -> int | None:
    """A number or a text of one, cut to a whole one, and at most so much; None for anything
    else."""
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        return None
    try:
        number = float(value)
        return min(int(value if isinstance(value, int) else number), most) if number >= 0 else None
    except (ValueError, OverflowError):
        return None


def _text(value: Any) -> str:
    shown = "".join(letter for letter in str(value)[:LONGEST_NAME] if letter.isprintable())
    return shown.strip()
