"""Memory held against the rows, beside the rounds: what others have changed without our hearing of
it is found here, within a second.

Where the two disagree although nothing is on its way, the rows are believed. This stands apart
because nothing depends on it but how soon: whatever it finds, a round would have been refused for,
or the sweep would have done."""

import asyncio
import logging
from dataclasses import dataclass
from functools import partial

from django.conf import settings

from config.pen.arrivals import Arrivals
from config.pen.memory import LiveMemory
from config.pen.roof import TICK_SECONDS, Roof, on
from config.pen.rows import Rows
from ground import clock
from ground.inbox import inbox
from ground.journal import journal
from lovense.lane import live
from lovense.lane.healing import Healer
from lovense.lane.live import LaneState
from lovense.sending import pages
from tips.intake import payloads

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class _Compared:
    """What the rows say that concerns memory. `ended`: activations that run here, and are over
    there, whatever else is on its way. `forgotten`: lanes that have something waiting there alone.
    `elsewhere`: performers whose page is not known here."""

    number: int
    has_careful: bool
    ended: set[str]
    forgotten: set[str]
    elsewhere: set[str]
    waiting_elsewhere: set[str]


class Comparison:
    """`told`: others say that there is something."""

    def __init__(
        self,
        pen: Roof,
        arrivals: Arrivals,
        memory: LiveMemory,
        rows: Rows,
        *,
        told: asyncio.Event,
    ) -> None:
        self._told = told
        self._pen, self._arrivals, self._memory, self._rows = pen, arrivals, memory, rows
        self._thread = pen.threads.reader
        self._healer = Healer()

    async def looking(self) -> None:
        """For ever: when others say that there is something, and beside the rounds, which need not
        wait."""
        while True:
            await self._told.wait()
            self._told.clear()
            try:
                if self._pen.is_ready:
                    await self._look_at_rows()
                    self._pen.awake.set()
            except Exception as error:
                log.warning("rows_not_compared", extra={"error_code": type(error).__name__})
                await asyncio.sleep(TICK_SECONDS)
                self._told.set()

    async def look_after(self) -> None:
        """Once a second: what the certain way finds. Healing changes rows, so lanes are read again
        after it; so are those that are idle here and have something waiting there."""
        await self._rows.rest()
        now, limit = clock.now(), settings.DRAIN_LIMIT
        healed = await on(self._thread, partial(self._healer.heal, now=now, limit=limit))
        if healed:
            self._memory.lanes.forget(None)
        await self._look_at_rows()

    async def _look_at_rows(self) -> None:
        """Where memory and rows disagree although nothing is on its way, the rows are believed."""
        memory, rows = self._memory, self._rows
        before = memory.number, rows.ends_kept
        found = await on(self._thread, self._compared)
        self._arrivals.has_careful |= found.has_careful
        memory.elsewhere = found.elsewhere
        # Read again, they are drained if they still are not plain.
        memory.lanes.forget({lane.performer_id for lane in memory.lanes.in_state(LaneState.ROWS)})
        memory.due.update(found.waiting_elsewhere)
        over = {lane.performer_id for lane in memory.lanes if lane.running in found.ended}
        memory.lanes.forget(over)
        is_quiet = before == (memory.number, rows.ends_kept) and not rows.ends
        if is_quiet and not rows.behind:
            memory.is_stale |= found.number != memory.number
            memory.lanes.forget(found.forgotten)

    def _compared(self) -> _Compared:
        lanes = list(self._memory.lanes)
        idle = [lane.performer_id for lane in lanes if lane.is_idle]
        running = [lane.running for lane in lanes if lane.running]
        elsewhere = set(pages.holders(now=clock.now())) - {lane.performer_id for lane in lanes}
        return _Compared(
            number=journal.last(),
            has_careful=inbox.has_waiting(payloads.SOURCES),
            ended=live.ended(running),
            forgotten=live.with_waiting(idle),
            elsewhere=elsewhere,
            waiting_elsewhere=live.with_waiting(elsewhere),
        )
