"""What the page of her menu says about it: what the lint has found beside each item, the ruler as a
drawing, and what an amount does on each device. Nothing is changed here."""

from collections.abc import Sequence
from datetime import datetime
from typing import NamedTuple

from lovense.deciding.foresight import Foresight
from lovense.deciding.linting import RuledInterval
from lovense.deciding.outlook import DeviceOutlook
from lovense.lane.eta import Foreseen
from lovense.menus import lint, waveform
from lovense.menus.compiler import NOTES, Compiled
from lovense.menus.fixes import FixedFinding
from lovense.menus.waveform import Curve
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
RULER_WIDTH, RULER_HEIGHT, LOWEST = 1000, 100, 4
MOST_PARTS, MOST_GENERAL = 60, 8
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


class ShownPart(NamedTuple):
    """A part of the ruler: a bar as high as its effect, and a line of words."""

    x: float
    y: float
    width: float
    height: float
    amounts: str
    title: str  # empty: a gap
    found: str
    tone: str


class ShownRuler(NamedTuple):
    """`more`: parts that are not listed, though drawn."""

    bars: list[ShownPart]
    more: int

    @property
    def lines(self) -> list[ShownPart]:
        return self.bars[:MOST_PARTS]


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
    most = max((each.effect for each in parts), default=0) or 1
    width = RULER_WIDTH / max(1, len(parts))
    bars = [_part(each, place * width, width, most) for place, each in enumerate(parts)]
    return ShownRuler(bars, max(0, len(bars) - MOST_PARTS))


def _part(each: RuledInterval, x: float, width: float, most: float) -> ShownPart:
    low, high, item = each.interval
    told = f"{low} and more" if high is None else str(low) if low == high else f"{low} to {high}"
    share = (each.effect / most) ** 0.5  # so that small ones are seen beside large ones
    height = max(LOWEST, share * RULER_HEIGHT) if item else RULER_HEIGHT
    found = ", ".join(CODE_WORDS[code] for code in each.codes)
    tone = "gap" if item is None else "warn" if each.codes else ""
    y = RULER_HEIGHT - height
    title = item["title"] if item else ""
    return ShownPart(
        round(x, 2), round(y, 2), round(width, 2), round(height, 2), told, title, found, tone
    )


def outlooks(seen: Foresight) -> list[ShownOutlook]:
    return [_outlook(each) for each in seen.outlook.devices] if seen.outlook else []


def _outlook(each: DeviceOutlook) -> ShownOutlook:
    later = f"{each.offset_ms} ms later" if each.offset_ms else ""
    if not isinstance(each.found, Compiled):
        return ShownOutlook(each.nickname, 0, later, each.is_there, each.found.text, [], [])
    notes = [NOTES[code] for code in each.found.notes]
    curves = waveform.paths(each.found.timeline)
    seconds = each.found.promised_seconds
    return ShownOutlook(each.nickname, seconds, later, each.is_there, "", notes, curves)
