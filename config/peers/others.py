"""The other web processes, as the one that holds the pen sees them: their calls join its rounds,
and the lanes of their pages live in its memory beside its own.

What is heard here is never said on: two processes may each take the other for the one."""

import asyncio
import time
from collections.abc import Callable, Coroutine, Iterable, Iterator
from dataclasses import dataclass, field
from functools import partial
from typing import Any, Protocol

from pymongo.errors import PyMongoError

from config.peers import frames
from config.peers.frames import Frame
from config.peers.post import FROM, Post, one_by_one
from config.peers.upstream import AWAY, FRESH_SECONDS, OVERLOADED
from ground.hops.groupcommit import Overloaded
from ground.inbox.inbox import Acceptance, Call
from lovense.rows import LayerMessage
from lovense.sending.acknowledgement import Ack
from lovense.sending.writer import Holding
from tips.intake.payloads import Order

GONE_SECONDS = 5.0


class AskedPen(Protocol):
    """What the others ask of the pen."""

    is_ready: bool

    async def accept(self, call: Call, order: Order | None) -> Acceptance: ...

    def finished(self, ack: Ack) -> bool: ...

    async def catch_up(self) -> None: ...

    def hold(self, page: Holding, *, is_new: bool) -> None: ...

    def let_go(self, performer_id: str, channel: str) -> None: ...

    def forget(self, performer_ids: Iterable[str]) -> None: ...


@dataclass(slots=True)
class Process:
    """Another web process, and its pages that hold devices, by channel."""

    name: str
    heard_at: float
    pages: dict[str, Holding] = field(default_factory=dict)

    def is_fresh(self) -> bool:
        return time.monotonic() - self.heard_at < FRESH_SECONDS


class Others:
    def __init__(self, pen: AskedPen, post: Post) -> None:
        self._pen, self._post = pen, post
        self._known: dict[str, Process] = {}
        self._owners: dict[str, str] = {}  # of channels
        self._tasks: set[asyncio.Task[None]] = set()  # asyncio itself may lose them
        # In this order: an end, or a call, is about pages that are known.
        self._kinds: dict[str, Callable[[Process, Any], None]] = {
            "here": self._came,
            "pages": self._listed,
            "attached": self._attached,
            "detached": self._detached,
            "changed": self._changed,
            "acks": self._finished,
            "calls": self._called,
            "rests": self._asked_to_rest,
        }

    @property
    def pages(self) -> Iterator[Holding]:
        return (page for each in self._known.values() for page in each.pages.values())

    def deliver(
        self, messages: Iterable[tuple[str, LayerMessage]]
    ) -> list[tuple[str, LayerMessage]]:
        """Passes on what is for their pages; the rest."""
        rest = []
        for channel, message in messages:
            if owner := self._owners.get(channel):
                self._post.say(owner, "commands", (channel, message))
            else:
                rest.append((channel, message))
        return rest

    def tick(self) -> None:
        before = time.monotonic() - GONE_SECONDS
        for each in list(self._known.values()):
            if each.heard_at < before:
                self._forget(each)
            else:
                self._post.say(each.name, "beat", self._pen.is_ready)

    def lost(self, name: str) -> None:
        """It does not listen any more."""
        if each := self._known.get(name):
            self._forget(each)

    def _forget(self, process: Process) -> None:
        del self._known[process.name]
        for page in list(process.pages.values()):
            self._detached(process, (page.performer_id, page.channel))

    # --- what they say ---------------------------------------------------------------------------

    def hear(self, frame: Frame) -> None:
        if frame.keys().isdisjoint(self._kinds):
            return  # it is the one that we follow, or have followed
        process = self._process(frame[FROM][0], is_told="pages" in frame)
        if process is None:
            return
        for kind, heard in self._kinds.items():
            one_by_one(frame.get(kind, ()), partial(heard, process))

    def _process(self, name: str, *, is_told: bool) -> Process | None:
        """Who is not known is believed from when he has said which pages he has; he is asked."""
        process = self._known.get(name)
        if process is None and is_told:
            process = self._known[name] = Process(name, 0.0)
            self._post.say(name, "beat", self._pen.is_ready)
        if process is None:
            self._post.say(name, "who", 1)
        else:
            process.heard_at = time.monotonic()
        return process

    def _came(self, process: Process, said: Any) -> None:
        """That it is there is all it says."""

    def _changed(self, process: Process, performer_id: str) -> None:
        self._pen.forget([performer_id])

    def _finished(self, process: Process, said: tuple[int, frames.Packed]) -> None:
        number, packed = said
        is_taken = False
        try:
            is_taken = self._pen.finished(frames.ack(packed))
        finally:  # also where it is not understood: it is not waited for
            self._answer(process.name, number, is_taken)

    def _called(self, process: Process, said: tuple[int, frames.Packed]) -> None:
        number, packed = said
        try:
            call, order = frames.call(packed)
        except Exception:
            self._answer(process.name, number, AWAY)
            raise
        self._beside(self._accepted(process.name, number, call, order))

    def _asked_to_rest(self, process: Process, said: tuple[int]) -> None:
        self._beside(self._caught_up(process.name, *said))

    def _answer(self, to: str, number: int, answer: Any) -> None:
        self._post.say(to, "answers", (number, answer))

    def _beside(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _accepted(self, to: str, number: int, call: Call, order: Order | None) -> None:
        """Where it fails the caller's own process tries, and says what is wrong."""
        answer = AWAY
        try:
            if self._pen.is_ready:
                answer = (await self._pen.accept(call, order)).value
        except Overloaded:
            answer = OVERLOADED
        except PyMongoError:
            pass
        finally:
            self._answer(to, number, answer)

    async def _caught_up(self, to: str, number: int) -> None:
        is_caught_up = False
        try:
            if self._pen.is_ready:
                await self._pen.catch_up()
                is_caught_up = self._pen.is_ready
        except PyMongoError:
            pass
        finally:
            self._answer(to, number, is_caught_up)

    # --- their pages -----------------------------------------------------------------------------

    def _listed(self, process: Process, listed: list[tuple[str, str, int]]) -> None:
        here = {channel for _, channel, _ in listed}
        for page in [page for page in process.pages.values() if page.channel not in here]:
            self._detached(process, (page.performer_id, page.channel))
        for said in listed:
            self._attached(process, said, is_new=False)

    def _attached(
        self, process: Process, said: tuple[str, str, int], *, is_new: bool = True
    ) -> None:
        performer_id, channel, lease = said
        page = Holding(performer_id, channel, lease, process.is_fresh)
        process.pages[channel] = page
        self._owners[channel] = process.name
        self._pen.hold(page, is_new=is_new)

    def _detached(self, process: Process, said: tuple[str, str]) -> None:
        performer_id, channel = said
        if process.pages.pop(channel, None) is not None:
            self._owners.pop(channel, None)
            self._pen.let_go(performer_id, channel)
