"""What statistics are asked: a period, a word of some facets, a performer. Pure."""

import re
from collections.abc import Mapping
from datetime import datetime
from typing import NamedTuple

from django.utils.http import urlencode

from adminpanel.statistics import period
from adminpanel.statistics.period import StaffPeriod
from lovense.history import facets

PERFORMER = "performer"
SAID_OF_NONE = "none"  # in an address, of a facet that has no word
_WORD = re.compile(r"[A-Za-z0-9_ ]{1,40}", re.ASCII)
_ID = re.compile(r"[0-9a-f]{24}", re.ASCII)
WORD_RULE = "must be a word that statistics show, at most 40 letters, digits, _ or spaces"
ID_RULE = "must be a performer's id: 24 hexadecimal digits"


class StatisticsAsked(NamedTuple):
    """`chosen`: the word of each facet that is asked for. `errors`: by field, of what was left
    out."""

    period: StaffPeriod
    chosen: Mapping[str, str]
    performer_id: str
    errors: Mapping[str, str]

    @property
    def is_narrowed(self) -> bool:
        return bool(self.chosen)

    def address(self, **other: str) -> str:
        """Of the same with something else; empty: without that."""
        said = {name: said_of(word) for name, word in self.chosen.items()}
        whole = {**self.period.asked, **said, PERFORMER: self.performer_id, **other}
        return f"?{urlencode({name: value for name, value in whole.items() if value})}"


def read(query: Mapping[str, str], now: datetime) -> StatisticsAsked:
    asked = period.read(query, now)
    errors, chosen = dict(asked.errors), dict[str, str]()
    for name in facets.NAMES:
        if not (word := query.get(name, "")):
            continue
        if _WORD.fullmatch(word):
            chosen[name] = facets.NONE if word == SAID_OF_NONE else word
        else:
            errors[name] = WORD_RULE
    whose = query.get(PERFORMER, "")
    if whose and not _ID.fullmatch(whose):
        errors[PERFORMER], whose = ID_RULE, ""
    return StatisticsAsked(asked, chosen, whose, errors)


def said_of(word: str) -> str:
    """As an address or an answer says it."""
    return word or SAID_OF_NONE
