"""Which item answers an amount, what a menu may contain, and how one is published.

A published menu is immutable: an activation pins its version. Nothing here knows of tips, money or
devices."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any

from django.db import IntegrityError

from lovense.menus import content, parts
from lovense.menus.matching import Item
from lovense.menus.vibration import LONGEST_ITEM_SECONDS, MAXIMUM_LEVEL, PATTERNS
from lovense.models import Performer, TipMenu
from lovense.rows import Json

MAXIMUM_ITEMS = 500
MAXIMUM_AMOUNT = 2**53 - 1
MAXIMUM_TITLE, MAXIMUM_DESCRIPTION, MAXIMUM_SECTION = 80, 200, 40
MAXIMUM_ORDER = 1_000_000
PUBLISH_ATTEMPTS = 20  # publishers of one performer's menu at the same moment


@dataclass(frozen=True)
class FieldError:
    """One broken rule: which item (counted from 1; 0 is the menu itself), which field, and the rule
    as a sentence."""

    item: int
    field: str
    rule: str

    def __str__(self) -> str:
        return (
            f"Item {self.item}, {self.field}: {self.rule}"
            if self.item
            else f"{self.field}: {self.rule}"
        )


class InvalidMenu(ValueError):
    """Every item of a menu must be complete and within its limits, and no amount may have two exact
    items."""

    def __init__(self, errors: Sequence[FieldError]) -> None:
        super().__init__("; ".join(map(str, errors)))
        self.errors = list(errors)

    def details(self) -> list[Json]:
        return [asdict(error) for error in self.errors]


class UnknownPerformer(LookupError):
    """A menu belongs to a performer who exists."""


class MenuBusy(RuntimeError):
    """The same menu is being published by too many at once; try again."""


# --- publish -------------------------------------------------------------------------------------


def publish(performer_id: str, items: Sequence[Mapping[str, Any]], now: datetime) -> TipMenu:
    """Write the next version of a performer's menu and make it the one that answers. Returns it."""
    clean = validated(items)
    version = _next_version(performer_id)
    for number in range(version, version + PUBLISH_ATTEMPTS):
        menu = TipMenu(
            key=f"{performer_id}.{number}",
            performer_id=performer_id,
            version=number,
            items=clean,
            published_at=now,
        )
        try:
            menu.save(force_insert=True)
        except IntegrityError:
            continue  # another publisher took this number, or died before pointing at it
        in_force = TipMenu.objects.filter(pk=f"{performer_id}.{version - 1}", retired_at=None)
        in_force.update(retired_at=now)
        Performer.objects.filter(pk=performer_id, menu_version__lt=number).update(
            menu_version=number, look_at=now
        )
        return menu
    raise MenuBusy(f"The menu of performer {performer_id} is being published too often at once.")


def _next_version(performer_id: str) -> int:
    current = (
        Performer.objects.filter(pk=performer_id).values_list("menu_version", flat=True).first()
    )
    if current is None:
        raise UnknownPerformer(f"There is no performer {performer_id!r}.")
    return int(current) + 1


def validated(items: Sequence[Mapping[str, Any]]) -> list[Item]:
    """The items with their defaults filled in; all that is wrong with them at once, or nothing."""
    if len(items) > MAXIMUM_ITEMS:
        raise InvalidMenu([FieldError(0, "items", f"a menu has at most {MAXIMUM_ITEMS} items")])
    complete = [_completed(item, place) for place, item in enumerate(items, start=1)]
    errors = [
        error for place, item in enumerate(complete, start=1) for error in item_errors(item, place)
    ]
    errors = errors or [*_repeated_ids(complete), *_repeated_exact_amounts(complete)]
    if errors:
        raise InvalidMenu(errors)
    return [content.bare(item) for item in complete]


def _completed(item: Mapping[str, Any], place: int) -> Item:
    """Exactly the known keys. No id and no order given: its place."""
    given = {"itemId": item.get("itemId", f"item-{place}"), "order": item.get("order", place)}
    return content.whole(item) | given


def item_errors(item: Item, place: int) -> list[FieldError]:
    """All that is wrong with one whole item."""
    rules = {
        "itemId": _text_rule(item["itemId"], 64),
        "title": _text_rule(item["title"], MAXIMUM_TITLE),
        "description": _text_rule(item["description"], MAXIMUM_DESCRIPTION, may_be_empty=True),
        "section": _text_rule(item["section"], MAXIMUM_SECTION, may_be_empty=True),
        "minimum": _whole_rule(item["minimum"], 1, MAXIMUM_AMOUNT),
        "maximum": _maximum_rule(item),
        "pattern": "" if item["pattern"] in PATTERNS else f"must be one of {', '.join(PATTERNS)}",
        "intensity": _whole_rule(item["intensity"], 1, MAXIMUM_LEVEL),
        "durationSec": _whole_rule(item["durationSec"], 1, LONGEST_ITEM_SECONDS),
        "active": "" if isinstance(item["active"], bool) else "must be true or false",
        "order": _whole_rule(item["order"], 0, MAXIMUM_ORDER),
        **parts.rules(item),
    }
    return [FieldError(place, field, rule) for field, rule in rules.items() if rule]


def _text_rule(value: object, longest: int, *, may_be_empty: bool = False) -> str:
    is_text = isinstance(value, str) and len(value) <= longest
    if is_text and (may_be_empty or str(value).strip()):
        return ""
    return f"must be a text of {0 if may_be_empty else 1} to {longest} characters"


def _is_whole(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


def _whole_rule(value: Any, lowest: int, highest: int) -> str:
    return (
        ""
        if _is_whole(value) and lowest <= value <= highest
        else f"must be a whole number from {lowest} to {highest}"
    )


def _maximum_rule(item: Item) -> str:
    if item["maximum"] is None:
        return ""
    rule = _whole_rule(item["maximum"], 1, MAXIMUM_AMOUNT)
    if rule:
        return f"{rule}, or null for an open end"
    if not _whole_rule(item["minimum"], 1, MAXIMUM_AMOUNT) and item["maximum"] < item["minimum"]:
        return "must not be below the minimum"
    return ""


def _repeated_ids(items: Sequence[Item]) -> list[FieldError]:
    seen = Counter(item["itemId"] for item in items)
    return [
        FieldError(place, "itemId", f"{item['itemId']!r} is used by more than one item")
        for place, item in enumerate(items, start=1)
        if seen[item["itemId"]] > 1
    ]


def _repeated_exact_amounts(items: Sequence[Item]) -> list[FieldError]:
    """Of the active ones."""
    titles: dict[int, list[str]] = {}
    for item in filter(_is_exact, items):
        titles.setdefault(item["minimum"], []).append(f"“{item['title']}”")
    return [
        FieldError(place, "minimum", _one_amount(item["minimum"], titles[item["minimum"]]))
        for place, item in enumerate(items, start=1)
        if _is_exact(item) and len(titles[item["minimum"]]) > 1
    ]


def _is_exact(item: Item) -> bool:
    return bool(item["active"]) and item["minimum"] == item["maximum"]


def _one_amount(amount: int, titles: Sequence[str]) -> str:
    return f"only one item may answer exactly {amount} tokens: {' and '.join(titles[:5])} do"
