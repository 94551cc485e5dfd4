"""Everything at once: a stream of tips with repeats, and every fourteen tips another part dies, forgets or
loses a word."""

import asyncio
from itertools import cycle

import redis.asyncio

from tests.flows.facts import records
from tests.flows.show import new_tip

PERFORMERS, TIPS_EACH, TIPS_BETWEEN = 4, 40, 14
BLOWS = (
    "worker-0",
    "a socket",
    "mongod",
    "a word",
    "web-0",
    "redis",
    "a socket",
    "all that Redis knew",
    "worker-0",
    "beat",
)
# Two web processes, and the beat in the worker.
BLOWS_OF_TWO = (
    "web-1",
    "a socket",
    "mongod",
    "web-0",
    "a word",
    "redis",
    "worker-0",
    "all that Redis knew",
    "web-1",
    "web-0",
)


async def strike(show, blow, device):
    if blow == "a socket":
        device.drop_socket()
    elif blow == "a word":
        device.faults.drop("finished")
    elif blow == "all that Redis knew":
        async with redis.asyncio.from_url(show.stack.parts["redis_url"]) as connection:
            await connection.flushall()
    else:
        show.stack.kill(blow)


async def test_a_storm_loses_and_doubles_nothing(begin_with_beat):
    await storm(begin_with_beat, BLOWS)


async def test_a_storm_over_two_web_processes_loses_and_doubles_nothing(begin_with_two):
    await storm(begin_with_two, BLOWS_OF_TWO)


async def storm(begin, blows):
    async with begin(performers=PERFORMERS) as show:
        tips = {own_id: [new_tip(own_id) for _ in range(TIPS_EACH)] for own_id in show.performers}
        ids = {tip.tip_id for own in tips.values() for tip in own}
        async with asyncio.TaskGroup() as senders:
            for own in tips.values():
                senders.create_task(show.send_in_order(own))
            for blow, device in zip(blows, cycle(show.devices.values()), strict=False):
                await show.facts.recorded(records(6, ids), times=TIPS_BETWEEN)
                await strike(show, blow, device)
        await show.played()
        await show.prove()
