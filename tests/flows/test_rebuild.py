"""The queue is dropped and Redis is emptied while tips play; the rebuild restores what is unfinished and
nothing that is over."""

import asyncio
from collections import Counter

import redis.asyncio

from lovense.deciding.activation import FINAL
from tests.flows import proof
from tests.flows.facts import PATIENCE_SECONDS, started
from tests.flows.show import new_tip

PERFORMERS, TIPS = 2, 4
OVER = [status.value for status in FINAL]
UNFINISHED = ["pending", "claimed", "joined"]


async def lose_the_queue(show):
    await show.facts.database.queue_requests.drop()
    async with redis.asyncio.from_url(show.stack.parts["redis_url"]) as connection:
        await connection.flushall()


async def bury(show, tip_ids):
    """These were given up before, as far as their rows say."""
    ids = {"$in": list(tip_ids)}
    dead = {"status": "dead", "reason": "not_received"}
    await show.facts.database.activations.update_many({"tip_id": ids}, {"$set": dead})
    await show.facts.database.queue_requests.update_many(
        {"idempotency_key": ids}, {"$set": {"status": "dead", "cause": "not_received"}}
    )


async def all_over(show):
    over = await show.facts.database.activations.count_documents(
        {"tip_id": {"$in": show.tip_ids}, "status": {"$in": OVER}}
    )
    unfinished = await show.facts.database.queue_requests.count_documents({"status": {"$in": UNFINISHED}})
    return over == len(show.tip_ids) and unfinished == 0


async def test_a_lost_queue_is_rebuilt_while_tips_play_and_every_tip_has_one_verdict(begin):
    async with begin(performers=PERFORMERS) as show:
        before = [new_tip(own_id) for own_id in show.performers for _ in range(2)]
        await show.send_in_order(before)
        await show.played()
        dead = before[0].tip_id
        await bury(show, [dead])

        tips = {own_id: [new_tip(own_id) for _ in range(TIPS)] for own_id in show.performers}
        held = [device.faults.hold("finished") for device in show.devices.values()]
        async with (
            show.after(started(tips[show.performers[0]][0].tip_id)) as seen,
            asyncio.TaskGroup() as senders,
        ):
            for own in tips.values():
                senders.create_task(show.send_in_order(own))
            await seen
        await lose_the_queue(show)
        late = [new_tip(own_id) for own_id in show.performers]  # settled between the loss and the rebuild
        await show.send_in_order(late)
        said = await asyncio.to_thread(show.stack.manage, "rebuild_queue")
        assert "restored" in said
        assert "1 dead letters" in said
        for finish in held:
            finish.set()
        try:
            await show.facts.until(lambda: all_over(show), seconds=PATIENCE_SECONDS)
        except TimeoutError:
            raise AssertionError(await show.state()) from None
        await prove(show, dead)


async def prove(show, dead):
    """One verdict each, none ran twice, and what was over before has no request."""
    database = show.facts.database
    verdicts = Counter(
        [
            (row["tip_id"], row["status"])
            async for row in database.activations.find({"tip_id": {"$in": show.tip_ids}})
        ]
    )
    assert verdicts == {(tip_id, "dead" if tip_id == dead else "completed"): 1 for tip_id in show.tip_ids}
    for own_id, device in show.devices.items():
        assert Counter(device.runs) == {
            f"{tip.tip_id}.all": 1 for tip in show.accepted if tip.performer_id == own_id
        }
    found = {row["idempotency_key"]: row["status"] async for row in database.queue_requests.find()}
    mine = {key: status for key, status in found.items() if key in show.tip_ids}
    assert mine.pop(dead) == "dead"
    assert set(mine.values()) == {"completed"}
    assert not set(mine) & {tip.tip_id for tip in show.accepted[: 2 * PERFORMERS]}
    assert "request_one_claimed_per_lane" in await database.queue_requests.index_information()
    await proof.of_the_books(database)
