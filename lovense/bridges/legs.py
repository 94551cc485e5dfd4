"""Legs as a page is handed them: for each device, by the host that tells it, the slices of a run
with the calls of each, ready to be sent. Pure, and the same for the same run, so it is kept."""

from collections.abc import Iterable, Mapping, Sequence
from functools import lru_cache
from typing import Any, NamedTuple

import orjson

from lovense.bridges import slices, starts
from lovense.bridges.bridge import Bridge, DeviceLeg
from lovense.devices import summary
from lovense.rows import Command, DeviceSummary, Json

MAX_LEGS = 16
# Of one message, of all its devices: a page that leaves too much unread is cut off. A run that is
# longer is told so far, and what it then lacks is owed.
MAX_SLICES = 600
KEPT = 64  # runs: what is told again and again is worked out once


class ReachedDevice(NamedTuple):
    """One that can be told, by the app that does, with how much later than others it answers and
    how much later it is wished to start."""

    toy_id: str
    host_id: str
    lead_ms: int
    offset_ms: int


def for_page(
    bridge: Bridge,
    commands: Sequence[Command],
    devices: Sequence[DeviceSummary],
    *,
    seconds: int,
    offsets: Mapping[str, int] | None = None,
) -> list[Json]:
    """A leg for each of these devices that can be told now and has something to do. `offsets`: by
    device, how many ms later than the run it is wished to start."""
    reached = tuple(_reached(each, offsets or {}) for each in summary.ready(devices))
    told = tuple(each for each in reached if each.host_id)
    made = _made(bridge, orjson.dumps(commands), told, seconds, bridge.lease_seconds)
    found: list[Json] = orjson.loads(made)
    return found


def _reached(device: DeviceSummary, offsets: Mapping[str, int]) -> ReachedDevice:
    toy_id = device["toyId"]
    host_id, lead_ms = device.get("hostId", ""), device.get("lead", 0)
    return ReachedDevice(toy_id, host_id, lead_ms, offsets.get(toy_id, 0))


@lru_cache(maxsize=KEPT)
def _made(
    bridge: Bridge, commands: bytes, reached: tuple[ReachedDevice, ...], seconds: int, lease: int
) -> bytes:
    """As JSON, so that nobody can change what is kept."""
    named: list[Command] = orjson.loads(commands)
    told = [(each, found) for each in reached if (found := told_to(named, each.toy_id))][:MAX_LEGS]
    most = MAX_SLICES // max(1, len(told))
    begins = _starts(bridge, [each for each, _ in told], seconds)
    return orjson.dumps(
        [
            _leg(
                bridge,
                theirs,
                each,
                slices.planned(theirs, seconds, lease)[:most],
                begins[each.toy_id],
            )
            for each, theirs in told
        ]
    )


def _starts(
    bridge: Bridge, told: Sequence[ReachedDevice], seconds: int
) -> dict[str, starts.LegStart]:
    leads = {each.toy_id: each.lead_ms for each in told}
    offsets = {each.toy_id: each.offset_ms for each in told}
    return starts.of(leads, offsets, step_ms=bridge.step_ms, seconds=seconds)


def _leg(
    bridge: Bridge,
    told: Sequence[Command],
    device: ReachedDevice,
    windows: Sequence[slices.SliceWindow],
    start: starts.LegStart,
) -> Json:
    its, rest_ms = starts.later(windows, start.kept)
    leg = DeviceLeg(device.toy_id, tuple(told), its[0].start)
    made = [_slice(bridge, leg, each, rest_ms) for each in its]
    about: Json = {"toyId": device.toy_id, "hostId": device.host_id}
    return {**about, **said(start), "promised": its[-1].until - its[0].start, "slices": made}


def said(start: starts.LegStart) -> Json:
    """Nothing of a device that starts with the run, as it was to."""
    found: Json = {"offsetMs": start.kept} if start.kept else {}
    return found | ({"askedMs": start.asked} if start.asked != start.kept else {})


def _slice(bridge: Bridge, leg: DeviceLeg, window: slices.SliceWindow, rest_ms: int) -> Json:
    calls, at, until = bridge.encode(leg, window), window.told_at, window.until
    if rest_ms:
        return {"n": window.n, "at": _in(at, rest_ms), "until": _in(until, rest_ms), "calls": calls}
    return {"n": window.n, "at": at, "until": until, "calls": calls}


def _in(second: int, rest_ms: int) -> float:
    return round(second + rest_ms / starts.SECOND, 3)


def told(commands: Sequence[Command], devices: Iterable[DeviceSummary]) -> list[DeviceSummary]:
    """Those that are ready and are told something."""
    return [each for each in summary.ready(devices) if told_to(commands, each["toyId"])]


def told_to(commands: Sequence[Command], toy_id: str) -> list[Command]:
    """What this device is to play, as the run's commands say it; who they are for is left out."""
    return [
        {name: value for name, value in command.items() if name != "toy"}
        for command in commands
        if toy_id in _named(command, toy_id)
    ]


def _named(command: Command, anybody: str) -> Sequence[Any]:
    named = command.get("toy", anybody)
    return named if isinstance(named, list) else [named]
