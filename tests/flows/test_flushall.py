"""Words get lost: acknowledgements, doubled ones, whole sockets, and all that Redis knew. Each tip still
plays once, in order."""

import asyncio
import os

import pytest
import redis.asyncio

from tests.flows.facts import FACTS, PATIENCE_SECONDS, records, started
from tests.flows.show import new_tip

STAGES = ("received", "started", "finished")
TIPS = 4
# Longer than every lease of these stacks; 60 and more can be asked for.
GONE_SECONDS = float(os.environ.get("PAGE_GONE_SECONDS", "8"))


async def forget_everything(url):
    async with redis.asyncio.from_url(url) as connection:
        await connection.flushall()


async def test_redis_may_forget_everything_after_any_fact(begin_with_either):
    async with begin_with_either(performers=3) as show:
        for fact in FACTS:
            tips = {own_id: [new_tip(own_id) for _ in range(TIPS)] for own_id in show.performers}
            ids = {tip.tip_id for own in tips.values() for tip in own}
            async with show.after(records(fact, ids)) as seen, asyncio.TaskGroup() as senders:
                for own in tips.values():
                    senders.create_task(show.send_in_order(own))
                await seen
                await forget_everything(show.stack.parts["redis_url"])
            await show.played()
        await show.prove()


@pytest.mark.parametrize("stages", [("received",), ("started",), ("finished",), STAGES], ids="-".join)
async def test_what_a_page_said_in_vain_is_asked_again_and_not_played_again(stages, begin_with_either):
    async with begin_with_either(performers=1) as show:
        for stage in stages:
            show.device.faults.drop(stage)
        await show.send_in_order([new_tip(show.device.performer_id) for _ in range(2)])
        await show.played()
        await show.prove()


async def test_what_one_page_has_confirmed_no_other_page_plays(begin, cast):
    told = {}
    asked = asyncio.Event()

    def report(message):
        told.setdefault(message["event"], message)
        if message["event"] == "unknown":
            asked.set()

    async with begin(performers=1) as show:
        (own_id,) = show.performers
        show.device.faults.hold("finished")
        other = cast.page(show.stack.url, own_id, name="other", report=report)
        async with asyncio.TaskGroup() as tasks, asyncio.timeout(PATIENCE_SECONDS):
            watching = tasks.create_task(other.run())
            await other.ready.wait()
            tip = new_tip(own_id)
            async with show.after(started(tip.tip_id)) as seen:
                await show.send(tip)
                await seen
            show.running[own_id].cancel()
            await asked.wait()
            watching.cancel()
        assert told["unknown"]["activationId"] == f"{tip.tip_id}.all"
        assert (show.device.runs, other.runs) == ([f"{tip.tip_id}.all"], [])


@pytest.mark.parametrize("seconds", [1, GONE_SECONDS])
async def test_a_page_that_was_gone_for_a_while_plays_what_waited_for_it_once(seconds, begin, cast):
    async with begin(performers=1) as show, asyncio.TaskGroup() as tasks:
        (own_id,) = show.performers
        tips = [new_tip(own_id) for _ in range(2 * TIPS)]
        async with show.after(records(5, {tip.tip_id for tip in tips})) as seen:
            await show.send_in_order(tips[:TIPS])
            await seen
        show.running[own_id].cancel()
        await show.send_in_order(tips[TIPS:])
        await asyncio.sleep(seconds)  # the time itself is what is tried
        again = cast.page(show.stack.url, own_id)  # opened anew, with what it remembers
        again.runs = show.device.runs
        show.devices[own_id] = again
        show.running[own_id] = tasks.create_task(again.run())
        await show.played()
        await show.prove()
        show.running[own_id].cancel()


async def test_acknowledgements_that_come_twice_change_nothing(begin_with_either):
    async with begin_with_either(performers=1) as show:
        for stage in STAGES:
            show.device.faults.duplicate(stage, TIPS)
        await show.send_in_order([new_tip(show.device.performer_id) for _ in range(TIPS)])
        await show.played()
        await show.prove()


async def test_a_socket_that_breaks_every_few_tips_loses_and_doubles_nothing(begin_with_either):
    async with begin_with_either(performers=2) as show:
        tips = {own_id: [new_tip(own_id) for _ in range(2 * TIPS)] for own_id in show.performers}
        async with asyncio.TaskGroup() as senders:
            for own in tips.values():
                senders.create_task(show.send_in_order(own))
            for own_id, fact in zip(2 * show.performers, (5, 5, 6, 6), strict=True):
                await show.facts.recorded(records(fact, {tip.tip_id for tip in tips[own_id]}))
                show.devices[own_id].drop_socket()
        await show.played()
        await show.prove()
