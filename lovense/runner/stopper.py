"""Stops by the vendor's cloud, whatever path she has chosen: every app that she ever paired, and
has not unpaired, is told to stop all its toys.

What has been accepted before may still be on its way to a toy, so it is told again and again, until
she resumes. Where the server's own page holds her devices, that page does it
(`lovense/runner/serverpage.py`)."""

import asyncio
import logging
from collections.abc import Callable, Collection
from functools import partial

from lovense import bridges
from lovense.bridges import STANDARD_SERVER
from lovense.bridges.cloud import Cloud
from lovense.runner import keeping
from lovense.sockets import halt
from lovense.sockets.openpage import in_thread
from lovense.stopping import stop

log = logging.getLogger(__name__)


async def stop_once(performer_id: str, cloud: Cloud) -> None:
    """All at once, behind no pace."""
    hosts = await in_thread(keeping.hosts_of, performer_id)
    bridge = bridges.known(STANDARD_SERVER)
    told = [
        cloud.tell(host["uid"], command, is_stop=True)
        for host in hosts.values()
        for command in bridge.stop(())
    ]
    await asyncio.gather(*told)


class Stopper:
    """Of one process: it tells those whose presses were made here. `is_covered`: whose devices a
    page of this server holds."""

    def __init__(self, cloud: Cloud, is_covered: Callable[[str], bool]) -> None:
        self._cloud, self._is_covered = cloud, is_covered
        self._telling: dict[str, asyncio.Task[None]] = {}
        self._recorded: set[str] = set()  # of those: her row knows of the press

    def halt(self, performer_ids: Collection[str]) -> None:
        """Pressed again, all of it begins again. On the event loop."""
        for performer_id in performer_ids:
            if self._is_covered(performer_id):
                continue
            if (before := self._telling.get(performer_id)) is not None:
                before.cancel()
            self._recorded.discard(performer_id)
            task = asyncio.create_task(self._tell(performer_id))
            self._telling[performer_id] = task
            task.add_done_callback(partial(self._forget, performer_id))

    def recorded(self, performer_ids: Collection[str]) -> None:
        """From now on her row says when she has resumed. On the event loop."""
        self._recorded.update(who for who in performer_ids if who in self._telling)

    def _forget(self, performer_id: str, task: asyncio.Task[None]) -> None:
        if self._telling.get(performer_id) is task:
            del self._telling[performer_id]
            self._recorded.discard(performer_id)

    async def _tell(self, performer_id: str) -> None:
        before = 0.0
        for moment in (0.0, *halt.AGAIN_SECONDS):
            await asyncio.sleep(moment - before)
            before = moment
            if await self._is_lifted(performer_id):
                return  # it would silence what plays since
            try:
                await stop_once(performer_id, self._cloud)
            except Exception as error:  # the next time
                log.warning("stop_not_told", extra={"error_code": type(error).__name__})

    async def _is_lifted(self, performer_id: str) -> bool:
        """For certain: a row that cannot be read says nothing."""
        if performer_id not in self._recorded:
            return False
        try:
            return (await in_thread(stop.state_of, performer_id)).stopped_at is None
        except Exception:  # the database is away, and so is a resume
            return False

    async def close(self) -> None:
        for task in self._telling.values():
            task.cancel()
        await asyncio.gather(*self._telling.values(), return_exceptions=True)
