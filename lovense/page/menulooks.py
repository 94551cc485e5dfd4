"""What the page of her menu says about it: what the lint has found beside each item, the ruler as a
drawing, and what an amount does on each device. Nothing is changed here."""

from collections.abc import Sequence
from datetime import datetime
from typing import NamedTuple

from django.urls import reverse

from lovense.deciding.foresight import Foresight
from lovense.deciding.linting import RuledInterval
from lovense.deciding.outlook import DeviceOutlook, Outlook
from lovense.lane.eta import Foreseen
from lovense.menus import lint, waveform
from lovense.menus.compiler import NOTES, Compiled
from lovense.menus.fixes import FixedFinding
from lovense.menus.waveform import Curve
from lovense.page import verdictpage
from lovense.page.livepage import WAITS_FOR

TONES = {lint.ERROR: "bad", lint.WARNING: "warn", lint.NOTE: "info"}
WORDS = {lint.ERROR: "Error", lint.WARNING: "Check", lint.NOTE: "Note"}
CODE_WORDS = {
    lint.GAP: "gap",
    lint.OVERLAP: "overlap",
    lint.UNREACHABLE: "never reached",
    lint.INVERSION: "less for more",
    lint.CANNOT: "a device cannot",
    lint.OVER_CAP: "over a limit",
    lint.ALTERED: "altered",
    lint.SAME_PRICE: "one amount twice",
    lint.STUCK: "may be stuck",
}
MOST_GENERAL = 8
AT_ONCE, MINUTE = 1, 60  # seconds
FEW_ITEMS, FIXES_OF_MANY = 100, 5  # of a large menu fewer fixes are tried each time it is shown


class ShownFinding:
    """A line beside an item, or above the menu; `fix` whether a button can mend it."""

    def __init__(self, found: FixedFinding) -> None:
        one = found.finding
        self.text, self.tone, self.word = one.text, TONES[one.severity], WORDS[one.severity]
        self.code, self.about, self.amount = one.key
        self.has_fix = found.fix is not None
        self.first = one.items[0] if one.items else ""
        self.element = f"{one.code}-{self.first or one.amount}"


class ShownRuler(NamedTuple):
    """For the component: `ranges` of amounts with what answers them, empty where nothing does, and
    where an item for them is made; `marks`: where something was found."""

    ranges: list[tuple[int, int | None, str, str]]
    marks: list[tuple[int, str]]


class ShownGates(NamedTuple):
    """What would be asked before it starts: `refused` and `passed`, each with what was seen."""

    refused: list[tuple[str, str]]
    passed: list[tuple[str, str]]

    @property
    def words(self) -> str:
        count = len(self.passed)
        return f"{count} gate{'' if count == 1 else 's'} passed"


class ShownOutlook(NamedTuple):
    """What one device plays of an item."""

    nickname: str
    seconds: int
    later: str
    is_there: bool
    cannot: str
    notes: list[str]
    curves: list[Curve]


def starts(expected: Foreseen | None, now: datetime) -> str:
    """When such a tip would start, as a sentence; empty: nothing would play."""
    if expected is None:
        return ""
    seconds = expected.seconds(now)
    if seconds is None:
        return f"If it came now, it {WAITS_FOR.get(expected.why, 'would wait very long')}."
    if seconds < AT_ONCE:
        return "If it came now, it would start at once."
    about = "some" if expected.is_estimate else "about"
    length = f"{seconds:.0f} s" if seconds < 2 * MINUTE else f"{seconds / MINUTE:.0f} minutes"
    return f"If it came now, it would start in {about} {length}."


def ruler(parts: Sequence[RuledInterval]) -> ShownRuler:
    ranges, marks = list[tuple[int, int | None, str, str]](), list[tuple[int, str]]()
    for (low, high, item), codes, _ in parts:
        ranges.append((low, high, item["title"] if item else "", "" if item else _new(low, high)))
        if codes:
            marks.append((low, ", ".join(CODE_WORDS[code] for code in codes)))
    return ShownRuler(ranges, marks)


def _new(low: int, high: int | None) -> str:
    """Where an item for these amounts is made."""
    end = "" if high is None else high
    return f"{reverse('menu-add')}?minimum={low}&maximum={end}"


def gates(seen: Foresight | None) -> ShownGates:
    said = [(each["passed"], verdictpage.shown_gate(each)) for each in seen.gates] if seen else []
    refused = [(gate.title, gate.saw) for is_passed, gate in said if not is_passed]
    return ShownGates(refused, [(gate.title, gate.saw) for is_passed, gate in said if is_passed])


def outlooks(seen: Foresight) -> list[ShownOutlook]:
    return of_devices(seen.outlook) if seen.outlook else []


def of_devices(seen: Outlook) -> list[ShownOutlook]:
    return [_outlook(each) for each in seen.devices]


def _outlook(each: DeviceOutlook) -> ShownOutlook:
    later = f"{each.offset_ms} ms later" if each.offset_ms else ""
    if not isinstance(each.found, Compiled):
        return ShownOutlook(each.nickname, 0, later, each.is_there, each.found.text, [], [])
    notes = [NOTES[code] for code in each.found.notes]
    curves = waveform.paths(each.found.timeline)
    seconds = each.found.promised_seconds
    return ShownOutlook(each.nickname, seconds, later, each.is_there, "", notes, curves)
