"""`EXTENSION`: the vendor's Cam Extension on her Live page. It is handed a tip, whole, and nothing
else: what her toys do for it is set in the extension, by her.

So nothing of her menu, and none of her limits of strength and length, reaches her toys on this
path (https://developer.lovense.com/docs/cam-solutions). What is foreseen of a tip comes from what
the extension has said of its levels: `extensionreport.py`."""

from collections.abc import Sequence
from datetime import datetime

from ground import clock
from lovense.bridges import extensionreport, outcomes
from lovense.bridges.bridge import DeviceLeg, RunsIn
from lovense.bridges.outcomes import CallAnswer, CallOutcome
from lovense.bridges.slices import SliceWindow
from lovense.devices.readings import ReportedToys
from lovense.rows import Command, DeviceRow, ExtensionLevel, ExtensionRow, Item, Json, PerformerRow

HAND_OVER = "ReceiveTip"  # the one command that this path has
ITEM = "extension"
CANNOT_STOP = (
    "The extension cannot be stopped from here: press stop in the extension itself, or switch the "
    "toy off."
)


class ExtensionBridge:
    """Of a run it is told one thing, and nothing that is measured comes back."""

    can_stop = False
    lease_seconds = 0
    start_lag_ms = 0
    step_ms = 1000
    runs_in = RunsIn.PAGE

    def __init__(self, name: str) -> None:
        self.name = name

    @property
    def own_levels(self) -> "ExtensionBridge":
        return self

    def capabilities(self, device: DeviceRow) -> dict[str, int]:
        """No function of a device can be told anything."""
        return {}

    def encode(self, leg: DeviceLeg, window: SliceWindow) -> list[Command]:
        """No device is told anything by itself."""
        return []

    def stop(self, toy_ids: Sequence[str]) -> list[Command]:
        """The extension has no call for it."""
        return []

    def read_status(self, payload: Json) -> ReportedToys:
        toys = tuple(extensionreport.toys(payload.get("toys")))
        return ReportedToys(toys, len(toys))

    def outcome(self, answer: CallAnswer) -> CallOutcome:
        return outcomes.outcome_of(answer)

    def answer(self, performer: PerformerRow, amount: int) -> Item:
        """What is foreseen of it; `durationSec` 0: nobody knows."""
        found = answering(performer.get("extension"), amount)
        return _item(found) if found else _UNKNOWN | {"minimum": amount, "maximum": amount}

    def hand_over(self, amount: int, name: str, now: datetime) -> list[Command]:
        """`decidedAt`: a page whose memory is younger cannot know whether it has done it."""
        told = {"command": HAND_OVER, "amount": amount, "name": name}
        return [told | {"decidedAt": clock.iso(now)}]


def answering(told: ExtensionRow | None, amount: int) -> ExtensionLevel | None:
    """A special command by its exact amount, else the first level that contains it."""
    levels = told["levels"] if told else ()
    return next((each for each in levels if each["minimum"] <= amount <= each["maximum"]), None)


def words(level: ExtensionLevel) -> str:
    """As a person reads it."""
    name = level["special"] or level["name"].replace("level", "level ", 1)
    return f"Extension: {name}"


_UNKNOWN: Item = {
    "itemId": ITEM,
    "title": "Extension: no level known",
    "pattern": "level",
    "intensity": None,
    "durationSec": 0,
    "order": 0,
}


def _item(level: ExtensionLevel) -> Item:
    return _UNKNOWN | {
        "title": words(level),
        "minimum": level["minimum"],
        "maximum": level["maximum"],
        "intensity": level["vibration"],
        "durationSec": level["seconds"],
    }
