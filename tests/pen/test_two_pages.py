"""A performer's page is at a process that does not hold the pen: her lane lives in the writer's memory, and
what her page says is handed on to it."""

import asyncio
import random

import pytest
from asgiref.sync import sync_to_async

import config.peers.others
from config.peers import frames
from config.peers.post import channel_of
from ground import clock
from ground.journal import journal
from ground.journal.models import JournalState
from ground.mongodb.collections import collection
from lovense.lane import controls
from lovense.models import Activation
from lovense.sending import acknowledgement, dispatch, resume, writer
from lovense.sending.acknowledgement import Ack
from tests.pen.conftest import rows, tip, until
from tests.pen.processes import logged, overheard, so, two
from tests.pen.shift import finished
from tests.pen.test_controls import ONLY_IN_ORDER, STEPS, STEPS_BY_WEIGHT, Model, played_to_the_end
from tips.models import QueueRequest

pytestmark = pytest.mark.django_db(transaction=True)


def channel(process, performer):
    """The page for which the writer starts her lane."""
    lane = process.pen.lanes.get(performer.performer_id)
    return lane.page.channel if lane else ""


async def opened(writer, other, performer, name="channel-2"):
    """Her page at the other process, and the writer knows it."""
    page = await other.opens(performer.performer_id, name)
    await so(lambda: channel(writer, performer) == name)
    return page


# --- what plays there --------------------------------------------------------------------------------------


async def test_many_tips_play_on_a_page_of_the_other_process_in_order(stage, bob, limited, slow_rows):
    await limited(0)
    async with two() as (writer, other):
        page = await opened(writer, other, stage)
        sent = [tip(stage.performer_id, bob) for _ in range(12)]
        for number, (_, body) in enumerate(sent):
            await (writer, other)[number % 2].post(body)
        for tip_id, _ in sent:
            said = await page.next()
            assert said["tipId"] == tip_id
            assert await other.ends(page, said)
        await other.pen.catch_up()
        assert rows(Activation, status="completed") == rows(QueueRequest, status="completed") == 12
        assert page.heard.empty()


async def test_a_page_that_was_open_before_the_writer_began_has_its_lane_there(stage, bob):
    async with two() as (writer, other):
        await opened(writer, other, stage)
        writer.pen.is_ready = False  # it begins again
        await so(lambda: writer.pen.is_ready)
        assert channel(writer, stage) == "channel-2"


async def test_the_rows_are_the_last_word_once_the_other_process_has_caught_up(stage, bob, slow_rows):
    async with two() as (writer, other):
        page = await opened(writer, other, stage)
        await other.post(tip(stage.performer_id, bob)[1])
        said = await page.next()
        await other.ends(page, said)
        assert other.pen.is_over(stage.performer_id, said["activationId"])
        assert rows(Activation) == 0
        await other.pen.catch_up()
        assert rows(Activation, status="completed") == 1


@pytest.mark.parametrize(("stage_of_end", "code"), [("failed", "unknown_toy"), ("finished", "")])
async def test_an_end_that_is_not_plain_goes_into_its_row_and_the_next_one_starts(
    stage, bob, slow_rows, stage_of_end, code
):
    async with two() as (writer, other):
        page = await opened(writer, other, stage)
        sent = [tip(stage.performer_id, bob) for _ in range(2)]
        for _, body in sent:
            await other.post(body)
        said = await page.next()
        about = said["activationId"], said["attempt"]
        end = Ack(stage.performer_id, *about, stage_of_end, clock.now(), 1.0, code, is_answer=not code)
        if stage_of_end == "finished":
            end = Ack(stage.performer_id, *about, "finished", clock.now(), 1.0)  # from another socket
        assert await other.hears(end)
        assert rows(Activation, _id=said["activationId"], delivered_seconds=1.0) == 1
        assert (await page.next())["tipId"] == sent[1][0]


async def test_whoever_does_not_hold_the_pen_starts_no_lane_from_its_rows(stage, bob, monkeypatch):
    """Two that start one lane, one of them from rows that lag behind, would part memory and rows."""
    drained, drain = [], dispatch.drain_freed

    def noted(performer_ids, **named):
        drained.append(set(performer_ids))
        return drain(performer_ids, **named)

    monkeypatch.setattr("lovense.sockets.freed.dispatch.drain_freed", noted)
    async with two() as (writer, other):
        page = await opened(writer, other, stage)
        for _ in range(2):
            await other.post(tip(stage.performer_id, bob)[1])
        said = await page.next()
        about = said["activationId"], said["attempt"]
        assert await other.hears(Ack(stage.performer_id, *about, "failed", clock.now(), 1.0, "unknown_toy"))
        await page.next()
        assert drained == []


async def test_an_end_of_which_the_writer_was_not_told_is_found_in_its_row_under_load(
    stage, carol, bob, limited
):
    await limited(0)
    async with two() as (writer, other):
        page = await opened(writer, other, stage)
        sent = [tip(stage.performer_id, bob) for _ in range(2)]
        for _, body in sent:
            await other.post(body)
        said = await page.next()
        is_over = False

        async def tips_without_end():
            while not is_over:
                await writer.post(tip(carol.performer_id, bob)[1])

        load = [asyncio.create_task(tips_without_end()) for _ in range(3)]
        await other.pen.catch_up()
        end = finished(stage.performer_id, said, 10.0)
        await sync_to_async(acknowledgement.acknowledge)([end])  # and what is said of it gets lost
        second = f"{sent[1][0]}.all"
        await until(lambda: rows(Activation, _id=second, status="dispatched") == 1, seconds=4)
        is_over = True
        await asyncio.gather(*load)


# --- pages that come and go --------------------------------------------------------------------------------


async def test_a_page_that_closes_leaves_nothing_behind(stage, bob):
    async with two() as (writer, other):
        page = await opened(writer, other, stage)
        other.closes(page)
        await so(lambda: channel(writer, stage) == "")
        assert writer.pen.others._owners == {}
        assert list(writer.pen.others.pages) == []


async def test_a_page_that_moves_is_not_taken_back_by_a_list_that_is_stale(stage, bob):
    """The same page: the number of its lease stays."""
    async with two() as (writer, other):
        left = await opened(writer, other, stage)
        page = await writer.opens(stage.performer_id, "channel-3")
        assert page.lease == left.lease
        other.pen.upstream._ticks = 0  # the whole list, which still has it
        heard = writer.pen.others._known[other.pen.holder].heard_at
        await so(lambda: writer.pen.others._known[other.pen.holder].heard_at > heard)
        assert channel(writer, stage) == "channel-3"
        await other.post(tip(stage.performer_id, bob)[1])
        assert page.finish(await page.next())
        other.closes(left)
        await so(lambda: list(writer.pen.others.pages) == [])
        assert channel(writer, stage) == "channel-3"


async def test_a_page_that_moves_to_the_other_process_plays_there(stage, bob):
    async with two() as (writer, other):
        left = await writer.opens(stage.performer_id, "channel-1")
        page = await opened(writer, other, stage)
        writer.closes(left)
        tip_id, body = tip(stage.performer_id, bob)
        await writer.post(body)
        assert (await page.next())["tipId"] == tip_id


async def test_a_page_of_the_writers_own_that_it_has_lost_from_memory_is_found(stage, bob):
    async with two() as (writer, _):
        await writer.opens(stage.performer_id, "channel-1")
        writer.pen.let_go(stage.performer_id, "channel-1")  # planted
        await so(lambda: channel(writer, stage) == "channel-1", seconds=3)


async def test_a_page_that_may_not_run_is_in_no_list(stage):
    async with two() as (writer, other):
        page = await opened(writer, other, stage)
        other.may_run = False  # it is silent, and its lease ends
        other.pen.upstream._ticks = 0
        await so(lambda: channel(writer, stage) == "")
        other.may_run = True
        other.pen.upstream._ticks = 0
        await so(lambda: channel(writer, stage) == page.channel)


async def test_who_held_the_pen_before_takes_no_page_from_who_holds_it_now(stage, bob, monkeypatch):
    monkeypatch.setattr(config.peers.others, "GONE_SECONDS", 0.7)
    async with two() as (first, second):
        page = await opened(first, second, stage)
        await give_pen(first, second)
        await so(lambda: second.pen.is_ready and first.pen.upstream.is_up)
        await so(lambda: channel(second, stage) == "channel-2")
        lane = second.pen.lanes.get(stage.performer_id)
        async with overheard(second) as (heard, _):
            await so(lambda: not first.pen.others._known)  # it has forgotten whose pages it knew
            await first.post(tip(stage.performer_id, bob)[1])  # what it said before is heard before
            await page.next()
        said = [frames.opened(channel_of(second.pen.holder), data) for data in heard]
        assert not [frame for frame in said if "detached" in frame]
        first.pen.upstream.detached(stage.performer_id, "channel-2")  # planted: it is not its own
        await first.post(tip(stage.performer_id, bob)[1])
        assert second.pen.lanes.get(stage.performer_id) is lane
        assert first.pen.others._owners == {}


@sync_to_async
def give_pen(giver, taker):
    """As if the promise had ended while its holder stood still; it does not know yet."""
    giver.pen._lease.until = 0.0
    collection(JournalState).update_one({"_id": journal.WRITER}, {"$set": {"holder": taker.pen.holder}})


async def test_who_does_not_know_that_it_has_lost_the_pen_has_the_last_word_all_the_same(
    stage, bob, slow_rows
):
    async with two() as (first, second):
        await opened(first, second, stage)
        first.pen._tick = stands_still
        await give_pen(first, second)
        await so(lambda: second.pen.is_ready)
        tip_id, body = tip(stage.performer_id, bob)
        await second.post(body)
        assert first.pen.is_ready
        assert logged() == []
        await first.pen.catch_up()
        assert logged() == [tip_id]


async def stands_still(*, is_whole):
    """No promise is renewed any more."""


async def test_the_pen_goes_back_and_forth_and_every_tip_plays_once_in_order(stage, bob, limited):
    await limited(0)
    async with two() as (first, second):
        page = await opened(first, second, stage)
        sent, played = [], []
        for giver, holder in ((first, second), (second, first)) * 2:
            await give_pen(giver, holder)
            for process in (first, second):
                tip_id, body = tip(stage.performer_id, bob)
                await process.post(body)
                sent.append(tip_id)
            await so(lambda holder=holder: holder.pen.is_ready)
            for _ in range(2):
                said = await page.next()
                played.append(said["tipId"])
                await second.ends(page, said)
        await until(lambda: rows(Activation, status="completed") == len(sent))
        assert played == sent == logged()
        assert page.heard.empty()


# --- controls ----------------------------------------------------------------------------------------------


@pytest.fixture(params=["at the writer", "at the other"])
def pressed(request):
    """Which of two processes a person's control comes to; the other is told of it by nobody."""

    def press(writer, other):
        deaf = other if request.param == "at the writer" else writer
        journal.turned.disconnect(deaf.pen.turned)

    return press


async def test_nothing_starts_after_a_pause(stage, bob, pressed):
    async with two() as (writer, other):
        pressed(writer, other)
        page = await opened(writer, other, stage)
        for _ in range(2):
            await other.post(tip(stage.performer_id, bob)[1])
        said = await page.next()
        who = {"performer_id": stage.performer_id, "by": "ana", "now": clock.now()}
        await sync_to_async(controls.pause)(why="", **who)
        await other.ends(page, said)
        await until(lambda: rows(Activation, status="completed") == 1)
        await other.pen.catch_up()
        assert page.heard.empty()
        await sync_to_async(controls.resume)(**who | {"now": clock.now()})
        await page.next()


async def test_what_was_cancelled_never_plays(stage, bob, pressed):
    async with two() as (writer, other):
        pressed(writer, other)
        page = await opened(writer, other, stage)
        sent = [tip(stage.performer_id, bob) for _ in range(3)]
        for _, body in sent:
            await other.post(body)
        said = await page.next()
        await other.pen.catch_up()
        row = collection(QueueRequest).find_one({"idempotency_key": sent[1][0]})
        who = {"performer_id": stage.performer_id, "by": "ana", "why": "", "now": clock.now()}
        await sync_to_async(controls.cancel)(request_id=row["_id"], **who)
        await other.ends(page, said)
        assert (await page.next())["tipId"] == sent[2][0]


async def test_what_was_skipped_ends_and_the_next_one_starts(stage, bob, pressed):
    async with two() as (writer, other):
        pressed(writer, other)
        page = await opened(writer, other, stage)
        sent = [tip(stage.performer_id, bob) for _ in range(2)]
        for _, body in sent:
            await other.post(body)
        said = await page.next()
        await other.pen.catch_up()
        who = {"performer_id": stage.performer_id, "by": "ana", "why": "", "now": clock.now()}
        await sync_to_async(controls.skip)(**who)
        (stop,) = await sync_to_async(resume.in_flight)([stage.performer_id], before=clock.now())
        assert stop.is_stop
        about = said["activationId"], said["attempt"]
        assert await other.hears(Ack(stage.performer_id, *about, "finished", clock.now(), 1.0))
        assert rows(Activation, _id=said["activationId"], status="cancelled") == 1
        assert (await page.next())["tipId"] == sent[1][0]


class Elsewhere(Model):
    """Her page is at the other process, and tips come to both."""

    def __init__(self, writer, other, page, rng):
        super().__init__(other.pen, page, rng)
        self.pens = writer.pen, other.pen

    async def tip(self, viewer):
        own, self.pen = self.pen, self.rng.choice(self.pens)
        await super().tip(viewer)
        self.pen = own


@pytest.mark.parametrize("seed", range(4))
async def test_whatever_is_done_in_whatever_order(stage, bob, limited, seed):
    await limited(0)
    rng, weights = random.Random(seed), ONLY_IN_ORDER if seed % 2 else STEPS_BY_WEIGHT
    async with two() as (first, other):
        page = await opened(first, other, stage)
        model = Elsewhere(first, other, page, rng)
        writer.use(other.pen)
        try:
            for name in rng.choices(list(weights), list(weights.values()), k=STEPS):
                await getattr(model, name)(bob)
                await asyncio.sleep(rng.choice((0, 0, 0.002, 0.02)))
                model.look()
                await model.keep_back()
            await model.resume_all(bob)
            await model.control(controls.set_mode, mode="fifo", **model.who())
            await played_to_the_end(model, bob)
        finally:
            writer.use(writer.Nobody())
    assert sorted(logged()) == sorted(model.sent)
    found = list(collection(Activation).find())
    assert sorted(row["tip_id"] for row in found) == sorted(model.sent)
    assert len(set(model.told)) == len(model.told)
    if model.stays_in_order:
        places = [model.sent.index(tip_id) for tip_id in model.told]
        assert places == sorted(places)
    assert journal.refused(limit=1) == 0
