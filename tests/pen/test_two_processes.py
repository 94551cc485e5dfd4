"""A call comes to a process that does not hold the pen: it is handed on to the one that does, and is told
what became of it there."""

import asyncio
import threading

import msgpack
import pytest
from asgiref.sync import sync_to_async

import config.peers.upstream
import config.pen.lease
from config.peers import frames
from config.peers.post import channel_of
from ground import clock
from ground.hops.groupcommit import Overloaded
from ground.inbox import inbox
from ground.inbox.inbox import Acceptance
from ground.journal import journal
from ground.journal.models import JournalEntry, JournalState
from ground.mongodb.collections import collection
from tests.factories import Viewer
from tests.pen.conftest import call_of, purchase, rows, tip, until
from tests.pen.processes import begun, entry_of, in_time, logged, overheard, so, two
from tips.intake import payloads
from tips.models import Tip, TipActivated

pytestmark = pytest.mark.django_db(transaction=True)
POOR = Viewer(user_id="5" * 24, username="eve")


def stored():
    """Calls that went through the inbox."""
    return rows(JournalEntry, by="inbox")


# --- what becomes of it ------------------------------------------------------------------------------------


async def test_a_call_at_the_other_process_is_part_of_the_writers_entry(stage, bob):
    async with two() as (writer, other):
        tip_id, body = tip(stage.performer_id, bob)
        assert await other.post(body) is Acceptance.NEW
        entry = await sync_to_async(entry_of)(tip_id)
        assert entry["by"] == writer.pen.holder
        await other.pen.catch_up()
        assert await sync_to_async(logged)() == [tip_id]
        assert stored() == 0


async def test_the_other_process_first_is_a_repeat_at_the_writer_and_back(stage, bob):
    async with two() as (writer, other):
        _, body = tip(stage.performer_id, bob)
        assert await other.post(body) is Acceptance.NEW
        assert await writer.post(body) is Acceptance.REPEAT
        assert await other.post(body) is Acceptance.REPEAT
        await other.pen.catch_up()
        assert rows(TipActivated) == 1


async def test_the_same_call_at_both_in_one_moment_is_new_once(stage, bob):
    async with two() as (writer, other):
        _, body = tip(stage.performer_id, bob)
        posts = [process.post(body, "msg_same") for process in (writer, other) * 5]
        outcomes = await asyncio.gather(*posts)
        assert outcomes.count(Acceptance.NEW) == 1
        assert set(outcomes) == {Acceptance.NEW, Acceptance.REPEAT}
        await other.pen.catch_up()
        assert rows(TipActivated) == 1


async def test_another_content_under_the_same_tip_is_a_conflict_there_too(stage, bob):
    async with two() as (_, other):
        tip_id, body = tip(stage.performer_id, bob)
        assert await other.post(body) is Acceptance.NEW
        assert await other.post(tip(stage.performer_id, bob, 50, tip_id)[1]) is Acceptance.CONFLICT


async def test_what_is_bought_there_can_be_tipped_at_once(stage):
    async with two() as (_, other):
        assert await other.post(purchase(POOR, 500)) is Acceptance.NEW
        tip_id, body = tip(stage.performer_id, POOR)
        assert await other.post(body) is Acceptance.NEW
        await until(lambda: logged() == [tip_id])


async def test_a_tip_without_its_tokens_waits_for_them_wherever_it_came(stage):
    async with two() as (writer, other):
        tip_id, body = tip(stage.performer_id, POOR)
        assert await other.post(body) is Acceptance.NEW
        await until(lambda: rows(Tip, _id=tip_id, settlement_status="pending") == 1)
        assert await writer.post(purchase(POOR, 500)) is Acceptance.NEW
        await until(lambda: logged() == [tip_id])


async def test_who_holds_too_many_says_so_there_too(stage, bob, monkeypatch):
    async with two() as (_, other):
        monkeypatch.setattr("config.pen.arrivals.MOST_BEHIND", -1)
        with pytest.raises(Overloaded):
            await other.post(tip(stage.performer_id, bob)[1])


async def test_who_waits_for_too_many_answers_says_so(stage, bob, monkeypatch):
    async with two() as (_, other):
        monkeypatch.setattr(config.peers.upstream, "MOST_ASKED", 0)
        with pytest.raises(Overloaded):
            await other.post(tip(stage.performer_id, bob)[1])


async def test_many_large_calls_in_one_moment_are_several_frames(stage, bob, monkeypatch):
    monkeypatch.setattr("config.peers.post.MOST_SAID", 10)
    monkeypatch.setattr(frames, "MOST_BYTES", 1_000_000)
    async with two() as (_, other):
        bodies = [tip(stage.performer_id, bob)[1] + b" " * 60_000 for _ in range(60)]
        assert await asyncio.gather(*(other.post(body) for body in bodies)) == [Acceptance.NEW] * 60
        assert stored() == 0


async def test_an_answer_that_does_not_come_is_not_waited_for_and_the_tip_is_one(stage, bob, monkeypatch):
    monkeypatch.setattr(config.peers.upstream, "ANSWER_SECONDS", 0.2)
    async with two() as (writer, other):
        gate = threading.Event()
        writer.pen.threads.writer.submit(gate.wait, 10)
        tip_id, body = tip(stage.performer_id, bob)
        assert await other.post(body) is Acceptance.NEW  # stored here: the writer's entry is on its way
        gate.set()
        assert await writer.post(body) is Acceptance.REPEAT
        await until(lambda: logged() == [tip_id])
        assert other.pen.upstream._asked == {}


# --- the order, where something was stored beside the writer -----------------------------------------------


async def test_what_was_stored_beside_the_writer_comes_before_what_it_hears_later(stage, bob):
    async with two() as (writer, other):
        await other.cut_off()
        await so(lambda: not other.pen.upstream.is_up)
        sent = []
        for _ in range(3):
            for process in (other, writer):
                tip_id, body = tip(stage.performer_id, bob)
                assert await process.post(body) is Acceptance.NEW
                sent.append(tip_id)
        await until(lambda: logged() == sent)
        assert stored() >= 3


async def test_a_writer_that_has_not_looked_for_long_looks_before_it_settles(stage, bob):
    async with two() as (writer, other):
        await other.cut_off()
        writer.pen._tick = stands_still
        await so(lambda: not other.pen.upstream.is_up)
        first, body = tip(stage.performer_id, bob)
        await other.post(body)
        second, body = tip(stage.performer_id, bob)
        await writer.post(body)
        await until(lambda: logged() == [first, second])


async def stands_still(*, is_whole):
    """Nothing happens by the clock any more."""


async def test_what_a_process_stores_as_it_begins_comes_before_what_the_writer_hears_later(stage, bob):
    async with two() as (writer, _):
        third, gate = begun(), threading.Event()
        third.pen.threads.promises.submit(gate.wait, 10)  # it does not know yet who holds the pen
        try:
            first, body = tip(stage.performer_id, bob)
            call = asyncio.create_task(third.post(body))
            await until(lambda: stored() == 1)
            assert not (await asyncio.wait([call], timeout=0.2))[0]
            gate.set()
            await call
            second, body = tip(stage.performer_id, bob)
            await writer.post(body)
            await until(lambda: logged() == [first, second])
        finally:
            gate.set()
            await third.leaves()


async def test_what_a_process_that_stood_still_stores_is_noted_anew(stage, bob):
    """It noted once that it stores beside the writer; that note is over, and it does not know."""
    async with two() as (writer, other):
        await other.cut_off()
        await so(lambda: not other.pen.upstream.is_up and other.pen._lease._storing_since)
        other.pen._tick = stands_still
        other.pen._lease._noted_until -= 60
        forget = collection(JournalState).delete_one
        await sync_to_async(forget)({"_id": journal.OTHERS})
        await so(lambda: not writer.pen._lease.has_others)
        sent = []
        for process in (other, writer) * 3:
            tip_id, body = tip(stage.performer_id, bob)
            await process.post(body)
            sent.append(tip_id)
        await until(lambda: len(logged()) == len(sent))
        assert logged() == sent


async def test_more_than_one_turn_of_what_was_stored_comes_before_what_is_heard_later(stage, bob, settings):
    settings.DRAIN_LIMIT = 2
    async with two() as (writer, _):
        note = sync_to_async(journal.note_other)
        await note(until=clock.now() + config.pen.lease.LEASE)
        await so(lambda: writer.pen._lease.has_others)
        before = [tip(stage.performer_id, bob) for _ in range(7)]
        await sync_to_async(inbox.accept)([call_of(body) for _, body in before])
        later, body = tip(stage.performer_id, bob)
        await writer.post(body)
        await until(lambda: logged() == [*(tip_id for tip_id, _ in before), later])


# --- what others may write to Redis ------------------------------------------------------------------------


async def test_frames_that_nobody_has_proven_change_nothing(stage, bob, caplog):
    async with two() as (writer, other), overheard(writer) as (_, say):
        _, body = tip(stage.performer_id, bob)
        packed = frames.packed_call(call_of(body), payloads.parse(body).order)
        said = {"from": [other.pen.holder, 10**6], "calls": [[1, packed]]}
        forged = msgpack.packb(said, datetime=True)
        elsewhere = frames.sealed(channel_of(other.pen.holder), {"from": [other.pen.holder, 10**6]})
        for data in (b"", b"x" * 31, b"\x00" * 32 + forged, forged, elsewhere, b"\xc1" * 5_000_000):
            await say(data)
        tip_id, body = tip(stage.performer_id, bob)
        assert await other.post(body) is Acceptance.NEW
        await until(lambda: logged() == [tip_id])
        said = [record.msg for record in caplog.records if record.name == "config.peers.post"]
        assert said == ["frame_not_proven"]  # once: whoever may write there must not fill the log


async def test_a_frame_is_heard_once_however_often_it_is_said(stage, bob):
    async with two() as (writer, other), overheard(writer) as (heard, say):
        page = await other.opens(stage.performer_id, "channel-2")
        await so(lambda: channel(writer, stage) == "channel-2")
        await other.post(tip(stage.performer_id, bob)[1])
        assert await other.ends(page, await page.next())
        other.closes(page)
        await writer.opens(stage.performer_id, "channel-3")  # the same page: it has the same lease
        before, old = await numbers(), list(heard)
        for data in old:
            await say(data)
        await so(lambda: len(heard) >= 2 * len(old))
        await writer.post(tip(stage.performer_id, bob)[1])
        assert channel(writer, stage) == "channel-3"
        assert len(await numbers()) == len(before) + 1
        assert not writer.pen.others._tasks


def channel(process, performer):
    lane = process.pen.lanes.get(performer.performer_id)
    return lane.page.channel if lane else ""


@sync_to_async
def numbers():
    found = collection(JournalEntry).find({"_id": {"$lte": journal.LARGEST}}, {"_id": 1})
    return [row["_id"] for row in found]


async def test_what_is_not_understood_costs_nobody_else_his_place_in_the_frame(stage, bob):
    """As while processes of two releases run."""
    async with two() as (writer, other):
        post = other.pen._post
        post.say(writer.pen.holder, "a kind of later", {"what": "ever"})
        post.say(writer.pen.holder, "attached", ["another", "number", "of", "fields"])
        post.say(writer.pen.holder, "acks", [10**6, ["too few"]])
        asked = other.pen.upstream._ask("calls", ["too few"])
        assert await in_time(asked, 1) == config.peers.upstream.AWAY
        assert await other.post(tip(stage.performer_id, bob)[1]) is Acceptance.NEW
        assert stored() == 0


async def test_a_process_that_is_not_known_any_more_says_all_again(stage, bob, monkeypatch):
    async with two() as (writer, other):
        await other.opens(stage.performer_id, "channel-2")
        await so(lambda: channel(writer, stage) == "channel-2")
        writer.pen.others.lost(other.pen.holder)  # as after a frame that nobody heard
        assert channel(writer, stage) == ""
        monkeypatch.setattr(config.peers.upstream, "FRESH_SECONDS", 60.0)  # no silence tells it
        monkeypatch.setattr(config.peers.upstream, "ALL_PAGES_TICKS", 10**6)
        other.pen.upstream._ticks = 1
        assert await in_time(other.post(tip(stage.performer_id, bob)[1]), 3) is Acceptance.NEW
        await so(lambda: channel(writer, stage) == "channel-2", seconds=3)
        await so(lambda: other.pen.upstream.is_up, seconds=3)
