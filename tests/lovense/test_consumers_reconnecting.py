"""What a page is told again that comes back, or does not answer, and that it is told under the same id."""

import asyncio

import pytest

from ground import clock
from ground.mongodb.collections import collection
from lovense.lane import controls
from lovense.models import Activation, PageLease
from lovense.sending import leases
from lovense.sockets.process import sockets
from tests.chain import SECOND
from tests.lovense.conftest import seconds, state
from tests.lovense.page import Page
from tests.lovense.sockets import _nothing_runs_on, chain, commanded, drain, settled, token

__all__ = ["_nothing_runs_on", "chain", "token"]
pytestmark = pytest.mark.django_db


@pytest.mark.parametrize("stage", ["nothing", "received", "started"])
async def test_what_is_in_flight_is_sent_again_on_reconnect_under_the_same_id(chain, bob, token, stage):
    async with Page(token=token, query="page=p1") as page:
        first = await commanded(page, chain, bob)
        if stage != "nothing":
            await page.acknowledge(first, stage)
            await page.done()
    async with Page(token=token, query="page=p1") as page:
        assert (await page.next())["holder"] is True
        assert await page.next() == (first if stage == "nothing" else first | {"confirmed": True})
        await sockets.tick()
        assert await page.heard(chain.performer_id) == []


async def test_what_has_ended_is_not_sent_on_reconnect(chain, bob, token):
    async with Page(token=token) as page:
        await page.next()
        await page.heard(chain.performer_id)
        await settled(chain, bob)
        await drain()
        await page.acknowledge(await page.next(), "finished", deliveredSeconds=3)
        await page.done()
    async with Page(token=token) as page:
        assert [message["type"] for message in await page.heard(chain.performer_id)] == ["snapshot"]


async def test_a_page_that_comes_back_before_its_old_socket_is_gone_keeps_the_devices(chain, bob, token):
    async with Page(token=token, query="page=p1") as old:
        assert (await old.next())["holder"]
        async with Page(token=token, query="page=p1") as new:
            assert (await new.next())["holder"]
            await sockets.tick()
            assert (await old.next())["holder"] is False
            await new.heard(chain.performer_id)
            await settled(chain, bob)
            await drain()
            assert (await new.next())["type"] == "lovense.activate"
            await sockets.tick()
            assert await old.heard(chain.performer_id) == []


async def test_a_command_lost_on_its_way_is_found_by_the_tick_and_sent_once(chain, bob, token):
    async with Page(token=token) as page:
        await page.next()
        await page.heard(chain.performer_id)
        await settled(chain, bob)
        lease = collection(PageLease).find_one()
        collection(PageLease).update_one({}, {"$set": {"channel": "nowhere"}})
        await drain(clock.now() - 2 * SECOND)
        collection(PageLease).replace_one({}, lease)
        assert await page.heard(chain.performer_id) == []
        await sockets.tick()
        command = await page.next()
        assert (command["type"], command["attempt"]) == ("lovense.activate", 1)
        await sockets.tick()
        assert await page.heard(chain.performer_id) == []


async def test_a_page_that_should_have_finished_is_asked_again(chain, bob, token):
    async with Page(token=token) as page:
        first = await commanded(page, chain, bob)
        await page.acknowledge(first, "started")
        await page.done()
        await sockets.tick()
        assert await page.heard(chain.performer_id) == []
        collection(Activation).update_one(
            {}, {"$set": {"started_at": clock.now() - seconds(60), "dispatched_at": chain.now - SECOND}}
        )
        await sockets.tick()
        again = await page.next()
        assert (again["activationId"], again["attempt"]) == (first["activationId"], 1)


async def test_a_second_attempt_reaches_a_page_that_ignored_the_first(chain, bob, token):
    async with Page(token=token) as page:
        first = await commanded(page, chain, bob)
        later = clock.now() + seconds(20)
        await asyncio.to_thread(leases.expire, now=later, limit=9)
        collection(PageLease).update_one({}, {"$set": {"expires_at": later + 9 * SECOND}})
        await drain(later + 2 * SECOND)
        second = await page.next()
        assert (second["activationId"], second["attempt"]) == (first["activationId"], 2)


async def test_what_was_cancelled_is_stopped_at_once_and_again_until_the_page_answers(chain, bob, token):
    async with Page(token=token) as page:
        await page.next()
        await page.heard(chain.performer_id)
        tip_id = await settled(chain, bob)
        await drain()
        command = await page.next()
        who = {"performer_id": chain.performer_id, "by": "ana", "why": "", "now": clock.now()}
        await asyncio.to_thread(controls.skip, **who)
        stop = {"type": "lovense.stop", "stopEpoch": 0, "activationIds": [f"{tip_id}.all"]}
        assert await page.next() == stop
        collection(Activation).update_one({}, {"$set": {"dispatched_at": chain.now - SECOND}})
        for _ in range(2):
            await sockets.tick()
            assert await page.next() == stop
        await page.acknowledge(command, "finished", deliveredSeconds=1)
        await page.done()
        await sockets.tick()
        assert await page.heard(chain.performer_id) == []
    assert state(tip_id) == ("cancelled", "cancelled")
