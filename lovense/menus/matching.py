"""Which item of a published menu answers an amount, and what does where there is none. Pure."""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

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


class Matched(NamedTuple):
    """The item that answers, and why it does: a code for programs and a sentence for people."""

    item: Item | None
    code: str
    text: str


def explained(items: Sequence[Item], amount: int) -> Matched:
    """What `match` answers, and because of what."""
    item = match(items, amount)
    if item is None:
        return Matched(None, "no_match", f"No active item answers {amount} tokens.")
    others = [each for each in items if _contains(each, amount) and each is not item]
    if not _width(item):
        return Matched(item, "exact", f"It answers exactly {amount} tokens.")
    if not others:
        return Matched(item, "only", f"It is the only active item whose range holds {amount}.")
    held = f"Of {len(others) + 1} active items whose ranges hold {amount}"
    if any(_width(each) == _width(item) for each in others):
        return Matched(item, "first", f"{held} it is the first of the narrowest.")
    return Matched(item, "narrowest", f"{held} its range is the narrowest.")


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
        item["minimum"] <= amount
        and (item["maximum"] is None or amount <= item["maximum"])
        and item.get("active", True)
    )


def _width(item: Mapping[str, Any]) -> float:
    """An exact item has width 0 and no other has: so "exact wins" is a case of "the narrowest
    wins"."""
    return float("inf") if item["maximum"] is None else item["maximum"] - item["minimum"]
