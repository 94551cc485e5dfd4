"""Two web processes in one loop, each with a pen: the writer, and another one beside it."""

import asyncio
import json
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

from asgiref.sync import sync_to_async
from django.conf import settings
from redis import asyncio as redis

from config.peers.post import channel_of
from config.pen.pen import Pen
from ground import clock
from ground.inbox.inbox import Acceptance
from ground.journal import journal
from ground.journal.models import JournalEntry
from ground.mongodb.collections import collection
from lovense.sending import pages, resume, writer
from lovense.sending.acknowledgement import Ack
from lovense.sending.writer import Holding
from lovense.sockets.process import Sockets
from tests.pen.conftest import Page, post
from tests.pen.shift import LOOK_SECONDS, finished
from tips.models import TipActivated

SOON = 10.0
SLOT = "local"
Said = dict[str, Any]


async def in_time(work: Any, seconds: float = SOON) -> Any:
    return await asyncio.wait_for(work, seconds)


async def so(question: Any, *, seconds: float = SOON) -> None:
    """Until it is so: what a process knows is told to nobody who could be awaited."""
    async with asyncio.timeout(seconds):
        while not question():
            await asyncio.sleep(0.005)


def logged() -> list[str]:
    """Tips in the order in which they were settled."""
    return [row["_id"] for row in collection(TipActivated).find().sort("sequence", 1)]


def entry_of(tip_id: str) -> dict[str, Any] | None:
    return collection(JournalEntry).find_one({"keys": tip_id})


@dataclass
class Process:
    pen: Pen
    life: "asyncio.Task[None]"
    pages: dict[str, Page] = field(default_factory=dict)
    may_run: bool = True
    layer: dict[str, Page] = field(default_factory=dict)  # whoever knows a channel's name reaches it
    _sockets: Sockets = field(default_factory=Sockets)

    def deliver(self, messages: Iterable[tuple[str, Said]]) -> None:
        for channel, message in messages:
            if page := self.pages.get(channel) or self.layer.get(channel):
                page.deliver([(channel, message)])

    def holdings(self) -> list[Holding]:
        return [
            Holding(page.performer_id, page.channel, page.lease, lambda: self.may_run)
            for page in self.pages.values()
        ]

    async def opens(self, performer_id: str, channel: str, page_id: str = "page-1") -> Page:
        """A page of hers takes the devices here."""
        page = Page(self.pen, performer_id, channel)
        who = {"page_id": page_id, "channel": channel, "slot": SLOT}
        page.lease = await sync_to_async(pages.take)(performer_id, **who, now=clock.now())
        assert page.lease
        self.pages[channel] = self.layer[channel] = page
        self.pen.attach(next(each for each in self.holdings() if each.channel == channel))
        return page

    async def asks_again(self, page: Page) -> None:
        """For ever: what was lost on its way to the page is found in its row."""
        look = sync_to_async(resume.in_flight)
        while True:
            for command in await look([page.performer_id], before=clock.now()):
                if not self.pen.is_over(page.performer_id, command.activation_id):
                    page.heard.put_nowait(json.loads(command.text))
            await asyncio.sleep(LOOK_SECONDS)

    def closes(self, page: Page) -> None:
        del self.pages[page.channel], self.layer[page.channel]
        self.pen.detach(page.performer_id, page.channel)

    async def post(self, body: bytes, delivery: str = "") -> Acceptance:
        return await in_time(post(self.pen, body, delivery))

    async def ends(self, page: Page, said: Said, seconds: float = 10.0) -> bool | Exception:
        """The page says that it has played."""
        return await self.hears(finished(page.performer_id, said, seconds))

    async def hears(self, ack: Ack) -> bool | Exception:
        writer.use(self.pen)
        try:
            return await in_time(self._sockets.acknowledge(ack))
        finally:
            writer.use(writer.Nobody())

    def parts(self, name: str) -> list["asyncio.Task[None]"]:
        return [task for task in self.pen._tasks if task.get_name().startswith(name)]

    async def cut_off(self) -> None:
        """It hears nothing of Redis any more, and says nothing."""
        line, self.pen._post._line = self.pen._post._line, None
        await _ended(self.parts("Post."))
        if line is not None:
            await line.disconnect()

    async def dies(self) -> None:
        """As if it were killed: nothing is laid down, and nobody is told."""
        self.pen._lay_down = _nothing  # type: ignore[method-assign]
        await self.cut_off()
        pen = self.pen
        journal.turned.disconnect(pen.turned)
        await _ended([self.life, *pen._tasks, *pen.others._tasks, *pen._arrivals.handing_over])
        lay_down = sync_to_async(journal.lay_down_pen)  # its promise ends, sooner than by itself
        await lay_down(pen.holder, now=clock.now())

    async def leaves(self) -> None:
        await _ended([self.life])


async def _nothing() -> None:
    """Whoever is killed does nothing."""


async def _ended(tasks: Iterable["asyncio.Task[Any]"]) -> None:
    tasks = list(tasks)
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)


def begun() -> Process:
    pen = Pen()
    process = Process(pen, asyncio.get_running_loop().create_task(pen.run()))
    pen.deliver, pen.pages_here = process.deliver, process.holdings
    return process


@asynccontextmanager
async def two() -> AsyncIterator[tuple[Process, Process]]:
    """The writer and the other one, which hands on to it what it hears."""
    first = begun()
    others: list[Process] = []
    try:
        await so(lambda: first.pen.is_ready)
        others.append(begun())
        others[0].layer = first.layer
        await so(lambda: others[0].pen.upstream.is_up)
        yield first, others[0]
    finally:
        for process in (*others, first):
            await process.leaves()


@asynccontextmanager
async def overheard(process: Process) -> AsyncIterator[tuple[list[bytes], Any]]:
    """The frames that are said to this process; `say(data)` says any."""
    channel = channel_of(process.pen.holder)
    heard: list[bytes] = []
    async with redis.Redis.from_url(settings.REDIS_URL) as line, line.pubsub() as told:
        await told.subscribe(channel)

        async def listen() -> None:
            async for message in told.listen():
                if message["type"] == "message":
                    heard.append(message["data"])

        async def say(data: bytes) -> None:
            assert await line.publish(channel, data) == 2

        listening = asyncio.create_task(listen())
        try:
            yield heard, say
        finally:
            listening.cancel()
            await asyncio.gather(listening, return_exceptions=True)
