"""The plain path: a tip becomes durable as one entry, plays at once, and its rows follow."""

import asyncio

import pytest

from ground.inbox.inbox import Acceptance
from ground.inbox.models import WebhookDelivery
from ground.journal import journal
from ground.journal.models import JournalEntry
from ground.mongodb.collections import collection
from lovense.models import Activation
from tests.factories import Viewer
from tests.pen.conftest import call_of, post, purchase, running, tip, until
from tips.models import QueueRequest, Tip, TipActivated

pytestmark = pytest.mark.django_db(transaction=True)


def row(model, key):
    return collection(model).find_one({"_id": key})


async def test_a_tip_is_accepted_plays_and_has_its_rows(stage, bob):
    async with running(stage.performer_id) as (pen, page):
        tip_id, body = tip(stage.performer_id, bob)
        assert await post(pen, body, "msg_a") is Acceptance.NEW
        said = await page.next()
        assert (said["tipId"], said["attempt"]) == (tip_id, 1)
        assert page.finish(said)
        ended = await until(
            lambda: collection(Activation).find_one({"tip_id": tip_id, "status": "completed"})
        )
        assert ended["delivered_seconds"] == 10.0
    entry = collection(JournalEntry).find_one({"keys": tip_id})
    assert entry["starts"][0]["tip_id"] == tip_id
    assert row(WebhookDelivery, "payments/msg_a")["status"] == "processed"
    assert row(Tip, tip_id)["settlement_status"] == "settled"
    assert row(TipActivated, tip_id)["sequence"] == 1
    assert collection(QueueRequest).find_one({"idempotency_key": tip_id})["status"] == "completed"
    assert journal.behind() == (0, None)


async def test_tips_of_one_performer_play_one_after_the_other_in_their_order(stage, bob):
    async with running(stage.performer_id) as (pen, page):
        sent = [tip(stage.performer_id, bob) for _ in range(20)]
        for _, body in sent:
            await post(pen, body)
        played = []
        for _ in sent:
            said = await page.next()
            assert page.heard.empty()
            played.append(said["tipId"])
            page.finish(said)
        assert played == [tip_id for tip_id, _ in sent]


async def test_fifty_calls_of_one_tip_at_once_are_one_tip(stage, bob):
    async with running(stage.performer_id) as (pen, page):
        _, body = tip(stage.performer_id, bob)
        calls = [post(pen, body, f"msg_{number % 5}") for number in range(50)]
        outcomes = await asyncio.gather(*calls)
        assert outcomes.count(Acceptance.NEW) == 1
        assert outcomes.count(Acceptance.REPEAT) == 49
        page.finish(await page.next())
        await pen.catch_up()
        assert page.heard.empty()
    assert collection(TipActivated).count_documents({}) == 1


async def test_the_same_id_with_another_amount_is_a_conflict_whichever_is_unfolded(stage, bob):
    async with running(stage.performer_id) as (pen, _):
        tip_id, body = tip(stage.performer_id, bob)
        await post(pen, body)
        assert await post(pen, tip(stage.performer_id, bob, 200, tip_id)[1]) is Acceptance.CONFLICT


async def test_a_tip_without_its_tokens_waits_and_plays_when_they_come(stage):
    async with running(stage.performer_id) as (pen, page):
        poor = Viewer(user_id="507f191e810c19729de86000", username="poor")
        tip_id, body = tip(stage.performer_id, poor)
        assert await post(pen, body) is Acceptance.NEW
        await until(lambda: row(Tip, tip_id))
        assert await post(pen, purchase(poor)) is Acceptance.NEW
        assert (await page.next())["tipId"] == tip_id


async def test_what_was_answered_before_is_settled_before_whichever_way_it_came(stage, bob):
    """A call is answered from the inbox while a round reads what it needs; the next call comes after that
    answer, and must not be taken into that round."""
    async with running(stage.performer_id) as (pen, _):
        careful, plain = tip(stage.performer_id, bob), tip(stage.performer_id, bob)
        later: list[asyncio.Task[Acceptance]] = []
        read = pen._rounds._read_what_is_cold

        async def read_while_they_come() -> None:
            if not later:
                assert await pen._arrivals._accept_carefully(call_of(careful[1])) is Acceptance.NEW
                later.append(asyncio.create_task(post(pen, plain[1])))
                await asyncio.sleep(0)
            await read()

        pen._rounds._read_what_is_cold = read_while_they_come
        await post(pen, tip(stage.performer_id, bob)[1])
        await later[0]
        await until(lambda: collection(TipActivated).count_documents({}) == 3)
    assert row(TipActivated, careful[0])["sequence"] < row(TipActivated, plain[0])["sequence"]
