"""What an item promises within all limits: its commands, their seconds, and what is not as it
asked. Pure; asked by a gate, and by whoever foresees one."""

from functools import lru_cache
from typing import Any, NamedTuple

from lovense.deciding import devicetest
from lovense.deciding.rules import Caps, Share
from lovense.menus import vibration
from lovense.menus.actuators import VibrationCaps
from lovense.menus.compiler import Compiled, compile_or_refuse
from lovense.rows import Command, DeviceSummary, Item


class Promise(NamedTuple):
    """The commands, the seconds they promise, and what is not as the item asked: codes of the
    compiler's notes."""

    commands: list[Command]
    seconds: int
    notes: tuple[str, ...] = ()


def of_test(function: str, item: Item, device: DeviceSummary, caps: Caps) -> Promise:
    """Of a function of that device, or of a pattern on it."""
    if function:
        return Promise(*devicetest.compiled(item, function, device, caps))
    return Promise(*devicetest.of_pattern(item, device, caps))


def compiled(item: Item, caps: Caps) -> tuple[list[Command], int]:
    """The commands and the seconds they promise."""
    found = promised(item, caps)
    return found.commands, found.seconds


def promised(item: Item, caps: Caps) -> Promise:
    """Raises NothingAllowed."""
    more = vibration.parts_of(item)
    return _promised(item["pattern"], item["intensity"], item["durationSec"], more, caps)


@lru_cache(maxsize=4096)
def _promised(
    pattern: str, intensity: int, seconds: int, more: tuple[tuple[str, Any], ...], caps: Caps
) -> Promise:
    item = {"pattern": pattern, "intensity": intensity, "durationSec": seconds, **dict(more)}
    told: list[Command] = []
    length, notes = 0, dict[str, None]()
    for share in caps.shares:
        try:
            found = _of_share(item, share, caps)
        except vibration.NothingAllowed:
            if share is caps.shares[-1] and not told:
                raise
            continue
        named = {"toy": list(share.toys)} if share.toys else {}
        told += [command | named for command in found.calls]
        length, notes = found.promised_seconds, notes | dict.fromkeys(found.notes)
    return Promise(told, length, tuple(notes))


def _of_share(item: Item, share: Share, caps: Caps) -> Compiled:
    limits = VibrationCaps(caps.seconds, caps.intensity)
    return compile_or_refuse(item, limits, caps.of(share))
