"""What an item leaves to chance: its bounds, and what is said of them. Pure.

`random` names what is drawn of its strength, its seconds and its pattern. Of what is drawn the
item's own field holds the most there may be, and the first of the patterns: so whatever knows
nothing of chance sees the item at its highest, and a test plays just that."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from lovense.menus.draws import INTENSITY, PATTERN, RANDOM, SECONDS, played
from lovense.menus.vibration import LONGEST_ITEM_SECONDS, MAXIMUM_LEVEL
from lovense.rows import Item, Json

PATTERNS = "patterns"
MOST_PATTERNS, HEAVIEST = 20, 1000
LIMITS = {INTENSITY: MAXIMUM_LEVEL, SECONDS: LONGEST_ITEM_SECONDS}
NAMES = (INTENSITY, SECONDS, PATTERNS)
RULE = f"must be null, or an object with some of {', '.join(NAMES)}"
PATTERNS_RULE = (
    f"must be a list of 1 to {MOST_PATTERNS} of {{pattern, weight}}, each pattern once, each "
    f"weight a whole number from 1 to {HEAVIEST}"
)


class Span(NamedTuple):
    """Of whole numbers, both included."""

    low: int
    high: int

    @property
    def middle(self) -> int:
        return -(-(self.low + self.high) // 2)

    def __str__(self) -> str:
        return str(self.low) if self.low == self.high else f"{self.low} to {self.high}"


def bounds_of(item: Mapping[str, Any], field: str) -> Span:
    """Of its strength or its seconds; of what is not drawn both ends are its own."""
    said = (item.get(RANDOM) or {}).get(field)
    return Span(said["from"], said["to"]) if said else Span(item[field], item[field])


def weights_of(item: Mapping[str, Any]) -> dict[str, int]:
    """By pattern its weight; of what is not drawn its own alone."""
    said = (item.get(RANDOM) or {}).get(PATTERNS)
    return {each["pattern"]: each["weight"] for each in said} if said else {item[PATTERN]: 1}


def at_middle(item: Item) -> list[tuple[Item, int]]:
    """With each of its patterns at its mean strength and seconds, and the pattern's weight."""
    middle = {field: bounds_of(item, field).middle for field in LIMITS}
    return [
        (fixed(item, {**middle, PATTERN: name}), weight)
        for name, weight in weights_of(item).items()
    ]


def at_ends(item: Item, weakest: str, strongest: str) -> tuple[Item, Item]:
    """At its lowest with this pattern, at its highest with that one."""
    low, high = (
        {field: getattr(bounds_of(item, field), end) for field in LIMITS} for end in ("low", "high")
    )
    return fixed(item, {**low, PATTERN: weakest}), fixed(item, {**high, PATTERN: strongest})


def fixed(item: Item, values: Mapping[str, Any]) -> Item:
    """With these values, and nothing left to chance."""
    plain = played(item, dict(values))
    plain.pop(RANDOM, None)
    return plain


def completed(item: Item) -> Item:
    """Of what is drawn, its own field as it is to be, where it says nothing of it."""
    return item | {field: value for field, value in _own(item) if item.get(field) is None}


def settled(item: Item, said: Mapping[str, Any]) -> Item:
    """The same where it holds something that nobody has said now."""
    return item | {field: value for field, value in _own(item) if field not in said}


def within(item: Mapping[str, Any], field: str, *, least: int = 1, most: int) -> Json:
    """The change that keeps its strength or its seconds within these."""
    low, high = (min(max(end, least), most) for end in bounds_of(item, field))
    random = item.get(RANDOM)
    if not random or field not in random:
        return {field: high}
    return {RANDOM: {**random, field: {"from": low, "to": high}}}


def shortest(item: Item) -> Item:
    """At its fewest seconds."""
    random = item.get(RANDOM)
    if not random or rule(random) or SECONDS not in random:
        return item
    return item | {SECONDS: random[SECONDS]["from"]}


def ordered(random: Any) -> Any:
    """The same in one order, whoever wrote it."""
    if random is None:
        return None
    found = {field: _of(random[field], "from", "to") for field in LIMITS if field in random}
    if PATTERNS in random:
        found[PATTERNS] = [_of(each, "pattern", "weight") for each in random[PATTERNS]]
    return found


def _of(said: Mapping[str, Any], *names: str) -> Any:
    return {name: said[name] for name in names}


def _own(item: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    random = item.get(RANDOM)
    if not random or rule(random):
        return
    for field in LIMITS:
        if field in random:
            yield field, random[field]["to"]
    if PATTERNS in random:
        yield PATTERN, random[PATTERNS][0]["pattern"]


# --- words ---------------------------------------------------------------------------------------


def said(random: Mapping[str, Any]) -> Iterator[str]:
    """Of each field that is drawn its bounds."""
    if patterns := random.get(PATTERNS):
        whole = sum(each["weight"] for each in patterns)
        yield " or ".join(f"{_name(each)} ({_percent(each['weight'], whole)})" for each in patterns)
    for field, word in ((INTENSITY, "strength {} of 20"), (SECONDS, "{} s")):
        if field in random:
            yield word.format(Span(random[field]["from"], random[field]["to"]))


def share(weight: int, weights: Mapping[str, int]) -> str:
    return _percent(weight, sum(weights.values()))


def _percent(weight: int, whole: int) -> str:
    return f"{weight * 100 / whole:.3g} %"


def _name(weighted: Mapping[str, Any]) -> str:
    return str(weighted["pattern"]).removeprefix("my/")


# --- rules ---------------------------------------------------------------------------------------


def rule(random: Any) -> str:
    """What it breaks; empty: nothing. Which patterns there are is asked elsewhere."""
    if random is None:
        return ""
    if not isinstance(random, dict) or not random or not random.keys() <= set(NAMES):
        return RULE
    told = [_bounds_rule(field, random[field]) for field in LIMITS if field in random]
    if PATTERNS in random and not _are_patterns(random[PATTERNS]):
        told.append(f"{PATTERNS} {PATTERNS_RULE}")
    return "; ".join(filter(None, told))


def own_rules(item: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """By field, where its own one is not as it is to be."""
    for field, value in _own(item):
        if item[field] != value:
            which = "the first of them" if field == PATTERN else "the highest"
            yield field, f"is drawn at random: must be left out, or be {which}, {value}"


def _bounds_rule(field: str, value: Any) -> str:
    most = LIMITS[field]
    lawful = isinstance(value, dict) and value.keys() == {"from", "to"}
    lawful = lawful and all(type(end) is int and 1 <= end <= most for end in value.values())
    if lawful and value["from"] <= value["to"]:
        return ""
    return f"{field} must be {{from, to}}, whole numbers from 1 to {most}, from not above to"


def _are_patterns(value: Any) -> bool:
    if not isinstance(value, list) or not 1 <= len(value) <= MOST_PATTERNS:
        return False
    if not all(isinstance(each, dict) and each.keys() == {"pattern", "weight"} for each in value):
        return False
    names = [each["pattern"] for each in value]
    weights = [each["weight"] for each in value]
    if not all(isinstance(name, str) for name in names) or len(set(names)) != len(names):
        return False
    return all(type(weight) is int and 1 <= weight <= HEAVIEST for weight in weights)


def patterns_of(random: Any) -> Sequence[str]:
    """That may be drawn."""
    return [each["pattern"] for each in (random or {}).get(PATTERNS, ())]


def named_patterns(item: Mapping[str, Any]) -> Sequence[str]:
    """That it may play: those that are drawn, else its own."""
    random = item.get(RANDOM)
    return (patterns_of(random) if random and not rule(random) else ()) or [item[PATTERN]]
