"""What the address of her history asks for: what of it is understood becomes the filter, what is
not stands beside its field with the rule, and the rest is applied all the same. Pure."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any, NamedTuple
from urllib.parse import urlencode
from zoneinfo import ZoneInfo

from ground import words
from lovense.history import browsing
from lovense.history.browsing import HistoryFilter
from lovense.menus.matching import DEFAULT_ITEM
from lovense.page import days
from lovense.rows import Item
from lovense.shows import summary

LONGEST_NAME, LONGEST_ITEM, MOST_TOKENS = 64, 64, 2**53 - 1
LONGEST_KEPT = 200  # of what was typed, shown again
OUTCOME_WORDS = (
    ("", "All"),
    (browsing.PLAYED, "Played"),
    (browsing.NOT_PLAYED, "Not played"),
    (browsing.OWES, "Owed"),
    (browsing.TESTS, "Tests"),
)
FIELDS = ("outcome", "item", "show", "from", "to", "at_least", "name")


class OutcomeChip(NamedTuple):
    href: str
    words: str
    on: bool


@dataclass(frozen=True)
class HistoryForm:
    """`typed` is what the address says, field by field; `errors` what is wrong with it."""

    typed: dict[str, str]
    filter: HistoryFilter
    errors: dict[str, str] = field(default_factory=dict)

    @property
    def is_open(self) -> bool:
        """Something beside the chips is asked."""
        return any(self.typed[name] for name in FIELDS if name != "outcome")

    @property
    def shown(self) -> dict[str, str]:
        """What a field that takes only days can hold."""
        return days.that_are_days(self.typed)

    @property
    def query(self) -> str:
        """The address without a place, as it was understood."""
        return urlencode(
            {name: said for name, said in self.typed.items() if said and name not in self.errors}
        )

    def at(self, **place: str) -> str:
        """The same question from another place on."""
        return "?" + "&".join(filter(None, (self.query, urlencode(place))))

    @property
    def chips(self) -> list[OutcomeChip]:
        return [
            OutcomeChip(self._with_outcome(value), said, value == self.filter.outcome)
            for value, said in OUTCOME_WORDS
        ]

    def _with_outcome(self, value: str) -> str:
        asked = {
            name: said
            for name, said in {**self.typed, "outcome": value}.items()
            if said and (name == "outcome" or name not in self.errors)
        }
        return f"?{urlencode(asked)}"

    def items(self, offered: Sequence[Item]) -> list[tuple[str, str]]:
        """What may be chosen: the items of her menu, and whatever the address names."""
        known = {each["itemId"]: each["title"] for each in offered}
        known[DEFAULT_ITEM] = "The default reaction"
        chosen = self.filter.item
        if chosen and chosen not in known:
            known[chosen] = "One that is gone"
        return [("", "Any"), *known.items()]


def read(query: Mapping[str, str], zone: ZoneInfo) -> HistoryForm:
    """Of a name that is given twice the last one counts."""
    typed = {name: _kept(query.get(name, "")) for name in FIELDS}
    errors: dict[str, str] = {}
    found: dict[str, Any] = {}
    for name, reader in _READERS.items():
        if typed[name]:
            try:
                found[name] = reader(typed[name])
            except ValueError as wrong:
                errors[name] = str(wrong)
    found.pop("show", None)  # when that was is looked up
    first, last = found.pop("from", None), found.pop("to", None)
    if first and last and last < first:
        errors["to"], last = "must not be before “From”", None
    since = days.begin(first, zone) if first else None
    until = days.begin(last + timedelta(days=1), zone) if last else None
    return HistoryForm(typed, HistoryFilter(since=since, until=until, **found), errors)


def _kept(said: str) -> str:
    return words.cleaned(said[: LONGEST_KEPT + 1], maximum=LONGEST_KEPT + 1)


def _outcome(said: str) -> str:
    if said not in browsing.OUTCOMES:
        raise ValueError(f"must be one of {', '.join(browsing.OUTCOMES)}")
    return said


def _item(said: str) -> str:
    if len(said) > LONGEST_ITEM:
        raise ValueError(f"must be at most {LONGEST_ITEM} characters")
    return said


def _show(said: str) -> str:
    if not (said.isascii() and said.isdigit() and len(said) <= summary.LONGEST_NUMBER):
        raise ValueError("must be the number of a show")
    return said


def _name(said: str) -> str:
    if len(said) > LONGEST_NAME:
        raise ValueError(f"must be at most {LONGEST_NAME} characters")
    return said


def _tokens(said: str) -> int:
    if not (said.isascii() and said.isdigit() and 1 <= int(said[:20]) <= MOST_TOKENS):
        raise ValueError("must be a whole number of tokens, from 1 up")
    return int(said)


_READERS: dict[str, Callable[[str], Any]] = {
    "outcome": _outcome,
    "item": _item,
    "show": _show,
    "from": days.read,
    "to": days.read,
    "at_least": _tokens,
    "name": _name,
}
