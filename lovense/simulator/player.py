"""The toys of a virtual device and the clock they live by: what an activation's commands set in
motion, and for how long. What a command says counts, not what the message around it promises.

Nothing reaches a toy but through the last hop (lovense/fence.py). Its twin is
`static/js/player.js`."""

import math
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from lovense import fence
from lovense.devices.summary import GUARDED
from lovense.devices.toytable import NOT_USED, TOPS
from lovense.fence import Bounds, Fenced
from lovense.menus.vibration import LONGEST_ITEM_SECONDS, MAXIMUM_LEVEL, STOP
from lovense.rows import DeviceSummary, Json
from lovense.simulator import commands
from lovense.simulator.toy import Toy
from lovense.simulator.toys import Toys

STILL, MOVING = "still", "moving"
# Ours for the vendor's codes: with `not_connected` the same activation comes again.
CODES = {
    commands.INVALID_COMMAND: "bad_command",
    commands.TOY_NOT_FOUND: "not_connected",
    commands.NOT_CONNECTED: "not_connected",
    commands.UNSUPPORTED: "unsupported",
    commands.INVALID_PARAMETER: "bad_command",
}


def virtual_toys(performer_id: str, types: Sequence[str] = ()) -> Toys:
    """One of each type, named for it; without a type the one toy that just vibrates."""
    own = f"virtual-{performer_id[-6:]}"
    if not types:
        return Toys([Toy("lush", id=own, nickname="Virtual", battery=90)])
    ids = [own, *(f"{own}-{number}" for number in range(2, len(types) + 1))]
    return Toys(
        Toy(kind, id=toy_id, nickname=kind.title(), battery=90)
        for kind, toy_id in zip(types, ids, strict=True)
    )


@dataclass(frozen=True, slots=True)
class Limits:
    """What the server has said last of her caps (docs/sockets.md)."""

    devices: Sequence[DeviceSummary] = ()
    maximum_intensity: int = MAXIMUM_LEVEL
    maximum_seconds: int = LONGEST_ITEM_SECONDS

    @classmethod
    def told(cls, message: Mapping[str, Any]) -> "Limits":
        """Of a snapshot or `limits`."""
        return cls(
            message.get("devices") or (),
            int(message.get("maximumIntensity", MAXIMUM_LEVEL)),
            int(message.get("maximumSeconds", LONGEST_ITEM_SECONDS)),
        )


class Player:
    """`speed` 10 lets ten seconds of the toys pass in one of ours."""

    def __init__(self, toys: Toys, *, speed: float) -> None:
        self.toys, self._speed, self._born = toys, speed, time.monotonic()
        self.limits = Limits()

    def now(self) -> float:
        """In ms of the toys' own time."""
        return (time.monotonic() - self._born) * self._speed * 1000

    def report(self) -> list[Json]:
        """For the message `devices` (docs/sockets.md)."""
        at = self.now()
        return [
            {
                "id": toy.id,
                "name": toy.nickname or toy.kind.type,
                "toyType": toy.kind.type,
                "status": int(toy.is_connected(at)),
                "battery": math.ceil(toy.battery(at)),
            }
            for toy in self.toys
        ]

    # --- what binds ------------------------------------------------------------------------------

    def bounds(self, *, epoch: int, is_stopped: bool, is_test: bool = False) -> Bounds:
        """Of the toys that are connected, or of all where none is: those that hear a command which
        names nobody."""
        at = self.now()
        toys = [toy for toy in self.toys if toy.is_connected(at)] or list(self.toys)
        return Bounds(
            {toy.id: self._functions(toy, is_test=is_test) for toy in toys},
            epoch,
            is_stopped,
            self.limits.maximum_intensity,
            self.limits.maximum_seconds,
            fence.seconds_of(self.limits.devices),
        )

    def _functions(self, toy: Toy, *, is_test: bool) -> dict[str, int]:
        """All that it has, 0 where it may not be used. Of a toy that the server does not know yet,
        what its type can do and needs no trial."""
        has = [name for name in toy.kind.functions if name not in NOT_USED]
        has += ["Stroke"] if "Thrusting" in has else []
        known = fence.functions_of(self.limits.devices, is_test=is_test).get(toy.id)
        if known is not None:
            return {name: known.get(name, 0) for name in has}
        return {name: 0 if name in GUARDED else TOPS[name] for name in has}

    def limit(self, limits: Limits) -> None:
        """From now on; a lower cap binds also what plays."""
        self.limits = limits
        bounds, at = self.bounds(epoch=0, is_stopped=False), self.now()
        for toy in self.toys:
            toy.lower(fence.caps(toy.id, bounds), fence.longest([toy.id], bounds), at)

    # --- what moves ------------------------------------------------------------------------------

    def refusal(self, told: Sequence[Json], *, epoch: int, bounds: Bounds) -> str:
        """Why no toy would move; empty where one does, or where there is nothing to do."""
        codes = [self._code(command, epoch, bounds) for command in told]
        return "" if not codes or "" in codes else codes[0]

    def _code(self, command: Json, epoch: int, bounds: Bounds) -> str:
        try:
            lawful = fence.checked(command, bounds, epoch=epoch)
        except Fenced as fenced:
            return fenced.code
        code = self.toys.code_for(lawful, self.now())
        return "" if code == 200 else CODES[code]

    def begin(self, told: Sequence[Json], *, epoch: int, bounds: Bounds) -> float:
        """The seconds for which toys move."""
        at = self.now()
        return max((self._sent(command, epoch, bounds, at) for command in told), default=0.0)

    def stop(self) -> None:
        """Every toy, with the vendor's stop."""
        self._sent(STOP, 0, Bounds(None), self.now())

    def _sent(self, command: Json, epoch: int, bounds: Bounds, at: float) -> float:
        """The one way to a toy: for how many seconds one moves now."""
        try:
            lawful = fence.checked(command, bounds, epoch=epoch)
        except Fenced:
            return 0.0
        is_taken = self.toys.obey(lawful, at)["code"] == 200
        return float(lawful["timeSec"]) if is_taken else 0.0

    def stilled(self, heard_at: float) -> list[Json]:
        """For the message `stopped`: of each toy how long it took to be still, since
        `time.monotonic()` said this; or that it is not."""
        ms, levels = round((time.monotonic() - heard_at) * 1000, 1), self.toys.levels(self.now())
        return [
            {"id": toy_id, "ms": None, "answer": MOVING}
            if any(found.values())
            else {"id": toy_id, "ms": ms, "answer": STILL}
            for toy_id, found in levels.items()
        ]
