"""What the performer's page of devices shows: those she has, what each of them may do and why it
cannot be reached, those she removed, the apps she paired, and how far a pairing is.

Her own rows only, each part read once and only for the region that shows it. Nothing is changed
here."""

from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from typing import ClassVar

from django.conf import settings

from ground import clock
from lovense import bridges
from lovense.bridges import choosing
from lovense.deciding import devicetest, drift
from lovense.deciding.drift import DriftAnswer, DriftList, LevelDrift
from lovense.deciding.rules import Rules
from lovense.devices import choices, hosts, pairing, summary, toytable
from lovense.devices.choices import HerDevices
from lovense.devices.readings import LONGEST_NICKNAME
from lovense.models import Performer
from lovense.models import RepairWeight as W
from lovense.page import lastplayed, showntest
from lovense.page.keptdevice import KeptDevice, ShownHost
from lovense.page.pairingwalk import PairingWalk
from lovense.repairs import listing, words
from lovense.rows import DeviceRow, RepairRow
from lovense.stopping import paths

WITHOUT_A_DEVICE = frozenset({words.PAIR, words.LIVE, words.COMPARE})


class ShownRepair:
    """What is wrong, what to do, and the one button; `button` empty: there is nothing to press."""

    TONES: ClassVar = {W.URGENT: "bad", W.SERIOUS: "warn", W.MILD: "info"}
    WORDS: ClassVar = {W.URGENT: "Now", W.SERIOUS: "Soon", W.MILD: "When you like"}

    def __init__(self, row: RepairRow, device: KeptDevice | None) -> None:
        advice, weight = words.of(row), W(row["weight"])
        self.repair_id, self.since, self.times = row["_id"], row["since"], row["times"]
        self.tone, self.word = self.TONES[weight], self.WORDS[weight]
        self.wrong, self.todo, self.label = advice.wrong, advice.todo, advice.label
        self.host_id, self.device = row["host_id"], device
        self.function = row["function"] or (device.main_test if device else "")
        self.button = advice.button
        is_lacking = advice.button not in WITHOUT_A_DEVICE and device is None
        if is_lacking or (advice.button == words.TEST and not (device and device.may_test)):
            self.button = ""


# By bridge: what it is called, and what it means for her.
PATHS = {
    bridges.SIMULATOR: (
        "Virtual devices, to rehearse",
        "The virtual device of your Live page plays, and no toy moves.",
    ),
    bridges.STANDARD_SERVER: (
        "This server, over the internet",
        "Your toys play while the Lovense app is open on your phone. No page has to be open.",
    ),
    bridges.STANDARD_LAN: (
        "This page, over your own network",
        "Your Live page tells the Lovense app directly, without the internet between: keep it open "
        "on a device in the same Wi-Fi as your phone, with the app in front.",
    ),
    bridges.EXTENSION: (
        "The Lovense extension in your browser",
        "Your Live page hands each tip to the extension, and the extension's own levels decide "
        "what your toys do: not your menu, and not your limits here. Stop does not reach it.",
    ),
}
NO_SITE_NAME = "Not yet: the operator of this site has to set its name at Lovense (cam_site_name)."
DRIFT_SHOWN = 50
DIFFERS = {
    drift.NOTHING: "nothing",
    drift.STILL: "does not move the toy",
    drift.STRENGTH: "other strength",
    drift.SECONDS: "other length",
    drift.PATTERN: "other movement",
}


@dataclass(frozen=True, slots=True)
class ShownPath:
    """A path that she may choose."""

    name: str
    title: str
    words: str
    is_chosen: bool
    why_not: str = ""  # it cannot be chosen now


@dataclass(frozen=True, slots=True)
class ShownDrift:
    """Amounts that her extension answers in another way than her menu."""

    amounts: str
    how: list[str]
    tone: str
    menu: str
    extension: str


def _shown_drift(found: LevelDrift) -> ShownDrift:
    how, tone = [DIFFERS[each] for each in found.differs], "info"
    if drift.STILL in found.differs:
        tone = "warn"
    elif found.extension is None:
        how, tone = ["the extension does nothing"], "warn"
    elif found.menu is None:
        how = ["your menu has nothing"]
    menu, theirs = _answer_words(found.menu), _answer_words(found.extension)
    return ShownDrift(f"{drift.amounts(found)} tokens", how, tone, menu, theirs)


def _answer_words(answer: DriftAnswer | None) -> str:
    if answer is None:
        return "nothing"
    strength = "" if answer.strength is None else f", strength {answer.strength}"
    seconds = "length not told" if answer.seconds is None else f"{answer.seconds} s"
    title = answer.title.removeprefix("Extension: ")
    return f"{title}{strength}, {seconds}"


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
    trial = f"Test at level {toytable.TRIAL_LEVEL} for {devicetest.TRIAL_SECONDS} s"

    def __init__(self, performer: Performer, now: datetime) -> None:
        self._performer, self._now = performer, now
        self._id = performer.performer_id

    @property
    def paths(self) -> list[ShownPath]:
        return [self._path(name) for name in settings.LOVENSE_BRIDGES]

    def _path(self, name: str) -> ShownPath:
        why_not = NO_SITE_NAME if bridges.own_levels(name) and not self._has_site_name else ""
        title, words = PATHS.get(name, (name, ""))
        return ShownPath(name, title, words, name == self._performer.bridge, why_not)

    @cached_property
    def _has_site_name(self) -> bool:
        return choosing.has_site_name()

    @property
    def has_own_levels(self) -> bool:
        return bridges.own_levels(self._performer.bridge) is not None

    @property
    def nothing_yet(self) -> str:
        """What to do where she has no device; the virtual one is on Live only while she
        rehearses."""
        pair = "No device yet. Pair the Lovense app that has your toys"
        if self._performer.bridge != bridges.SIMULATOR:
            return f"{pair}."
        return f"{pair}, or switch the virtual device on, on Live, to rehearse without hardware."

    @property
    def by_hand(self) -> str:
        """While she is stopped: what her stop does not reach."""
        return paths.by_hand(self._performer.bridge) if self._performer.stopped_at else ""

    @cached_property
    def _drift(self) -> DriftList:
        return drift.of(self._id, Rules.read([self._id]))

    @property
    def drift(self) -> list[ShownDrift]:
        """Where her extension and her menu differ."""
        return [_shown_drift(each) for each in self._drift.found[:DRIFT_SHOWN]]

    @property
    def more_drift(self) -> int:
        return max(0, len(self._drift.found) - DRIFT_SHOWN)

    @property
    def levels_told_at(self) -> datetime | None:
        at = self._drift.settings_at
        return clock.parse(at) if at else None

    @property
    def unread_levels(self) -> int:
        return self._drift.unread

    @property
    def has_path(self) -> bool:
        return bridges.find(self._performer.bridge) is not None

    @property
    def has_choice(self) -> bool:
        """What cannot be chosen otherwise is not asked."""
        has_any = self.hosts or self.devices or self.has_own_levels
        is_asked = has_any or self._has_free_path or self._may_rehearse_again
        return not self.has_path or (len(self.paths) > 1 and bool(is_asked))

    @property
    def _may_rehearse_again(self) -> bool:
        """She has chosen toys, and the virtual devices need none."""
        bridge = self._performer.bridge
        return bridge != summary.SIMULATOR and summary.SIMULATOR in settings.LOVENSE_BRIDGES

    @property
    def _has_free_path(self) -> bool:
        """One that needs no device here."""
        return any(bridges.own_levels(each.name) and not each.why_not for each in self.paths)

    @property
    def is_rehearsal(self) -> bool:
        """What is played moves virtual devices, and she has others."""
        is_virtual = self._performer.bridge == summary.SIMULATOR
        return is_virtual and not all(each.is_reached for each in self.devices)

    @cached_property
    def devices(self) -> list[KeptDevice]:
        return list(map(self.shown, self._hers.kept))

    @cached_property
    def _hers(self) -> HerDevices:
        return choices.of(self._id)

    def shown(self, row: DeviceRow) -> KeptDevice:
        host = next((each for each in self.hosts if each.host_id == row["host_id"]), None)
        tests = showntest.of(row, self._tested, self._now)
        played = lastplayed.by(row["toy_id"], self._latest)
        bridge = self._performer.bridge
        return KeptDevice(row, self._now, host, bridge, tests=tests, last_played=played)

    @cached_property
    def _latest(self) -> list[lastplayed.PlayedRow]:
        return lastplayed.latest(self._id)

    @cached_property
    def _tested(self) -> showntest.Activations:
        return showntest.read(self._hers.kept)

    @property
    def is_testing(self) -> bool:
        """A test waits or plays: its end is news."""
        return any(device.is_testing for device in self.devices)

    @property
    def ready(self) -> int:
        """How many of them can be told something now."""
        return sum(device.is_ready for device in self.devices)

    @property
    def removed(self) -> list[RemovedDevice]:
        return [
            RemovedDevice(row["_id"], row["nickname"], row["removed_at"])
            for row in self._hers.removed
        ]

    @property
    def repairs(self) -> list[ShownRepair]:
        """What she is to mend, the heaviest first."""
        rows = listing.shown(self._id, now=self._now)
        return [ShownRepair(row, self._able(row)) for row in rows]

    def _able(self, row: RepairRow) -> KeptDevice | None:
        """The device that its button is about: its own or, of an app, one to try."""
        if row["device_id"]:
            return next((each for each in self.devices if each.device_id == row["device_id"]), None)
        return next((each for each in self.devices if each.host and each.main_test), None)

    @cached_property
    def hosts(self) -> list[ShownHost]:
        return [ShownHost(row, self._toys_of(row["_id"])) for row in hosts.of(self._id)]

    def _toys_of(self, host_id: str) -> list[str]:
        return [row["nickname"] for row in self._hers.kept if row["host_id"] == host_id]

    @cached_property
    def pairing(self) -> PairingWalk:
        row = pairing.current(self._id, now=self._now)
        whose = row["host_id"] if row else ""
        toys = [each for each in self.devices if whose and each.row["host_id"] == whose]
        return PairingWalk(row, self._now, toys)
