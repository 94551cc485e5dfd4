"""The forms of a pattern: its name and its text, with what plays or why nothing would; and on which
device it is tried. What may be said is decided by `lovense/patterns/` alone."""

from dataclasses import dataclass, field
from functools import cached_property

from ground.json.errors import Refusal
from lovense.lane import patterntests
from lovense.menus import waveform
from lovense.menus.vibration import MAXIMUM_LEVEL
from lovense.menus.waveform import Curve
from lovense.patterns import reading
from lovense.patterns.imports import LONGEST_NAME
from lovense.patterns.library import PatternChanged, WrongPattern
from lovense.patterns.reading import InvalidPattern
from lovense.patterns.recording import PatternChange
from lovense.patterns.score import LONGEST_TEXT, MAIN
from lovense.rows import DeviceSummary, PatternRow
from lovense.timeline import SECOND, Timeline


class DrawnText:
    """What a text plays, once, also as a `timeline`; or why it cannot be read, in `wrong`."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.timeline: Timeline | None = None
        self.wrong: InvalidPattern | None = None
        self.curves: list[Curve] = []
        self.seconds = ""
        try:
            drawn = reading.drawn(text)
        except InvalidPattern as wrong:
            self.wrong = wrong
            return
        self.timeline = drawn
        self.curves = [each._replace(function=_called(each)) for each in waveform.paths(drawn)]
        self.seconds = f"{drawn.length_ms / SECOND:g}"

    @property
    def at(self) -> tuple[str, str]:
        """The line that is wrong, as much of it as there is room for, and below it a mark under its
        column."""
        if self.wrong is None:
            return "", ""
        lines = self.text.split("\n")
        line = lines[self.wrong.line - 1] if self.wrong.line <= len(lines) else ""
        start = max(0, self.wrong.column - 1 - LONGEST_BEFORE)
        mark = " " * (self.wrong.column - 1 - start) + "^"
        return line[start : start + 2 * LONGEST_BEFORE].replace("\t", " "), mark

    @property
    def has_names(self) -> bool:
        """It says itself what moves."""
        return [each.function for each in self.curves] != [_MAIN]


_MAIN = "Strength"
LONGEST_BEFORE = 24  # characters before a mark under a column


def _called(curve: Curve) -> str:
    return _MAIN if curve.function == MAIN else curve.function


@dataclass(frozen=True)
class PatternForm:
    """`typed` is what stands in it; `wrong` why it was refused; `changes` what an import has
    changed."""

    name: str
    text: str
    row: PatternRow | None = None
    revision: int = 0
    wrong: Refusal | None = None
    changes: list[PatternChange] = field(default_factory=list)
    is_imported: bool = False

    longest_name, longest_text = LONGEST_NAME, LONGEST_TEXT

    @property
    def pattern_id(self) -> str:
        return self.row["_id"] if self.row else ""

    @property
    def heading(self) -> str:
        return self.row["name"] if self.row else "New pattern"

    @cached_property
    def drawn(self) -> DrawnText:
        return DrawnText(self.text)

    @property
    def is_late(self) -> bool:
        return isinstance(self.wrong, PatternChanged)

    @property
    def name_error(self) -> str:
        if isinstance(self.wrong, WrongPattern):
            rules = (each["rule"] for each in self.wrong.errors if each["field"] == "name")
            return next((f"{rule[0].upper()}{rule[1:]}." for rule in rules), "")
        return "" if self.wrong is None or self.is_late else str(self.wrong)


@dataclass(frozen=True)
class PatternTestForm:
    """On which of her devices, how strong and for how long."""

    row: PatternRow
    devices: list[DeviceSummary]
    wrong: str = ""

    strongest = MAXIMUM_LEVEL
    strength, seconds = patterntests.STRENGTH, patterntests.SECONDS
    longest_seconds = patterntests.LONGEST_SECONDS

    @property
    def pattern_id(self) -> str:
        return self.row["_id"]

    @property
    def choices(self) -> list[tuple[str, str]]:
        """Id and name of each device."""
        whose = self.row["performer_id"]
        return [(f"{whose}.{each['toyId']}", each["nickname"]) for each in self.devices]
