"""A pattern as a drawing pad shows it: levels in steps of 0.1 s, from its text and back into one;
and how strong each of her devices plays at most, as a line on it. Nothing is kept here."""

from typing import NamedTuple

from lovense.deciding import outlook
from lovense.deciding.linting import Linter
from lovense.menus.compiler import Compiled
from lovense.menus.vibration import LEVEL_PATTERN, MAXIMUM_LEVEL
from lovense.page.patternform import DrawnText
from lovense.patterns import recording, writing
from lovense.patterns.score import MAIN
from lovense.timeline import SECOND

STEP_MS, MOST_COLUMNS, USUAL_COLUMNS = 100, 300, 40
TOO_LONG = f"It is longer than {MOST_COLUMNS * STEP_MS // SECOND} s: change it as text."
NAMED = "It names functions, each with its own strength: change it as text."
UNREAD = "It is drawn again when its text can be read."
TRIED_SECONDS = 5  # of the strength of a device at its most


class PadView(NamedTuple):
    """`why`: it cannot be drawn on the pad, which shows nothing then; empty: it can."""

    levels: list[int]
    why: str = ""

    @property
    def said(self) -> str:
        return " ".join(map(str, self.levels))


class DeviceCap(NamedTuple):
    """How strong a device plays at most, of 20; `device_id` as a test names it."""

    device_id: str
    nickname: str
    level: int


def of(drawn: DrawnText) -> PadView:
    if drawn.timeline is None:
        return PadView([], UNREAD)
    if set(drawn.timeline.functions) - {MAIN}:
        return PadView([], NAMED)
    levels = drawn.timeline.samples(STEP_MS).get(MAIN, ())
    return PadView([], TOO_LONG) if len(levels) > MOST_COLUMNS else PadView(list(levels))


def text_of(said: str) -> str:
    """Of the levels of a pad, apart by spaces: the text that plays them. Empty: there are none."""
    parts = said.split()[:MOST_COLUMNS]
    levels = [int(each) for each in parts if each.isascii() and each.isdigit() and len(each) < 3]
    if not levels or len(levels) < len(parts) or max(levels) > MAXIMUM_LEVEL:
        return ""
    ends = [*enumerate(levels), (len(levels), 0)]
    samples = [(place * STEP_MS, level) for place, level in ends]
    return writing.written(recording.simplified(samples).score)


def caps(performer_id: str) -> list[DeviceCap]:
    """Of her devices that can be told something now: found by what plays the strongest there is."""
    linter = Linter.read(performer_id)
    loudest = {
        "itemId": "",
        "title": "",
        "pattern": LEVEL_PATTERN,
        "intensity": MAXIMUM_LEVEL,
        "durationSec": TRIED_SECONDS,
    }
    seen = outlook.of(linter.rules, linter.performer, loudest)
    return [
        DeviceCap(f"{performer_id}.{each.toy_id}", each.nickname, each.found.timeline.peak)
        for each in seen.devices
        if each.toy_id and each.is_there and isinstance(each.found, Compiled)
    ]
