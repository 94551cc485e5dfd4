"""Linting: the lint of a performer's menu on her own devices, within the caps that bind her now."""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

import bson

from lovense.deciding import outlook, ranges
from lovense.deciding.outlook import SWITCHED_OFF, Outlook
from lovense.deciding.rules import Rules
from lovense.menus import content, fixes, publishing, reactions, ruler
from lovense.menus.compiler import Cannot
from lovense.menus.drafts import Draft
from lovense.menus.fixes import FixedFinding
from lovense.menus.lint import ERROR, FindingKey, Linted, Look, MenuFinding
from lovense.menus.matching import PUBLIC, Item
from lovense.menus.ruler import Interval
from lovense.patterns import library
from lovense.patterns.library import MINE
from lovense.rows import Json, PerformerRow

LOOKED_AT = ("bridge", "devices", "maximum_intensity", "maximum_seconds")  # of her row
LOOKS_KEPT = 4096  # of items, as each process remembers them
UNSEEN = Look(0.0, 0, (), {}, {})


class RuledInterval(NamedTuple):
    """A part of the ruler, and what is found in it."""

    interval: Interval
    codes: tuple[str, ...]
    effect: float


@dataclass(frozen=True, slots=True)
class Linter:
    """What is known of her, read once for any number of drafts. `texts`: of her patterns, by the
    names that items have for them."""

    rules: Rules
    performer: PerformerRow
    texts: Mapping[str, str]
    # the last menu, by its items and reaction
    linted: list[tuple[tuple[Sequence[Item], Json | None], Linted]] = field(default_factory=list)
    known: bytes = field(init=False)  # all that a look at an item rests on, beside the item

    def __post_init__(self) -> None:
        hers = {name: self.performer.get(name) for name in LOOKED_AT}
        binds = {"platform": self.rules.platform, "hers": hers, "texts": self.texts}
        object.__setattr__(self, "known", hashlib.sha256(bson.encode(binds)).digest())

    @classmethod
    def read(cls, performer_id: str) -> "Linter":
        rules = Rules.without_menus([performer_id])
        texts = {MINE + row["name"]: row["text"] for row in library.of(performer_id)}
        return cls(rules, rules.performers[performer_id], texts)

    def menu(self, draft: Draft) -> Linted:
        """One that was just looked at is known, whatever its revision."""
        said = draft.items, reactions.live(draft.reaction)
        for before, menu in self.linted:
            if before == said:
                return menu
        least, default = self.rules.minimum_of(self.performer), reactions.item_of(draft.reaction)
        menu = Linted(content.numbered(draft.items), self.look, least, default)
        self.linted[:] = [(said, menu)]
        return menu

    def findings(self, draft: Draft) -> list[MenuFinding]:
        return self.menu(draft).findings

    def errors(self, draft: Draft) -> list[MenuFinding]:
        """What keeps it from being published."""
        return errors_of(self.menu(draft))

    def fixed(self, draft: Draft, *, most: int = fixes.MOST) -> list[FixedFinding]:
        """`most`: for how many of them a fix is looked for."""
        return fixes.suggested(self.menu(draft), most)

    def fix_of(self, draft: Draft, key: FindingKey) -> fixes.Patch | None:
        """Of the finding with that key; None: it is gone, or nothing is known that helps."""
        menu = self.menu(draft)
        found = next((each for each in menu.findings if each.key == key), None)
        return fixes.of(menu, found) if found else None

    def look(self, item: Item) -> Look:
        """Nothing is said of one whose pattern is gone: that keeps it from being published. A
        device that is switched off, and that the item does not name, is not asked."""
        key = self.known, content.key_of(item)
        found = _looks.get(key)
        if found is None:
            found = _keep(key, self._looked(item))
        return found

    def _looked(self, item: Item) -> Look:
        (played,) = content.resolved([item], self.texts)
        if publishing.is_gone(played):
            return UNSEEN
        drawn = ranges.of(self.rules, self.performer, played)
        if drawn is None:
            seen = outlook.of(self.rules, self.performer, played)
            return Look(seen.effect, seen.promised_seconds, *_on_devices(item, [seen]))
        told = _on_devices(item, drawn.looks)
        return Look(drawn.effect, drawn.seconds, *told, drawn.longest, drawn.words)


_looks: dict[tuple[bytes, bytes], Look] = {}  # by what they rest on, the oldest first


def _keep(key: tuple[bytes, bytes], look: Look) -> Look:
    if len(_looks) >= LOOKS_KEPT:
        _looks.pop(next(iter(_looks)), None)
    return _looks.setdefault(key, look)


def _on_devices(
    item: Item, looks: Sequence[Outlook]
) -> tuple[tuple[str, ...], dict[str, str], dict[str, str]]:
    """Notes of any of these looks, who plays in all of them, and who does not in some."""
    is_named = bool(item.get("devices"))
    unable = {
        each.nickname: each.found.text
        for seen in looks
        for each in seen.devices
        if isinstance(each.found, Cannot) and (is_named or each.found.reason != SWITCHED_OFF)
    }
    plays = [{each.toy_id: each.nickname for each in seen.plays} for seen in looks]
    able = {key: name for key, name in plays[0].items() if all(key in each for each in plays)}
    notes = dict.fromkeys(note for seen in looks for note in seen.notes)
    return tuple(notes), able, unable


def errors_of(menu: Linted) -> list[MenuFinding]:
    return [each for each in menu.findings if each.severity == ERROR]


def ruled(menu: Linted, show: str = PUBLIC) -> list[RuledInterval]:
    """The ruler, each part with the codes of what is found there."""
    codes: dict[object, list[MenuFinding]] = {}
    for each in menu.found:
        codes.setdefault(each.items[0] if each.items else each.amount, []).append(each)
    parts = ruler.intervals(menu.items, menu.least, show=show, default=menu.default)
    return [RuledInterval(each, _codes(each, codes), _effect(menu, each)) for each in parts]


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
