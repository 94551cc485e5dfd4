"""What the performer's page of devices shows: those she has, what each of them may do and why it
cannot be reached, and those she removed.

Her own rows only, each part read once and only for the region that shows it. Nothing is changed
here."""

from dataclasses import dataclass
from datetime import datetime
from functools import cached_property

from lovense.devices import changes, choices, summary, toytable
from lovense.devices.readings import LONGEST_NICKNAME
from lovense.menus.vibration import LONGEST_ITEM_SECONDS, SHORTEST_RUN_SECONDS
from lovense.models import Performer
from lovense.page.showndevice import ShownDevice
from lovense.rows import DeviceRow, FunctionRow

REGIONS = frozenset({"devices"})
VIRTUAL_BRIDGE = "SIMULATOR"
# Who says that a device has a function.
SOURCES = {
    "verified": "you tried it",
    "gettoys": "it says so itself",
    "table": "known of its type",
    "default": "assumed, its type is not known",
}
WHY_AWAY = {
    changes.REPORTED: "Its app does not reach it. Switch it on and keep it near the phone.",
    changes.MISSING: "Its app does not list it any more. Connect it in the Lovense app.",
    changes.NO_NEWS: "Its app has fallen silent. Open the Lovense app, and keep the phone awake.",
}
WHY_A_PAGE_LACKS_IT = {
    changes.REPORTED: "The page that has it says that it is not connected.",
    changes.MISSING: "The page does not have it any more.",
    changes.NO_NEWS: "The page that had it is closed. Open the Live page.",
}


@dataclass(frozen=True, slots=True)
class ShownFunction:
    """A function of a device: whether and how strongly it may move, and who says that it has it.
    `may_choose` is false of what is not hers to switch here."""

    name: str
    words: str
    source: str
    is_on: bool
    may_choose: bool
    cap: int
    top: int


class KeptDevice(ShownDevice):
    """A device of hers, with all that its page shows."""

    def __init__(self, row: DeviceRow, now: datetime, *, is_virtual: bool) -> None:
        super().__init__(row, now)
        self.device_id, self.is_virtual = row["_id"], is_virtual and row["host_id"] == changes.PAGE
        self.firmware = row["firmware"]
        self.maximum_seconds, self.unsupported = row["maximum_seconds"], row["unsupported"]

    @property
    def kind(self) -> str:
        """The vendor writes types in small letters."""
        name = self.row["name"]
        return name if name != name.lower() else name.title()

    @property
    def is_able(self) -> bool:
        """At least one of its functions may move."""
        return any(each.is_on for each in self.functions)

    @property
    def is_ready(self) -> bool:
        """It is told what is to be played."""
        return self.is_enabled and not self.is_away and self.is_able

    @property
    def tone(self) -> str:
        if self.is_away:
            return "warn" if self.is_enabled else "idle"
        return "good"

    @property
    def why_silent(self) -> str:
        """Why nothing is sent to it, and what helps; empty where something is."""
        if not self.is_enabled:
            return "Switched off: nothing is sent to it."
        if not self.is_away:
            return "" if self.is_able else "Nothing that it can do may move."
        known = WHY_A_PAGE_LACKS_IT if self.row["host_id"] == changes.PAGE else WHY_AWAY
        return known.get(changes.NO_NEWS if self.is_silent else self.row["reason"], "")

    @cached_property
    def functions(self) -> list[ShownFunction]:
        return [self._function(each) for each in self.row["functions"]]

    def _function(self, function: FunctionRow) -> ShownFunction:
        name = function["name"]
        top, cap = toytable.TOPS[name], summary.cap_of(self.row, name)
        is_on = summary.is_function_enabled(self.row, name)
        return ShownFunction(
            name=name,
            words=_words(name, f"up to {cap} of {top}" if is_on else ""),
            source=SOURCES[function["source"]],
            is_on=is_on,
            may_choose=is_on or not (name in summary.GUARDED or name in toytable.NOT_USED),
            cap=cap,
            top=top,
        )


def _words(name: str, strength: str) -> str:
    if name in toytable.NOT_USED:
        return "not used"
    if not strength and name in summary.GUARDED:
        return "off until you have tried it"
    return strength or "off"


@dataclass(frozen=True, slots=True)
class RemovedDevice:
    """A device that she may restore."""

    device_id: str
    nickname: str
    removed_at: datetime | None


class DevicesPage:
    """What the page shows. Each part is read once, and only when the region that shows it is
    rendered."""

    longest_nickname = LONGEST_NICKNAME
    shortest_seconds, longest_seconds = SHORTEST_RUN_SECONDS, LONGEST_ITEM_SECONDS

    def __init__(self, performer: Performer, now: datetime) -> None:
        self._performer, self._now = performer, now
        self._id = performer.performer_id

    @property
    def is_virtual(self) -> bool:
        """What she plays on is a page, not hardware."""
        return self._performer.bridge == VIRTUAL_BRIDGE

    @cached_property
    def devices(self) -> list[KeptDevice]:
        return list(map(self.shown, choices.kept(self._id)))

    def shown(self, row: DeviceRow) -> KeptDevice:
        return KeptDevice(row, self._now, is_virtual=self.is_virtual)

    @property
    def ready(self) -> int:
        """How many of them can be told something now."""
        return sum(device.is_ready for device in self.devices)

    @cached_property
    def removed(self) -> list[RemovedDevice]:
        return [
            RemovedDevice(row["_id"], row["nickname"], row["removed_at"])
            for row in choices.removed(self._id)
        ]
