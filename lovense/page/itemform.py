"""The form of one item of the menu: what its fields hold, what was typed into them, and what is
wrong with it. What may be said is decided by `lovense/menus/wishes.py` alone."""

from collections.abc import Sequence
from typing import Any, NamedTuple

from django.http import QueryDict

from ground.json.fields import Fields
from lovense.menus import content, parts, vibration, wishes
from lovense.menus.drafts import ChangedMeanwhile
from lovense.menus.matching import PRIORITIES, USUAL_PRIORITY, Item
from lovense.menus.parts import HerToys
from lovense.menus.publishing import (
    MAXIMUM_DESCRIPTION,
    MAXIMUM_SECTION,
    MAXIMUM_TITLE,
)
from lovense.menus.wishes import InvalidItem
from lovense.page import chanceform, itemterms, menudiff, partsform
from lovense.page.chanceform import ChanceForm
from lovense.page.itemterms import ShowBox
from lovense.page.partsform import PartsForm, whole
from lovense.patterns.library import MINE
from lovense.rows import Json

NEW: Json = {
    "title": "",
    "description": "",
    "section": "",
    "minimum": "",
    "maximum": "",
    "pattern": vibration.LEVEL_PATTERN,
    "intensity": 10,
    "durationSec": 10,
    "active": True,
    **parts.USUAL,
    "priority": USUAL_PRIORITY,
    "cooldownSec": 0,
    "stock": None,
    "random": None,
}
TEXTS = ("title", "description", "section", "pattern")
NUMBERS = ("minimum", "maximum", "intensity", "durationSec")


class ItemField:
    """`name` is its name in the form and its id; `error` the sentence beside it, or empty."""

    def __init__(self, name: str, value: Any, error: str) -> None:
        self.name, self.error = name, error
        self.value = "" if value is None else str(value)


class BothValues(NamedTuple):
    """Of one field: what was typed here, and what another page has saved."""

    name: str
    mine: str
    theirs: str


class ItemForm:
    """`typed` is what was sent, None before that; `wrong` why it was refused."""

    longest_title, longest_section = MAXIMUM_TITLE, MAXIMUM_SECTION
    longest_description = MAXIMUM_DESCRIPTION
    strongest = vibration.MAXIMUM_LEVEL
    patterns, priorities = vibration.PATTERNS, PRIORITIES[::-1]
    mine: Sequence[str] = ()  # hers, as an item names them

    def __init__(
        self,
        revision: int,
        item: Item | None,
        sections: list[str],
        toys: HerToys,
        *,
        typed: QueryDict | None = None,
        wrong: InvalidItem | ChangedMeanwhile | None = None,
    ) -> None:
        self.revision, self.sections = revision, [each for each in sections if each]
        self._item, self._typed, self._wrong = item or NEW, typed, wrong
        self.item_id = self._item.get("itemId", "")
        self.heading = self._item["title"] if self.item_id else "New item"
        self.parts = PartsForm(self._item, toys, typed, self.errors)
        self.chance = ChanceForm(self._item, typed, self.errors)
        self._toys = toys

    @property
    def errors(self) -> dict[str, str]:
        wrong = self._wrong.errors if isinstance(self._wrong, InvalidItem) else []
        return {each.field: f"{each.rule[0].upper()}{each.rule[1:]}." for each in wrong}

    @property
    def item(self) -> Item:
        """As it is kept; of a new one what is usual."""
        return self._item

    @property
    def both(self) -> list[BothValues]:
        """Of an item that was changed meanwhile: where what was typed and what is there differ."""
        late = self._wrong if isinstance(self._wrong, ChangedMeanwhile) else None
        theirs = late.draft.find(self.item_id) if late else None
        if theirs is None or self._typed is None:
            return []
        mine = wishes.read(Fields(body(self._typed), ""), theirs).item
        differs = content.diff([theirs], [mine]).changed
        return [
            BothValues(menudiff.field_words(name), *(self._said(name, each) for each in (new, old)))
            for change in differs
            for name, (old, new) in change.fields.items()
        ]

    def _said(self, name: str, value: Any) -> str:
        return menudiff.value(name, value, self._toys)

    @property
    def boxes(self) -> list[ShowBox]:
        return itemterms.boxes(self._item, self._typed)

    @property
    def is_late(self) -> bool:
        return isinstance(self._wrong, ChangedMeanwhile)

    @property
    def is_active(self) -> bool:
        return bool(self._item["active"]) if self._typed is None else "active" in self._typed

    @property
    def lost(self) -> str:
        """A pattern of hers that it names, and that is not there any more."""
        value = self["pattern"].value
        return value if value.startswith(MINE) and value not in self.mine else ""

    def __getitem__(self, name: str) -> ItemField:
        """By name, for the template, which asks here first for whatever it wants."""
        if name not in NEW:
            raise KeyError(name)
        value = self._item[name] if self._typed is None else self._typed.get(name, "")
        return ItemField(name, value, self.errors.get(name, ""))


def asked_for(said: QueryDict) -> Item:
    """A new one, for the amounts that a link names."""
    found = {name: said[name][:16] for name in ("minimum", "maximum") if name in said}
    return NEW | found


def body(typed: QueryDict) -> Json:
    """What was typed, as the body of the REST call that says the same. An empty end is none."""
    said: Json = {name: typed.get(name, "") for name in TEXTS}
    said |= {name: whole(typed.get(name, "")) for name in NUMBERS} | partsform.body(typed)
    said |= {"maximum": said["maximum"] or None, "active": "active" in typed}
    return chanceform.body(typed, said | itemterms.body(typed))
