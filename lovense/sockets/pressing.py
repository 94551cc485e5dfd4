"""Presses that came over a socket: her pages are told first, in this process and the others; then
the press is recorded.

While the database is away the process that heard the press repeats it until it is recorded, also
when the page has gone; the page repeats it too, should this process die. Nothing is handed over to
her pages meanwhile."""

import asyncio
import logging
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from functools import partial

from ground import clock
from ground.json.errors import Refusal
from lovense.stopping import halts, stop

log = logging.getLogger(__name__)

AGAIN_SECONDS = 0.5
THROUGH = "socket"


class Pressing:
    """On threads of its own, behind no other work of this process."""

    def __init__(self) -> None:
        self._threads = ThreadPoolExecutor(4, thread_name_prefix="stops")
        self._tasks: set[asyncio.Task[None]] = set()  # asyncio itself may lose them
        self._failing: set[str] = set()  # performers whose press could not be recorded yet

    def press(self, performer_id: str, *, by: str) -> None:
        """At once. Said again while it cannot be recorded, it is one press."""
        now = clock.now()
        halts.tell([performer_id], at=now)
        if performer_id in self._failing:
            return
        task = asyncio.get_running_loop().create_task(self._recorded(performer_id, by, now))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _recorded(self, performer_id: str, by: str, now: datetime) -> None:
        try:
            while not await self._is_recorded(performer_id, by, now):
                self._failing.add(performer_id)
                await asyncio.sleep(AGAIN_SECONDS)
                now = clock.now()
                halts.tell([performer_id], at=now)
        finally:
            self._failing.discard(performer_id)

    async def _is_recorded(self, performer_id: str, by: str, now: datetime) -> bool:
        who = {"performer_id": performer_id, "by": by, "why": "", "through": THROUGH}
        record = partial(stop.record, **who, now=now)
        try:
            await asyncio.get_running_loop().run_in_executor(self._threads, record)
        except Refusal:  # she is enrolled no more
            return True
        except Exception as error:
            log.warning("stop_not_recorded", extra={"error_code": type(error).__name__})
            return False
        return True


pressing = Pressing()
