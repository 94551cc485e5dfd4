"""The waveform of what plays and waits on the live page, as bars: made by the compiler that makes
the commands, within the caps of now. Kept by what an item says, so that another version of it is
drawn anew. Pure."""

from collections.abc import Mapping
from functools import lru_cache
from typing import Any, NamedTuple

from lovense.deciding.rules import Caps
from lovense.menus import vibration
from lovense.menus.actuators import VibrationCaps
from lovense.menus.compiler import compile_or_refuse
from lovense.rows import Item
from lovense.timeline import Timeline

Bars = tuple[int, ...]
"""Levels from 0 to 20, each lasting as long; empty: nothing of it is known, or it moves nothing."""

STAGE_BARS, ROW_BARS = 90, 24
KEPT = 2048
NOTHING: Bars = ()


def of_item(item: Item, caps: Caps, *, bars: int) -> Bars:
    """Of all its devices and functions the strongest; no more than `bars`."""
    said = (item["pattern"], item["intensity"], item["durationSec"], vibration.parts_of(item))
    return _levels(said, caps, bars)


def of_run(item: Item, seconds: int, caps: Caps, *, bars: int) -> Bars:
    """Of a run that plays one item for so many seconds, since others have joined it."""
    whole = {name: value for name, value in item.items() if name != "loops"}
    return of_item(whole | {"durationSec": seconds}, caps, bars=bars)


class DeviceLevels(NamedTuple):
    """What one share of the devices is told in a run: `bars` of `step_ms` each. `toys`: none named,
    all that are connected."""

    toys: tuple[str, ...]
    step_ms: int
    bars: Bars


def of_devices(item: Item, caps: Caps, *, seconds: int = 0) -> tuple[DeviceLevels, ...]:
    """By share of its devices. `seconds`: of a run that others have joined; 0: as long as the
    item."""
    said = {name: value for name, value in item.items() if not (seconds and name == "loops")}
    said |= {"durationSec": seconds} if seconds else {}
    return tuple(_share(said, caps, place) for place in range(len(caps.shares)))


def _share(item: Mapping[str, Any], caps: Caps, place: int) -> DeviceLevels:
    drawn = _timeline(item, caps, place)
    step = max(1, -(-drawn.length_ms // STAGE_BARS))
    tracks = list(drawn.samples(step).values()) if drawn.length_ms else []
    count = max(map(len, tracks), default=0)
    bars = tuple(max(t[n] for t in tracks if n < len(t)) for n in range(count))
    return DeviceLevels(caps.shares[place].toys, step, bars)


@lru_cache(maxsize=KEPT)
def _levels(said: tuple[str, int, int, tuple[tuple[str, Any], ...]], caps: Caps, bars: int) -> Bars:
    pattern, intensity, seconds, more = said
    item = {"pattern": pattern, "intensity": intensity, "durationSec": seconds, **dict(more)}
    drawn = [_timeline(item, caps, place) for place in range(len(caps.shares))]
    length = max((each.length_ms for each in drawn), default=0)
    if not length:
        return NOTHING
    step = max(1, -(-length // bars))
    tracks = [track for each in drawn for track in each.samples(step).values()]
    count = -(-length // step)
    return tuple(max((t[n] for t in tracks if n < len(t)), default=0) for n in range(count))


def _timeline(item: Mapping[str, Any], caps: Caps, place: int) -> Timeline:
    limits = VibrationCaps(caps.seconds, caps.intensity)
    try:
        return compile_or_refuse(item, limits, caps.of(caps.shares[place])).timeline
    except (vibration.NothingAllowed, KeyError):  # what is not ours to draw has no pattern of ours
        return Timeline(0)
