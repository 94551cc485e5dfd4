"""What becomes of a socket that the server itself closed: a real server and client, and a database that
really fails."""

import asyncio
import json
import socket
from contextlib import asynccontextmanager

import pytest
import uvicorn
from websockets.asyncio.client import connect

from config.server import configuration
from ground import clock
from ground.mongodb.collections import client, collection
from lovense.consumers import TRY_LATER, sockets
from lovense.models import Device
from lovense.sending import groups, pages
from tests.factories import token_of

pytestmark = pytest.mark.django_db

PATIENCE_SECONDS = 5
BUSY_MILLISECONDS = 300
UNKNOWN_ERROR = 8
TOYS = [{"id": "toy-1", "name": "Lush", "toyType": "lush", "status": 1, "battery": 80}]


@asynccontextmanager
async def served():
    listener = socket.create_server(("127.0.0.1", 0))
    server = uvicorn.Server(configuration())
    serving = asyncio.create_task(server.serve(sockets=[listener]))
    try:
        yield f"ws://127.0.0.1:{listener.getsockname()[1]}/ws/performer"
    finally:
        server.should_exit = True
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


def tell(performer_id):
    group = groups._layer_group(groups.performer_group(performer_id))
    groups.publish([(group, {"type": groups.PAGE_NEWS, "topic": "queue"})])


async def forgotten():
    """The server takes it for open no more, and another page may have the devices at once."""
    async with asyncio.timeout(pages.LEASE_SECONDS / 2):
        while sockets.open or await asyncio.to_thread(pages.holders, now=clock.now()):
            await asyncio.sleep(0.01)
