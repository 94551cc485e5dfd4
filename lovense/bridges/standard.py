"""The vendor's Standard API, in its own words: how a piece of a run is told to one of its apps, and
what the app means (https://developer.lovense.com/docs/standard-solutions/standard-api.html)."""

from collections.abc import Sequence
from functools import lru_cache

from django.conf import settings

from lovense.bridges import outcomes
from lovense.bridges.bridge import DeviceLeg, RunsIn
from lovense.bridges.outcomes import CallAnswer, CallOutcome
from lovense.bridges.slices import SliceWindow
from lovense.devices import readings, summary
from lovense.devices.readings import ReportedToys
from lovense.menus.compiler import DRAWING, STEPS
from lovense.menus.vibration import SHAPES, STOP, Waveform, part_of, part_of_packed
from lovense.rows import Command, DeviceRow, Json
from lovense.timeline import SECOND

PATTERNS_KEPT = 512  # of runs that are told now


class StandardBridge:
    """One path of the Standard API. `lease`: the setting that holds its seconds; without one, a run
    is one call."""

    can_stop = True
    own_levels = None

    def __init__(
        self,
        name: str,
        runs_in: RunsIn,
        *,
        lease: str = "",
        start_lag_ms: int = 0,
        step_ms: int = 1,
        hold_seconds: int = 0,
    ) -> None:
        self.name, self.runs_in = name, runs_in
        self.start_lag_ms, self.step_ms = start_lag_ms, step_ms
        self.hold_seconds, self._lease = hold_seconds, lease

    @property
    def lease_seconds(self) -> int:
        return int(getattr(settings, self._lease)) if self._lease else 0

    def capabilities(self, device: DeviceRow) -> dict[str, int]:
        return summary.of_device(device)["functions"]

    def encode(self, leg: DeviceLeg, window: SliceWindow) -> list[Command]:
        return [_piece(command, leg, window) for command in leg.commands]

    def stop(self, toy_ids: Sequence[str]) -> list[Command]:
        """Without a name it is for every toy of the app, also for those of which nobody here
        knows."""
        return [STOP | {"toy": toy_id} for toy_id in toy_ids] or [dict(STOP)]

    def read_status(self, payload: Json) -> ReportedToys:
        return readings.toys_of(payload.get("toys"))

    def outcome(self, answer: CallAnswer) -> CallOutcome:
        return outcomes.outcome_of(answer)


def _piece(command: Command, leg: DeviceLeg, window: SliceWindow) -> Command:
    """Its own part of the run. The first is as it was compiled; a preset would begin anew with each
    other, so what follows of it is our own drawing of it."""
    about = {name: value for name, value in command.items() if name not in (DRAWING, STEPS)}
    piece = about | {"toy": leg.toy_id, "timeSec": window.run_seconds}
    start, _ = leg.own(window)
    if STEPS in command:
        return piece | {"action": _action(command, start)}
    is_whole = not window.n and DRAWING not in command
    if is_whole or command["command"] == "Function":
        return piece
    letters, part = _part(command, start, start + window.run_seconds)
    return {
        "command": "Pattern",
        "rule": f"V:1;F:{letters};S:{part.interval_ms}#",
        "strength": part.text,
        "timeSec": piece["timeSec"],
        "toy": leg.toy_id,
        "apiVer": 2,
    }


def _action(command: Command, start: int) -> str:
    """Of the step that holds this second."""
    begun = [action for second, action in command[STEPS] if second <= start]
    return str(begun[-1])


def _part(command: Command, start: int, until: int) -> tuple[str, Waveform]:
    """The letters, and the shape from then until then."""
    letters, shape = _said(command)
    if DRAWING in command:
        return letters, part_of_packed(command[DRAWING], start * SECOND, until * SECOND)
    return letters, part_of(shape, start * SECOND, until * SECOND)


def _said(command: Command) -> tuple[str, Waveform]:
    """The letters and the shape of a pattern or a preset."""
    if command["command"] == "Preset":
        return "v", SHAPES[command["name"]]
    return _read(command["rule"], command["strength"])


@lru_cache(maxsize=PATTERNS_KEPT)
def _read(rule: str, strength: str) -> tuple[str, Waveform]:
    """The same for each slice of a run."""
    letters, interval = rule.removeprefix("V:1;F:").removesuffix("#").split(";S:")
    return letters, Waveform(tuple(map(int, strength.split(";"))), int(interval))
