"""The toys of a virtual device and the clock they live by: what an activation's commands set in
motion, and for how long. What a command says counts, not what the message around it promises."""

import math
import time
from collections.abc import Sequence

from lovense.rows import Json
from lovense.simulator import commands
from lovense.simulator.toy import Toy
from lovense.simulator.toys import Toys

STILL, MOVING = "still", "moving"
STOP: Json = {"command": "Function", "action": "Stop", "timeSec": 0, "apiVer": 1}
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


class Player:
    """`speed` 10 lets ten seconds of the toys pass in one of ours."""

    def __init__(self, toys: Toys, *, speed: float) -> None:
        self.toys, self._speed, self._born = toys, speed, time.monotonic()

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

    def refusal(self, told: Sequence[Json]) -> str:
        """Why no toy would move; empty where one does, or where there is nothing to do."""
        at = self.now()
        codes = [self.toys.code_for(command, at) for command in told]
        return "" if not codes or 200 in codes else CODES[codes[0]]

    def begin(self, told: Sequence[Json]) -> float:
        """The seconds for which toys move; infinite where a command has no end."""
        at = self.now()
        taken = [command for command in told if self.toys.obey(command, at)["code"] == 200]
        return max((_seconds(command) for command in taken), default=0.0)

    def stop(self) -> None:
        """Every toy, with the vendor's stop."""
        self.toys.obey(STOP, self.now())

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


def _seconds(command: Json) -> float:
    if command.get("command") not in commands.MOTIONS or commands.is_stop(command):
        return 0.0
    return float(commands.seconds_of(command)) or math.inf
