"""What an item plays on each of her devices, as it stands in its form: drawn by what plays it, or
why there is nothing to draw."""

from collections.abc import Mapping
from typing import NamedTuple

from django.http import QueryDict

from ground.json.fields import Fields
from lovense.deciding import outlook
from lovense.deciding.linting import Linter
from lovense.devices import naming
from lovense.menus import content, publishing, wishes
from lovense.menus.matching import Item
from lovense.menus.wishes import InvalidItem
from lovense.page import itemform, menulooks
from lovense.page.menulooks import ShownOutlook

# What is not drawn: whatever stands there, the rest of the item plays the same.
UNDRAWN = {
    "title": "-",
    "description": "",
    "section": "",
    "minimum": 1,
    "maximum": None,
    "shows": [],
    "cooldownSec": 0,
    "stock": None,
}
LABELS: Mapping[str, str] = {
    "intensity": "Strength",
    "durationSec": "Seconds",
    "pattern": "Pattern",
    "loops": "Times",
    "pauseSec": "Pause",
    "rampInSec": "Rise",
    "rampOutSec": "Fade",
    "functions": "Functions",
    "devices": "Devices",
    "random": "Left to chance",
}
PATTERN_IS_GONE = "Its pattern is not there any more."


class ItemDrawn(NamedTuple):
    """`wrong`: why nothing is drawn; empty: it is."""

    outlooks: list[ShownOutlook]
    wrong: str = ""


def of(performer_id: str, typed: QueryDict) -> ItemDrawn:
    """As it is typed."""
    body = {**itemform.body(typed), **UNDRAWN}
    try:
        wish = wishes.read(Fields(body, ""), toys=naming.of(performer_id))
    except InvalidItem as wrong:
        rules = (f"{LABELS.get(each.field, each.field)}: {each.rule}." for each in wrong.errors)
        return ItemDrawn([], wrong=" ".join(rules))
    return of_item(performer_id, wish.item)


def of_item(performer_id: str, item: Item) -> ItemDrawn:
    linter = Linter.read(performer_id)
    (played,) = content.resolved([item], linter.texts)
    if publishing.is_gone(played):
        return ItemDrawn([], wrong=PATTERN_IS_GONE)
    seen = outlook.of(linter.rules, linter.performer, played)
    return ItemDrawn(menulooks.of_devices(seen))
