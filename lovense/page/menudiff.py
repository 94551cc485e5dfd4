"""What differs between two menus, in words and as a viewer sees it: one line for each item that was
added, removed, changed or moved. Pure."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from lovense.menus import chance, parts
from lovense.menus.content import MenuDiff, Reaction
from lovense.menus.draws import RANDOM
from lovense.menus.matching import Item
from lovense.menus.parts import HerToys
from lovense.menus.ruler import high_of
from lovense.menus.vibration import TEXT
from lovense.page import menuwords

FIELD_WORDS = {
    "minimum": "from",
    "maximum": "up to",
    "intensity": "strength",
    "durationSec": "seconds",
    "pauseSec": "seconds between loops",
    "rampInSec": "seconds of rise",
    "rampOutSec": "seconds of fade",
    "cooldownSec": "cooldown",
    "stock": "pieces",
    "random": "left to chance",
}
OF_DEVICES = frozenset({"functions", "devices"})
ADDED, REMOVED, CHANGED, MOVED = "Added", "Removed", "Changed", "Moved"


@dataclass(frozen=True, slots=True)
class ShownMenuChange:
    """One line of a difference."""

    word: str
    tone: str
    title: str
    how: list[str]


@dataclass(frozen=True, slots=True)
class ViewersLine:
    """What a viewer reads of one item; `tone` of what is not as in the other menu."""

    price: str
    title: str
    does: str
    tone: str


def lines(found: MenuDiff, toys: HerToys) -> list[ShownMenuChange]:
    return [
        *(_added(item, toys) for item in found.added),
        *(_line(REMOVED, "warn", item, [menuwords.amounts(item)]) for item in found.removed),
        *(_line(CHANGED, "info", each.item, _how(each.fields, toys)) for each in found.changed),
        *(_line(MOVED, "idle", item, []) for item in found.moved),
        *_reacted(found.reaction),
    ]


def for_viewers(items: Sequence[Item], differs: MenuDiff, *, is_before: bool) -> list[ViewersLine]:
    """Those that answer, by amount."""
    told = {each.item["itemId"]: "info" for each in differs.changed}
    own, tone = (differs.removed, "warn") if is_before else (differs.added, "good")
    told |= {item["itemId"]: tone for item in own}
    shown = sorted(
        (item for item in items if item["active"]),
        key=lambda item: (item["minimum"], high_of(item)),
    )
    return [
        ViewersLine(
            menuwords.price(item["minimum"], item["maximum"]),
            item["title"],
            item["description"] or menuwords.does(item),
            told.get(item["itemId"], ""),
        )
        for item in shown
    ]


def _added(item: Item, toys: HerToys) -> ShownMenuChange:
    how = [menuwords.amounts(item), menuwords.does(item, toys.nicknames)]
    return _line(ADDED, "good", item, how)


def _reacted(changed: tuple[Reaction, Reaction] | None) -> Iterator[ShownMenuChange]:
    if changed is not None:
        was, now = (menuwords.does(each) if each else "off" for each in changed)
        yield ShownMenuChange(CHANGED, "info", "When no item answers", [f"{was} → {now}"])


def _line(word: str, tone: str, item: Item, how: list[str]) -> ShownMenuChange:
    return ShownMenuChange(word, tone, item["title"], how)


def _how(fields: dict[str, tuple[Any, Any]], toys: HerToys) -> list[str]:
    return [
        "its pattern was rewritten"
        if name == TEXT
        else f"{field_words(name)}: {value(name, was, toys)} → {value(name, now, toys)}"
        for name, (was, now) in fields.items()
    ]


def field_words(name: str) -> str:
    return FIELD_WORDS.get(name, name)


def value(name: str, value: Any, toys: HerToys) -> str:
    if name in OF_DEVICES:
        said = parts.words({name: value}, toys.nicknames)
        return said or ("all" if name == "devices" else "the main one")
    if name == RANDOM:
        return ", ".join(chance.said(value)) if value else "nothing"
    return menuwords.pattern_words(value) if name == "pattern" else _plain(value)


def _plain(value: Any) -> str:
    if value is None:
        return "no end"
    if isinstance(value, list):
        return ", ".join(map(str, value)) or "all"
    if isinstance(value, bool):
        return "yes" if value else "no"
    return str(value) or "empty"
