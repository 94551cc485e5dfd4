"""`python -m bench.menus`: what finding the item of an amount costs, as ratios in one alternated
run. Imported rules alone: no process, no database.

Ends with status 1 where a ratio is above its bound."""

import random
import sys
import time
from collections.abc import Callable, Sequence
from statistics import median
from typing import Any

from lovense.menus.matching import Item, MenuIndex

ROUNDS, DRAWS, BUILDS = 15, 20_000, 20
LARGEST = 10_000  # tokens
Work = Callable[[], Any]


def item(low: int, high: int | None, place: int) -> Item:
    return {
        "itemId": f"item-{place}",
        "title": f"Item {place}",
        "minimum": low,
        "maximum": high,
        "order": place,
    }


def beside(count: int) -> list[Item]:
    """Ranges beside each other, up to LARGEST."""
    width = LARGEST // count
    lows = (1 + place * width for place in range(count))
    return [item(low, low + width - 1, place) for place, low in enumerate(lows)]


def nested(count: int) -> list[Item]:
    """Each in the one before it."""
    return [item(1 + place, LARGEST - place, place) for place in range(count)]


def by_looking_at_all(items: Sequence[Item], amount: int) -> Item | None:
    """What the index is measured against."""
    answering = [
        (float("inf") if each["maximum"] is None else each["maximum"] - each["minimum"], place)
        for place, each in enumerate(items)
        if each.get("active", True)
        and each["minimum"] <= amount
        and (each["maximum"] is None or amount <= each["maximum"])
    ]
    return items[min(answering)[1]] if answering else None


def seconds(work: Work) -> float:
    began = time.process_time()
    work()
    return time.process_time() - began


def ratio(above: Work, below: Work) -> float:
    """The median of the quotients of an alternated run, of the time that this process had."""
    return median(seconds(above) / seconds(below) for _ in range(ROUNDS))


def finding(menu: Sequence[Item], amounts: Sequence[int]) -> Work:
    find = MenuIndex(menu).find
    return lambda: [find(amount) for amount in amounts]


def building(menu: Sequence[Item]) -> Work:
    return lambda: [MenuIndex(menu) for _ in range(BUILDS)]


def measured() -> list[tuple[str, float, float]]:
    """Each with its bound."""
    chance = random.Random("amounts")
    amounts = [chance.randint(1, LARGEST) for _ in range(DRAWS)]
    few = amounts[: DRAWS // 20]
    small, fifty, large = beside(5), beside(50), beside(500)

    def scan() -> list[Item | None]:
        return [by_looking_at_all(large, amount) for amount in few]

    return [
        ("find of 500 / of 5", ratio(finding(large, amounts), finding(small, amounts)), 3.0),
        ("find of 500 / looking at all 500", ratio(finding(large, few), scan), 0.1),
        ("build of 500 / of 50", ratio(building(large), building(fifty)), 15.0),
        ("build of nested 500 / beside 500", ratio(building(nested(500)), building(large)), 5.0),
    ]


def main() -> int:
    rows = measured()
    for name, found, bound in rows:
        print(f"{name:<36} {found:8.3f}   at most {bound:g}")
    return int(any(found > bound for _, found, bound in rows))


if __name__ == "__main__":
    sys.exit(main())
