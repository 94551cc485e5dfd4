"""Ana's open pages while she stops: what one of them is told, past what else it is told; and a process that
tells its own pages directly."""

import asyncio
import json

import pytest

from lovense.sockets import halt
from lovense.sockets.pressing import pressing
from lovense.sockets.process import sockets
from lovense.stopping import halts
from tests.lovense.page import PATIENCE_SECONDS


@pytest.fixture(autouse=True)
def _told_here():
    """As in a web process. What is still being said when a test ends is said before the next one."""
    halts.use(sockets)
    yield
    halts.use(halts.NoPages())
    halts._thread.submit(int).result(PATIENCE_SECONDS)
    pressing._failing.clear()


@pytest.fixture
def soon(monkeypatch):
    """What is told again is told again at once."""
    monkeypatch.setattr(halt, "AGAIN_SECONDS", (0.01, 0.02, 0.03, 0.04, 0.05))
    monkeypatch.setattr(halt, "EVERY_SECONDS", 0.02)


@pytest.fixture
def rarely(monkeypatch):
    """It is told once, as far as a test can see."""
    monkeypatch.setattr(halt, "AGAIN_SECONDS", (600.0,) * 5)


async def stop_of(page):
    """The next `lovense.stop` that ends everything; the epoch, None where it has none yet."""
    while True:
        message = await page.next()
        if message["type"] == "lovense.stop" and "activationIds" not in message:
            return message.get("stopEpoch")


async def stopped_at(page, epoch):
    while await stop_of(page) != epoch:
        pass


async def silence(page, seconds=0.15):
    """What it is told meanwhile, but for news."""
    found = []
    try:
        async with asyncio.timeout(seconds):
            while True:
                found.append(json.loads((await page.socket.output_queue.get())["text"]))
    except TimeoutError:
        return [message for message in found if message["type"] != "news"]


async def until_so(holds):
    async with asyncio.timeout(PATIENCE_SECONDS):
        while not await asyncio.to_thread(holds):
            await asyncio.sleep(0.005)
