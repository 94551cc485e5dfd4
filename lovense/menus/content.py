"""What a menu says, apart from how it is kept: whole items in their order, and what differs between
two menus. Pure.

A version keeps only what is not usual of an item, so that a plain one is as small as ever; here
everything is filled in, and an item's order is its place."""

import marshal
from bisect import bisect_left
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from lovense.menus import chance, parts
from lovense.menus.draws import RANDOM, TEXTS
from lovense.menus.matching import USUAL_PRIORITY, Item
from lovense.menus.vibration import TEXT
from lovense.rows import MenuRow

USUAL: dict[str, Any] = {
    "description": "",
    "section": "",
    "active": True,
    **parts.USUAL,
    "shows": [],
    "priority": USUAL_PRIORITY,
    "cooldownSec": 0,
    "stock": None,
    "random": None,
}
FIELDS = (
    *("title", "description", "section", "minimum", "maximum"),
    *("pattern", "intensity", "durationSec", "active"),
    *parts.FIELDS,
    *("shows", "priority", "cooldownSec", "stock", "random"),
)

Reaction = dict[str, Any] | None
"""A default reaction that is on; None: it is off."""


_USUALLY = {name: USUAL.get(name) for name in ("itemId", *FIELDS)}
WHOLE = _USUALLY.keys()
_NO_REFERENCES = 2  # the format in which equal items are equal bytes


def whole(item: Mapping[str, Any]) -> Item:
    found = {**_USUALLY, **item}
    found.pop("order", None)  # of a version's
    return found if len(found) == len(WHOLE) else {name: found[name] for name in WHOLE}


def key_of(item: Item) -> bytes:
    """What an item says, for what is worked out of that alone: the same bytes are the same item."""
    return marshal.dumps(item, _NO_REFERENCES)


def of_key(key: bytes) -> Item:
    item: Item = marshal.loads(key)  # noqa: S302, of this process's own
    return item


def listed(items: Iterable[Mapping[str, Any]]) -> list[Item]:
    """As a version keeps them, in their order: where that is equal, the older one is first."""
    return [whole(item) for item in sorted(items, key=order_of)]


def order_of(item: Mapping[str, Any]) -> int:
    return int(item["order"])


def numbered(items: Iterable[Item]) -> list[Item]:
    """As a person and a version count them."""
    return [item | {"order": place} for place, item in enumerate(items, start=1)]


def bare(item: Mapping[str, Any]) -> Item:
    """Without what is usual."""
    return {name: item[name] for name in item if name not in USUAL or item[name] != USUAL[name]}


def of_version(menu: MenuRow) -> Sequence[Item]:
    """Its whole items in their order, with the texts of their patterns."""
    return resolved(listed(menu["items"]), menu.get("patterns") or {})


def resolved(items: Sequence[Item], texts: Mapping[str, str]) -> Sequence[Item]:
    """With the text of each pattern of hers that they name."""
    return [item | _texts_of(item, texts) for item in items] if texts else items


def _texts_of(item: Item, texts: Mapping[str, str]) -> Item:
    """Its own, and those that may be drawn for it."""
    name, said = item["pattern"], chance.patterns_of(item.get(RANDOM))
    drawn = {name: texts[name] for name in said if name in texts}
    found: Item = {TEXTS: drawn} if drawn else {}
    return found | {TEXT: texts[name]} if name in texts else found


def sections(items: Iterable[Item]) -> dict[str, list[Item]]:
    """By section, in the order in which the first item of each stands."""
    found: dict[str, list[Item]] = {}
    for item in items:
        found.setdefault(item["section"], []).append(item)
    return found


# --- what differs --------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class ItemChange:
    """An item that both menus have: by field, what it was and what it is."""

    item: Item
    fields: dict[str, tuple[Any, Any]]


@dataclass(frozen=True, slots=True)
class MenuDiff:
    """From one menu to another. `moved`: the fewest items whose moving explains the new order.
    `reaction`: what the default reaction was and is, where that differs; None: off."""

    added: list[Item]
    removed: list[Item]
    changed: list[ItemChange]
    moved: list[Item]
    reaction: tuple[Reaction, Reaction] | None = None

    @property
    def is_empty(self) -> bool:
        return not (self.added or self.removed or self.changed or self.moved or self.reaction)


def diff(
    before: Sequence[Item],
    after: Sequence[Item],
    reactions: tuple[Reaction, Reaction] = (None,) * 2,
) -> MenuDiff:
    """Of items that carry the texts of their patterns (`resolved`) also where such a text is
    another one."""
    old = {item["itemId"]: item for item in before}
    new = {item["itemId"] for item in after}
    both = [item for item in after if item["itemId"] in old]
    changes = [ItemChange(item, _fields(old[item["itemId"]], item)) for item in both]
    places = {item_id: place for place, item_id in enumerate(old)}
    still = _longest_rising([places[item["itemId"]] for item in both])
    return MenuDiff(
        added=[item for item in after if item["itemId"] not in old],
        removed=[item for item in before if item["itemId"] not in new],
        changed=[change for change in changes if change.fields],
        moved=[item for item in both if places[item["itemId"]] not in still],
        reaction=None if reactions[0] == reactions[1] else reactions,
    )


def _fields(old: Item, new: Item) -> dict[str, tuple[Any, Any]]:
    found = {name: (old[name], new[name]) for name in FIELDS if old[name] != new[name]}
    if found.keys().isdisjoint({"pattern", RANDOM}):
        for name in (TEXT, TEXTS):
            texts = old.get(name), new.get(name)
            if None not in texts and texts[0] != texts[1]:
                return found | {TEXT: texts}
    return found


def _longest_rising(numbers: Sequence[int]) -> set[int]:
    """Of different numbers the most that rise as they stand; by the ends of the rising rows of each
    length, each end with the one before it."""
    ends: list[int] = []
    before: dict[int, int | None] = {}
    for number in numbers:
        length = bisect_left(ends, number)
        before[number] = ends[length - 1] if length else None
        ends[length : length + 1] = [number]
    rising, number_or_none = set[int](), ends[-1] if ends else None
    while number_or_none is not None:
        rising.add(number_or_none)
        number_or_none = before[number_or_none]
    return rising
