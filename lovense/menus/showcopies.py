"""The items of one show copied to another, so that a tip is answered there as it is here. Pure.

What answers in both stays as it is. What answers in the other show alone of these two gives way
there, and only if that is said."""

from collections.abc import Iterable, Sequence

from ground import ids
from ground.json.errors import Refusal
from lovense.menus.matching import SHOWS, Item, shows_of


class ShowHasItems(Refusal):
    """Items of a show give way to copies only if that is said."""

    code, status = "has_items", 409

    def __init__(self, show: str, items: Sequence[Item]) -> None:
        super().__init__(f"Items of your {show} shows would give way: nothing was copied.")
        self.details = {"itemIds": [item["itemId"] for item in items]}


class SamePriceInShow(Refusal):
    """Two active items must not answer exactly the same amount in one show."""

    code, status = "same_price", 409

    def __init__(self, show: str, items: Sequence[Item]) -> None:
        titles = " and ".join(f"“{item['title']}”" for item in items)
        amount = items[0]["minimum"]
        super().__init__(f"In {show} shows only one item may answer exactly {amount}: {titles} do.")
        self.details = {"itemIds": [item["itemId"] for item in items], "amount": amount}


def copied(items: Sequence[Item], source: str, target: str, *, replaces: bool) -> list[Item]:
    """All items of the menu as they are then: the copies stand at the end, each with an id of its
    own. Raises ShowHasItems, SamePriceInShow."""
    giving_way = [
        item for item in items if target in shows_of(item) and source not in shows_of(item)
    ]
    if giving_way and not replaces:
        raise ShowHasItems(target, giving_way)
    mine = [item for item in items if source in shows_of(item)]
    _check_prices(mine, target)
    copies = [
        item | {"itemId": ids.fresh(), "shows": [target]}
        for item in mine
        if target not in shows_of(item)
    ]
    kept = [_without(item, target) if item in giving_way else item for item in items]
    return [*(item for item in kept if item is not None), *copies]


def _without(item: Item, show: str) -> Item | None:
    """None: it answers nowhere else."""
    left = [each for each in SHOWS if each in shows_of(item) and each != show]
    return item | {"shows": left} if left else None


def _check_prices(items: Iterable[Item], show: str) -> None:
    found: dict[int, Item] = {}
    for item in items:
        if not item["active"] or item["minimum"] != item["maximum"]:
            continue
        if (other := found.setdefault(item["minimum"], item)) is not item:
            raise SamePriceInShow(show, [other, item])
