"""`python -m bench.slices`: what a run of 30 s costs that is told in slices, each of them encoded,
by its pattern, beside a single command of one level. Nothing is remembered from one to the next; no
process, no database.

Ends with status 1 where a ratio is above its bound."""

import os
import sys

import django

from bench.menus import Work, ratio
from lovense.rows import Command

BOUND, SECONDS, LEASE, TIMES = 20.0, 30, 4, 10


def works() -> tuple[dict[str, Work], Work]:
    """By pattern a run in slices; and the single command."""
    from lovense.bridges import standard
    from lovense.bridges.bridge import DeviceLeg, RunsIn
    from lovense.bridges.slices import planned
    from lovense.bridges.standard import StandardBridge
    from lovense.menus import vibration
    from lovense.menus.actuators import VIBRATING, VibrationCaps
    from lovense.menus.compiler import compile_or_refuse

    rooms = (vars(vibration), vars(standard))
    kept = [each for room in rooms for each in room.values() if hasattr(each, "cache_clear")]
    bridge = StandardBridge("bench", RunsIn.PAGE)
    caps = VibrationCaps(vibration.LONGEST_ITEM_SECONDS, vibration.MAXIMUM_LEVEL)

    def told(pattern: str, lease: int) -> list[list[Command]]:
        for each in kept:
            each.cache_clear()
        item = {"pattern": pattern, "intensity": 13, "durationSec": SECONDS}
        able = VIBRATING._replace(lease_seconds=lease)
        calls = compile_or_refuse(item, caps, able).calls
        leg = DeviceLeg("toy", calls)
        windows = planned(calls, SECONDS, lease) if lease else ()
        return [bridge.encode(leg, window) for window in windows]

    def often(pattern: str, lease: int) -> Work:
        return lambda: [told(pattern, lease) for _ in range(TIMES)]

    sliced = {pattern: often(pattern, LEASE) for pattern in vibration.PATTERNS}
    return sliced, often(vibration.LEVEL_PATTERN, 0)


def main() -> int:
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
    django.setup()
    sliced, single = works()
    found = {pattern: ratio(work, single) for pattern, work in sliced.items()}
    for pattern, times in found.items():
        print(f"{pattern:<36} {times:8.1f}   at most {BOUND:g}")
    return int(max(found.values()) > BOUND)


if __name__ == "__main__":
    sys.exit(main())
