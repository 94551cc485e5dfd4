"""MongoDB is killed, or stands still, while an entry is on its way: nobody is told what is not durable, and
afterwards everything goes on by itself."""

import asyncio
import os
import signal
import time

import pytest
from asgiref.sync import sync_to_async
from pymongo.errors import PyMongoError

from ground.hops.groupcommit import Overloaded
from ground.inbox.inbox import Acceptance
from ground.inbox.models import WebhookDelivery
from ground.journal import journal
from ground.mongodb.collections import collection
from lovense.models import Activation
from tests.pen.conftest import call_of, post, running, tip, until
from tests.pen.shift import Notes, Shift
from tips.models import TipActivated

pytestmark = pytest.mark.django_db(transaction=True)
AWAY_SECONDS = 1.5


def logged():
    return [row["_id"] for row in collection(TipActivated).find().sort("sequence", 1)]


async def until_taken(pen, body, delivery):
    """As a payment system: again until it is taken. How often it was not."""
    refused = 0
    while True:
        try:
            return await asyncio.wait_for(post(pen, body, delivery), 20), refused
        except (PyMongoError, Overloaded):
            refused += 1
            await asyncio.sleep(0.05)


async def test_a_mongod_that_is_killed_under_way_loses_and_doubles_nothing(
    stage, bob, limited, mongod, tmp_path
):
    await limited(0)
    notes = Notes(str(tmp_path / "notes"))
    async with Shift(stage.performer_id, notes) as shift:
        pen, accepted = shift.pen, []

        async def sender(name):
            for number in range(12):
                tip_id, body = tip(stage.performer_id, bob)
                outcome, refused = await until_taken(pen, body, f"{name}_{number}")
                assert outcome is Acceptance.NEW or refused
                accepted.append(tip_id)
                await asyncio.sleep(0.01)

        senders = [asyncio.create_task(sender(name)) for name in "abc"]
        await asyncio.sleep(0.1)
        await sync_to_async(mongod.kill)()
        await asyncio.sleep(0.3)
        await sync_to_async(mongod.start)()
        async with asyncio.timeout(90):
            await asyncio.gather(*senders)
            await shift.played(len(accepted))
        await until(lambda: len(logged()) == len(accepted))
        assert sorted(logged()) == sorted(accepted)
        assert notes.of("played") == [f"{tip_id}.all" for tip_id in logged()]
        await until(lambda: collection(Activation).count_documents({"status": "completed"}) == len(accepted))
        assert pen.is_ready


async def test_a_mongod_that_stands_still_holds_answers_back_and_then_it_goes_on(stage, bob, mongod):
    async with running(stage.performer_id) as (pen, page):
        await post(pen, tip(stage.performer_id, bob)[1])
        page.finish(await page.next())
        os.kill(mongod.pid, signal.SIGSTOP)
        try:
            began = time.monotonic()
            tip_id, body = tip(stage.performer_id, bob)
            call = asyncio.create_task(post(pen, body))
            done, _ = await asyncio.wait([call], timeout=AWAY_SECONDS)
            assert not done
            assert page.heard.empty()
            assert time.monotonic() - began < AWAY_SECONDS + 1, "the loop was held up"
        finally:
            os.kill(mongod.pid, signal.SIGCONT)
        assert await asyncio.wait_for(call, 10) is Acceptance.NEW
        assert (await page.next())["tipId"] == tip_id


async def test_an_end_that_was_written_outlives_a_mongod_that_is_killed(stage, bob, limited, mongod):
    """Rows follow from entries, so the server may lose some; an end that no entry says is in none."""
    await limited(0)
    async with running(stage.performer_id) as (pen, page):
        await post(pen, tip(stage.performer_id, bob)[1])
        page.finish(await page.next())
        await pen.catch_up()
        await sync_to_async(mongod.kill)()
        await sync_to_async(mongod.start)()
        await until(lambda: collection(Activation).count_documents({"status": "completed"}) == 1)
        assert page.heard.empty(), "it is not asked again"


async def test_rows_that_a_killed_mongod_has_lost_are_made_again(stage, bob, limited, mongod):
    await limited(0)
    async with running(stage.performer_id) as (pen, page):
        tips = [tip(stage.performer_id, bob) for _ in range(3)]
        for _, body in tips:
            await post(pen, body)
        await sync_to_async(journal.catch_up)()
        await sync_to_async(mongod.kill)()
        await sync_to_async(mongod.start)()
        for _ in tips:
            page.finish(await page.next())
        await until(lambda: sorted(logged()) == sorted(tip_id for tip_id, _ in tips))
        await until(lambda: collection(Activation).count_documents({"status": "completed"}) == 3)


async def test_what_was_stored_though_its_caller_was_sent_away_is_settled_before_what_came_later(stage, bob):
    """The database writes it and says that it cannot promise it. Whoever sends it again hears that it is
    known, and from then on it comes before everything else."""
    inbox = collection(WebhookDelivery)
    failing = {
        "failCommands": ["insert"],
        "namespace": inbox.full_name,
        "writeConcernError": {"code": 64, "errmsg": "not promised"},
    }
    point = {"configureFailPoint": "failCommand", "mode": {"times": 1}, "data": failing}
    async with running(stage.performer_id) as (pen, page):
        first, second = tip(stage.performer_id, bob), tip(stage.performer_id, bob)
        await sync_to_async(inbox.database.client.admin.command)(point)
        with pytest.raises(PyMongoError):
            await pen._arrivals._accept_carefully(call_of(first[1]))
        assert await pen._arrivals._accept_carefully(call_of(first[1])) is Acceptance.REPEAT
        assert await post(pen, second[1]) is Acceptance.NEW
        await until(lambda: len(logged()) == 2)
        assert logged() == [first[0], second[0]]
        page.finish(await page.next())
