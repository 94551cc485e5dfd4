"""Ana on STANDARD_SERVER: her app is a simulated one over real HTTP, a runner holds her devices, and tips
reach them as they reach any page."""

import asyncio
from contextlib import asynccontextmanager

import pytest

from ground import clock
from ground.mongodb.collections import collection
from lovense.bridges import STANDARD_SERVER
from lovense.menus import publishing
from lovense.models import Activation, Performer
from lovense.runner.runner import DeviceRunner
from lovense.sockets.process import sockets
from lovense.vendor_simulator.world import Manners
from tests.factories import NOW
from tests.lovense.devices import apps
from tests.lovense.sockets import _nothing_runs_on, drain, settled, until
from tests.vendor import UID, UTOKEN, vendor

__all__ = ["_nothing_runs_on"]


@pytest.fixture
def phone(settings):
    """An app with a lush and a nora, paired at the vendor's; answers at once."""
    with vendor(manners=Manners(types=("lush", "nora")), has_https=False) as found:
        settings.LOVENSE_API_BASE_URL = found.simulator.url
        found.pair(UID)
        yield found


@pytest.fixture
def hers(ana, phone):
    """Ana's register knows the app and its toys."""
    reported(ana, phone)
    return ana


def reported(performer, phone, *, toy_ids=None, uid=UID, utoken=UTOKEN, **pairing):
    """Her app has called back for the first time."""
    now = clock.now()
    collection(Performer).update_one({"_id": performer.pk}, {"$set": {"bridge": STANDARD_SERVER}})
    apps.opened(performer, uid=uid, utoken=utoken, now=now, expires_at=now + apps.FIFTEEN_MINUTES, **pairing)
    toys = [{"id": toy_id, "name": name, "status": 1} for toy_id, name in _toys(phone, toy_ids)]
    apps.take(apps.call(*toys, uid=uid, utoken=utoken), now=now)


def _toys(phone, toy_ids):
    for toy in phone.simulator.phone.toys:
        if toy_ids is None or toy.id in toy_ids:
            yield toy.id, toy.kind.type


@asynccontextmanager
async def running():
    """A process that tells her devices."""
    runner = DeviceRunner()
    try:
        await runner.look()
        yield runner
    finally:
        await runner.close()


async def ticks():
    """A second of the process."""
    await sockets.tick()


async def play(performer, seconds, *, intensity=5, pattern="level", **more):
    """From now on every tip of hers makes her toys do this."""
    item = {"title": "It", "minimum": 1, "maximum": None, "pattern": pattern, "intensity": intensity}
    items = [item | {"durationSec": seconds} | more]
    await asyncio.to_thread(publishing.publish, performer.performer_id, items, NOW)  # before any tip


async def tipped(chain, bob, amount=100):
    """A tip of bob's that has been sent; its activation's id."""
    tip_id = await settled(chain, bob, amount)
    await drain()
    return f"{tip_id}.all"


def row(activation_id):
    return collection(Activation).find_one({"_id": activation_id})


def states(activation_id, leg=0):
    return [each["state"] for each in row(activation_id)["legs"][leg]["slices"]]


async def ended(activation_id, *, within=30):
    """Its row, as soon as it is over."""
    over = ("completed", "failed", "cancelled", "timeout", "dead")
    found = {}

    def is_over():
        found.update(row(activation_id) or {})
        return found.get("status") in over

    async with asyncio.timeout(within):
        while not await asyncio.to_thread(is_over):
            await asyncio.sleep(0.02)
    return found


def told(phone):
    """What the app was told, but for stops: (toy, action or strength, seconds)."""
    lines = [line["body"] for line in phone.commands()]
    return [
        (line["toy"], line.get("action") or line.get("strength"), line["timeSec"])
        for line in lines
        if line.get("action") != "Stop"
    ]


def stops(phone):
    return [line["body"] for line in phone.commands() if line["body"].get("action") == "Stop"]


async def until_told(phone, count):
    await until(lambda: len(told(phone)) >= count)
