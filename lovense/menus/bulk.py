"""Bulk: one change of several items of a menu at once. Pure.

What is not said stays as it is in each of them; all of it becomes one patch of the draft, all or
none of it."""

from collections.abc import Collection, Sequence
from typing import NamedTuple

from lovense.menus.fixes import Patch
from lovense.menus.matching import Item
from lovense.menus.publishing import MAXIMUM_AMOUNT
from lovense.rows import Json

LEAST_PERCENT, MOST_PERCENT = -90, 900
WHOLE = 100


class BulkWish(NamedTuple):
    """`percent` 0: prices stay; the others None: they stay."""

    percent: int = 0
    section: str | None = None
    shows: Sequence[str] | None = None
    active: bool | None = None


def patch(items: Sequence[Item], item_ids: Collection[str], wish: BulkWish) -> Patch:
    """Of those that are there, in the order of the menu; what would stay as it is, is left out."""
    found = [(item, _fields(item, wish)) for item in items if item["itemId"] in item_ids]
    return [{"itemId": item["itemId"], "change": fields} for item, fields in found if fields]


def _fields(item: Item, wish: BulkWish) -> Json:
    said: Json = prices(item["minimum"], item["maximum"], wish.percent)
    if wish.section is not None:
        said["section"] = wish.section
    if wish.shows is not None:
        said["shows"] = list(wish.shows)
    if wish.active is not None:
        said["active"] = wish.active
    return {name: value for name, value in said.items() if value != item[name]}


def prices(low: int, high: int | None, percent: int) -> Json:
    """A range so much higher, or lower. Ranges that were neighbours stay neighbours: an end moves
    as the beginning of what follows it does. An exact amount stays one, and no end none."""
    least = _scaled(low, percent)
    if high is None or high == low:
        return {"minimum": least, "maximum": least if high == low else None}
    return {"minimum": least, "maximum": max(least, _scaled(high + 1, percent) - 1)}


def _scaled(amount: int, percent: int) -> int:
    """To the nearest whole amount, a half up."""
    scaled = (2 * amount * (WHOLE + percent) + WHOLE) // (2 * WHOLE)
    return min(max(scaled, 1), MAXIMUM_AMOUNT)
