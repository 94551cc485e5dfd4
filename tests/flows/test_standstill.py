"""A web process stands still and goes on. Where it holds the pen, another takes that over meanwhile, and the
first notices before it tells anybody anything."""

import asyncio
import os
import signal

import pytest

from tests.flows.facts import PATIENCE_SECONDS
from tests.flows.show import new_tip

TIPS = 3


async def test_a_pen_that_stands_still_and_goes_on_loses_and_doubles_nothing(begin_with_two):
    async with begin_with_two(performers=2) as show:
        own = {own_id: [new_tip(own_id) for _ in range(3 * TIPS)] for own_id in show.performers}
        for tips in own.values():
            await show.send_in_order(tips[:TIPS])
        first = await show.writer()
        process = show.stack.parts["processes"][first]
        async with asyncio.timeout(PATIENCE_SECONDS), asyncio.TaskGroup() as senders:
            for tips in own.values():  # some of these calls are with it
                senders.create_task(show.send_in_order(tips[TIPS : 2 * TIPS]))
            os.kill(process, signal.SIGSTOP)
            try:
                while await show.writer() == first:
                    await asyncio.sleep(0.1)
                await asyncio.sleep(1.0)  # and the other one works
            finally:
                os.kill(process, signal.SIGCONT)
        for tips in own.values():
            await show.send_in_order(tips[2 * TIPS :])
        await show.played()
        await show.prove()


@pytest.mark.parametrize("seconds", [1.0, 4.0])  # shorter and longer than what its silence is taken for
async def test_another_one_that_stands_still_and_goes_on_loses_and_doubles_nothing(begin_with_two, seconds):
    async with begin_with_two(performers=4) as show:
        own = {own_id: [new_tip(own_id) for _ in range(2 * TIPS)] for own_id in show.performers}
        process = show.stack.parts["processes"][await show.another()]
        async with asyncio.timeout(PATIENCE_SECONDS), asyncio.TaskGroup() as senders:
            for tips in own.values():
                senders.create_task(show.send_in_order(tips[:TIPS]))
            os.kill(process, signal.SIGSTOP)
            try:
                await asyncio.sleep(seconds)  # the time itself is what is tried
            finally:
                os.kill(process, signal.SIGCONT)
        for tips in own.values():
            await show.send_in_order(tips[TIPS:])
        await show.played()
        await show.prove()
