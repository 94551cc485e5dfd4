"""The preflight: what stands between a performer and her show, each in a sentence. Reads only.

Nothing that is merely worth knowing keeps her from beginning; only what is bad does."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal

from lovense import bridges
from lovense.bridges import RunsIn
from lovense.deciding import drift, rules
from lovense.deciding.rules import Rules
from lovense.devices import choices, summary
from lovense.performers import preferences
from lovense.repairs import finding
from lovense.rows import DeviceRow, DeviceSummary, PerformerRow
from lovense.sending import pages
from tips.queue import counts

Level = Literal["ok", "warn", "bad"]
COUNTED = 100
TESTED_WITHIN = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Check:
    """One of CHECKS."""

    name: str
    state: Level
    words: str


@dataclass(frozen=True, slots=True)
class ShowStanding:
    """All that the checks are asked of, read once."""

    rules: Rules
    performer: PerformerRow
    devices: list[DeviceRow]
    is_held: bool
    waiting: int
    now: datetime

    @property
    def is_told_by_server(self) -> bool:
        return self.performer["bridge"] in bridges.running_in(RunsIn.SERVER)

    @property
    def has_own_levels(self) -> bool:
        return bridges.own_levels(self.performer["bridge"]) is not None

    @property
    def reached(self) -> list[DeviceSummary]:
        return self.performer.get("devices") or []


Asked = tuple[Level, str]


def checks(performer_id: str, *, now: datetime) -> list[Check]:
    """In the order in which they are mended."""
    standing = _look(performer_id, now)
    return [Check(name, *ask(standing)) for name, ask in CHECKS.items()]


def is_ready(found: list[Check]) -> bool:
    return all(each.state != "bad" for each in found)


def _look(performer_id: str, now: datetime) -> ShowStanding:
    binding = Rules.read([performer_id])
    performer = binding.performers.get(performer_id)
    if performer is None:
        raise preferences.NoSuchPerformer
    kept = choices.of(performer_id).kept
    used = [row for row in kept if summary.is_reached(row, performer["bridge"])]
    held = bool(pages.holders(now=now, among=[performer_id]))
    waiting = counts.depth_of(performer_id, limit=COUNTED)
    return ShowStanding(binding, performer, used, held, waiting, now)


def _bridge(standing: ShowStanding) -> Asked:
    name = standing.performer["bridge"]
    if bridges.find(name) is None:
        return "bad", "Your devices are told by a path that this site does not offer."
    if name == summary.SIMULATOR:
        return "warn", "You rehearse: virtual devices play, and no toy moves."
    if bridges.own_levels(name) is not None:
        return "ok", "Tips are handed to your extension, which decides what your toys do."
    if not standing.is_told_by_server:
        return "ok", "Your toys are told by your Live page, over your own network."
    return "ok", "Your toys are told by this server, over the internet."


def _holder(standing: ShowStanding) -> Asked:
    if standing.is_held:
        return "ok", "Your devices are held."
    if not standing.is_told_by_server:
        return "bad", "No page holds your devices: open the Live page."
    return "bad", "This server does not hold your devices yet: it tries every second."


def _devices(standing: ShowStanding) -> Asked:
    reached, ready = standing.reached, summary.ready(standing.reached)
    if not ready:
        return "bad", f"Nothing can play: {summary.words(reached)}."
    away = [each for each in reached if each["isEnabled"] and not each["isConnected"]]
    if away:
        return "warn", f"{summary.words(ready)} can play; {summary.words(away)}."
    return "ok", f"{summary.words(ready)} can play."


def _battery(standing: ShowStanding) -> Asked:
    ready = {each["toyId"] for each in summary.ready(standing.reached)}
    known = [
        (row["battery"], row["nickname"])
        for row in standing.devices
        if row["battery"] is not None and row["toy_id"] in ready
    ]
    if not known:
        return "ok", "No battery is known."
    level, name = min(known)
    state: Level = "bad" if level <= finding.EMPTY else "warn" if level <= finding.LOW else "ok"
    return state, f"The lowest is {name}: {level} %."


def _tested(standing: ShowStanding) -> Asked:
    """Within a day, so that she has felt that it works."""
    if standing.performer["bridge"] == summary.SIMULATOR or standing.has_own_levels:
        return "ok", "There is nothing to be tested from here."
    since = standing.now - TESTED_WITHIN
    tests = (test for row in standing.devices for test in (row.get("tests") or {}).values())
    if any(test["at"] >= since for test in tests):
        return "ok", "A device was tested within a day."
    return "warn", "No device was tested within a day."


def _caps(standing: ShowStanding) -> Asked:
    if standing.has_own_levels:
        return "ok", "Strength and length are set in your extension; your limits here do not bind."
    caps = standing.rules.caps_of(standing.performer["_id"])
    ready = summary.ready(standing.reached)
    idle = [each["nickname"] for each in ready if not each["functions"]]
    if caps.intensity < 1 or (ready and len(idle) == len(ready)):
        return "bad", "Your limits leave nothing that may move."
    words = f"At most level {caps.intensity} of 20, for {caps.seconds} s."
    if ready and not summary.playing(ready):
        moved = summary.mains(ready)
        return "bad", f"What tips move is off on every device that is here: {moved}."
    return ("warn", f"{words} Nothing of {', '.join(idle)} may move.") if idle else ("ok", words)


def _menu(standing: ShowStanding) -> Asked:
    if standing.has_own_levels:
        return _drift(standing)
    menu = standing.rules.menu_of(standing.performer)
    if menu is not None and menu.items:
        count = len(menu.items)
        return "ok", f"Your menu has {count} {'item' if count == 1 else 'items'}."
    if standing.rules.default_item(standing.performer) is not None:
        return "warn", "You have no menu: every tip gets the same reaction."
    return "bad", "You have no menu: tips do nothing."


def _drift(standing: ShowStanding) -> Asked:
    found = drift.of(standing.performer["_id"], standing.rules)
    if found.settings_at is None:
        return "warn", "Your extension has not told its levels yet."
    if said := drift.words(found):
        return "warn", f"Your extension and your menu differ for {said}."
    return "ok", "Your extension does what your menu says."


def _queue(standing: ShowStanding) -> Asked:
    platform = standing.rules.platform
    if not platform["enable_lovense"]:
        return "bad", "The platform has switched devices off."
    if platform["is_draining"]:
        return "warn", "The site is being updated: nothing new starts until that is over."
    if rules.is_paused(standing.performer, standing.now):
        return "warn", "You have paused: nothing new starts."
    if not standing.waiting:
        return "ok", "Nothing waits."
    more = "or more " if standing.waiting >= COUNTED else ""
    return "ok", f"{standing.waiting} {more}{'waits' if standing.waiting == 1 else 'wait'}."


def _stop(standing: ShowStanding) -> Asked:
    if rules.is_stopped(standing.performer):
        return "bad", "You have pressed stop: resume first."
    return "ok", "Not pressed."


CHECKS: Mapping[str, Callable[[ShowStanding], Asked]] = {
    "bridge": _bridge,
    "holder": _holder,
    "devices": _devices,
    "battery": _battery,
    "tested": _tested,
    "caps": _caps,
    "menu": _menu,
    "queue": _queue,
    "stop": _stop,
}
