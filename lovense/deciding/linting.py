"""Linting: the lint of a performer's menu on her own devices, within the caps that bind her now."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from lovense.deciding import outlook
from lovense.deciding.outlook import SWITCHED_OFF
from lovense.deciding.rules import Rules
from lovense.menus import content, fixes, ruler
from lovense.menus.compiler import Cannot
from lovense.menus.fixes import FixedFinding
from lovense.menus.lint import ERROR, FindingKey, Linted, Look, MenuFinding
from lovense.menus.matching import Item
from lovense.menus.ruler import Interval
from lovense.rows import PerformerRow


class RuledInterval(NamedTuple):
    """A part of the ruler, and what is found in it."""

    interval: Interval
    codes: tuple[str, ...]
    effect: float


@dataclass(frozen=True, slots=True)
class Linter:
    """What is known of her, read once for any number of menus."""

    rules: Rules
    performer: PerformerRow

    @classmethod
    def read(cls, performer_id: str) -> "Linter":
        rules = Rules.read([performer_id])
        return cls(rules, rules.performers[performer_id])

    def menu(self, items: Sequence[Item]) -> Linted:
        """Whole items in their order."""
        least = self.rules.minimum_of(self.performer)
        return Linted(content.numbered(items), self.look, least)

    def findings(self, items: Sequence[Item]) -> list[MenuFinding]:
        return self.menu(items).findings

    def errors(self, items: Sequence[Item]) -> list[MenuFinding]:
        """What keeps it from being published."""
        return [each for each in self.findings(items) if each.severity == ERROR]

    def fixed(self, items: Sequence[Item], *, most: int = fixes.MOST) -> list[FixedFinding]:
        """`most`: for how many of them a fix is looked for."""
        return fixes.suggested(self.menu(items), most)

    def fix_of(self, items: Sequence[Item], key: FindingKey) -> fixes.Patch | None:
        """Of the finding with that key; None: it is gone, or nothing is known that helps."""
        menu = self.menu(items)
        found = next((each for each in menu.findings if each.key == key), None)
        return fixes.of(menu, found) if found else None

    def ruled(self, items: Sequence[Item]) -> list[RuledInterval]:
        """The ruler, each part with the codes of what is found there."""
        menu = self.menu(items)
        codes: dict[object, list[MenuFinding]] = {}
        for each in menu.findings:
            codes.setdefault(each.items[0] if each.items else each.amount, []).append(each)
        parts = ruler.intervals(menu.items, menu.least)
        return [RuledInterval(each, _codes(each, codes), _effect(menu, each)) for each in parts]

    def look(self, item: Item) -> Look:
        """A device that is switched off, and that the item does not name, is not asked."""
        seen = outlook.of(self.rules, self.performer, item)
        is_named = bool(item.get("devices"))
        unable = {
            each.nickname: each.found.text
            for each in seen.devices
            if isinstance(each.found, Cannot) and (is_named or each.found.reason != SWITCHED_OFF)
        }
        able = {each.toy_id: each.nickname for each in seen.plays}
        return Look(seen.effect, seen.promised_seconds, seen.notes, able, unable)


def _effect(menu: Linted, part: Interval) -> float:
    return menu.seen(part.item).effect if part.item else 0.0


def _codes(part: Interval, found: Mapping[object, Sequence[MenuFinding]]) -> tuple[str, ...]:
    """Of its item, where they concern its amounts; of a gap, the gap's."""
    end = ruler.ENDLESS if part.high is None else part.high
    about = found.get(part.item["itemId"] if part.item else part.low, ())
    inside = [
        each.code
        for each in about
        if each.amount <= end and (each.until is None or each.until >= part.low)
    ]
    return tuple(dict.fromkeys(inside))
