"""The next round is worked out while an entry is on its way: it follows at once, and where the entry is
refused it goes with it."""

import asyncio
from contextlib import contextmanager

import pytest
from asgiref.sync import sync_to_async

from ground import clock
from ground.inbox.inbox import Acceptance
from ground.journal import journal
from ground.journal.models import JournalEntry
from ground.mongodb.collections import collection
from ledger.books import reconcile
from tests.factories import Viewer, fund
from tests.pen.conftest import post, running, tip, until
from tips.models import TipActivated

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def eve_with_tokens():
    eve = Viewer(user_id="507f191e810c19729de86111", username="eve")
    fund(eve, 1000)
    journal.catch_up()
    return eve


@contextmanager
def held_up(pen):
    """The entries of this pen stand still on their way until the gate is opened."""
    writer = pen._entries._writer
    append, under_way, gate = writer.append, asyncio.Event(), asyncio.Event()

    async def slow(document):
        under_way.set()
        await gate.wait()
        await append(document)

    writer.append = slow
    try:
        yield under_way, gate
    finally:
        gate.set()
        writer.append = append


async def posted(pen, bodies):
    """These calls, after the pen has heard of all of them."""
    calls = [asyncio.create_task(post(pen, body)) for body in bodies]
    while not all(
        any(arrival.call.body == body for arrival in pen._arrivals._keys.values()) for body in bodies
    ):
        await asyncio.sleep(0)
    for _ in range(5):  # its own turn
        await asyncio.sleep(0)
    return calls


def contents():
    rows = collection(JournalEntry).find({"deliveries": {"$exists": True}}).sort("_id", 1)
    return [[event["_id"] for event in row["events"]] for row in rows]


async def test_what_arrives_while_an_entry_is_on_its_way_is_the_next_entry(stage, bob):
    async with running(stage.performer_id) as (pen, _):
        tips = [tip(stage.performer_id, bob) for _ in range(4)]
        ids, bodies = [tip_id for tip_id, _ in tips], [body for _, body in tips]
        with held_up(pen) as (under_way, gate):
            first = asyncio.create_task(post(pen, bodies[0]))
            await under_way.wait()
            later = [task for body in bodies[1:] for task in await posted(pen, [body])]
            assert not any(call.done() for call in later)
            gate.set()
            assert await asyncio.gather(first, *later) == [Acceptance.NEW] * 4
    assert contents() == [ids[:1], ids[1:]]


async def test_a_refused_entry_takes_along_what_was_worked_out_after_it(stage, carol, bob):
    """The first is for a performer without a page; the second starts on its page in the next round."""
    async with running(stage.performer_id) as (pen, page):
        first, second, third = (
            tip(carol.performer_id, bob),
            tip(stage.performer_id, bob),
            tip(stage.performer_id, bob),
        )
        with held_up(pen) as (under_way, gate):
            calls = [asyncio.create_task(post(pen, first[1]))]
            await under_way.wait()
            calls += await posted(pen, [second[1], third[1]])
            taken = {"_id": pen._memory.number + 1, "by": "elsewhere", "at": clock.now()}
            await sync_to_async(journal.append)(taken)
            assert page.heard.empty()
            gate.set()
            assert await asyncio.gather(*calls) == [Acceptance.NEW] * 3
        for tip_id in (second[0], third[0]):
            said = await page.next()
            assert said["tipId"] == tip_id
            page.finish(said)
        await until(lambda: collection(TipActivated).count_documents({}) == 3)
        await pen.catch_up()
        assert page.heard.empty()
    log = list(collection(TipActivated).find().sort("sequence", 1))
    assert [row["_id"] for row in log] == [first[0], second[0], third[0]]
    assert [row["sequence"] for row in log] == [1, 2, 3]
    assert await sync_to_async(lambda: list(reconcile.findings()))() == []


async def test_a_tip_whose_accounts_are_not_known_yet_waits_for_its_own_round(
    stage, carol, bob, eve_with_tokens
):
    async with running(stage.performer_id) as (pen, page):
        with held_up(pen) as (under_way, gate):
            first = asyncio.create_task(post(pen, tip(stage.performer_id, bob)[1]))
            await under_way.wait()
            unknown = await posted(pen, [tip(stage.performer_id, eve_with_tokens)[1]])
            known = await posted(pen, [tip(stage.performer_id, bob)[1]])
            gate.set()
            assert await asyncio.gather(first, *unknown, *known) == [Acceptance.NEW] * 3
        page.finish(await page.next())
    assert len(contents()) == 2
