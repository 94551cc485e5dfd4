"""Rows may lag behind memory: ask the lane, or rest first. Each way of taking a row for the last word."""

import asyncio
from dataclasses import dataclass

import pytest
from asgiref.sync import sync_to_async

from ground import clock
from ground.inbox import inbox
from ground.inbox.inbox import Acceptance
from ground.journal import journal
from ground.journal.models import JournalEntry
from ground.mongodb.collections import collection
from ledger.models import Posting
from lovense import tasks
from lovense.lane import controls
from lovense.models import Activation
from lovense.sending import resume
from tests.pen.conftest import call_of, post, purchase, rows, running, tip, until
from tips.intake import acceptance, payloads
from tips.models import QueueRequest, TipActivated
from tips.settlement import settlement

pytestmark = pytest.mark.django_db(transaction=True)


async def test_what_is_durable_is_not_changed_by_what_happens_later(stage, bob, slow_rows):
    async with running(stage.performer_id) as (pen, page):
        await post(pen, tip(stage.performer_id, bob)[1])
        said = await page.next()
        entry = pen._rows.behind[0].document
        before = repr(entry)
        page.finish(said)
        await pen.catch_up()
        assert repr(entry) == before


async def test_a_lane_that_is_read_while_its_request_is_on_its_way_has_it_once(stage, bob, slow_rows):
    async with running(stage.performer_id) as (pen, page):
        sent = [tip(stage.performer_id, bob) for _ in range(6)]
        await post(pen, sent[0][1])
        calls = [asyncio.create_task(post(pen, body)) for _, body in sent[1:]]
        pen.read_again([stage.performer_id])
        await asyncio.gather(*calls)
        for tip_id, _ in sent:
            said = await page.next()
            assert said["tipId"] == tip_id
            page.finish(said)
            pen.read_again([stage.performer_id])
        await pen.catch_up()
        assert page.heard.empty()
    assert rows(Activation, status="completed") == 6


async def test_a_sweep_does_not_take_a_lagging_row_for_forgotten_work(stage, bob, slow_rows):
    async with running(stage.performer_id) as (pen, page):
        for _ in range(2):
            await post(pen, tip(stage.performer_id, bob)[1])
        await page.next()
        await pen.catch_up()
        assert rows(QueueRequest, status="pending") == 1
        await sync_to_async(tasks.DISPATCH.run)()
        await sync_to_async(tasks.heal)()
        assert rows(QueueRequest, status="pending") == 1
        assert rows(Activation) == 1


async def test_a_repeat_at_another_process_is_one_although_the_first_has_no_row(stage, bob, slow_rows):
    async with running(stage.performer_id) as (pen, _):
        _, body = tip(stage.performer_id, bob)
        await post(pen, body)
        assert rows(TipActivated) == 0
        accept = sync_to_async(inbox.accept)
        assert await accept([call_of(body)]) == [Acceptance.REPEAT]
        assert rows(TipActivated) == 1


async def test_the_other_process_first_is_a_repeat_here(stage, bob):
    async with running(stage.performer_id) as (pen, page):
        _, body = tip(stage.performer_id, bob)
        assert await sync_to_async(inbox.accept)([call_of(body)]) == [Acceptance.NEW]
        assert await post(pen, body) is Acceptance.REPEAT
        assert (await page.next())["attempt"] == 1
    assert rows(TipActivated) == 1


async def test_what_is_over_here_is_not_sent_again_for_its_row(stage, bob, slow_rows):
    async with running(stage.performer_id) as (pen, page):
        await post(pen, tip(stage.performer_id, bob)[1])
        said = await page.next()
        await pen.catch_up()
        page.finish(said)
        found = await sync_to_async(resume.in_flight)([stage.performer_id], before=clock.now())
        assert [command.activation_id for command in found] == [said["activationId"]]
        assert pen.is_over(stage.performer_id, said["activationId"])


async def test_nothing_starts_after_a_pause_that_another_process_made(stage, bob, slow_rows):
    async with running(stage.performer_id) as (pen, page):
        await post(pen, tip(stage.performer_id, bob)[1])
        said = await page.next()
        await post(pen, tip(stage.performer_id, bob)[1])
        journal.turned.disconnect(pen.turned)  # as if it were made elsewhere: nobody tells us
        pause = sync_to_async(controls.pause)
        await pause(performer_id=stage.performer_id, by="ana", why="", now=clock.now())
        page.finish(said)
        await until(lambda: rows(Activation, status="completed") == 1)
        await asyncio.sleep(0)
        assert page.heard.empty()
        resumed = sync_to_async(controls.resume)
        await resumed(performer_id=stage.performer_id, by="ana", now=clock.now())
        await page.next()


async def test_a_cancelled_request_never_plays_whoever_was_ahead(stage, bob, slow_rows):
    async with running(stage.performer_id) as (pen, page):
        await post(pen, tip(stage.performer_id, bob)[1])
        said = await page.next()
        unwanted, body = tip(stage.performer_id, bob)
        await post(pen, body)
        wanted, body = tip(stage.performer_id, bob)
        await post(pen, body)
        await pen.catch_up()
        row = collection(QueueRequest).find_one({"idempotency_key": unwanted})
        who = {"performer_id": stage.performer_id, "by": "ana", "why": "", "now": clock.now()}
        await sync_to_async(controls.cancel)(request_id=row["_id"], **who)
        page.finish(said)
        assert (await page.next())["tipId"] == wanted


async def test_a_pen_that_stood_still_notices_before_it_tells_anybody_anything(stage, bob):
    """Another writer has gone on meanwhile; the first believes that it still holds the pen."""
    async with running(stage.performer_id) as (old, page):
        await post(old, tip(stage.performer_id, bob)[1])
        page.finish(await page.next())
        old._tick = stands_still
        await sync_to_async(journal.lay_down_pen)(old.holder, now=clock.now())
        async with running(stage.performer_id) as (new, elsewhere):
            await post(new, tip(stage.performer_id, bob)[1])
            said = await elsewhere.next()
            old.is_ready = True
            tip_id, body = tip(stage.performer_id, bob)
            await post(old, body)
            elsewhere.finish(said)
        await until(lambda: rows(TipActivated, _id=tip_id) == 1)
    sequences = sorted(row["sequence"] for row in collection(TipActivated).find())
    assert sequences == [1, 2, 3]


async def stands_still(*, is_whole: bool) -> None:
    """No promise is renewed any more."""


async def test_a_memory_that_disagrees_with_the_rows_is_found_and_mended(stage, bob):
    async with running(stage.performer_id) as (pen, page):
        await post(pen, tip(stage.performer_id, bob)[1])
        said = await page.next()
        tip_id, body = tip(stage.performer_id, bob)
        await post(pen, body)
        pen.lanes.get(stage.performer_id).waiting.clear()  # planted: it has forgotten one
        page.finish(said)
        assert (await page.next())["tipId"] == tip_id


# --- what a turn leaves alone ------------------------------------------------------------------------------


@dataclass(frozen=True)
class Viewer:
    user_id: str = "5" * 24
    username: str = "eve"


async def test_a_purchase_takes_from_memory_what_it_moves_and_nothing_else(stage, bob):
    async with running(stage.performer_id) as (pen, page):
        await post(pen, tip(stage.performer_id, bob)[1])
        await page.next()
        lane, known = pen.lanes.get(stage.performer_id), set(pen._memory.books._known)
        assert f"user:{bob.user_id}" in known
        assert await post(pen, purchase(Viewer(), 500)) is Acceptance.NEW
        await until(lambda: not inbox.has_waiting(payloads.SOURCES))
        await post(pen, tip(stage.performer_id, Viewer())[1])  # it needs those tokens
        assert pen.lanes.get(stage.performer_id) is lane
        assert known <= set(pen._memory.books._known)
        await pen.catch_up()
    assert rows(TipActivated) == 2


async def test_a_tip_that_its_purchase_settles_is_in_a_lane_that_is_read_again(stage, bob):
    async with running(stage.performer_id) as (pen, page):
        tip_id, body = tip(stage.performer_id, Viewer())
        await post(pen, body)  # the tokens are not there yet
        assert page.heard.empty()
        await post(pen, purchase(Viewer(), 500))
        assert (await page.next())["tipId"] == tip_id


def test_a_turn_names_every_account_that_it_moves(stage, bob):
    for body in (purchase(Viewer(), 500), tip(stage.performer_id, Viewer())[1]):
        acceptance.accept([call_of(body)])
    done = settlement.drain(now=clock.now(), limit=10)
    turn = collection(JournalEntry).find_one({"by": "turn"}, sort=[("_id", -1)])
    legs = [
        leg["account"]
        for row in collection(Posting).find({"legs.account": "user:" + "5" * 24})
        for leg in row["legs"]
    ]
    assert len(set(legs)) == 4  # the issuer, the viewer, the performer and the platform
    assert set(turn["touched"]["accounts"]) >= set(legs)
    assert turn["touched"]["lanes"] == [stage.performer_id]
    assert done.handled == 2
