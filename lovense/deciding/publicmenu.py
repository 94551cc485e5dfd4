"""The public read model of a performer's menu: what a viewer may know of it at this moment. Only
reads.

What an item does is told by the very timeline that would be played, within all caps of now."""

from collections.abc import Sequence
from datetime import datetime

from lovense.deciding import outlook, standings
from lovense.deciding.outlook import DeviceOutlook
from lovense.deciding.rules import Rules
from lovense.deciding.standings import ItemStanding
from lovense.devices import choices
from lovense.menus import draws, publishing
from lovense.menus import public as readmodel
from lovense.menus.compiler import Compiled
from lovense.menus.matching import PUBLIC, Item
from lovense.menus.public import ItemNow, PublicDevice, PublicItem, PublicMenu
from lovense.menus.publishing import UnknownPerformer
from lovense.rows import PerformerRow


class _Reading:
    """What is read once for all items."""

    def __init__(self, performer_id: str, now: datetime) -> None:
        self.rules, self.now, self.kinds = Rules.read([performer_id]), now, _kinds(performer_id)
        if performer_id not in self.rules.performers:
            raise UnknownPerformer(f"There is no performer {performer_id!r}.")
        self.performer: PerformerRow = self.rules.performers[performer_id]
        self.least = self.rules.minimum_of(self.performer)
        self.menu = menu = self.rules.menu_of(self.performer)
        self.commitment = draws.commitment(menu.secret) if menu and menu.secret else ""

    def items(self, items: Sequence[Item]) -> list[PublicItem]:
        known = standings.of_items(self.performer["_id"], items)
        return [self._item(item, known.get(item["itemId"], ItemStanding())) for item in items]

    def _item(self, item: Item, standing: ItemStanding) -> PublicItem:
        until = standings.cooling_until(item, standing)
        left = standing.shelf.left if standing.shelf is not None else None
        cooling = until if until is not None and until > self.now else None
        told = ItemNow(self.plays(item), left, cooling, self.commitment)
        return readmodel.item_of(item, told, self.least)

    def plays(self, item: Item) -> list[PublicDevice]:
        if publishing.is_gone(item):
            return []
        seen = outlook.of(self.rules, self.performer, item)
        return [played for each in seen.plays if (played := self._played(each)) is not None]

    def _played(self, each: DeviceOutlook) -> PublicDevice | None:
        if not isinstance(each.found, Compiled):
            return None
        return PublicDevice(self.kinds.get(each.toy_id, ""), each.found.timeline)


def public(performer_id: str, show: str = PUBLIC, *, now: datetime) -> PublicMenu:
    """The menu in force, as far as it answers in that show. Raises UnknownPerformer."""
    reading = _Reading(performer_id, now)
    menu, least = reading.menu, reading.least
    if menu is None:
        usual = reading.rules.default_item(reading.performer)
        otherwise = readmodel.words(reading.plays(usual)) if usual else ""
        return PublicMenu(0, show, least, [], otherwise)
    answering = [item for item in menu.items if readmodel.shown(item, show, least)]
    ordered = sorted(answering, key=lambda item: item["order"])
    otherwise = readmodel.words(reading.plays(menu.reaction)) if menu.reaction else ""
    return PublicMenu(menu.version, show, least, reading.items(ordered), otherwise)


def _kinds(performer_id: str) -> dict[str, str]:
    """By toy its type, as the vendor calls it: not the name that she has given to it."""
    return {row["toy_id"]: row["toy_type"] for row in choices.of(performer_id).kept}
