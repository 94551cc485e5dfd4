"""How all devices are spread over batteries, firmware and what is not known, as their page shows
it: from the last minute, and nothing where nobody has looked lately."""

from collections.abc import Mapping
from datetime import datetime
from typing import NamedTuple

from adminpanel.watch import lasthour
from adminpanel.watch.register import STEP, FirmwareSeen, StrangeSeen


class BatteryStep(NamedTuple):
    words: str
    devices: int


class Spread(NamedTuple):
    """`at`: when it was counted; None: nobody has looked lately, and there is nothing to show."""

    at: datetime | None
    batteries: list[BatteryStep]
    firmwares: list[FirmwareSeen]
    strange: list[StrangeSeen]


def read(*, now: datetime) -> Spread:
    hour = lasthour.read(now=now)
    seen = hour.seen.get("register") if hour.seen else None
    if seen is None:
        return Spread(None, [], [], [])
    steps = [_step(low, seen["batteries"]) for low in range(0, 100, STEP)]
    return Spread(hour.looked_at, steps, seen["firmwares"], seen["strange"])


def _step(low: int, found: Mapping[str, int]) -> BatteryStep:
    high = low + STEP - 1 if low + STEP < 100 else 100
    return BatteryStep(f"{low} to {high} %", found.get(str(low), 0))
