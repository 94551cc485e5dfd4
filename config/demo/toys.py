"""The second performer: mia, whose two toys are told by this server over Lovense's cloud, in
slices. Her menu, her tips, and what they promise."""

from dataclasses import dataclass
from typing import Any

from django.conf import settings

from config.demo.show import BURST, SECOND_PERFORMER, Scene
from lovense import bridges
from lovense.bridges import STANDARD_SERVER, DeviceLeg
from lovense.bridges.slices import windows
from lovense.menus.compiler import compile_item
from lovense.menus.vibration import LONGEST_ITEM_SECONDS, MAXIMUM_LEVEL
from lovense.rows import Command

MAX = ("507f191e810c19729de860e3", "max")
MAXS_TOKENS = 1000
MINIMUM_TIP = 25  # her own, above the platform's
STEADY: dict[str, Any] = {
    "title": "Steady",
    "minimum": 50,
    "maximum": 99,
    "pattern": "level",
    "intensity": 12,
    "durationSec": 3,
}
LONG_WAVE: dict[str, Any] = {
    "title": "A long wave",
    "minimum": 100,
    "maximum": None,
    "pattern": "wave",
    "intensity": 9,
    "durationSec": 7,
}
MENU = [STEADY, LONG_WAVE]


@dataclass(frozen=True)
class PromisedRun:
    """What her toys have to do for one tip. `calls` are its slices, each without a toy's name."""

    title: str
    seconds: int
    level: int
    calls: tuple[Command, ...]


def script() -> list[Scene]:
    """In the order in which they are sent, after all of the first performer's."""
    level, seconds = STEADY["intensity"], STEADY["durationSec"]
    number = 10 + BURST
    return [
        _scene(number, f"{seconds} s at level {level}", 60, item=STEADY["title"]),
        _scene(number + 1, "a wave, told in slices", 150, item=LONG_WAVE["title"]),
        _scene(number + 2, f"below her minimum of {MINIMUM_TIP}", MINIMUM_TIP - 1),
    ]


def _scene(number: int, title: str, amount: int, *, item: str = "") -> Scene:
    verdict = "completed" if item else "skipped (below_minimum)"
    return Scene(
        number,
        f"{SECOND_PERFORMER[1]}: {title}",
        amount,
        verdict,
        [202],
        tipper=MAX,
        recipient=SECOND_PERFORMER,
        item=item,
    )


def promised() -> list[PromisedRun]:
    """Of the tips that play, in their order."""
    return [_promised(item) for item in MENU]


def _promised(item: dict[str, Any]) -> PromisedRun:
    commands, seconds = compile_item(
        item, maximum_seconds=LONGEST_ITEM_SECONDS, maximum_intensity=MAXIMUM_LEVEL
    )
    bridge, leg = bridges.known(STANDARD_SERVER), DeviceLeg("", tuple(commands))
    told = [
        {name: value for name, value in call.items() if name != "toy"}
        for window in windows(seconds, settings.SERVER_LEASE_SECONDS)
        for call in bridge.encode(leg, window)
    ]
    return PromisedRun(item["title"], seconds, item["intensity"], tuple(told))
