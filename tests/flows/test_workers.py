"""Two web processes and two workers: any of them may die, and the clock ticks in one worker."""

import asyncio

from tests.flows import show as shows
from tests.flows.conftest import WINDOWS
from tests.flows.show import VIEWERS, Cast, new_tip
from tests.flows.stack import Stack

TIPS = 3


async def test_each_of_two_and_two_dies_and_every_tip_plays_once_in_order(tmp_path):
    with Stack(tmp_path, web=2, workers=2, **WINDOWS) as stack:
        processes = sorted(stack.parts["processes"])
        assert processes == ["mongod", "redis", "web-0", "web-1", "worker-0", "worker-1"]
        cast = Cast(stack.prepare(performers=2, viewers=VIEWERS), tmp_path)
        async with shows.on(stack, cast, performers=2) as show:
            for victim in ("worker-0", "worker-1", "web-0", "web-1"):
                tips = {own_id: [new_tip(own_id) for _ in range(TIPS)] for own_id in show.performers}
                async with asyncio.TaskGroup() as senders:
                    for own in tips.values():
                        senders.create_task(show.send_in_order(own))
                    mark = stack.kill(victim)
                await show.played()
                await asyncio.to_thread(stack.wait_until_restarted, victim, mark)
            await show.prove()
