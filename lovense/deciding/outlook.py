"""Outlook: what an item would do on each device of a performer's, by the compiler and the caps that
bind a tip. Pure; a device that is away now is looked at as if it were there.

An item is looked at for a preview, for the lint and for the ruler alike."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, NamedTuple

from lovense.deciding.rules import Caps, Rules, Share
from lovense.devices import summary
from lovense.menus import parts, vibration
from lovense.menus.actuators import Capabilities, VibrationCaps
from lovense.menus.compiler import Cannot, Compiled, compile_vibration
from lovense.menus.matching import Item
from lovense.rows import DeviceSummary, PerformerRow

ANYBODY = "any device"  # while none is known
SWITCHED_OFF, FUNCTION_OFF, GONE = "switched_off", "function_off", "gone"
KEPT = 4096
AskedItem = tuple[str, int, int, tuple[tuple[str, Any], ...]]
"""Its pattern, strength, seconds and whatever else says what plays; hashable."""


class DeviceOutlook(NamedTuple):
    """One device: what it plays, or why it cannot. `is_there`: it can be told now. `offset_ms`: so
    much later than the run it is wished to start."""

    toy_id: str
    nickname: str
    is_there: bool
    offset_ms: int
    found: Compiled | Cannot
    effect: float


@dataclass(frozen=True, slots=True)
class Outlook:
    """Of an item on all devices that it is for."""

    item: Item
    devices: tuple[DeviceOutlook, ...]

    @property
    def plays(self) -> list[DeviceOutlook]:
        return [each for each in self.devices if isinstance(each.found, Compiled)]

    @property
    def promised_seconds(self) -> int:
        played = (each.found for each in self.devices)
        return max((one.promised_seconds for one in played if isinstance(one, Compiled)), default=0)

    @property
    def effect(self) -> float:
        """How much there is of it, on all devices together."""
        return round(sum(each.effect for each in self.devices), 3)

    @property
    def notes(self) -> tuple[str, ...]:
        """Of any device."""
        played = [one.found for one in self.devices if isinstance(one.found, Compiled)]
        return tuple(dict.fromkeys(note for one in played for note in one.notes))


def of(rules: Rules, performer: PerformerRow, item: Item) -> Outlook:
    """Where what her toys do is not decided here, as if none were known."""
    devices = performer.get("devices")
    if not devices or rules.own_levels_of(performer) is not None:
        return Outlook(item, (_anybody(rules, performer, item),))
    there: list[DeviceSummary] = [{**each, "isConnected": True} for each in devices]
    whole: PerformerRow = {**performer, "devices": there}
    caps = Rules(rules.platform, {performer["_id"]: whole}, at=rules.at).caps_of_item(
        performer["_id"], item
    )
    return Outlook(item, tuple(_all(devices, item, caps)))


def _anybody(rules: Rules, performer: PerformerRow, item: Item) -> DeviceOutlook:
    unknown: PerformerRow = {**performer, "devices": []}
    caps = Rules(rules.platform, {performer["_id"]: unknown}, at=rules.at).caps_of(performer["_id"])
    found, effect = _played(item, caps.of(caps.shares[0]), caps)
    return DeviceOutlook("", ANYBODY, True, 0, found, effect)


def _all(devices: Sequence[DeviceSummary], item: Item, caps: Caps) -> Iterator[DeviceOutlook]:
    offsets, known = parts.offsets(item), {each["toyId"] for each in devices}
    for each in summary.among(devices, offsets):
        offset = offsets.get(each["toyId"], 0)
        is_there, nickname = bool(summary.ready([each])), each["nickname"]
        found, effect = _on(each, item, caps)
        yield DeviceOutlook(each["toyId"], nickname, is_there, offset, found, effect)
    for toy_id in offsets:
        if toy_id not in known:
            gone = Cannot(GONE, "", "It is not paired any more.")
            yield DeviceOutlook(toy_id, parts.GONE, False, offsets[toy_id], gone, 0.0)


def _on(device: DeviceSummary, item: Item, caps: Caps) -> tuple[Compiled | Cannot, float]:
    if not device["isEnabled"]:
        return Cannot(SWITCHED_OFF, "", "It is switched off."), 0.0
    share = _share_of(device, caps)
    if share is None:
        name = next(iter(item.get("functions", ())), summary.main(device))
        return Cannot(FUNCTION_OFF, name, f"{name} is off, or not there."), 0.0
    return _played(item, caps.of(share), caps)


def _share_of(device: DeviceSummary, caps: Caps) -> Share | None:
    """None: nothing of it is told."""
    if len(caps.shares) == 1 and not caps.shares[0].toys:
        return caps.shares[0] if summary.main(device) in device["functions"] else None
    return next((each for each in caps.shares if device["toyId"] in each.toys), None)


def _played(item: Item, able: Capabilities, caps: Caps) -> tuple[Compiled | Cannot, float]:
    """What it plays, and how much there is of it."""
    limits, more = VibrationCaps(caps.seconds, caps.intensity), vibration.parts_of(item)
    return _seen((item["pattern"], item["intensity"], item["durationSec"], more), able, limits)


@lru_cache(maxsize=KEPT)
def _seen(
    asked: AskedItem, able: Capabilities, limits: VibrationCaps
) -> tuple[Compiled | Cannot, float]:
    pattern, intensity, seconds, more = asked
    item = {"pattern": pattern, "intensity": intensity, "durationSec": seconds, **dict(more)}
    found = compile_vibration(vibration.of_item(item), able, limits)
    return found, found.timeline.effect if isinstance(found, Compiled) else 0.0
