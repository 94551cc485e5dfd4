"""The vendor's Standard API, in its own words: how a piece of a run is told to one of its apps, and
what the app means (https://developer.lovense.com/docs/standard-solutions/standard-api.html)."""

from collections.abc import Sequence

from django.conf import settings

from lovense.bridges import outcomes, slices
from lovense.bridges.bridge import DeviceLeg, RunsIn
from lovense.bridges.outcomes import CallAnswer, CallOutcome
from lovense.bridges.slices import SliceWindow
from lovense.devices import readings, summary
from lovense.devices.readings import ReportedToys
from lovense.menus.vibration import SHAPES, STOP, Waveform
from lovense.rows import Command, DeviceRow, Json


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
    ) -> None:
        self.name, self.runs_in = name, runs_in
        self.start_lag_ms, self.step_ms = start_lag_ms, step_ms
        self._lease = lease

    @property
    def lease_seconds(self) -> int:
        return int(getattr(settings, self._lease)) if self._lease else 0

    def capabilities(self, device: DeviceRow) -> dict[str, int]:
        return summary.of_device(device)["functions"]

    def encode(self, leg: DeviceLeg, window: SliceWindow) -> list[Command]:
        return [_piece(command, leg.toy_id, window) for command in leg.commands]

    def stop(self, toy_ids: Sequence[str]) -> list[Command]:
        """Without a name it is for every toy of the app, also for those of which nobody here
        knows."""
        return [STOP | {"toy": toy_id} for toy_id in toy_ids] or [dict(STOP)]

    def read_status(self, payload: Json) -> ReportedToys:
        return readings.toys_of(payload.get("toys"))

    def outcome(self, answer: CallAnswer) -> CallOutcome:
        return outcomes.outcome_of(answer)


def _piece(command: Command, toy_id: str, window: SliceWindow) -> Command:
    piece = command | {"toy": toy_id, "timeSec": window.run_seconds}
    if not window.n:
        return piece
    if command["command"] == "Pattern":
        return piece | {"strength": _turned_text(command, window.told_at)}
    if command["command"] == "Preset":
        return _drawn(command["name"], piece, window.told_at)
    return piece


def _turned_text(command: Command, at_seconds: int) -> str:
    interval = int(command["rule"].rpartition("S:")[2].removesuffix("#"))
    return ";".join(slices.turned(command["strength"].split(";"), interval, at_seconds))


def _drawn(name: str, piece: Command, at_seconds: int) -> Command:
    """A preset would begin anew: what follows of it is our own drawing of it, which does not."""
    shape: Waveform = SHAPES[name]
    values = slices.turned(shape.values, shape.interval_ms, at_seconds)
    return {
        "command": "Pattern",
        "rule": f"V:1;F:v;S:{shape.interval_ms}#",
        "strength": ";".join(str(value) for value in values),
        "timeSec": piece["timeSec"],
        "toy": piece["toy"],
        "apiVer": 2,
    }
