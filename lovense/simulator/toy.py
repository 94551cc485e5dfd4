"""One virtual toy: it obeys the vendor's commands, answers as the vendor's app does, and says how
strong each of its functions is at any moment. No clock: the moment, in ms since any fixed one, is
an argument and never goes back. Its twin is `static/js/toy.js`; both pass `tests/golden/toy.json`.

Position and PatternV2 are never sent by this product, so the toy does not know them."""

import json
import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from lovense.devices import toytable
from lovense.rows import Json
from lovense.simulator import commands
from lovense.simulator.commands import Motion, NotObeyed

MAX_PLAYING = 16  # overlays at once; the oldest gives way
MINUTE_MS = 60_000
FIRMWARE = "101"
MESSAGES = {
    commands.INVALID_COMMAND: "Invalid Command",
    commands.TOY_NOT_FOUND: "Toy Not Found",
    commands.NOT_CONNECTED: "Toy Not Connected",
    commands.UNSUPPORTED: "Toy Doesn't Support This Command",
    commands.INVALID_PARAMETER: "Invalid Parameter",
}


@dataclass(frozen=True, slots=True)
class Traits:
    """What some real toys and builds do, and no toy of ours unless it is told to: run at full speed
    at level 0; go on with a preset that has no end after a Stop; lose, without a word, what follows
    another command sooner than so many ms."""

    zero_is_full_speed: bool = False
    preset_without_end_ignores_stop: bool = False
    drops_commands_closer_than_ms: int = 0


@dataclass(frozen=True, slots=True)
class _Playing:
    motion: Motion
    began: float

    @property
    def until(self) -> float:
        return math.inf if self.motion.length is None else self.began + self.motion.length

    @property
    def is_endless_preset(self) -> bool:
        return self.motion.is_preset and self.motion.length is None

    def drives(self, function: str, at: float) -> bool:
        return function in self.motion.values and self.began <= at < self.until


class Toy:
    """A toy of any type. `battery` in percent, of which `drain` are used up in a minute of
    movement; an empty toy is off."""

    def __init__(
        self,
        type: str,
        *,
        id: str,
        nickname: str = "",
        battery: float = 100,
        drain: float = 0,
        firmware: str = FIRMWARE,
        traits: Traits | None = None,
    ) -> None:
        self.kind, self.id, self.nickname, self.firmware = toytable.of(type), id, nickname, firmware
        self.drain, self.traits = drain, traits or Traits()
        self._battery, self._since, self._is_on = float(battery), 0.0, True
        self._playing: list[_Playing] = []
        self._heard = -math.inf  # when the last command reached it

    # --- what it is ------------------------------------------------------------------------------

    def is_connected(self, at: float) -> bool:
        return self._is_on and self.battery(at) > 0

    def battery(self, at: float) -> float:
        """Percent that are left."""
        until = max((one.until for one in self._playing if one.motion.moves), default=self._since)
        ran = max(0.0, min(at, until) - self._since)
        return max(0.0, self._battery - self.drain * ran / MINUTE_MS)

    def levels(self, at: float) -> dict[str, int]:
        """By function of its type, and Stroke where it thrusts: the span in percent. With single
        motors, Vibrate is the strongest of them."""
        functions = [*commands.singles(self.kind)]
        functions += ["Stroke"] if "Thrusting" in functions else []
        found = {function: self._level(function, at) for function in functions}
        if "Vibrate" in self.kind.functions and "Vibrate" not in found:
            motors = (found[motor] for motor in commands.SINGLE_MOTORS if motor in found)
            found = {"Vibrate": max(motors)} | found
        return found

    def _level(self, function: str, at: float) -> int:
        if not self.is_connected(at):
            return 0
        driving = [one for one in self._playing if one.drives(function, at)]
        return driving[-1].motion.level(function, at - driving[-1].began) if driving else 0

    def described(self, at: float) -> Json:
        """As GetToys lists it."""
        return {
            "id": self.id,
            "status": "1" if self.is_connected(at) else "0",
            "version": self.firmware,
            "name": self.kind.type,
            "battery": math.ceil(self.battery(at)),
            "nickName": self.nickname,
            "shortFunctionNames": list(self.kind.letters),
            "fullFunctionNames": list(self.kind.functions),
        }

    # --- what happens to it ----------------------------------------------------------------------

    def obey(self, command: Mapping[str, Any], at: float) -> Json:
        """The vendor's answer, `{"code": 200, "type": "ok"}` or one with 400 to 404."""
        if command.get("command") == "GetToys":
            return listing([self], at)
        try:
            motion = self._read(command, at)
        except NotObeyed as error:
            return refusal(error.code)
        if at - self._heard >= self.traits.drops_commands_closer_than_ms:
            self._heard = at
            self._settle(at)
            self._follow(motion, at)
        return {"code": 200, "type": "ok"}

    def code_for(self, command: Mapping[str, Any], at: float) -> int:
        """What it would answer; nothing moves."""
        try:
            self._read(command, at)
        except NotObeyed as error:
            return error.code
        return 200

    def switch(self, *, on: bool, at: float) -> None:
        """Off, it forgets what it plays."""
        self._settle(at)
        self._is_on = on
        if not on:
            self._playing = []

    def charge(self, battery: float, at: float) -> None:
        """Its battery has so many percent from now on."""
        self._settle(at)
        self._battery = float(battery)

    def lower(self, caps: Mapping[str, int], seconds: float, at: float) -> None:
        """What plays goes on within these levels, and for so long since it began; a cap that was
        raised changes nothing."""
        self._settle(at)
        self._playing = [
            _Playing(one.motion.within(caps, seconds * 1000), one.began) for one in self._playing
        ]
        self._settle(at)

    def next_change(self, at: float) -> float:
        """The next moment at which a level may be another one; infinite when nothing plays."""
        moments = [_next(one, at) for one in self._playing if at < one.until]
        if moments and self.drain and self.is_connected(at):
            moments.append(math.ceil(at + self.battery(at) * MINUTE_MS / self.drain))
        return min((moment for moment in moments if moment > at), default=math.inf)

    def _read(self, command: Mapping[str, Any], at: float) -> Motion | None:
        """None: a stop. Raises NotObeyed."""
        if command.get("command") not in commands.MOTIONS:
            raise NotObeyed(commands.INVALID_COMMAND)
        motion = None if commands.is_stop(command) else commands.read(command, self.kind)
        if not self.is_connected(at):
            raise NotObeyed(commands.NOT_CONNECTED)
        return motion

    def _settle(self, at: float) -> None:
        self._battery, self._since = self.battery(at), at
        if not self._battery:
            self._playing = []
        self._playing = [one for one in self._playing if one.until > at]

    def _follow(self, motion: Motion | None, at: float) -> None:
        if motion is None:
            is_deaf = self.traits.preset_without_end_ignores_stop
            self._playing = [one for one in self._playing if is_deaf and one.is_endless_preset]
            return
        kept = self._playing if motion.is_overlay else []
        self._playing = [*kept, _Playing(self._as_it_moves(motion), at)][-MAX_PLAYING:]

    def _as_it_moves(self, motion: Motion) -> Motion:
        if not self.traits.zero_is_full_speed:
            return motion
        return motion.with_values(
            {
                function: tuple(value or toytable.TOPS[function] for value in values)
                for function, values in motion.values.items()
            }
        )


def _next(one: _Playing, at: float) -> float:
    return min(one.until, one.began + one.motion.next_step(at - one.began))


def refusal(code: int) -> Json:
    return {"code": code, "type": "error", "message": MESSAGES[code]}


def listing(
    toys: Iterable[Toy],
    at: float,
    *,
    platform: str = "android",
    app: str = "remote",
    is_text: bool = True,
) -> Json:
    """The answer to GetToys; `toys` is JSON text, as most builds give it, or an object."""
    found = {toy.id: toy.described(at) for toy in toys}
    told = json.dumps(found, separators=(",", ":"), ensure_ascii=False) if is_text else found
    return {
        "code": 200,
        "type": "OK",
        "data": {"toys": told, "platform": platform, "appType": app},
    }
