"""A writer that has lost the pen, and does not know it yet, gets one more entry in: what its page is told by
it, and says of it, reaches the rows, whoever hears it."""

import asyncio
from dataclasses import replace

import pytest

from ground import clock
from lovense.lane.live import LaneState
from lovense.models import Activation
from lovense.sending.acknowledgement import Ack
from tests.pen.conftest import rows, tip, until
from tests.pen.processes import begun, so, two
from tests.pen.shift import finished
from tests.pen.test_two_pages import channel, give_pen, opened, stands_still

pytestmark = pytest.mark.django_db(transaction=True)
FOR_EVER = float("inf")


async def overtaken(first, second, *, is_paused=False):
    """The second one has the pen; the first one has looked just before, and looks no more. `is_paused`: it
    starts nothing until it is told to."""
    first.pen._tick = stands_still
    await give_pen(first, second)
    first.pen._lease.until = 0.0 if is_paused else FOR_EVER
    await so(lambda: second.pen.is_ready)
    second.pen._tick = stands_still  # nor does the second one look for what the first one has written


def read(process, performer):
    """Her lane has been read from its rows there."""
    lane = process.pen.lanes.get(performer.performer_id)
    return lane is not None and lane.state is LaneState.READY


@pytest.mark.parametrize(
    ("stage_of_ack", "noted"),
    [("received", "received_at"), ("started", "started_at"), ("finished", "finished_at")],
)
async def test_what_a_page_says_of_an_entry_that_the_new_writer_has_not_seen_is_recorded(
    stage, bob, limited, slow_rows, stage_of_ack, noted
):
    await limited(0)
    async with two() as (first, second):
        page = await opened(first, second, stage)
        await overtaken(first, second)
        await so(lambda: read(second, stage))
        await first.post(tip(stage.performer_id, bob)[1])
        said = await page.next()
        assert rows(Activation) == 0
        about = said["activationId"], said["attempt"]
        await second.hears(Ack(stage.performer_id, *about, stage_of_ack, clock.now(), 1.0, is_answer=True))
        assert rows(Activation, **{"_id": said["activationId"], noted: {"$ne": None}}) == 1


async def test_of_a_group_of_acknowledgements_none_is_lost_with_one_that_is_about_nothing(
    stage, bob, limited, slow_rows
):
    await limited(0)
    async with two() as (first, second):
        page = await opened(first, second, stage)
        await overtaken(first, second)
        await first.post(tip(stage.performer_id, bob)[1])
        end = finished(stage.performer_id, await page.next(), 10.0)
        nothing = replace(end, activation_id="none.all")
        ended = await asyncio.gather(*(second.hears(ack) for ack in (nothing, end, nothing)))
        assert ended == [False, True, False]


async def test_an_end_taken_for_a_start_of_its_own_that_is_refused_waits_for_the_row_of_the_other(
    stage, bob, limited, slow_rows
):
    """Both work out the same start; the page has it from the one whose entry was first, and the other one
    hears the end while its own is on its way."""
    await limited(0)
    is_let_go = asyncio.Event()
    async with two() as (first, second):
        page = await opened(first, second, stage)
        append = second.pen._entries._writer.append

        async def held(document):
            await is_let_go.wait()
            await append(document)

        second.pen._entries._writer.append = held
        first.pen._tick = stands_still
        first.pen._lease.until = 0.0
        await first.post(tip(stage.performer_id, bob)[1])
        await overtaken(first, second, is_paused=True)
        await so(lambda: second.pen.lanes.get(stage.performer_id).running)
        first.pen._lease.until = FOR_EVER
        first.pen._memory.free.add(stage.performer_id)
        first.pen.awake.set()
        said = await page.next()
        assert await second.ends(page, said)
        await second.pen._rows.rest()
        is_let_go.set()
        await until(lambda: rows(Activation, _id=said["activationId"], status="completed"), seconds=4)


async def test_an_end_that_the_last_writer_took_with_it_is_written_although_the_next_one_is_heard_at_once(
    stage, bob, limited, slow_rows
):
    await limited(0)
    async with two() as (first, second):
        page = await opened(first, second, stage)
        await first.post(tip(stage.performer_id, bob)[1])
        said = await page.next()
        assert await second.ends(page, said)
        tick, second.pen._tick = second.pen._tick, stands_still
        await first.dies()
        third = begun()
        try:
            await so(lambda: third.pen.is_ready)

            async def noted():
                await so(lambda: second.pen.upstream.is_up)

            second.pen._lease._note_storing = noted
            second.pen._tick = tick
            await so(lambda: channel(third, stage) == page.channel)
            third.pen.awake.set()
            await until(lambda: rows(Activation, _id=said["activationId"], status="completed"), seconds=4)
        finally:
            await third.leaves()
