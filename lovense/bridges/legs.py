"""Legs as a page is handed them: for each device, by the host that tells it, the slices of a run
with the calls of each, ready to be sent. Pure, and the same for the same run, so it is kept."""

from collections.abc import Sequence
from functools import lru_cache
from typing import Any

import orjson

from lovense.bridges import slices
from lovense.bridges.bridge import Bridge, DeviceLeg
from lovense.devices import summary
from lovense.rows import Command, DeviceSummary, Json

MAX_LEGS = 16
# Of one message, of all its devices: a page that leaves too much unread is cut off. A run that is
# longer is told so far, and what it then lacks is owed.
MAX_SLICES = 600
KEPT = 64  # runs: what is told again and again is worked out once


def for_page(
    bridge: Bridge,
    commands: Sequence[Command],
    devices: Sequence[DeviceSummary],
    *,
    seconds: int,
) -> list[Json]:
    """A leg for each of these devices that can be told now and has something to do."""
    ready = ((each["toyId"], each.get("hostId", "")) for each in summary.ready(devices))
    reached = tuple(pair for pair in ready if pair[1])
    made = _made(bridge, orjson.dumps(commands), reached, seconds, bridge.lease_seconds)
    found: list[Json] = orjson.loads(made)
    return found


@lru_cache(maxsize=KEPT)
def _made(
    bridge: Bridge, commands: bytes, reached: tuple[tuple[str, str], ...], seconds: int, lease: int
) -> bytes:
    """As JSON, so that nobody can change what is kept."""
    named: list[Command] = orjson.loads(commands)
    told = [(*pair, found) for pair in reached if (found := told_to(named, pair[0]))][:MAX_LEGS]
    windows = slices.windows(seconds, lease)[: MAX_SLICES // max(1, len(told))]
    return orjson.dumps(
        [_leg(bridge, theirs, toy_id, host_id, windows) for toy_id, host_id, theirs in told]
    )


def _leg(
    bridge: Bridge,
    told: Sequence[Command],
    toy_id: str,
    host_id: str,
    windows: Sequence[slices.SliceWindow],
) -> Json:
    leg = DeviceLeg(toy_id, tuple(told))
    return {
        "toyId": toy_id,
        "hostId": host_id,
        "promised": windows[-1].until,
        "slices": [
            {
                "n": each.n,
                "at": each.told_at,
                "until": each.until,
                "calls": bridge.encode(leg, each),
            }
            for each in windows
        ],
    }


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
