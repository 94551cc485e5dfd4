"""What the performer's page of her menu shows: the draft by section, what differs from what is
published, what an amount would be answered, and the history.

Her own rows only, each part read once and only for the region that shows it. Nothing is changed
here."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from typing import Any

from ground import clock
from lovense.deciding import foresight, linting, standings
from lovense.deciding.activation import STOPPED
from lovense.deciding.foresight import NO_PATTERN, Foresights
from lovense.deciding.linting import Linter
from lovense.deciding.standings import ItemStanding
from lovense.devices import naming
from lovense.lane import newcomer
from lovense.menus import (
    chance,
    content,
    drafts,
    fixes,
    parts,
    publishing,
    reactions,
    versions,
)
from lovense.menus.content import MenuDiff, Reaction
from lovense.menus.drafts import Draft
from lovense.menus.draws import INTENSITY, RANDOM, SECONDS
from lovense.menus.lint import Linted
from lovense.menus.matching import PUBLIC, SHOWS, Item
from lovense.menus.parts import HerToys
from lovense.menus.publishing import MAXIMUM_AMOUNT
from lovense.menus.versions import LONGEST_NOTE, NotPublishable
from lovense.menus.vibration import TEXT
from lovense.models import Performer
from lovense.page import itemterms, menulooks
from lovense.page.menulooks import ShownFinding, ShownOutlook, ShownRuler
from lovense.patterns.library import MINE
from lovense.rows import MenuRow

FIELD_WORDS = {
    "minimum": "from",
    "maximum": "up to",
    "durationSec": "seconds",
    "pauseSec": "seconds between loops",
    "rampInSec": "seconds of rise",
    "rampOutSec": "seconds of fade",
    "priority": "priority",
    "cooldownSec": "cooldown",
    "stock": "pieces",
    "random": "left to chance",
}
OF_DEVICES = frozenset({"functions", "devices"})
MOST_CHANGES = 20
# Why a tip would not start now, where what the gate saw is for programs.
HOLDING = {
    "paused": "you have paused",
    STOPPED: "you have pressed stop",
    NO_PATTERN: "its pattern is not there",
}


class ShownItem:
    """An item of the menu as a person reads it."""

    def __init__(
        self,
        item: Item,
        toys: HerToys,
        problems: list[str],
        findings: list[ShownFinding],
        standing: ItemStanding | None,
        *,
        is_first: bool,
        is_last: bool,
    ) -> None:
        self.item_id, self.title, self.section = item["itemId"], item["title"], item["section"]
        self.description, self.is_active = item["description"], item["active"]
        self.amount, self.words = amounts(item), does(item, toys.nicknames)
        self.terms = itemterms.words(item)
        self.is_first, self.is_last, self.findings = is_first, is_last, findings
        told = {each.text for each in findings}
        self.problems = [each for each in problems if each not in told]
        until = standing and standings.cooling_until(item, standing)
        self.cooling_until = until if until and until > clock.now() else None
        self.shelf = standing.shelf if standing else None


@dataclass(frozen=True, slots=True)
class ShownSection:
    name: str
    items: list[ShownItem]


@dataclass(frozen=True, slots=True)
class ShownMenuChange:
    """One line of a difference."""

    word: str
    tone: str
    title: str
    how: list[str]


class ShownVersion:
    """A line of the history."""

    def __init__(self, row: MenuRow, in_force: int) -> None:
        self.version, self.published_at = row["version"], row["published_at"]
        self.by, self.note = row.get("published_by", ""), row.get("note", "")
        self.based_on = row.get("based_on")
        self.is_withdrawn = row.get("withdrawn_at") is not None
        self.is_in_force = row["version"] == in_force


def amounts(item: Item) -> str:
    """Of a range without an end `from 500 tokens`."""
    low, high = item["minimum"], item["maximum"]
    if high is None:
        return f"from {_tokens(low)}"
    return _tokens(low) if low == high else f"{low} to {_tokens(high)}"


def _tokens(amount: int) -> str:
    return f"{amount} token{'' if amount == 1 else 's'}"


def does(item: Item, nicknames: Mapping[str, str] | None = None) -> str:
    weights = chance.weights_of(item)
    names = [_weighed(name, weights) for name in weights]
    strength, seconds = (chance.bounds_of(item, field) for field in (INTENSITY, SECONDS))
    usual = f"{' or '.join(names)}, strength {strength} of 20, {seconds} s"
    drawn = "drawn at random" if item.get(RANDOM) else ""
    return ", ".join(filter(None, (usual, parts.words(item, nicknames or {}), drawn)))


def _weighed(name: str, weights: Mapping[str, int]) -> str:
    """How often it comes, where it is one of several."""
    words = pattern_words(name)
    return f"{words} ({chance.share(weights[name], weights)})" if len(weights) > 1 else words


def pattern_words(name: str) -> str:
    """A shipped one begins with a capital; one of hers is called as she calls it."""
    return name.removeprefix(MINE) if name.startswith(MINE) else name.capitalize()


class MenuPage:
    """What the page shows."""

    longest_note, largest, shows = LONGEST_NOTE, MAXIMUM_AMOUNT, SHOWS

    def __init__(self, performer: Performer, asked: str = "", show: str = PUBLIC) -> None:
        self._performer, self.asked = performer, asked
        self.show = show if show in SHOWS else PUBLIC
        self._id = performer.performer_id

    @cached_property
    def draft(self) -> Draft:
        return drafts.of(self._id)

    @cached_property
    def toys(self) -> HerToys:
        return naming.of(self._id)

    @property
    def revision(self) -> int:
        return self.draft.revision

    @property
    def count(self) -> int:
        return len(self.draft.items)

    @property
    def active(self) -> int:
        return sum(item["active"] for item in self.draft.items)

    @cached_property
    def sections(self) -> list[ShownSection]:
        found = content.sections(self.draft.items)
        return [ShownSection(name, self._shown(items)) for name, items in found.items()]

    def _shown(self, items: list[Item]) -> list[ShownItem]:
        last = len(items) - 1
        return [
            ShownItem(
                item,
                self.toys,
                self.problems.get(item["itemId"], []),
                self.findings.get(item["itemId"], []),
                self._standings.get(item["itemId"]),
                is_first=not place,
                is_last=place == last,
            )
            for place, item in enumerate(items)
        ]

    @cached_property
    def _standings(self) -> dict[str, ItemStanding]:
        """By what is in force, as far as an item is there."""
        published = self.published["items"] if self.published else []
        now = {item["itemId"]: item for item in published}
        return standings.of_items(
            self._id, [now.get(item["itemId"], item) for item in self.draft.items]
        )

    @property
    def has_cooling(self) -> bool:
        shown = (item for section in self.sections for item in section.items)
        return any(item.cooling_until for item in shown)

    @cached_property
    def problems(self) -> dict[str, list[str]]:
        """By item what keeps the draft from being published; by the empty id, of the whole."""
        found: dict[str, list[str]] = {}
        try:
            versions.publishable(self.draft, self._texts)
            if errors := linting.errors_of(self._linted):
                raise NotPublishable.linted(errors, self.draft.items)
        except NotPublishable as wrong:
            for each in wrong.details:
                rule = f"{each['rule'][0].upper()}{each['rule'][1:]}."
                found.setdefault(each["itemId"] or "", []).append(rule)
        return found

    @cached_property
    def _texts(self) -> dict[str, str]:
        """Of the patterns of hers that the draft names."""
        return publishing.texts_of(self._id, self.draft.items)

    @property
    def problems_of_all(self) -> list[str]:
        return self.problems.get("", [])

    # --- what is published -----------------------------------------------------------------------

    @cached_property
    def published(self) -> MenuRow | None:
        return drafts.in_force(self._id)

    @property
    def version(self) -> int:
        return self.published["version"] if self.published else 0

    @property
    def published_at(self) -> datetime | None:
        return self.published["published_at"] if self.published else None

    @cached_property
    def diff(self) -> MenuDiff:
        was, reacted = versions.said(self.published) if self.published else ([], None)
        now, reaction = versions.said_by(self.draft, self._texts)
        return content.diff(was, now, (reacted, reaction))

    @property
    def reaction_words(self) -> str:
        """Of the draft; empty: it is off."""
        reaction = reactions.live(self.draft.reaction)
        return does(reaction) if reaction else ""

    @property
    def is_changed(self) -> bool:
        return not self.diff.is_empty

    @property
    def changes(self) -> list[ShownMenuChange]:
        return self._changes[:MOST_CHANGES]

    @property
    def more_changes(self) -> int:
        return max(0, len(self._changes) - MOST_CHANGES)

    @cached_property
    def _changes(self) -> list[ShownMenuChange]:
        found = self.diff
        return [
            *(
                _line("Added", "good", item, [amounts(item), self._does(item)])
                for item in found.added
            ),
            *(_line("Removed", "warn", item, [amounts(item)]) for item in found.removed),
            *(
                _line("Changed", "info", each.item, _how(each.fields, self.toys))
                for each in found.changed
            ),
            *(_line("Moved", "idle", item, []) for item in found.moved),
            *_reacted(found.reaction),
        ]

    def _does(self, item: Item) -> str:
        return does(item, self.toys.nicknames)

    @cached_property
    def history(self) -> list[ShownVersion]:
        return [ShownVersion(row, self.version) for row in versions.history(self._id)]

    # --- what an amount would be answered --------------------------------------------------------

    @cached_property
    def _menu(self) -> Foresights:
        return foresight.read(self._id, version=None, is_draft=True, now=clock.now())

    @cached_property
    def seen(self) -> foresight.Foresight | None:
        """Of the draft; None: no amount was asked for, or none that there is."""
        if not (self.asked.isascii() and self.asked.isdigit() and len(self.asked) <= 16):
            return None
        if not 1 <= int(self.asked) <= MAXIMUM_AMOUNT:
            return None
        return self._menu.of(int(self.asked), self.show)

    @property
    def seen_words(self) -> str:
        seen = self.seen
        return self._does(seen.found.item) if seen and seen.found.item else ""

    @property
    def bounds(self) -> str:
        """Of what is drawn at random."""
        seen = self.seen
        return seen.bounds.words if seen and seen.bounds else ""

    @property
    def outlooks(self) -> list[ShownOutlook]:
        return menulooks.outlooks(self.seen) if self.seen else []

    @property
    def starts(self) -> str:
        """When such a tip would start if it came now."""
        if self.seen is None:
            return ""
        return menulooks.starts(newcomer.expected_start(self._menu, self.seen), self._menu.now)

    @property
    def terms(self) -> list[str]:
        """What is not usual of the item that answers."""
        item = self.seen and self.seen.found.item
        return itemterms.words(item) if item else []

    @property
    def holding(self) -> str:
        """What the gate says that would hold such a tip back now, where an item answers it."""
        seen = self.seen
        if seen is None or seen.found.item is None or not seen.reason:
            return ""
        return HOLDING.get(seen.reason) or str(seen.gates[-1]["saw"])

    # --- what the lint says ----------------------------------------------------------------------

    @cached_property
    def _linted(self) -> Linted:
        """Looked at once for whatever the page says of it."""
        return Linter.read(self._id).menu(self.draft)

    @cached_property
    def _found(self) -> list[ShownFinding]:
        is_large = self.count > menulooks.FEW_ITEMS
        most = menulooks.FIXES_OF_MANY if is_large else fixes.MOST
        return [ShownFinding(each) for each in fixes.suggested(self._linted, most)]

    @cached_property
    def findings(self) -> dict[str, list[ShownFinding]]:
        """By item."""
        found: dict[str, list[ShownFinding]] = {}
        for each in self._found:
            found.setdefault(each.first, []).append(each)
        return found

    @property
    def general(self) -> list[ShownFinding]:
        """Of amounts, and of no item."""
        return self.findings.get("", [])[: menulooks.MOST_GENERAL]

    @property
    def more_general(self) -> int:
        return max(0, len(self.findings.get("", ())) - menulooks.MOST_GENERAL)

    @property
    def warnings(self) -> int:
        """What is found and keeps nothing from being published."""
        return sum(each.tone == "warn" for each in self._found)

    @cached_property
    def ruler(self) -> ShownRuler:
        return menulooks.ruler(linting.ruled(self._linted))


def _reacted(changed: tuple[Reaction, Reaction] | None) -> list[ShownMenuChange]:
    if changed is None:
        return []
    was, now = (does(each) if each else "off" for each in changed)
    return [ShownMenuChange("Changed", "info", "Default reaction", [f"{was} → {now}"])]


def _line(word: str, tone: str, item: Item, how: list[str]) -> ShownMenuChange:
    return ShownMenuChange(word, tone, item["title"], how)


def _how(fields: dict[str, tuple[Any, Any]], toys: HerToys) -> list[str]:
    return [
        "its pattern was rewritten"
        if name == TEXT
        else f"{FIELD_WORDS.get(name, name)}: {_value(name, was, toys)} → {_value(name, now, toys)}"
        for name, (was, now) in fields.items()
    ]


def _value(name: str, value: Any, toys: HerToys) -> str:
    if name in OF_DEVICES:
        said = parts.words({name: value}, toys.nicknames)
        return said or ("all" if name == "devices" else "the main one")
    if name == RANDOM:
        return ", ".join(chance.said(value)) if value else "nothing"
    if value is None:
        return "no end"
    if isinstance(value, list):
        return ", ".join(map(str, value)) or "all"
    if isinstance(value, bool):
        return "yes" if value else "no"
    return str(value) or "empty"
