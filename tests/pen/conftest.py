"""Fixtures of the pen's tests: a pen that runs in this test's loop, one page that listens, and what became
durable."""

import asyncio
import itertools
import json
import time
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import pytest
from asgiref.sync import sync_to_async
from bson import ObjectId

import config.pen.rows
from config.pen.pen import Pen
from ground import clock
from ground.inbox.inbox import Acceptance, Call
from ground.journal import journal
from ground.mongodb.collections import collection
from lovense.deciding import platform
from lovense.menus import publishing
from lovense.sending import pages
from lovense.sending.writer import Holding
from tests.chain import MENU
from tests.factories import fund
from tests.pen.shift import finished
from tips.intake import payloads

_numbers = itertools.count(1)


@dataclass
class Page:
    """What a page of this process is sent; it answers when the test says so."""

    pen: Pen
    performer_id: str
    channel: str = "channel-1"
    lease: int = 1
    heard: "asyncio.Queue[dict[str, Any]]" = field(default_factory=asyncio.Queue)

    def deliver(self, messages: Iterable[tuple[str, dict[str, Any]]]) -> None:
        for channel, message in messages:
            if channel == self.channel:
                self.pen._loop.call_soon_threadsafe(self.heard.put_nowait, json.loads(message["text"]))

    async def next(self) -> dict[str, Any]:
        return await asyncio.wait_for(self.heard.get(), 10)

    def finish(self, said: dict[str, Any], seconds: float = 10.0) -> bool:
        return self.pen.finished(finished(self.performer_id, said, seconds))


def tip(performer_id: str, viewer: Any, amount: int = 100, tip_id: str = "") -> tuple[str, bytes]:
    tip_id = tip_id or str(ObjectId())
    now = clock.iso(clock.now())
    data = {
        "tipId": tip_id,
        "totalPrice": amount,
        "tipper": {"userId": viewer.user_id, "username": viewer.username},
        "recipient": {"performerId": performer_id},
        "createdAt": now,
    }
    return tip_id, json.dumps({"type": "tip.succeeded", "timestamp": now, "data": data}).encode()


def purchase(viewer: Any, tokens: int = 1000) -> bytes:
    now = clock.iso(clock.now())
    data = {"purchaseId": f"p{next(_numbers)}", "userId": viewer.user_id, "tokens": tokens, "createdAt": now}
    return json.dumps({"type": "tokens.purchased", "timestamp": now, "data": data}).encode()


def call_of(body: bytes, delivery: str = "") -> Call:
    """One call, proven and parsed."""
    return payloads.as_call(
        payloads.PAYMENTS,
        delivery or f"msg_{next(_numbers)}",
        body,
        payloads.parse(body),
        position=time.time_ns(),
        received_at=clock.now(),
    )


async def post(pen: Pen, body: bytes, delivery: str = "") -> Acceptance:
    return await pen.accept(call_of(body, delivery), payloads.parse(body).order)


def rows(model: Any, **wanted: Any) -> int:
    return collection(model).count_documents(wanted)


async def until(what: Any, *, seconds: float = 10.0) -> Any:
    """Asks the rows until they say something true: the pen writes them by itself."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if found := await sync_to_async(what)():
            return found
        await asyncio.sleep(0.01)
    raise AssertionError("it did not become so")


@asynccontextmanager
async def running(performer_id: str) -> AsyncIterator[tuple[Pen, Page]]:
    pen = Pen()
    page = Page(pen, performer_id)
    pen.deliver = page.deliver
    pen.pages_here = lambda: [Holding(performer_id, page.channel, 1, lambda: True)]
    life = asyncio.create_task(pen.run())
    try:
        while not pen.is_ready:
            await asyncio.sleep(0.01)
        yield pen, page
    finally:
        life.cancel()
        await asyncio.gather(life, return_exceptions=True)


@pytest.fixture
def slow_rows(monkeypatch):
    """Rows follow only when somebody asks for them."""
    monkeypatch.setattr(config.pen.rows, "UNFOLD_SECONDS", 3600.0)


@pytest.fixture
def stage(ana, bob):
    """Ana has a menu and a page, and bob has tokens."""
    publishing.publish(ana.performer_id, MENU, clock.now())
    pages.take(ana.performer_id, page_id="page-1", channel="channel-1", slot="local", now=clock.now())
    fund(bob, 100_000)
    journal.catch_up()
    return ana


@pytest.fixture
def limited():
    """`await limited(3)`: so many runs of a performer start in a minute; 0 for as many as there are."""

    async def limit(number):
        change = sync_to_async(platform.change)
        await change(key="rate_limit_per_minute", value=str(number), by="dina", now=clock.now())

    return limit
