"""The terms of a menu: when and where an item answers at all, and what answers where none does.
Their words, and their forms."""

from typing import Any, NamedTuple

from django.http import QueryDict

from lovense.menus import matching, vibration
from lovense.menus.drafts import ChangedMeanwhile
from lovense.menus.matching import SHOWS, Item
from lovense.menus.wishes import InvalidItem
from lovense.rows import Json


class ShowBox(NamedTuple):
    """A box of the form."""

    name: str
    is_checked: bool


def words(item: Item) -> list[str]:
    """What is not usual."""
    shows, cooldown = item.get("shows") or (), item.get("cooldownSec") or 0
    found = [f"Only in {' and '.join(shows)} shows"] if shows else []
    if matching.has_priority(item):
        found.append(f"{item['priority'].capitalize()} priority, where your queue goes by it")
    return found + ([f"Then not again for {cooldown} s"] if cooldown else [])


def boxes(item: Item, typed: QueryDict | None) -> list[ShowBox]:
    """As typed, before that as the item says."""
    checked = item.get("shows", ()) if typed is None else typed.getlist("shows")
    return [ShowBox(show, show in checked) for show in SHOWS]


def body(typed: QueryDict) -> Json:
    """What was typed, as the body of the REST call that says the same."""
    cooldown, stock = (typed.get(name, "").strip() for name in ("cooldownSec", "stock"))
    return {
        "shows": typed.getlist("shows"),
        "priority": typed.get("priority", matching.USUAL_PRIORITY),
        "cooldownSec": _whole(cooldown) if cooldown else 0,
        "stock": _whole(stock) if stock else None,
    }


# --- the default reaction ------------------------------------------------------------------------

NUMBERS = ("intensity", "durationSec")


class ReactionForm:
    """`typed` is what was sent, None before that; `wrong` why it was refused."""

    patterns, strongest = vibration.PATTERNS, vibration.MAXIMUM_LEVEL
    longest = vibration.LONGEST_ITEM_SECONDS

    def __init__(
        self,
        revision: int,
        now: Json,
        typed: QueryDict | None = None,
        wrong: InvalidItem | ChangedMeanwhile | None = None,
    ) -> None:
        self.revision, self._typed = revision, typed
        self.is_late = isinstance(wrong, ChangedMeanwhile)
        self.is_active = now["active"] if typed is None else "active" in typed
        self.pattern, self.intensity, self.seconds = (
            self._of(now, name) for name in ("pattern", *NUMBERS)
        )
        broken = wrong.errors if isinstance(wrong, InvalidItem) else []
        self.errors = {each.field: f"{each.rule[0].upper()}{each.rule[1:]}." for each in broken}

    def _of(self, now: Json, name: str) -> Any:
        return now[name] if self._typed is None else self._typed.get(name, "")


def reaction_body(typed: QueryDict) -> Json:
    """What was typed, as the body of the REST call that says the same."""
    said: Json = {"active": "active" in typed, "pattern": typed.get("pattern", "")}
    return said | {name: _whole(typed.get(name, "").strip()) for name in NUMBERS}


def _whole(text: str) -> int | str:
    """What is no number is refused by the rule that wants one."""
    return int(text) if text.isascii() and text.isdigit() and len(text) <= 16 else text
