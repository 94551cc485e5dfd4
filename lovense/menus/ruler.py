"""Ruler: the whole range of amounts as intervals, each with the item that answers all of it. Pure.

One sweep over the ends of the ranges, so that its cost grows with the menu and not with its square;
what it says is what `matching.match` says of every amount."""

from collections.abc import Iterable, Mapping, Sequence
from heapq import heappop, heappush
from itertools import count
from typing import Any, NamedTuple

from lovense.menus.matching import PUBLIC, Item, shows_of

ENDLESS = 2**60  # beyond every amount


class Interval(NamedTuple):
    """From `low` to `high`, both included; None: without an end. `item` None: nothing answers."""

    low: int
    high: int | None
    item: Item | None


class Swept(NamedTuple):
    """An interval with the item that would answer if the first were not there; None: none would."""

    interval: Interval
    second: Item | None


def answering(items: Iterable[Item], show: str) -> list[Item]:
    """Those that may answer in a show, in their order."""
    return [item for item in items if item.get("active", True) and show in shows_of(item)]


def intervals(
    items: Sequence[Item], least: int = 1, *, show: str = PUBLIC, default: Item | None = None
) -> list[Interval]:
    """From the smallest amount that is answered at all; at most 2 × items + 1, as neighbours that
    are answered alike are one. `default`: what answers where no item does."""
    return joined([each.interval for each in swept(items, least, show=show)], default)


def swept(items: Sequence[Item], least: int = 1, *, show: str = PUBLIC) -> list[Swept]:
    """As they change: between two of them an item begins or ends to hold the amounts."""
    held = sorted(map(_ranged, answering(items, show), count()), key=_low)
    edges = _edges(held, least)
    found, heap, begun = list[Swept](), list[_Range](), 0
    for low, after in zip(edges, [*edges[1:], ENDLESS], strict=True):
        while begun < len(held) and held[begun].low <= low:
            heappush(heap, held[begun])
            begun += 1
        first, second = _two_best(heap, low)
        high = None if after == ENDLESS else after - 1
        found.append(Swept(Interval(low, high, first), second))
    return found


def cheapest(found: Iterable[Interval]) -> dict[str, int]:
    """By item the smallest amount that reaches it; what is not named is reached by none."""
    amounts: dict[str, int] = {}
    for each in found:
        if each.item is not None:
            amounts.setdefault(each.item["itemId"], each.low)
    return amounts


class _Range(NamedTuple):
    """An item and the amounts that it holds; of two that hold one amount the smaller answers."""

    width: int
    order: int
    age: int
    low: int
    high: int
    item: Item


def _ranged(item: Item, age: int) -> _Range:
    low, high = item["minimum"], high_of(item)
    width = ENDLESS if high == ENDLESS else high - low
    return _Range(width, item["order"], age, low, high, item)


def high_of(item: Mapping[str, Any]) -> int:
    return ENDLESS if item["maximum"] is None else int(item["maximum"])


def _low(each: _Range) -> int:
    return each.low


def _edges(held: Sequence[_Range], least: int) -> list[int]:
    edges = {least, *[each.low for each in held], *[each.high + 1 for each in held]}
    return sorted(edge for edge in edges if least <= edge < ENDLESS)


def _two_best(heap: list[_Range], amount: int) -> tuple[Item | None, Item | None]:
    """Of those that hold it; what has ended leaves the heap when it comes to its top."""
    _drop(heap, amount)
    if not heap:
        return None, None
    if len(heap) == 1:
        return heap[0].item, None
    best = heappop(heap)
    _drop(heap, amount)
    second = heap[0].item if heap else None
    heappush(heap, best)
    return best.item, second


def _drop(heap: list[_Range], amount: int) -> None:
    while heap and heap[0].high < amount:
        heappop(heap)


def joined(found: Iterable[Interval], default: Item | None) -> list[Interval]:
    """Neighbours that are answered alike as one; `default` answers where no item does."""
    whole: list[Interval] = []
    for each in found:
        answer = each.item or default
        is_alike = bool(whole) and whole[-1].item is answer
        low = whole.pop().low if is_alike else each.low
        whole.append(Interval(low, each.high, answer))
    return whole
