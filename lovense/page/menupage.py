"""What the performer's page of her menu shows: the draft by section, what differs from what is
published, what an amount would be answered, and the history.

Her own rows only, each part read once and only for the region that shows it. Nothing is changed
here."""

from datetime import datetime
from functools import cached_property

from ground import clock
from lovense.deciding import foresight, linting, standings
from lovense.deciding.activation import STOPPED
from lovense.deciding.foresight import NO_PATTERN, Foresights
from lovense.deciding.linting import Linter
from lovense.deciding.standings import ItemStanding
from lovense.devices import naming
from lovense.lane import newcomer
from lovense.menus import content, drafts, fixes, publishing, reactions, versions
from lovense.menus.content import MenuDiff
from lovense.menus.drafts import Draft
from lovense.menus.lint import Linted
from lovense.menus.matching import PUBLIC, SHOWS
from lovense.menus.parts import HerToys
from lovense.menus.publishing import MAXIMUM_AMOUNT
from lovense.menus.versions import LONGEST_NOTE, NotPublishable
from lovense.models import Performer
from lovense.page import itemterms, menudiff, menulooks, menurows, menuwords
from lovense.page.menudiff import ShownMenuChange, ViewersLine
from lovense.page.menulooks import ShownFinding, ShownGates, ShownOutlook, ShownRuler
from lovense.page.menurows import Around, ShownSection
from lovense.rows import MenuRow

MOST_CHANGES = 20
# Why a tip would not start now, where what the gate saw is for programs.
HOLDING = {
    "paused": "you have paused",
    STOPPED: "you have pressed stop",
    NO_PATTERN: "its pattern is not there",
}


class ShownVersion:
    """A line of the history."""

    def __init__(self, row: MenuRow, in_force: int) -> None:
        self.version, self.published_at = row["version"], row["published_at"]
        self.by, self.note = row.get("published_by", ""), row.get("note", "")
        self.based_on = row.get("based_on")
        self.is_withdrawn = row.get("withdrawn_at") is not None
        self.is_in_force = row["version"] == in_force


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
        around = Around(
            self._id,
            self._linter,
            self._linted,
            self.toys,
            self.problems,
            self.findings,
            self._standings,
        )
        return menurows.sections(self._linted.items, around)

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
        return menuwords.does(reaction) if reaction else ""

    @property
    def is_changed(self) -> bool:
        return not self.diff.is_empty

    @property
    def changes(self) -> list[ShownMenuChange]:
        return self._changes[:MOST_CHANGES]

    @property
    def more_changes(self) -> int:
        return max(0, len(self._changes) - MOST_CHANGES)

    @property
    def changes_words(self) -> str:
        count = len(self._changes)
        return f"{count} change{'' if count == 1 else 's'}"

    @cached_property
    def _changes(self) -> list[ShownMenuChange]:
        return menudiff.lines(self.diff, self.toys)

    @property
    def before(self) -> list[ViewersLine]:
        """What viewers read now."""
        was = content.listed(self.published["items"]) if self.published else []
        return menudiff.for_viewers(was, self.diff, is_before=True)

    @property
    def after(self) -> list[ViewersLine]:
        """What they would read."""
        return menudiff.for_viewers(self.draft.items, self.diff, is_before=False)

    @cached_property
    def may_undo(self) -> bool:
        return bool(drafts.last_action(self._id))

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
        item = seen and seen.found.item
        return menuwords.does(item, self.toys.nicknames) if item else ""

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
    def gates(self) -> ShownGates:
        return menulooks.gates(self.seen)

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
        return self._linter.menu(self.draft)

    @cached_property
    def _linter(self) -> Linter:
        return Linter.read(self._id)

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
