"""What a bridge is: a path to a performer's devices. The words of the vendor stay inside of one."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Protocol

from lovense.bridges.outcomes import CallAnswer, CallOutcome
from lovense.bridges.slices import SliceWindow
from lovense.devices.readings import ReportedToys
from lovense.rows import Command, DeviceRow, Item, Json, PerformerRow


class RunsIn(StrEnum):
    """Where a bridge's calls are made."""

    PAGE = "page"
    SERVER = "server"


@dataclass(frozen=True, slots=True)
class DeviceLeg:
    """One device in a run: what it is told for all of it, and in which second of the run it
    begins."""

    toy_id: str
    commands: tuple[Command, ...]
    begins: int = 0

    def own(self, window: SliceWindow) -> tuple[int, int]:
        """From when until when a window is told, in seconds since it began."""
        return window.told_at - self.begins, window.until - self.begins


class OwnLevels(Protocol):
    """The other end of a path that is handed a tip, whole, and decides what it does."""

    def answer(self, performer: PerformerRow, amount: int) -> Item:
        """What it will do, as far as it has said so; `durationSec` 0: that is not known."""

    def hand_over(self, amount: int, name: str, now: datetime) -> list[Command]:
        """What is told of a tip."""


class Bridge(Protocol):
    """All encoding is done here; what runs in a page only carries calls that are ready.

    `lease_seconds`: no call lets a device run for longer, plus one second; 0: a run is one call.
    `start_lag_ms`: from telling to moving, usually. `step_ms`: how finely it can tell one device
    later than another. `hold_seconds`: the shortest step of a run that is told in steps; 0: none
    is. `can_stop`: whether it reaches a device that has to stop. `own_levels`:
    None, but where its other end decides what a tip does."""

    name: str
    runs_in: RunsIn
    start_lag_ms: int
    step_ms: int
    hold_seconds: int
    can_stop: bool

    @property
    def own_levels(self) -> "OwnLevels | None": ...

    @property
    def lease_seconds(self) -> int: ...

    def __hash__(self) -> int: ...

    def capabilities(self, device: DeviceRow) -> dict[str, int]:
        """The functions that it may be told, each with its strongest level."""

    def encode(self, leg: DeviceLeg, window: SliceWindow) -> list[Command]:
        """The calls for this piece of its run."""

    def stop(self, toy_ids: Sequence[str]) -> list[Command]:
        """The calls after which these are still; all of the path's where none is named."""

    def read_status(self, payload: Json) -> ReportedToys:
        """What it says of its devices. Raises InvalidReport."""

    def outcome(self, answer: CallAnswer) -> CallOutcome:
        """What an answer to a call means."""
