"""Whatever fails, the pen goes on by itself, and nobody who waits for it waits for ever."""

import asyncio
import threading
from datetime import timedelta

import pytest
from asgiref.sync import sync_to_async
from pymongo.errors import AutoReconnect, PyMongoError

from ground import clock
from ground.hops.groupcommit import Overloaded
from ground.inbox import inbox
from ground.inbox.inbox import Acceptance
from ground.journal import journal
from ground.journal.models import JournalEntry, JournalState
from ground.mongodb.collections import collection
from ground.mongodb.transactions import NotCommitted
from lovense.lane import controls, submissions
from lovense.models import Activation, LanePace
from lovense.sending import dispatch, groups
from tests.pen.conftest import call_of, post, purchase, rows, running, tip, until
from tips.models import Priority, QueueRequest, RequestType, Tip, TipActivated
from tips.settlement import settlement

pytestmark = pytest.mark.django_db(transaction=True)
SOON = 8.0


def failing_once(work, error):
    """The same work, but its first call fails."""
    failures = [error]

    def once(*given, **named):
        if failures:
            raise failures.pop()
        return work(*given, **named)

    return once


async def in_time(work, seconds=SOON):
    return await asyncio.wait_for(work, seconds)


async def stands_still(*, is_whole):
    """Nothing happens by the clock any more."""


def numbers():
    found = collection(JournalEntry).find({"_id": {"$lte": journal.LARGEST}}, {"_id": 1})
    return sorted(row["_id"] for row in found)


# --- faults of ours, and of the database -------------------------------------------------------------------


async def test_a_fault_nobody_has_foreseen_ends_one_round_and_not_the_pen(stage, bob, monkeypatch):
    monkeypatch.setattr(settlement, "drain", failing_once(settlement.drain, ZeroDivisionError()))
    async with running(stage.performer_id) as (pen, page):
        tip_id, body = tip(stage.performer_id, bob)
        await in_time(post(pen, purchase(bob)))
        assert await in_time(post(pen, body)) is Acceptance.NEW
        assert (await page.next())["tipId"] == tip_id


@pytest.mark.parametrize("error", [NotCommitted("others were faster"), AutoReconnect("away")])
async def test_a_database_that_fails_is_told_in_words_that_the_door_knows(stage, bob, monkeypatch, error):
    async with running(stage.performer_id) as (pen, _):
        monkeypatch.setattr(journal, "append", failing_once(journal.append, error))
        _, body = tip(stage.performer_id, bob)
        with pytest.raises((PyMongoError, Overloaded)):
            await in_time(post(pen, body))
        assert await in_time(post(pen, body)) in (Acceptance.NEW, Acceptance.REPEAT)
        await until(lambda: rows(TipActivated) == 1)


async def test_a_repeat_whose_round_is_interrupted_is_told_so_and_can_come_again(stage, bob, monkeypatch):
    async with running(stage.performer_id) as (pen, _):
        _, body = tip(stage.performer_id, bob)
        await sync_to_async(journal.take_keys)([call_of(body, "msg_elsewhere").keys])
        monkeypatch.setattr(journal, "known", failing_once(journal.known, AutoReconnect("away")))
        with pytest.raises((PyMongoError, Overloaded)):
            await in_time(post(pen, body))
        assert await in_time(post(pen, body)) is Acceptance.NEW  # nobody had stored it
        await until(lambda: rows(TipActivated) == 1)


async def test_an_entry_that_is_durable_is_told_of_though_its_pages_cannot_be(stage, bob):
    async with running(stage.performer_id) as (pen, page):
        pen.deliver = failing_once(page.deliver, RuntimeError())
        assert await in_time(post(pen, tip(stage.performer_id, bob)[1])) is Acceptance.NEW
        assert await in_time(post(pen, tip(stage.performer_id, bob)[1])) is Acceptance.NEW
        await until(lambda: rows(TipActivated) == 2)


async def test_many_large_calls_at_once_are_several_entries(stage, bob):
    async with running(stage.performer_id) as (pen, _):
        bodies = [tip(stage.performer_id, bob)[1] + b" " * 200_000 for _ in range(90)]
        outcomes = await in_time(asyncio.gather(*(post(pen, body) for body in bodies)), 30)
        assert outcomes == [Acceptance.NEW] * 90
    assert rows(TipActivated) == 90


# --- the pen is lost ---------------------------------------------------------------------------------------


@pytest.fixture
def take_away():
    """Gives the pen to a holder that never writes; and back."""

    def take(holder="another", seconds=60):
        until_then = clock.now() + timedelta(seconds=seconds)
        changes = {"$set": {"holder": holder, "until": until_then}}
        collection(JournalState).update_one({"_id": journal.WRITER}, changes)

    return take


async def test_who_waits_when_the_pen_is_lost_is_stored_and_answered(stage, bob, take_away):
    async with running(stage.performer_id) as (pen, _):
        gate = threading.Event()
        pen.threads.writer.submit(gate.wait, SOON)
        first = asyncio.create_task(post(pen, tip(stage.performer_id, bob)[1]))
        await asyncio.sleep(0.05)  # its entry is on its way
        tip_id, body = tip(stage.performer_id, bob)
        second = asyncio.create_task(post(pen, body))
        await asyncio.sleep(0)
        await sync_to_async(take_away)()
        while pen.is_ready:
            await asyncio.sleep(0.01)
        gate.set()
        assert await in_time(asyncio.gather(first, second)) == [Acceptance.NEW] * 2
        assert await in_time(post(pen, body)) is Acceptance.REPEAT
        await sync_to_async(take_away)(seconds=-1)
        await until(lambda: rows(TipActivated, _id=tip_id) == 1)


async def test_who_waits_when_the_pen_is_laid_down_is_stored_and_answered(stage, bob):
    async with running(stage.performer_id) as (pen, _):
        gate = threading.Event()
        pen.threads.writer.submit(gate.wait, SOON)
        tip_id, body = tip(stage.performer_id, bob)
        calls = [asyncio.create_task(post(pen, body)) for _ in range(2)]
        await asyncio.sleep(0.05)  # its entry is on its way
    gate.set()
    outcomes = await in_time(asyncio.gather(*calls))
    assert sorted(outcome.value for outcome in outcomes) == ["new", "repeat"]
    async with running(stage.performer_id) as (pen, page):
        assert (await page.next())["tipId"] == tip_id


async def test_a_pen_that_is_lost_and_found_while_its_entry_is_written_leaves_no_gap(
    stage, bob, take_away, monkeypatch
):
    written, gate, append = threading.Event(), threading.Event(), journal.append

    def slow_answer(document):
        append(document)
        written.set()
        gate.wait(SOON)

    async with running(stage.performer_id) as (pen, _):
        before = pen.holder
        monkeypatch.setattr(journal, "append", slow_answer)
        call = asyncio.create_task(post(pen, tip(stage.performer_id, bob)[1]))
        await sync_to_async(written.wait)(SOON)
        await sync_to_async(take_away)()
        while pen.is_ready:
            await asyncio.sleep(0.01)
        await sync_to_async(take_away)(before)
        await asyncio.sleep(1.2)  # two looks of the clock
        gate.set()
        assert await in_time(call) is Acceptance.NEW
        await in_time(post(pen, tip(stage.performer_id, bob)[1]))
        await until(lambda: rows(TipActivated) == 2)
    assert numbers() == list(range(1, len(numbers()) + 1))


def test_a_gap_among_the_entries_is_said_and_not_waited_for():
    journal.append({"_id": 2, "by": "test", "at": clock.now()})
    with pytest.raises(journal.Gap):
        journal.catch_up()


# --- rows that lag -----------------------------------------------------------------------------------------


async def test_whoever_waits_for_the_rows_does_not_wait_for_what_comes_later(stage, bob, monkeypatch):
    unfold = journal.unfold

    def slow(*given, **named):
        threading.Event().wait(0.05)
        return unfold(*given, **named)

    async with running(stage.performer_id) as (pen, _):
        monkeypatch.setattr(journal, "unfold", slow)
        is_over = False

        async def tips_without_end():
            while not is_over:
                await post(pen, tip(stage.performer_id, bob, 10)[1])

        senders = [asyncio.create_task(tips_without_end()) for _ in range(3)]
        await asyncio.sleep(0.3)
        await in_time(pen.catch_up(), 3)
        is_over = True
        await in_time(asyncio.gather(*senders))


async def test_pages_are_told_that_a_queue_has_moved_once_its_rows_say_so(stage, bob, monkeypatch):
    told, mark = [], groups.news.mark

    def marked(performer_ids, topic):
        told.append((set(performer_ids), topic, rows(Activation, status="completed")))
        mark(performer_ids, topic)

    async with running(stage.performer_id) as (pen, page):
        await post(pen, tip(stage.performer_id, bob)[1])
        said = await page.next()
        await pen.catch_up()
        monkeypatch.setattr(groups.news, "mark", marked)
        page.finish(said)
        await until(lambda: ({stage.performer_id}, "queue", 1) in told)


async def test_pages_are_told_too_of_what_comes_into_the_rows_while_they_are_read_again(
    stage, bob, slow_rows, monkeypatch
):
    told = []

    def marked(performer_ids, topic):
        told.append((set(performer_ids), topic, rows(Activation)))

    async with running(stage.performer_id) as (pen, page):
        await post(pen, tip(stage.performer_id, bob)[1])
        await page.next()
        monkeypatch.setattr(groups.news, "mark", marked)
        pen.turned()
        await until(lambda: ({stage.performer_id}, "queue", 1) in told)


async def test_healing_does_not_take_a_lagging_row_for_a_lost_run(stage, bob, slow_rows, settings):
    settings.RECEIVED_WINDOW_SECONDS = 0
    async with running(stage.performer_id) as (pen, page):
        pen._tick = stands_still
        await asyncio.sleep(0.6)
        await post(pen, tip(stage.performer_id, bob)[1])
        said = await page.next()
        await pen.catch_up()
        page.finish(said)
        await pen._comparison.look_after()
        row = collection(Activation).find_one({"_id": said["activationId"]})
        assert (row["status"], row["attempt"]) == ("completed", 1)


async def test_an_end_is_not_lost_where_a_row_beside_it_is_refused(stage, bob, slow_rows):
    collection(TipActivated).insert_one({"_id": "planted", "sequence": 2})
    async with running(stage.performer_id) as (pen, page):
        for _ in range(3):
            await post(pen, tip(stage.performer_id, bob)[1])
            page.finish(await page.next())
        await pen.catch_up()
        assert rows(Activation, status="completed") == 3
    assert journal.refused(limit=5) == 1
    pace = collection(LanePace).find_one({"_id": stage.performer_id})
    assert len(pace["starts"]) == 3


async def test_a_claim_that_an_index_refuses_for_ever_holds_up_nobody(stage, carol, bob, slow_rows):
    async with running(stage.performer_id) as (pen, page):
        await post(pen, tip(stage.performer_id, bob)[1])
        said = await page.next()
        second, body = tip(stage.performer_id, bob)
        await post(pen, body)
        await pen.catch_up()  # the first runs, the second waits as a row
        row = collection(QueueRequest).find_one_and_update(
            {"lane": stage.performer_id, "status": "claimed"}, {"$set": {"status": "completed"}}
        )
        planted = row | {"_id": "f" * 32, "idempotency_key": "planted"}
        collection(QueueRequest).insert_one(planted)
        page.finish(said)
        await page.next()  # the second has started, and its row is to be claimed
        tip_id, body = tip(carol.performer_id, bob)
        await post(pen, body)
        await in_time(pen.catch_up(), 3)
        assert rows(Tip, _id=tip_id) == rows(Tip, _id=second) == 1
    assert journal.refused(limit=5) == 1


# --- idle --------------------------------------------------------------------------------------------------


async def test_an_idle_lane_that_is_not_plain_is_looked_at_once_a_second(stage, bob, monkeypatch):
    looks, drain = [], dispatch.drain_freed

    def counting(*given, **named):
        looks.append(1)
        return drain(*given, **named)

    set_mode = sync_to_async(controls.set_mode)
    await set_mode(performer_id=stage.performer_id, mode="priority", by="ana", now=clock.now())
    monkeypatch.setattr(dispatch, "drain_freed", counting)
    async with running(stage.performer_id) as (pen, page):
        await asyncio.sleep(1.5)
        assert len(looks) <= 4
        tip_id, body = tip(stage.performer_id, bob)
        await post(pen, body)
        assert (await page.next())["tipId"] == tip_id


# --- order, limits -----------------------------------------------------------------------------------------


async def test_what_a_person_submits_has_its_turn_between_the_tips(stage, bob, slow_rows):
    async with running(stage.performer_id) as (pen, page):
        sent = [tip(stage.performer_id, bob) for _ in range(3)]
        await post(pen, sent[0][1])
        await post(pen, sent[1][1])
        made = await sync_to_async(submissions.submit)(
            submissions.Submission(RequestType.TEST, 100, item=None, priority=Priority.NORMAL),
            lane=stage.performer_id,
            account="dina",
            name="dina",
            key="once",
            now=clock.now(),
        )
        await post(pen, sent[2][1])
        played = []
        for _ in range(4):
            said = await page.next()
            played.append(said["activationId"].partition(".")[0])
            page.finish(said)
            await pen.catch_up()
    own = made.row["idempotency_key"]
    assert played == [sent[0][0], sent[1][0], own, sent[2][0]]


async def test_the_limit_per_minute_holds_over_a_change_of_the_pen(stage, bob, limited):
    await limited(3)
    played = []
    for _ in range(2):
        async with running(stage.performer_id) as (pen, page):
            for _ in range(2):
                await post(pen, tip(stage.performer_id, bob)[1])
                if len(played) < 3:
                    said = await page.next()
                    played.append(said["tipId"])
                    page.finish(said)
            await asyncio.sleep(0.2)
            await pen.catch_up()
            assert page.heard.empty()
    assert len(played) == 3
    assert rows(QueueRequest, status="pending", delayed_by="rate_limit") == 1


async def test_a_lane_with_more_than_memory_keeps_plays_all_of_it_in_order(stage, bob, limited, monkeypatch):
    await limited(0)
    monkeypatch.setattr("lovense.lane.live.KEPT", 4)
    sent = [tip(stage.performer_id, bob) for _ in range(15)]
    async with running(stage.performer_id) as (pen, page):
        for _, body in sent[:12]:
            await post(pen, body)
        pen.read_again([stage.performer_id])
        for _, body in sent[12:]:
            await post(pen, body)
        played = []
        for _ in sent:
            said = await page.next()
            played.append(said["tipId"])
            page.finish(said)
    assert played == [tip_id for tip_id, _ in sent]


async def test_a_tip_that_another_process_has_answered_plays_before_one_that_comes_here_later(stage, bob):
    async with running(stage.performer_id) as (pen, page):
        later = clock.now() + timedelta(seconds=60)
        await sync_to_async(journal.note_other)(until=later)
        while not pen._lease.has_others:
            await asyncio.sleep(0.01)
        for _ in range(5):
            first, body = tip(stage.performer_id, bob)
            assert await sync_to_async(inbox.accept)([call_of(body)]) == [Acceptance.NEW]
            second, body = tip(stage.performer_id, bob)
            await in_time(post(pen, body))
            for tip_id in (first, second):
                said = await page.next()
                assert said["tipId"] == tip_id
                page.finish(said)
