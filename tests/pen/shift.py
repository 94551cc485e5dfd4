"""A shift of the pen, from its begin to a clean end, for a process that may be killed at any moment of it;
and the page that outlives it.

What the page has played and what callers were told stands in a file, each line of it before anything else
happens."""

import asyncio
import json
import os
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path
from typing import Any

from asgiref.sync import sync_to_async
from django.conf import settings
from pymongo.errors import PyMongoError

from config.pen.pen import Pen
from ground import clock
from ground.inbox.inbox import Call
from lovense.sending import pages, resume, writer
from lovense.sending.acknowledgement import Ack
from lovense.sending.writer import Holding
from lovense.sockets.process import Sockets
from tips.intake import payloads

Said = dict[str, Any]
LOOK_SECONDS = 0.05
CHANNEL = "channel-1"


def finished(performer_id: str, said: Said, seconds: float) -> Ack:
    """The plain end of what a page was sent."""
    about = said["activationId"], said["attempt"]
    return Ack(performer_id, *about, "finished", clock.now(), seconds, is_answer=True)


class Notes:
    def __init__(self, path: str) -> None:
        self._path = Path(path)

    def add(self, kind: str, about: str) -> None:
        with self._path.open("a") as file:
            file.write(f"{kind} {about}\n")
            file.flush()
            os.fsync(file.fileno())

    def of(self, kind: str) -> list[str]:
        lines = self._path.read_text().splitlines() if self._path.exists() else []
        return [line.partition(" ")[2] for line in lines if line.startswith(kind + " ")]


class LastingPage:
    """Plays an id once, and answers every time."""

    def __init__(self, pen: Pen, performer_id: str, notes: Notes) -> None:
        self.pen, self.performer_id, self.notes = pen, performer_id, notes
        self.heard: asyncio.Queue[Said] = asyncio.Queue()
        self._sockets = Sockets()

    def deliver(self, messages: Iterable[tuple[str, dict[str, Any]]]) -> None:
        loop = self.pen._loop
        assert loop is not None
        for _, message in messages:
            loop.call_soon_threadsafe(self.heard.put_nowait, json.loads(message["text"]))

    async def play(self) -> None:
        """For ever."""
        while True:
            said = await self.heard.get()
            if said["activationId"] not in self.notes.of("played"):
                self.notes.add("played", said["activationId"])
            seconds = float(said["durationSec"])
            await self._sockets.acknowledge(finished(self.performer_id, said, seconds))

    async def ask_again(self) -> None:
        """For ever: what is in flight, as a page that has come back is told."""
        look = sync_to_async(resume.in_flight)
        while True:
            with suppress(PyMongoError):  # its process looks again
                for command in await look([self.performer_id], before=clock.now()):
                    if not self.pen.is_over(self.performer_id, command.activation_id):
                        self.heard.put_nowait(json.loads(command.text))
            await asyncio.sleep(LOOK_SECONDS)

    async def stay(self, channel: str) -> None:
        """For ever: its process renews its lease."""
        renew = sync_to_async(pages.renew)
        while True:
            with suppress(PyMongoError):
                await renew(settings.STACK_SLOT, [channel], now=clock.now())
            await asyncio.sleep(pages.RENEW_SECONDS)


class Shift:
    """`async with Shift(...) as shift`: ready inside, laid down after it."""

    def __init__(self, performer_id: str, notes: Notes) -> None:
        self.pen, self.notes = Pen(), notes
        self.page = LastingPage(self.pen, performer_id, notes)
        holding = Holding(performer_id, CHANNEL, 1, lambda: True)
        self.pen.deliver, self.pen.pages_here = self.page.deliver, lambda: [holding]

    async def __aenter__(self) -> "Shift":
        writer.use(self.pen)
        page = self.page
        works = self.pen.run(), page.play(), page.ask_again(), page.stay(CHANNEL)
        self._tasks = [asyncio.create_task(work) for work in works]
        while not self.pen.is_ready:
            await asyncio.sleep(0.005)
        return self

    async def __aexit__(self, *error: object) -> None:
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        writer.use(writer.Nobody())

    async def post(self, body: str, delivery: str) -> None:
        message = payloads.parse(body.encode())
        call: Call = payloads.as_call(
            payloads.PAYMENTS,
            delivery,
            body.encode(),
            message,
            position=int(clock.now().timestamp() * 10**9),
            received_at=clock.now(),
        )
        await self.pen.accept(call, message.order)
        self.notes.add("told", delivery)

    async def played(self, count: int) -> None:
        while len(self.notes.of("played")) < count:
            await asyncio.sleep(0.01)


def work(performer_id: str, calls: list[list[str]], path: str, count: int) -> None:
    """The hop of the nursery."""
    asyncio.run(_work(performer_id, calls, Notes(path), count))


async def _work(performer_id: str, calls: list[list[str]], notes: Notes, count: int) -> None:
    async with Shift(performer_id, notes) as shift:
        for body, delivery in calls:
            await shift.post(body, delivery)
        await shift.played(count)
