"""Every process killed right after every fact, and within two of them, with tips on their way: none lost,
none run twice, none out of order."""

import asyncio
import time

import pytest

from tests.flows.facts import MOMENTS
from tests.flows.show import new_tip

VICTIMS = ("web-0", "worker-0", "redis", "mongod")  # the beat dies with the worker it lives in
PERFORMERS, TIPS_EACH, SENT_BEFORE = 3, 4, 2
ANSWERED = 8
SEEN = 2  # the kill comes at the second tip's fact: one is past it, the others are on their way


@pytest.mark.parametrize("victim", VICTIMS)
@pytest.mark.parametrize("moment", MOMENTS)
async def test_no_tip_is_lost_or_doubled_when_it_is_killed_once(begin, moment, victim, record_property):
    await killed_once(begin, moment, victim, record_property)


@pytest.mark.parametrize("moment", MOMENTS)
async def test_no_tip_is_lost_or_doubled_when_a_beat_of_its_own_is_killed_once(
    begin_with_beat, moment, record_property
):
    await killed_once(begin_with_beat, moment, "beat", record_property)


@pytest.mark.parametrize("victim", ["the one with the pen", "the other one", "redis", "mongod"])
@pytest.mark.parametrize("moment", MOMENTS)
async def test_no_tip_is_lost_or_doubled_when_one_of_two_is_killed_once(
    begin_with_two, moment, victim, record_property
):
    await killed_once(begin_with_two, moment, victim, record_property)


async def killed_once(begin, moment, victim, record_property):
    async with begin(performers=PERFORMERS) as show:
        tips = {own_id: [new_tip(own_id) for _ in range(TIPS_EACH)] for own_id in show.performers}
        ids = {tip.tip_id for own in tips.values() for tip in own}
        async with show.after(MOMENTS[moment](ids), times=SEEN) as seen, asyncio.TaskGroup() as senders:
            for own in tips.values():
                senders.create_task(show.send_in_order(own[:SENT_BEFORE]))
            await seen
            victim = await named(show, victim)
            mark, struck = show.stack.kill(victim), time.monotonic()
        async with asyncio.TaskGroup() as senders:  # while it is dead
            for own in tips.values():
                senders.create_task(show.send_in_order(own[SENT_BEFORE:]))
        await show.played()
        record_property("seconds_to_converge", round(time.monotonic() - struck, 2))
        await asyncio.to_thread(show.stack.wait_until_restarted, victim, mark)
        await show.prove()
        assert show.stack.fallen(mark) == {victim}, "a death must not spread"


async def named(show, victim):
    """Who it is now."""
    if victim == "the one with the pen":
        return await show.writer()
    return await show.another() if victim == "the other one" else victim


async def test_a_call_that_was_answered_is_kept_though_mongod_dies_at_once(begin):
    """The payment system does not repeat what was answered: here the kill follows the first answer, not the
    stored row."""
    async with begin(performers=1) as show:
        tips = [new_tip(show.device.performer_id) for _ in range(ANSWERED)]
        senders = [asyncio.create_task(show.send(tip)) for tip in tips]
        await asyncio.wait(senders, return_when=asyncio.FIRST_COMPLETED)
        mark = show.stack.kill("mongod")
        await asyncio.gather(*senders)
        await show.played()
        await asyncio.to_thread(show.stack.wait_until_restarted, "mongod", mark)
        show.accepted.sort(
            key=lambda tip: show.device.runs.index(f"{tip.tip_id}.all")
        )  # sent at once: in any order
        await show.prove()
