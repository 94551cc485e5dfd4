"""The performer's socket through the whole application: what it is told of her tips and of nobody else's,
and who holds the devices."""

import asyncio

import pytest

from ground import clock
from ground.mongodb.collections import collection
from lovense.models import Device, PageLease
from lovense.sending import pages
from lovense.sockets.process import sockets
from tests.chain import SECOND
from tests.lovense.conftest import activation_of, request_of, seconds, state
from tests.lovense.page import PATIENCE_SECONDS, Page
from tests.lovense.sockets import _nothing_runs_on, carols_token, chain, drain, settled, token, until

__all__ = ["_nothing_runs_on", "carols_token", "chain", "token"]
pytestmark = pytest.mark.django_db


# --- a tip's way -------------------------------------------------------------------------------------------


async def test_a_tip_is_played_step_by_step(chain, bob, token):
    async with Page(token=token) as page:
        await page.next()
        await page.heard(chain.performer_id)
        tip_id = await settled(chain, bob)
        await drain()
        command = await page.next()
        assert (command["type"], command["tipId"], command["attempt"]) == ("lovense.activate", tip_id, 1)
        for stage, expected in (
            ("received", "dispatched"),
            ("started", "activated"),
            ("finished", "completed"),
        ):
            await page.acknowledge(command, stage, deliveredSeconds=10)
            await page.done()
            assert state(tip_id)[0] == expected
    assert state(tip_id) == ("completed", "completed")
    assert activation_of(tip_id)["delivered_seconds"] == 10


async def test_the_end_of_one_starts_the_next(chain, bob, token):
    async with Page(token=token) as page:
        await page.next()
        await page.heard(chain.performer_id)
        tips = [await settled(chain, bob) for _ in range(3)]
        await drain()
        for tip_id in tips:
            command = await page.next()
            assert (command["type"], command["tipId"]) == ("lovense.activate", tip_id)
            await page.acknowledge(command, "finished", deliveredSeconds=10)
        await page.done()
    assert {state(tip_id) for tip_id in tips} == {("completed", "completed")}


async def test_tips_that_do_nothing_do_not_stop_the_lane(chain, bob, token):
    async with Page(token=token) as page:
        await page.next()
        await page.heard(chain.performer_id)
        tips = [await settled(chain, bob, amount) for amount in (100, 101, 102, 100)]
        await drain()
        await page.acknowledge(await page.next(), "finished", deliveredSeconds=10)
        assert (await page.next())["tipId"] == tips[3]
    assert [state(tip_id)[0] for tip_id in tips] == ["completed", "skipped", "skipped", "dispatched"]


async def test_where_another_process_holds_the_page_by_then_the_next_one_goes_there(chain, bob, token):
    async with Page(token=token) as page:
        await page.next()
        await page.heard(chain.performer_id)
        tips = [await settled(chain, bob) for _ in range(2)]
        await drain()
        command = await page.next()
        elsewhere = {
            "page_id": "p9",
            "channel": "other",
            "slot": "web-9",
            "expires_at": clock.now() + seconds(60),
        }
        collection(PageLease).update_one({}, {"$set": elsewhere})
        await sockets.tick()
        assert (await page.next())["holder"] is False
        await page.acknowledge(command, "finished", deliveredSeconds=10)
        await until(lambda: request_of(tips[1])["status"] == "claimed" and bool(activation_of(tips[1])))
        assert await page.heard(chain.performer_id) == []
    assert state(tips[0]) == ("completed", "completed")
    assert state(tips[1])[0] == "dispatched"


async def test_a_failure_is_recorded_with_its_code(chain, bob, token):
    async with Page(token=token) as page:
        await page.next()
        await page.heard(chain.performer_id)
        tip_id = await settled(chain, bob)
        await drain()
        await page.acknowledge(await page.next(), "failed", code="x" * 60)
        await page.done()
    assert state(tip_id) == ("failed", "failed")
    assert activation_of(tip_id)["reason"] == "x" * 40


async def test_the_last_word_of_a_page_that_has_gone_counts(chain, bob, token):
    """What it was told found no socket any more, before what it had said was heard."""
    async with Page(token=token) as page:
        await page.next()
        await page.heard(chain.performer_id)
        tip_id = await settled(chain, bob)
        await drain()
        command = await page.next()
        for opened in sockets.open.values():
            opened.outbox.forget()
        await page.acknowledge(command, "finished", deliveredSeconds=10)
        await until(lambda: state(tip_id) == ("completed", "completed"))


@pytest.mark.parametrize("absent", [{}, {"code": None}, {"deliveredSeconds": None}])
async def test_what_is_optional_may_be_null(chain, bob, token, absent):
    async with Page(token=token) as page:
        await page.next()
        await page.heard(chain.performer_id)
        tip_id = await settled(chain, bob)
        await drain()
        await page.acknowledge(await page.next(), "finished", **absent)
        await page.done()
    assert state(tip_id) == ("completed", "completed")


async def test_what_changes_is_news(chain, bob, token):
    async with Page(token=token) as page:
        await page.say({"type": "devices", "toys": []})
        await page.done()
        async with asyncio.timeout(PATIENCE_SECONDS):
            while "devices" not in page.news:
                page.news.append((await page.told()).get("topic"))


# --- the stranger ------------------------------------------------------------------------------------------


async def test_carol_receives_nothing_of_anas(chain, bob, carol, token, carols_token):
    async with Page(token=token) as page, Page(token=carols_token) as hers:
        assert [(await one.next())["holder"] for one in (page, hers)] == [True, True]
        await hers.heard(carol.performer_id)
        tip_id = await settled(chain, bob)
        await drain()
        command = await page.next()
        await page.acknowledge(command, "finished", deliveredSeconds=1)
        await page.done()
        await sockets.tick()
        assert await hers.heard(carol.performer_id) == []
    assert state(tip_id) == ("completed", "completed")


async def test_carols_words_about_anas_tip_change_nothing(chain, bob, carol, token, carols_token):
    async with Page(token=token) as page, Page(token=carols_token) as hers:
        await page.next()
        await hers.next()
        await page.heard(chain.performer_id)
        tip_id = await settled(chain, bob)
        await drain()
        command = await page.next()
        before = activation_of(tip_id), request_of(tip_id)
        for stage in ("received", "started", "finished", "failed"):
            await hers.acknowledge(command, stage, deliveredSeconds=1)
        await hers.done()
        assert (activation_of(tip_id), request_of(tip_id)) == before
        await asyncio.gather(
            page.acknowledge(command, "finished"), *(hers.acknowledge(command, "finished") for _ in range(9))
        )
        await asyncio.gather(page.done(), hers.done())
        assert state(tip_id) == ("completed", "completed")


async def test_carols_devices_do_not_become_anas(ana, carol, token, carols_token):
    toys = [{"id": "toy-1", "name": "Hers", "toyType": "lush", "status": 1, "battery": 50}]
    async with Page(token=token) as page, Page(token=carols_token) as hers:
        await page.say(
            {"type": "devices", "toys": [toys[0] | {"name": "Mine", "status": "0", "battery": "77"}]}
        )
        await page.done()
        await hers.say({"type": "devices", "toys": toys})
        await hers.done()
    rows = {
        row["performer_id"]: (row["name"], row["status"], row["battery"]) for row in collection(Device).find()
    }
    assert rows == {
        ana.performer_id: ("Mine", "disconnected", 77),
        carol.performer_id: ("Hers", "connected", 50),
    }


# --- who holds the devices ---------------------------------------------------------------------------------


async def test_a_second_page_watches_and_takes_over_when_the_holder_leaves(chain, bob, token):
    async with Page(token=token, query="page=p1") as holder, Page(token=token, query="page=p2") as watcher:
        assert [(await page.next())["holder"] for page in (holder, watcher)] == [True, False]
        await holder.heard(chain.performer_id)
        await settled(chain, bob)
        await drain()
        command = await holder.next()
        await sockets.tick()
        assert await watcher.heard(chain.performer_id) == []
        await holder.close()
        await sockets.tick()
        assert (await watcher.next())["holder"] is True
        assert await watcher.next() == command | {"lease": command["lease"] + 1}
        await watcher.acknowledge(command, "finished", deliveredSeconds=2)
        await watcher.done()
    assert state(command["tipId"]) == ("completed", "completed")


async def test_a_page_that_only_watches_never_takes_over(ana, token):
    async with Page(token=token, query="watch=1") as watcher:
        assert (await watcher.next())["holder"] is False
        await sockets.tick()
        assert await watcher.heard(ana.performer_id) == []
        async with Page(token=token) as page:
            assert (await page.next())["holder"] is True


async def test_a_holder_whose_lease_another_process_took_only_watches_from_then_on(chain, bob, token):
    async with Page(token=token, query="page=p1") as page:
        await page.next()
        await page.heard(chain.performer_id)
        await settled(chain, bob)
        await drain()
        await page.next()
        elsewhere = {
            "page_id": "p9",
            "channel": "other",
            "slot": "web-9",
            "expires_at": clock.now() + seconds(60),
        }
        collection(PageLease).update_one({}, {"$set": elsewhere})
        await sockets.tick()
        assert (await page.next())["holder"] is False
        await sockets.tick()
        assert await page.heard(chain.performer_id) == []


async def test_the_tick_keeps_the_lease_of_an_open_page(ana, token):
    async with Page(token=token) as page:
        assert (await page.next())["holder"] is True  # its row is there a moment before it knows
        collection(PageLease).update_one({}, {"$set": {"expires_at": clock.now()}})
        await sockets.tick()
        assert pages.holders(now=clock.now() + 4 * SECOND)


async def test_a_closed_page_frees_the_devices_at_once(ana, token):
    async with Page(token=token) as page:
        assert (await page.next())["holder"] is True
    assert pages.holders(now=clock.now()) == {}
    assert not sockets.open
