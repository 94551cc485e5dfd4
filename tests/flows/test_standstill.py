"""The process that holds the pen stands still, another takes it over, and the first goes on: it notices
before it tells anybody anything."""

import asyncio
import os
import signal

from tests.flows.facts import PATIENCE_SECONDS
from tests.flows.show import new_tip

TIPS = 3


async def holder(show):
    """The slot of the process that holds the pen."""
    row = await show.facts.database.journal_state.find_one({"_id": "writer"})
    return row["holder"].partition("/")[0]


async def test_a_pen_that_stands_still_and_goes_on_loses_and_doubles_nothing(begin_with_two):
    async with begin_with_two(performers=2) as show:
        own = {own_id: [new_tip(own_id) for _ in range(3 * TIPS)] for own_id in show.performers}
        for tips in own.values():
            await show.send_in_order(tips[:TIPS])
        first = await holder(show)
        process = show.stack.parts["processes"][first]
        async with asyncio.timeout(PATIENCE_SECONDS), asyncio.TaskGroup() as senders:
            for tips in own.values():  # some of these calls are with it
                senders.create_task(show.send_in_order(tips[TIPS : 2 * TIPS]))
            os.kill(process, signal.SIGSTOP)
            try:
                while await holder(show) == first:
                    await asyncio.sleep(0.1)
                await asyncio.sleep(1.0)  # and the other one works
            finally:
                os.kill(process, signal.SIGCONT)
        for tips in own.values():
            await show.send_in_order(tips[2 * TIPS :])
        await show.played()
        await show.prove()
