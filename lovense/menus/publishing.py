"""Which item answers an amount, what a menu may contain, and how one is published.

A published menu is immutable: an activation pins its version. Nothing here knows of tips, money or
devices."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import datetime
from functools import lru_cache
from typing import Any, NamedTuple

from pymongo.client_session import ClientSession

from ground.journal import journal
from lovense.menus import chance, content, issuing, parts
from lovense.menus.draws import RANDOM, TEXTS
from lovense.menus.matching import PRIORITIES, SHOWS, Item, shows_of
from lovense.menus.vibration import LONGEST_ITEM_SECONDS, MAXIMUM_LEVEL, PATTERNS, TEXT
from lovense.models import TipMenu
from lovense.patterns import library
from lovense.patterns.library import MINE
from lovense.rows import Json, MenuRow

MAXIMUM_ITEMS = 500
MAXIMUM_AMOUNT = 2**53 - 1
MAXIMUM_TITLE, MAXIMUM_DESCRIPTION, MAXIMUM_SECTION = 80, 200, 40
MAXIMUM_ORDER = 1_000_000
LONGEST_COOLDOWN = 86_400  # seconds
LARGEST_STOCK = 1_000_000
CHECKED_KEPT = 4096  # items of which it is remembered what is wrong with them
MOST_DRAWN = 1000  # patterns that a menu leaves to chance, in all of its items


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


# --- publish -------------------------------------------------------------------------------------


def publish(performer_id: str, items: Sequence[Mapping[str, Any]], now: datetime) -> TipMenu:
    """Write the next version of a performer's menu and make it the one that answers. Returns it."""
    clean = validated(items)
    texts = texts_of(performer_id, clean)
    if missing := missing_patterns(clean, texts):
        raise InvalidMenu(missing)

    def body(session: ClientSession) -> str:
        performer = issuing.standing(performer_id, session)
        if performer is None:
            raise UnknownPerformer(f"There is no performer {performer_id!r}.")
        number = issuing.next_version(performer, session)
        menu: MenuRow = {
            "_id": f"{performer_id}.{number}",
            "performer_id": performer_id,
            "version": number,
            "items": clean,
            "patterns": texts,
            "published_at": now,
            "published_by": "",
            "note": "",
            "retired_at": None,
        }
        issuing.issue(performer, menu, session=session)
        return menu["_id"]

    key = journal.run(body, touched=journal.of_lane(performer_id), now=now)
    return TipMenu.objects.get(pk=key)


def validated(items: Sequence[Mapping[str, Any]]) -> list[Item]:
    """The items with their defaults filled in; all that is wrong with them at once, or nothing."""
    if len(items) > MAXIMUM_ITEMS:
        raise InvalidMenu([FieldError(0, "items", f"a menu has at most {MAXIMUM_ITEMS} items")])
    checked = [_checked(content.key_of(_placed(item, n))) for n, item in enumerate(items, start=1)]
    complete = [each.item for each in checked]
    errors = [
        replace(error, item=place)
        for place, each in enumerate(checked, start=1)
        for error in each.errors
    ]
    errors = errors or [
        *_repeated_ids(complete),
        *_repeated_exact_amounts(complete),
        *_too_much_chance(complete),
    ]
    if errors:
        raise InvalidMenu(errors)
    return [dict(each.bare) for each in checked]


class _CheckedItem(NamedTuple):
    """Nobody changes what is in it."""

    item: Item
    bare: Item
    errors: Sequence[FieldError]


_NUMBERED = content.WHOLE | {"order"}


@lru_cache(maxsize=CHECKED_KEPT)
def _checked(key: bytes) -> _CheckedItem:
    """By what an item says: of a menu that is published again most say the same."""
    item = chance.completed(content.of_key(key))
    errors = item_errors(item, 0)
    return _CheckedItem(item, {} if errors else content.bare(item), errors)


def _placed(item: Mapping[str, Any], place: int) -> Item:
    """Exactly the known keys. No id and no order given: its place."""
    if item.keys() == _NUMBERED:
        return dict(item)
    given = {"itemId": item.get("itemId", f"item-{place}"), "order": item.get("order", place)}
    return content.whole(item) | given


def completed(item: Mapping[str, Any], place: int) -> Item:
    """With its place, and its own fields as what is drawn wants them."""
    return chance.completed(_placed(item, place))


def item_errors(item: Item, place: int) -> list[FieldError]:
    """All that is wrong with one whole item."""
    rules = {
        "itemId": _text_rule(item["itemId"], 64),
        "title": _text_rule(item["title"], MAXIMUM_TITLE),
        "description": _text_rule(item["description"], MAXIMUM_DESCRIPTION, may_be_empty=True),
        "section": _text_rule(item["section"], MAXIMUM_SECTION, may_be_empty=True),
        "minimum": _whole_rule(item["minimum"], 1, MAXIMUM_AMOUNT),
        "maximum": _maximum_rule(item),
        "pattern": _pattern_rule(item["pattern"]),
        "intensity": _whole_rule(item["intensity"], 1, MAXIMUM_LEVEL),
        "durationSec": _whole_rule(item["durationSec"], 1, LONGEST_ITEM_SECONDS),
        "active": "" if isinstance(item["active"], bool) else "must be true or false",
        "shows": _shows_rule(item["shows"]),
        "priority": _priority_rule(item["priority"]),
        "stock": "" if item["stock"] is None else _whole_rule(item["stock"], 0, LARGEST_STOCK),
        "cooldownSec": _whole_rule(item["cooldownSec"], 0, LONGEST_COOLDOWN),
        "order": _whole_rule(item["order"], 0, MAXIMUM_ORDER),
        RANDOM: _random_rule(item),
        **parts.rules(chance.shortest(item)),
    }
    rules |= {field: rule for field, rule in chance.own_rules(item) if not rules[field]}
    return [FieldError(place, field, rule) for field, rule in rules.items() if rule]


def _text_rule(value: object, longest: int, *, may_be_empty: bool = False) -> str:
    is_text = isinstance(value, str) and len(value) <= longest
    if is_text and (may_be_empty or str(value).strip()):
        return ""
    return f"must be a text of {0 if may_be_empty else 1} to {longest} characters"


def _pattern_rule(value: object) -> str:
    """One that is shipped, or what may be the name of one of hers."""
    if value in PATTERNS or (isinstance(value, str) and library.is_mine(value)):
        return ""
    return f"must be one of {', '.join(PATTERNS)}, or {MINE} and the name of a pattern of yours"


def _random_rule(item: Item) -> str:
    if rule := chance.rule(item[RANDOM]):
        return rule
    if item[RANDOM] is not None and "\n" in str(item["itemId"]):
        return "must not stand in an item whose id has a line break"
    wrong = {rule for name in chance.patterns_of(item[RANDOM]) if (rule := _pattern_rule(name))}
    return f"each of its patterns {wrong.pop()}" if wrong else ""


def _too_much_chance(items: Sequence[Item]) -> list[FieldError]:
    """So that a version stays as small as it is to be, and a look at it as short."""
    drawn = [item[RANDOM] for item in items if item[RANDOM]]
    count = sum(len(chance.patterns_of(each)) for each in drawn)
    rule = f"a menu leaves at most {MOST_DRAWN} patterns to chance, in all of its items"
    return [FieldError(0, "items", rule)] if count > MOST_DRAWN else []


def missing_patterns(items: Sequence[Item], texts: Mapping[str, str]) -> list[FieldError]:
    """Patterns of hers that items name and that are not there."""
    return [
        FieldError(place, _naming(item), f"you have no pattern {name.removeprefix(MINE)}")
        for place, item in enumerate(items, start=1)
        for name in chance.named_patterns(item)
        if name.startswith(MINE) and name not in texts
    ]


def _naming(item: Mapping[str, Any]) -> str:
    return RANDOM if chance.patterns_of(item.get(RANDOM)) else "pattern"


def is_gone(item: Mapping[str, Any]) -> bool:
    """Of an item with the text of its pattern (`content.resolved`): it names one of hers that is
    not there."""
    known = {*item.get(TEXTS, ()), *((item["pattern"],) if TEXT in item else ())}
    return any(name.startswith(MINE) and name not in known for name in chance.named_patterns(item))


def texts_of(
    performer_id: str, items: Iterable[Item], session: ClientSession | None = None
) -> dict[str, str]:
    """By name the patterns of hers that these items name, as they are now."""
    named = (name for item in items for name in chance.named_patterns(item))
    return library.texts(performer_id, named, session)


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


def _shows_rule(value: Any) -> str:
    is_known = isinstance(value, list) and all(show in SHOWS for show in value)
    is_lawful = is_known and len(set(value)) == len(value)
    return "" if is_lawful else f"must be a list of {', '.join(SHOWS)}, each once; empty: all"


def _priority_rule(value: Any) -> str:
    is_known = isinstance(value, str) and value in PRIORITIES
    return "" if is_known else f"must be one of {', '.join(PRIORITIES)}"


def _repeated_ids(items: Sequence[Item]) -> list[FieldError]:
    seen = Counter(item["itemId"] for item in items)
    return [
        FieldError(place, "itemId", f"{item['itemId']!r} is used by more than one item")
        for place, item in enumerate(items, start=1)
        if seen[item["itemId"]] > 1
    ]


def _repeated_exact_amounts(items: Sequence[Item]) -> list[FieldError]:
    """Of the active ones, in one show."""
    titles: dict[tuple[int, str], list[str]] = {}
    for item in filter(_is_exact, items):
        for show in shows_of(item):
            titles.setdefault((item["minimum"], show), []).append(f"“{item['title']}”")
    errors = []
    for place, item in enumerate(items, start=1):
        if _is_exact(item):
            met = (titles[item["minimum"], show] for show in shows_of(item))
            most = max(met, key=len)
            if len(most) > 1:
                errors.append(FieldError(place, "minimum", _one_amount(item["minimum"], most)))
    return errors


def _is_exact(item: Item) -> bool:
    return bool(item["active"]) and item["minimum"] == item["maximum"]


def _one_amount(amount: int, titles: Sequence[str]) -> str:
    return f"only one item may answer exactly {amount} tokens: {' and '.join(titles[:5])} do"
