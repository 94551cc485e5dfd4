"""The form that changes several items of the menu at once. What may be said of an item is decided
by `lovense/menus/wishes.py` alone."""

from collections.abc import Collection

from django.http import QueryDict

from ground.json.fields import Malformed
from lovense.menus import content
from lovense.menus.bulk import LEAST_PERCENT, MOST_PERCENT, BulkWish
from lovense.menus.drafts import Draft
from lovense.menus.matching import SHOWS
from lovense.menus.publishing import MAXIMUM_SECTION

KEEP, ALL, OTHER = "keep", "all", "other"
ACTIVE = {"on": True, "off": False}
PERCENT_RULE = f"must be a whole number from {LEAST_PERCENT} to {MOST_PERCENT}"


class BulkForm:
    """`typed` is what was sent, None before that; `wrong` why it was refused."""

    longest_section = MAXIMUM_SECTION
    shows = (
        (KEEP, "As they are"),
        (ALL, "All shows"),
        *((show, f"{show.capitalize()} shows only") for show in SHOWS),
    )
    actives = ((KEEP, "As they are"), ("on", "Active"), ("off", "Not active"))

    def __init__(
        self,
        draft: Draft,
        chosen: Collection[str],
        typed: QueryDict | None = None,
        wrong: Malformed | None = None,
    ) -> None:
        self.items = [item for item in draft.items if item["itemId"] in chosen]
        self.revision, self._typed = draft.revision, typed
        self.error = str(wrong) if wrong else ""
        names = [name for name in content.sections(draft.items) if name]
        self.sections = [
            (KEEP, "As they are"),
            *((f"in:{name}", name) for name in names),
            ("in:", "Without a section"),
            (OTHER, "A new one"),
        ]

    @property
    def heading(self) -> str:
        count = len(self.items)
        return f"Change {count} item{'' if count == 1 else 's'}"

    @property
    def percent(self) -> str:
        return self._typed.get("percent", "") if self._typed else ""

    @property
    def section_name(self) -> str:
        return self._typed.get("section_name", "") if self._typed else ""


def wish(typed: QueryDict) -> BulkWish:
    """Raises Malformed."""
    section, shows = typed.get("section", KEEP), typed.get("shows", KEEP)
    if shows not in (KEEP, ALL, *SHOWS):
        raise Malformed("shows", f"must be one of {', '.join((KEEP, ALL, *SHOWS))}")
    chosen = [] if shows == ALL else [shows]
    return BulkWish(
        percent=_percent(typed.get("percent", "")),
        section=_section(section, typed.get("section_name", "")),
        shows=None if shows == KEEP else chosen,
        active=ACTIVE.get(typed.get("active", KEEP)),
    )


def _section(said: str, name: str) -> str | None:
    if said == OTHER:
        return name.strip()
    return said.removeprefix("in:") if said.startswith("in:") else None


def _percent(text: str) -> int:
    """`10`, `+10`, `-10`; with a minus of its own sign, too."""
    text = text.strip().replace("\u2212", "-").removesuffix("%").strip()
    digits = text.removeprefix("-").removeprefix("+")
    if not text:
        return 0
    if not (digits.isascii() and digits.isdigit() and len(digits) <= 4):
        raise Malformed("percent", PERCENT_RULE)
    number = int(text)
    if not LEAST_PERCENT <= number <= MOST_PERCENT:
        raise Malformed("percent", PERCENT_RULE)
    return number
