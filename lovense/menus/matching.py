"""Which item of a published menu answers an amount, and what does where there is none. Pure."""

from collections.abc import Mapping, Sequence
from typing import Any

from lovense.menus.vibration import LEVEL_PATTERN

Item = dict[str, Any]

DEFAULT_ITEM = "default"


def match(items: Sequence[Item], amount: int) -> Item | None:
    """The item that answers `amount`: exact wins, else the narrowest range around it, then order,
    then age."""
    answering = [
        (_width(item), item["order"], age, item)
        for age, item in enumerate(items)
        if _contains(item, amount)
    ]
    return min(answering, key=lambda found: found[:3])[3] if answering else None


def default_item(*, intensity: int, seconds: int) -> Item:
    """What the platform answers where there is no menu: the same to every amount."""
    return {
        "itemId": DEFAULT_ITEM,
        "title": "Default reaction",
        "minimum": 1,
        "maximum": None,
        "pattern": LEVEL_PATTERN,
        "intensity": intensity,
        "durationSec": seconds,
        "order": 0,
    }


def _contains(item: Mapping[str, Any], amount: int) -> bool:
    return bool(
        item["minimum"] <= amount and (item["maximum"] is None or amount <= item["maximum"])
    )


def _width(item: Mapping[str, Any]) -> float:
    """An exact item has width 0 and no other has: so "exact wins" is a case of "the narrowest
    wins"."""
    return float("inf") if item["maximum"] is None else item["maximum"] - item["minimum"]
