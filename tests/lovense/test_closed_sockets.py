"""What becomes of a socket that the server closed, of one that is silent, and of one that is not read: a
real server and client, and a database that really fails."""

import asyncio
import json
import socket
from contextlib import asynccontextmanager

import pytest
import uvicorn
from websockets.asyncio.client import connect

from config import server
from config.server import configuration
from ground import clock
from ground.mongodb.collections import client, collection
from lovense.consumers import TRY_LATER
from lovense.models import Device
from lovense.sending import groups, pages
from lovense.sockets.process import sockets
from tests.factories import token_of

pytestmark = pytest.mark.django_db

PATIENCE_SECONDS = 5
BUSY_MILLISECONDS = 300
UNKNOWN_ERROR = 8
TOYS = [{"id": "toy-1", "name": "Lush", "toyType": "lush", "status": 1, "battery": 80}]


@asynccontextmanager
async def served():
    listener = socket.create_server(("127.0.0.1", 0))
    serves = uvicorn.Server(configuration())
    serving = asyncio.create_task(serves.serve(sockets=[listener]))
    try:
        yield f"ws://127.0.0.1:{listener.getsockname()[1]}/ws/performer"
    finally:
        serves.should_exit = True
        await serving


@pytest.fixture
def devices_fail(db):
    """The next write to the devices keeps the server busy for a moment, and then fails."""
    name = collection(Device).full_name
    data = {"failCommands": ["update"], "namespace": name, "errorCode": UNKNOWN_ERROR}
    busy = {"blockConnection": True, "blockTimeMS": BUSY_MILLISECONDS}
    client().admin.command({"configureFailPoint": "failCommand", "mode": {"times": 1}, "data": data | busy})
    yield
    client().admin.command({"configureFailPoint": "failCommand", "mode": "off"})


async def test_news_for_a_socket_that_was_closed_ends_nothing_and_leaves_nothing(ana, devices_fail):
    token = await asyncio.to_thread(token_of, ana.user)
    async with (
        asyncio.timeout(4 * PATIENCE_SECONDS),
        served() as address,
        connect(address, additional_headers={"Authorization": f"Token {token}"}, proxy=None) as page,
    ):
        assert json.loads(await page.recv())["holder"] is True
        await page.send(json.dumps({"type": "devices", "toys": TOYS}))
        await asyncio.to_thread(
            tell, ana.performer_id
        )  # while the server is busy, so that it finds both at once
        await page.wait_closed()
        assert page.close_code == TRY_LATER
        await forgotten()


@pytest.fixture
def hurry(monkeypatch):
    """The server's patience, in tenths of what it is."""
    for name, seconds in (("LEASE_SECONDS", 1), ("RENEW_SECONDS", 0.1), ("HEARD_SECONDS", 0.6)):
        monkeypatch.setattr(pages, name, seconds)
    for name, seconds in (("PING_SECONDS", 0.2), ("PONG_SECONDS", 3)):
        monkeypatch.setattr(server, name, seconds)


def opened(address, token, page):
    headers = {"Authorization": f"Token {token}"}
    return connect(f"{address}?page={page}", additional_headers=headers, proxy=None, ping_interval=None)


async def holds(page):
    return json.loads(await page.recv()).get("holder", False)


@asynccontextmanager
async def told(page, *, is_holder):
    """It is accepted first, and learns then what it holds."""
    assert await holds(page) is is_holder
    yield


async def takes_over(page, *, within):
    try:
        async with asyncio.timeout(within):
            while not await holds(page):
                pass
    except TimeoutError:
        return False
    return True


async def test_a_page_that_dies_without_a_word_keeps_the_devices_about_its_lease(ana, hurry):
    token = await asyncio.to_thread(token_of, ana.user)
    async with (
        asyncio.timeout(4 * PATIENCE_SECONDS),
        served() as address,
        opened(address, token, "p1") as dead,
        told(dead, is_holder=True),
        opened(address, token, "p2") as page,
        told(page, is_holder=False),
    ):
        dead.transport.pause_reading()  # it answers nothing any more, no ping either
        assert await takes_over(page, within=PATIENCE_SECONDS / 2)
        dead.transport.abort()


async def test_a_page_that_says_nothing_and_answers_pings_keeps_the_devices(ana, hurry):
    token = await asyncio.to_thread(token_of, ana.user)
    async with (
        asyncio.timeout(4 * PATIENCE_SECONDS),
        served() as address,
        opened(address, token, "p1") as page,
        told(page, is_holder=True),
        opened(address, token, "p2") as other,
        told(other, is_holder=False),
    ):
        assert not await takes_over(other, within=3 * pages.LEASE_SECONDS)
        assert await asyncio.to_thread(pages.holders, now=clock.now())


async def test_a_page_that_asks_and_does_not_read_the_answers_is_cut_off(ana):
    token = await asyncio.to_thread(token_of, ana.user)
    async with (
        asyncio.timeout(4 * PATIENCE_SECONDS),
        served() as address,
        opened(address, token, "p1") as page,
    ):
        assert await holds(page)
        page.transport.pause_reading()
        while sockets.open:
            page.transport.write(ping() * 1000)
            await asyncio.sleep(0.001)
        await forgotten()
        page.transport.abort()


def ping():
    """A ping of a client, with as much as it may carry."""
    return bytes([0x89, 0x80 | 125]) + bytes(4) + b"x" * 125


def tell(performer_id):
    group = groups._layer_group(groups.performer_group(performer_id))
    groups.publish([(group, {"type": groups.PAGE_NEWS, "topic": "queue"})])


async def forgotten():
    """The server takes it for open no more, and another page may have the devices at once."""
    async with asyncio.timeout(pages.LEASE_SECONDS / 2):
        while sockets.open or await asyncio.to_thread(pages.holders, now=clock.now()):
            await asyncio.sleep(0.01)
