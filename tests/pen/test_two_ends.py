"""One of two processes dies, leaves, or is heard no more: what its callers were told holds, and what its
pages have played stays played."""

import asyncio

import pytest
from asgiref.sync import sync_to_async

from ground.inbox.inbox import Acceptance
from ground.journal import journal
from ground.journal.models import JournalEntry
from lovense.models import Activation
from tests import services
from tests.pen.conftest import rows, tip, until
from tests.pen.processes import in_time, logged, so, two
from tests.pen.test_two_pages import channel, opened
from tips.models import QueueRequest

pytestmark = pytest.mark.django_db(transaction=True)
CALLS = 20
KNOWN = {Acceptance.NEW, Acceptance.REPEAT}


def once(tip_ids):
    """Each is settled, once, and nothing waits."""
    return sorted(logged()) == sorted(tip_ids)


async def all_play(process, page, tip_ids):
    """On this page, each once, in the order in which they were settled."""
    played = []
    asking = asyncio.create_task(process.asks_again(page))
    while len(played) < len(tip_ids):
        said = await page.next()
        if said["tipId"] not in played:
            played.append(said["tipId"])
        await process.ends(page, said)
    asking.cancel()
    await until(lambda: rows(Activation, status="completed") == len(tip_ids))
    assert played == logged()
    assert rows(QueueRequest, status="completed") == len(tip_ids)


# --- the process that holds the pen ------------------------------------------------------------------------


@pytest.mark.parametrize("turns", [0, 1, 2, 3, 5, 8, 13])
async def test_it_dies_with_calls_of_the_other_on_their_way(stage, bob, limited, turns):
    await limited(0)
    async with two() as (writer, other):
        page = await opened(writer, other, stage)
        sent = [tip(stage.performer_id, bob) for _ in range(CALLS)]
        calls = [asyncio.create_task(other.post(body)) for _, body in sent]
        for _ in range(turns):
            await asyncio.sleep(0.001)
        await writer.dies()
        assert set(await in_time(asyncio.gather(*calls))) <= KNOWN
        await so(lambda: other.pen.is_ready)
        ids = [tip_id for tip_id, _ in sent]
        await until(lambda: once(ids))
        await all_play(other, page, ids)
        assert other.pen.upstream._asked == {}


async def test_it_leaves_and_whoever_waits_is_answered(stage, bob, limited):
    await limited(0)
    async with two() as (writer, other):
        page = await opened(writer, other, stage)
        sent = [tip(stage.performer_id, bob) for _ in range(CALLS)]
        calls = [asyncio.create_task(other.post(body)) for _, body in sent]
        await asyncio.sleep(0.003)
        await writer.leaves()
        assert set(await in_time(asyncio.gather(*calls), 4)) <= KNOWN
        ids = [tip_id for tip_id, _ in sent]
        await until(lambda: once(ids))
        await all_play(other, page, ids)


async def test_an_end_that_it_took_with_it_is_written_by_who_said_it(stage, bob, slow_rows):
    """Its page is not asked again: the activation is over, although no row of the writer's says so."""
    async with two() as (writer, other):
        page = await opened(writer, other, stage)
        await other.post(tip(stage.performer_id, bob)[1])
        said = await page.next()
        await sync_to_async(journal.catch_up)()
        assert await other.ends(page, said)
        await writer.dies()
        assert rows(Activation, status="dispatched") == 1
        await so(lambda: other.pen.is_ready)
        assert rows(Activation, status="completed") == 1
        tip_id, body = tip(stage.performer_id, bob)
        await other.post(body)
        assert (await page.next())["tipId"] == tip_id


async def test_an_end_that_it_took_is_in_the_rows_for_a_page_that_comes_while_it_is_gone(
    stage, bob, slow_rows
):
    async with two() as (writer, other):
        page = await opened(writer, other, stage)
        await other.post(tip(stage.performer_id, bob)[1])
        assert await other.ends(page, await page.next())
        await writer.cut_off()
        await so(lambda: not other.pen.upstream.is_up)
        await other.pen.catch_up()
        assert rows(Activation, status="completed") == 1


# --- the other one -----------------------------------------------------------------------------------------


async def test_the_other_one_dies_and_its_lanes_are_left(stage, bob):
    async with two() as (writer, other):
        await opened(writer, other, stage)
        await other.dies()
        await so(
            lambda: channel(writer, stage) == "", seconds=2
        )  # not after a silence: a frame was not heard
        assert writer.pen.others._known == {}
        assert writer.pen.others._owners == {}
        page = await writer.opens(stage.performer_id, "channel-3")
        tip_id, body = tip(stage.performer_id, bob)
        await writer.post(body)
        assert (await page.next())["tipId"] == tip_id


async def test_nothing_starts_for_the_page_of_a_process_that_is_silent(stage, bob, monkeypatch):
    """It may stand still: Redis counts it among those who listen."""
    async with two() as (writer, other):
        page = await opened(writer, other, stage)
        for task in (*other.parts("Pen._beating"), *other.parts("Post.send")):
            task.cancel()
        heard = writer.pen.others._known[other.pen.holder]
        await so(lambda: not heard.is_fresh())
        await writer.post(tip(stage.performer_id, bob)[1])
        await writer.pen.catch_up()
        assert rows(Activation) == 0
        assert page.heard.empty()


# --- what lies between them --------------------------------------------------------------------------------


async def test_without_redis_every_call_is_answered_and_once_it_is_back_they_are_handed_on(
    stage, bob, limited
):
    await limited(0)
    redis = services.running.redis
    async with two() as (writer, other):
        await opened(writer, other, stage)
        await sync_to_async(redis.stop)()
        try:
            sent = []
            for process in (other, writer, other):
                tip_id, body = tip(stage.performer_id, bob)
                assert await process.post(body) in KNOWN
                sent.append(tip_id)
            await until(lambda: logged() == sent)
        finally:
            await sync_to_async(redis.start)()
        await so(lambda: other.pen.upstream.is_up)
        await so(lambda: channel(writer, stage) == "channel-2")
        stored = rows(JournalEntry, by="inbox")
        tip_id, body = tip(stage.performer_id, bob)
        await other.post(body)
        assert rows(JournalEntry, by="inbox") == stored
        await until(lambda: logged() == [*sent, tip_id])
        for process in (writer, other):
            assert process.pen._post._waiting == {}
            assert process.pen.upstream._asked == {}


async def test_whoever_hears_nothing_answers_all_the_same(stage, bob):
    """Its frames are heard, and no answer reaches it."""
    async with two() as (writer, other):
        for task in other.parts("Post.listen"):
            task.cancel()
        sent = []
        for _ in range(3):
            for process in (other, writer):
                tip_id, body = tip(stage.performer_id, bob)
                assert await process.post(body) in KNOWN
                sent.append(tip_id)
        await until(lambda: once(sent))
        assert logged() == sent
