"""The plain definition of who answers an amount: all items are looked at."""

from lovense.menus.matching import SHOWS


def linear(items, amount, show="public", closed=()):
    answering = [
        (width(item), item["order"], age, item)
        for age, item in enumerate(items)
        if item["itemId"] not in closed
        and item.get("active", True)
        and show in (item.get("shows") or SHOWS)
        and item["minimum"] <= amount <= (amount if item["maximum"] is None else item["maximum"])
    ]
    return min(answering, key=lambda found: found[:3])[3] if answering else None


def width(item):
    return float("inf") if item["maximum"] is None else item["maximum"] - item["minimum"]
