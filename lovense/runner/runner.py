"""The runner: in each web process, the pages of those performers whose devices the server tells.

A page is opened where nobody holds her devices, and closed where she has chosen another path or
ended her show. All else is any page's: the lease and its renewal, what is sent again, what is
acknowledged."""

import asyncio
import contextlib
import logging
import uuid
from collections.abc import Awaitable, Callable, Collection

from channels.layers import get_channel_layer
from django.conf import settings

from ground import clock
from ground.mongodb.collections import collection
from lovense import bridges
from lovense.bridges import RunsIn
from lovense.bridges.cloud import Cloud
from lovense.models import Performer
from lovense.rows import LayerMessage
from lovense.runner.run import INTERRUPTED, LOST
from lovense.runner.serverpage import ServerPage
from lovense.runner.stopper import Stopper
from lovense.sending import groups, pages
from lovense.sockets.openpage import in_thread
from lovense.sockets.process import sockets

log = logging.getLogger(__name__)

LOOK_SECONDS, WATCH_SECONDS, LISTEN_AGAIN_SECONDS = 1.0, 0.5, 1.0
OPENED_AT_ONCE = 50


class DeviceRunner:
    """Of one process."""

    def __init__(self) -> None:
        self.pages: dict[str, ServerPage] = {}
        self._page_id = f"server/{settings.STACK_SLOT}/{uuid.uuid4().hex[:8]}"
        self._cloud = Cloud()
        self._stopper = Stopper(self._cloud, lambda whose: whose in self.pages)
        self._listening: dict[str, asyncio.Task[None]] = {}
        self._loop: asyncio.AbstractEventLoop | None = None

    def halt(self, performer_ids: Collection[str], at: int | None, epoch: int | None) -> None:
        """As the pages of this process (`lovense/stopping/halts.py`), from any thread. Told of once
        at the press, and once more when it is recorded; the first of them counts."""
        sockets.halt(performer_ids, at, epoch)
        if at is None or self._loop is None:
            return
        heard = self._stopper.halt if epoch is None else self._stopper.recorded
        with contextlib.suppress(RuntimeError):  # it ends at this moment
            self._loop.call_soon_threadsafe(heard, performer_ids)

    async def run(self) -> None:
        """For ever; its toys are stopped where it is cancelled."""
        self._loop = asyncio.get_running_loop()
        try:
            async with asyncio.TaskGroup() as tickers:
                tickers.create_task(_every(LOOK_SECONDS, self.look))
                tickers.create_task(_every(WATCH_SECONDS, self.watch))
        finally:
            await self.close()

    async def close(self) -> None:
        self._loop = None
        await asyncio.gather(*(self._close(page, LOST) for page in list(self.pages.values())))
        await self._stopper.close()
        await self._cloud.aclose()

    # --- whose pages are here --------------------------------------------------------------------

    async def look(self) -> None:
        wanted = await in_thread(_performers)
        here = list(self.pages.values())
        left = [page for page in here if wanted.get(page.performer_id) != page.bridge.name]
        lost = [page for page in here if not page.is_holder and page not in left]
        closing = [self._close(page, INTERRUPTED) for page in left]
        await asyncio.gather(*closing, *(self._close(page, LOST) for page in lost))
        missing = [who for who in wanted if who not in self.pages]
        if missing:
            kept = await in_thread(pages.not_to_take, missing, now=clock.now())
            free = [who for who in missing if who not in kept]
            opened = (self._open(who, wanted[who]) for who in free[:OPENED_AT_ONCE])
            await asyncio.gather(*opened)

    async def _open(self, performer_id: str, name: str) -> None:
        bridge = bridges.find(name)
        assert bridge is not None
        layer = get_channel_layer()
        channel = await layer.new_channel()
        about = {"page_id": self._page_id, "channel": channel}
        page = ServerPage(performer_id, bridge, self._cloud, **about)
        await page.look_at_hosts()
        self.pages[performer_id] = page
        sockets.add(page)
        self._listening[channel] = asyncio.create_task(self._listen(page))
        await layer.group_add(groups.performer_group(performer_id), channel)
        # Only what is free: who held it before is another process, alive or not.
        if not await page.try_to_hold(has_returned=False):
            await self._close(page, LOST)

    async def _listen(self, page: ServerPage) -> None:
        layer = get_channel_layer()
        while True:
            try:
                message: LayerMessage = await layer.receive(page.channel)
            except Exception as error:  # meanwhile the rows are looked at once a second
                log.warning("runner_is_deaf", extra={"error_code": type(error).__name__})
                await asyncio.sleep(LISTEN_AGAIN_SECONDS)
                continue
            try:
                sockets.pass_on(page, message)
            except Exception as error:  # of one message; what it said is told again
                log.warning("runner_failed", extra={"error_code": type(error).__name__})

    async def _close(self, page: ServerPage, why: str) -> None:
        if self.pages.get(page.performer_id) is page:
            del self.pages[page.performer_id]
        try:
            await page.close(why)
            group = groups.performer_group(page.performer_id)
            await get_channel_layer().group_discard(group, page.channel)
        finally:
            sockets.remove(page)
            if (task := self._listening.pop(page.channel, None)) is not None:
                task.cancel()

    async def watch(self) -> None:
        await asyncio.gather(*(page.watch() for page in list(self.pages.values())))


def _performers() -> dict[str, str]:
    """Those whose devices a server tells, with the name of their bridge."""
    names = sorted(bridges.running_in(RunsIn.SERVER))
    found = collection(Performer).find({"bridge": {"$in": names}}, {"bridge": 1})
    return {row["_id"]: row["bridge"] for row in found}


async def _every(seconds: float, work: Callable[[], Awaitable[None]]) -> None:
    while True:
        try:
            await work()
        except Exception as error:
            log.warning("runner_tick_failed", extra={"error_code": type(error).__name__})
        await asyncio.sleep(seconds)


runner = DeviceRunner()
