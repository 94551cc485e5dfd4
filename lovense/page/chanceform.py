"""The fields of an item's form that leave something to chance: how weak and how short it may be,
and patterns with their weights. What is typed elsewhere as its strength and seconds is the most."""

from collections.abc import Mapping
from typing import Any, NamedTuple

from django.http import QueryDict

from lovense.menus import chance
from lovense.menus.chance import PATTERNS
from lovense.menus.draws import INTENSITY, RANDOM, SECONDS
from lovense.page.partsform import whole
from lovense.rows import Json

LEAST = {INTENSITY: "leastIntensity", SECONDS: "leastSeconds"}
DRAWN, MOST_LINES = "drawnPatterns", 100


class ChanceForm:
    """`typed` is what was sent, None before that."""

    most, heaviest = chance.MOST_PATTERNS, chance.HEAVIEST

    def __init__(
        self, item: Mapping[str, Any], typed: QueryDict | None, errors: Mapping[str, str]
    ) -> None:
        shown: Mapping[str, Any] = _shown(item.get(RANDOM) or {}) if typed is None else typed
        self.intensity, self.seconds = (shown.get(name, "") for name in LEAST.values())
        self.patterns, self.error = shown.get(DRAWN, ""), errors.get(RANDOM, "")

    @property
    def is_open(self) -> bool:
        return bool(self.error or self.intensity or self.seconds or self.patterns)


def _shown(random: Mapping[str, Any]) -> dict[str, str]:
    """As the form would send it."""
    found = {name: str(random[field]["from"]) for field, name in LEAST.items() if field in random}
    lines = [f"{each['pattern']} {each['weight']}" for each in random.get(PATTERNS, ())]
    return found | {DRAWN: "\n".join(lines)}


class _Line(NamedTuple):
    pattern: str
    weight: int | str


def body(typed: QueryDict, said: Json) -> Json:
    """What was typed, as the body of the REST call that says the same; `said`: what it says
    already. Of patterns that are drawn the one above is not asked."""
    if DRAWN not in typed:
        return said  # a form without these fields
    random: Json = {
        field: {"from": whole(least), "to": said[field]}
        for field, name in LEAST.items()
        if (least := typed.get(name, "").strip())
    }
    lines = [line.strip() for line in typed.get(DRAWN, "").splitlines()[:MOST_LINES]]
    if named := [_line(line) for line in lines if line]:
        random[PATTERNS] = [each._asdict() for each in named]
        said = {name: value for name, value in said.items() if name != "pattern"}
    return said | {RANDOM: random or None}


def _line(text: str) -> _Line:
    """A pattern and its weight; without one, 1."""
    name, _, weight = text.rpartition(" ")
    is_weighed = bool(name) and weight.isascii() and weight.isdigit()
    return _Line(name.strip(), whole(weight)) if is_weighed else _Line(text, 1)
