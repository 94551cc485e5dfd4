"""One run, told in slices, from its first second to its end.

It keeps time and nothing else: what may be told is asked of the rows each time, and how it is told
is its page's. An answer that takes long delays nothing that follows."""

import asyncio
import contextlib
import logging
import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, replace
from typing import Protocol

from ground import clock
from lovense.bridges import Bridge
from lovense.bridges.outcomes import PASSING, CallOutcome
from lovense.bridges.slices import LATE_SECONDS, SliceWindow
from lovense.deciding.activation import IN_FLIGHT, run_seconds
from lovense.deciding.shortfall import PLAYED
from lovense.menus import parts
from lovense.rows import ActivationRow, Command, LegRow, PerformerRow
from lovense.runner import keeping, legs
from lovense.runner.keeping import Attempt, Whole
from lovense.runner.legs import LegGroup
from lovense.sockets.openpage import in_thread
from tips.rows import Statement

log = logging.getLogger(__name__)

# Why a run ends before its time. What is LOST is another page's to go on with, or nobody's: nothing
# is said of it.
CANCELLED, STOPPED, INTERRUPTED, LOST = "cancelled", "stopped", "interrupted", "lost"
# What a page says of what has not begun, where our own word for it is another one.
CODES = {CallOutcome.TOY_GONE: "not_connected", CallOutcome.NOT_SENT: "unreachable"}


@dataclass(frozen=True, slots=True)
class Conclusion:
    """How a run ended. `seconds` None: it never began, and `code` says why."""

    seconds: float | None
    code: str = ""


class Teller(Protocol):
    """The page whose run it is."""

    @property
    def may_run(self) -> bool: ...

    async def call(self, host_id: str, command: Command, bounds: PerformerRow) -> CallOutcome: ...

    def refusal(
        self, toy_id: str, calls: Sequence[Command], bounds: PerformerRow
    ) -> CallOutcome | None:
        """Why this device may not be told these."""

    async def turn(self) -> None:
        """Until she may be told something again."""


class SlicedRun:
    """`play` is its life; None as its result: it is not, or not any more, for this page to play."""

    def __init__(
        self,
        attempt: Attempt,
        bridge: Bridge,
        teller: Teller,
        *,
        started: Callable[[], Awaitable[None]],
    ) -> None:
        self.attempt, self.is_started = attempt, False
        self._bridge, self._teller, self._say_started = bridge, teller, started
        self._rows: list[LegRow] = []
        self._seconds, self._began = 0, 0.0
        self._over = asyncio.Event()  # before its time
        self._why = ""
        self._calls: set[asyncio.Task[None]] = set()

    def end(self, why: str) -> None:
        """Nothing more of it is told."""
        self._why = self._why or why
        self._over.set()

    @property
    def toy_ids(self) -> list[tuple[str, str]]:
        """Host and toy of each leg."""
        return [(row["hostId"], row["toyId"]) for row in self._rows]

    @property
    def _ran(self) -> float:
        return time.monotonic() - self._began

    # --- its life --------------------------------------------------------------------------------

    async def play(self) -> Conclusion | None:
        await self._teller.turn()
        whole = await in_thread(keeping.look, self.attempt)
        row = whole.activation
        if row is None or row["status"] not in IN_FLIGHT or row["attempt"] != self.attempt.number:
            return None
        self._seconds = run_seconds(row)
        if row.get("legs"):
            self._take_over(row)
        elif (refused := await self._lay(row, whole)) is not None:
            return refused
        await self._play_all()
        return None if self._why == LOST else await self._concluded()

    async def _lay(self, row: ActivationRow, whole: Whole) -> Conclusion | None:
        """What keeps it from being laid."""
        self._rows = legs.planned(
            row["commands"],
            whole.targets,
            seconds=self._seconds,
            lease_seconds=self._bridge.lease_seconds,
            step_ms=self._bridge.step_ms,
            offsets=parts.offsets(row["item"] or {}),
        )
        if not legs.groups_of(self._rows):
            return Conclusion(None, "not_connected")
        if self._over.is_set():
            return Conclusion(None, "" if self._why == LOST else self._why)
        if not await in_thread(keeping.lay, self.attempt, self._rows, now=clock.now()):
            return Conclusion(None, "")
        self._began = time.monotonic()
        return None

    def _take_over(self, row: ActivationRow) -> None:
        """Whoever played it is gone. What was claimed may have been told: nobody knows."""
        began = row.get("legs_began_at")
        assert began is not None
        self._rows = row.get("legs") or []
        self._began = time.monotonic() - (clock.now() - began).total_seconds()
        self.is_started = row["started_at"] is not None
        for leg in self._rows:
            for each in leg["slices"]:
                if each["state"] == legs.CLAIMED:
                    each["state"] = legs.UNKNOWN

    async def _play_all(self) -> None:
        groups = [asyncio.create_task(self._play(group)) for group in legs.groups_of(self._rows)]
        try:
            await self._reached(self._seconds)
        finally:
            for task in groups:
                task.cancel()
            await asyncio.gather(*groups, return_exceptions=True)
        if not self._over.is_set() and self._calls:
            await asyncio.wait(self._calls)  # each is over with its time-out

    async def _play(self, group: LegGroup) -> None:
        for window in group.windows:
            if not await self._reached(window.told_at):
                return
            if self._states(group, window) != {legs.PLANNED} or self._is_over(group):
                continue
            if self._ran > window.told_at + LATE_SECONDS or not self._teller.may_run:
                self._mark(group, window, legs.MISSED)
                continue
            try:
                bounds = await in_thread(keeping.claim, self.attempt, window.n, group.places)
            except Exception as error:  # nobody knows whether it is ours, so it is not told
                log.warning("slice_not_claimed", extra={"error_code": type(error).__name__})
                self._mark(group, window, legs.MISSED)
                continue
            if bounds is None or self._over.is_set():
                return  # it was ended; whoever ended it says so
            self._mark(group, window, legs.CLAIMED)
            task = asyncio.create_task(self._tell(group, window, bounds))
            self._calls.add(task)
            task.add_done_callback(self._calls.discard)

    async def _reached(self, second: float) -> bool:
        """Waits for this second of it; False: it was over before."""
        left = self._began + second - time.monotonic()
        if left > 0:
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._over.wait(), left)
        return not self._over.is_set()

    # --- one slice -------------------------------------------------------------------------------

    async def _tell(self, group: LegGroup, window: SliceWindow, bounds: PerformerRow) -> None:
        calls = self._bridge.encode(group.leg, window)
        told = self._without_refused(group, window, calls, bounds)
        if told.places:
            for command in calls:
                outcome = await self._teller.call(told.host_id, told.named(command), bounds)
                if outcome is not CallOutcome.ACCEPTED:
                    break
            self._settle(told, window, outcome)
        if self._has_begun and not self.is_started:
            self.is_started = True
            await self._say_started()
        if self._is_hopeless:  # what was accepted still runs
            left = self._accepted_until - self._ran
            asyncio.get_running_loop().call_later(max(0.0, left), self.end, "")
        await self._record(group, window)

    def _without_refused(
        self, group: LegGroup, window: SliceWindow, calls: Sequence[Command], bounds: PerformerRow
    ) -> LegGroup:
        """A device that may not be told it takes nothing from the others of its group. An app takes
        a call for several as long as one of them is there, so it names none that is away."""
        kept: list[int] = []
        for place in group.places:
            toy_id = self._rows[place]["toyId"]
            outcome = self._teller.refusal(toy_id, calls, bounds)
            if outcome is None and len(group.places) > 1 and _is_away(toy_id, bounds):
                outcome = CallOutcome.NOT_CONNECTED
            if outcome is None:
                kept.append(place)
            else:
                self._settle(replace(group, places=(place,)), window, outcome)
        toy_ids = tuple(self._rows[place]["toyId"] for place in kept)
        return replace(group, places=tuple(kept), toy_ids=toy_ids)

    def _settle(self, group: LegGroup, window: SliceWindow, outcome: CallOutcome) -> None:
        self._mark(group, window, legs.state_after(outcome))
        for place in group.places:
            self._rows[place]["code"] = "" if outcome is CallOutcome.ACCEPTED else outcome.value

    @property
    def _has_begun(self) -> bool:
        return bool(self._all_states & {legs.ACCEPTED, legs.UNKNOWN})

    @property
    def _is_hopeless(self) -> bool:
        """No device took its first piece; or none is told anything more."""
        told = [row for row in self._rows if row["slices"]]
        are_refused = all(row["slices"][0]["state"] == legs.REFUSED for row in told)
        return (are_refused and not self._has_begun) or all(map(legs.is_over, told))

    @property
    def _accepted_until(self) -> float:
        found = (each for row in self._rows for each in row["slices"])
        return max((each["until"] for each in found if each["state"] == legs.ACCEPTED), default=0.0)

    async def _record(self, group: LegGroup, window: SliceWindow) -> None:
        changes: Statement = {}
        for place in group.places:
            row = self._rows[place]
            changes[f"legs.{place}.slices.{window.n}.state"] = row["slices"][window.n]["state"]
            changes[f"legs.{place}.code"] = row["code"]
        await in_thread(keeping.record, self.attempt, changes)

    def _mark(self, group: LegGroup, window: SliceWindow, state: str) -> None:
        for place in group.places:
            self._rows[place]["slices"][window.n]["state"] = state

    def _states(self, group: LegGroup, window: SliceWindow) -> set[str]:
        return {self._rows[place]["slices"][window.n]["state"] for place in group.places}

    @property
    def _all_states(self) -> set[str]:
        return {each["state"] for row in self._rows for each in row["slices"]}

    def _is_over(self, group: LegGroup) -> bool:
        return all(legs.is_over(self._rows[place]) for place in group.places)

    # --- its end ---------------------------------------------------------------------------------

    async def _concluded(self) -> Conclusion:
        codes = [row["code"] for row in self._rows if row["slices"]]
        if not self._has_begun and not self._why and (passing := _passing(codes)):
            return Conclusion(None, CODES.get(passing, passing.value))
        ran = min(self._ran, float(self._seconds))
        is_stopped = bool(self._why)
        self._rows = [legs.concluded(row, ran=ran, is_stopped=is_stopped) for row in self._rows]
        await in_thread(keeping.record, self.attempt, {"legs": self._rows})
        if not self._has_begun and not self._why and codes[0]:
            return Conclusion(None, codes[0])
        return Conclusion(max(row["delivered"] or 0.0 for row in self._rows), self._code())

    def _code(self) -> str:
        if self._why:
            return self._why
        longest = max(self._rows, key=lambda row: row["delivered"] or 0.0)
        return "" if longest["outcome"] == PLAYED else longest["code"] or longest["outcome"]


def _is_away(toy_id: str, bounds: PerformerRow) -> bool:
    """As its app said last."""
    devices = bounds.get("devices") or ()
    return any(each["toyId"] == toy_id and not each["isConnected"] for each in devices)


def _passing(codes: Sequence[str]) -> CallOutcome | None:
    """Of a run that has not begun: what passes by itself, also where nothing was told in time."""
    if not any(codes):
        return CallOutcome.NOT_SENT
    return next((CallOutcome(code) for code in codes if code in PASSING), None)
