"""Which item of a menu answers an amount, and what does where there is none. Pure.

Of the active items of a show that hold an amount the narrowest answers; then the first in order;
then the oldest. `MenuIndex` is made once of a version, and finds in a large menu as fast as in a
small one."""

from bisect import bisect_right
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

from lovense.menus.vibration import LEVEL_PATTERN

Item = dict[str, Any]

DEFAULT_ITEM = "default"
PUBLIC = "public"
SHOWS = (PUBLIC, "private", "group")
PRIORITIES = ("LOW", "NORMAL", "HIGH")
USUAL_PRIORITY = "HIGH"  # the one with which every tip waits

# Why an item that holds an amount does not answer it. Of several that are passed over the first of
# these is the reason where nothing answers.
COOLING_DOWN, SOLD_OUT = "cooling_down", "sold_out"
OTHER_SHOW, INACTIVE = "other_show", "inactive"
WHY_NOTHING = (COOLING_DOWN, SOLD_OUT, OTHER_SHOW)
NO_MATCH = "no_match"
PASSED_WORDS = {
    COOLING_DOWN: "cooling down",
    SOLD_OUT: "sold out",
    OTHER_SHOW: "for another show",
    INACTIVE: "not active",
}

Closed = Mapping[str, str]
"""By item id why it does not answer now: COOLING_DOWN or SOLD_OUT."""
OPEN: Closed = {}


class Passed(NamedTuple):
    """An item that would have answered before the one that does, and why it did not."""

    item: Item
    why: str

    def __str__(self) -> str:
        return f"“{self.item['title']}” ({PASSED_WORDS[self.why]})"


class FoundItem(NamedTuple):
    item: Item | None
    passed: tuple[Passed, ...] = ()

    @property
    def why_nothing(self) -> str:
        """Where no item answers."""
        reasons = {each.why for each in self.passed}
        return next((why for why in WHY_NOTHING if why in reasons), NO_MATCH)


class MenuIndex:
    """Who answers which amounts. Where a range begins, and behind its end, a new interval begins,
    and of each the first in rank is known.

    It grows with the number of items alone, however their ranges lie in one another: who stands
    behind the first is looked for where the first is passed over, which reads all items."""

    __slots__ = ("_by_show", "_ranked", "_starts", "items")

    def __init__(self, items: Sequence[Item]) -> None:
        self.items = items
        ranks = sorted((_width(item), item["order"], age) for age, item in enumerate(items))
        self._ranked = [items[age] for *_, age in ranks]
        ends = (item["maximum"] + 1 for item in items if item["maximum"] is not None)
        self._starts = sorted({*(item["minimum"] for item in items), *ends})
        everything = self._painted(self._ranked)
        active = [item for item in self._ranked if item.get("active", True)]
        if any(item.get("shows") for item in active):
            painted = {show: self._painted(_of_show(active, show)) for show in SHOWS}
            self._by_show = {show: _found(painted[show], everything) for show in SHOWS}
        else:
            alike = everything if len(active) == len(items) else self._painted(active)
            self._by_show = dict.fromkeys(SHOWS, _found(alike, everything))

    def find(self, amount: int, show: str = PUBLIC, closed: Closed = OPEN) -> FoundItem:
        """Who answers it in this show, while these are closed; and who was passed over."""
        found = self._by_show[show][bisect_right(self._starts, amount)]
        if found is not None and (found.item is None or found.item["itemId"] not in closed):
            return found
        return self._sought(amount, show, closed)

    def holding(self, amount: int, show: str = PUBLIC) -> list[Item]:
        """The items that may answer it, in their rank."""
        return [
            item
            for item in self._ranked
            if _contains(item, amount) and not _why_passed(item, show, OPEN)
        ]

    def _sought(self, amount: int, show: str, closed: Closed) -> FoundItem:
        passed = list[Passed]()
        for item in self._ranked:
            if not _contains(item, amount):
                continue
            why = _why_passed(item, show, closed)
            if not why:
                return FoundItem(item, tuple(passed))
            passed.append(Passed(item, why))
        return FoundItem(None, tuple(passed))

    def _painted(self, ranked: Iterable[Item]) -> list[Item | None]:
        """By interval the first of these that reaches it; before the first interval nothing is.
        `free`: from each interval the next that nobody has."""
        answers: list[Item | None] = [None] * (len(self._starts) + 1)
        free = list(range(len(answers) + 1))
        for item in ranked:
            last = item["maximum"]
            end = len(answers) if last is None else bisect_right(self._starts, last) + 1
            place = _next_free(free, bisect_right(self._starts, item["minimum"]))
            while place < end:
                answers[place], free[place] = item, place + 1
                place = _next_free(free, place + 1)
        return answers


def _found(
    answers: Iterable[Item | None], everything: Iterable[Item | None]
) -> list[FoundItem | None]:
    """By interval what is found there; None: somebody is passed over, and is to be looked for."""
    pairs = zip(answers, everything, strict=True)
    return [FoundItem(item) if item is first else None for item, first in pairs]


def _next_free(free: list[int], place: int) -> int:
    """What was walked along is shortened by half."""
    while free[place] != place:
        free[place] = free[free[place]]
        place = free[place]
    return place


def index_of(menu: "MenuIndex | Sequence[Item]") -> MenuIndex:
    return menu if isinstance(menu, MenuIndex) else MenuIndex(menu)


def match(menu: MenuIndex | Sequence[Item], amount: int, show: str = PUBLIC) -> Item | None:
    """The item that answers `amount` in a show: exact wins, else the narrowest range around it,
    then order, then age. Whoever asks more than once makes an index."""
    return index_of(menu).find(amount, show).item


class Matched(NamedTuple):
    """The item that answers, and why it does: a code for programs and a sentence for people."""

    item: Item | None
    code: str
    text: str
    passed: tuple[Passed, ...] = ()


def explained(
    menu: MenuIndex | Sequence[Item], amount: int, show: str = PUBLIC, closed: Closed = OPEN
) -> Matched:
    """What `match` answers, because of what, and who was passed over."""
    index = index_of(menu)
    item, passed = found = index.find(amount, show, closed)
    if item is None:
        why = found.why_nothing
        return Matched(None, why, f"{_NOTHING[why]} {amount} tokens.", passed)
    others = [
        each
        for each in index.holding(amount, show)
        if each is not item and each["itemId"] not in closed
    ]
    return Matched(item, *_because(item, others, amount), passed)


_NOTHING = {
    NO_MATCH: "No active item answers",
    COOLING_DOWN: "An item that cools down is all there is for",
    SOLD_OUT: "An item that is sold out is all there is for",
    OTHER_SHOW: "Only in another show an item answers",
}


def _because(item: Item, others: Sequence[Item], amount: int) -> tuple[str, str]:
    if not _width(item):
        return "exact", f"It answers exactly {amount} tokens."
    if not others:
        return "only", f"It is the only active item whose range holds {amount}."
    held = f"Of {len(others) + 1} active items whose ranges hold {amount}"
    if any(_width(each) == _width(item) for each in others):
        return "first", f"{held} it is the first of the narrowest."
    return "narrowest", f"{held} its range is the narrowest."


def default_item(*, intensity: int, seconds: int, pattern: str = LEVEL_PATTERN) -> Item:
    """What answers where no item does: the same to every amount."""
    return {
        "itemId": DEFAULT_ITEM,
        "title": "Default reaction",
        "minimum": 1,
        "maximum": None,
        "pattern": pattern,
        "intensity": intensity,
        "durationSec": seconds,
        "order": 0,
    }


def show_of(stream_type: object) -> str:
    """The show in which a tip was made; missing or unknown: a public one."""
    return stream_type if isinstance(stream_type, str) and stream_type in SHOWS else PUBLIC


def shows_of(item: Mapping[str, Any]) -> Sequence[str]:
    """In which it answers."""
    return item.get("shows") or SHOWS


def may_be_closed(item: Mapping[str, Any]) -> bool:
    """It does not always answer: it cools down, or there are only so many."""
    return bool(item.get("cooldownSec")) or item.get("stock") is not None


def has_priority(item: Mapping[str, Any]) -> bool:
    """It does not wait as every tip does."""
    return bool(item.get("priority", USUAL_PRIORITY) != USUAL_PRIORITY)


def _of_show(items: Iterable[Item], show: str) -> list[Item]:
    return [item for item in items if show in shows_of(item)]


def _why_passed(item: Item, show: str, closed: Closed) -> str:
    if not item.get("active", True):
        return INACTIVE
    if show not in shows_of(item):
        return OTHER_SHOW
    return closed.get(item["itemId"], "")


def _contains(item: Mapping[str, Any], amount: int) -> bool:
    maximum = item["maximum"]
    return bool(item["minimum"] <= amount and (maximum is None or amount <= maximum))


def _width(item: Mapping[str, Any]) -> float:
    """An exact item has width 0 and no other has: so "exact wins" is a case of "the narrowest
    wins"."""
    return float("inf") if item["maximum"] is None else item["maximum"] - item["minimum"]
