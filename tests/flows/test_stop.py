"""Her stop against real processes: whatever of them is away or killed at the press, her toys are still,
nothing starts before she resumes, and what had waited then plays once."""

import asyncio
import os
import random
import signal
import time

import pytest
from asgiref.sync import sync_to_async

from tests import services
from tests.flows.stack import Stack
from tests.flows.stage import LONG, SHORT, Show, dumped, so
from tests.live import server

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("written_elsewhere")]
PRESSES = 100
SOON = 0.3  # seconds: a word over the socket, on a busy machine


@pytest.fixture
def show(ana, bob):
    return Show(ana, bob)


async def playing(show, url, seen, *, waiting=2):
    """One tip runs, others wait behind it."""
    first = await show.tip(url, LONG)
    await so(lambda: seen.is_moving)
    for _ in range(waiting):
        await show.tip(url)
    assert seen.ran() == [first]
    return first


async def rest_plays_once(show, seen, *, over):
    """What had waited plays, each once, in its order; what ran is over."""
    left = [tip_id for tip_id in show.sent if tip_id not in over]
    await so(lambda: len(seen.ran()) >= len(show.sent))
    assert seen.ran()[-len(left) :] == left
    assert sorted(seen.ran()) == sorted(show.sent)

    async def is_over():
        rows = await show.activations()
        found = [rows[tip_id]["status"] for tip_id in left if tip_id in rows]
        return found == ["completed"] * len(left)

    await so(is_over)
    rows = await show.activations()
    assert {(rows[tip_id]["status"], rows[tip_id]["reason"]) for tip_id in over} == {("failed", "stopped")}


# --- two processes -----------------------------------------------------------------------------------------


async def test_a_press_at_one_process_ends_what_plays_at_the_other(show):
    with server("web-a") as here, server("web-b") as there:
        async with show.device(here.url) as holder, show.device(there.url) as other:
            first = await playing(show, there.url, holder)
            assert not other.device.is_holder
            answer = await show.asks(there.url, "stop")
            assert answer.json()["stopEpoch"] == 1
            pressed = time.monotonic()
            await so(lambda: not holder.is_moving, SOON)
            await so(lambda: holder.device.stop_epoch == other.device.stop_epoch == 1, 2)
            await asyncio.sleep(1)
            assert holder.ran(since=pressed) == []
            assert (await show.asks(here.url, "resume")).status_code == 200
            await rest_plays_once(show, holder, over=[first])
            assert other.ran() == []


async def test_what_both_have_said_is_listed(show):
    with server("web-a") as here, server("web-b") as there:
        async with show.device(here.url) as holder, show.device(there.url):
            await playing(show, here.url, holder, waiting=0)
            await show.asks(there.url, "stop")

            async def answers():
                from ground.mongodb.collections import collection
                from lovense.models import StopPress

                row = await asyncio.to_thread(collection(StopPress).find_one, {})
                return [each for each in row["answers"] if each["ms"] is not None]

            async def are_two():
                return len({each["toyId"] for each in await answers()}) == 2

            await so(are_two)
            assert all(0 <= each["ms"] < 100 for each in await answers())


# --- while something is away -------------------------------------------------------------------------------


async def test_with_the_database_away_her_toys_are_still_and_the_press_is_recorded_when_it_is_back(
    show, mongod
):
    """Pressed on a page that holds nothing, at another process than the one that plays."""
    with server("web-a") as here, server("web-b") as there:
        async with show.device(here.url) as holder, show.device(there.url) as other:
            first = await playing(show, here.url, holder)
            os.kill(mongod.pid, signal.SIGSTOP)
            try:
                other.device.press_stop()
                await so(lambda: not holder.is_moving, SOON)
                await asyncio.sleep(0.5)
                assert not holder.is_moving
                assert holder.device.stop_epoch == 0
            finally:
                os.kill(mongod.pid, signal.SIGCONT)
            await so(lambda: holder.device.stop_epoch >= 1)
            await so(lambda: other.device._pressing is None)
            assert (await show.row())["stopped_at"] is not None
            assert holder.ran() == [first]
            await show.asks(here.url, "resume")
            await rest_plays_once(show, holder, over=[first])


async def test_with_a_database_that_was_killed_it_is_recorded_when_it_has_started_again(show, mongod):
    with server("web-a") as here:
        async with show.device(here.url) as holder:
            first = await playing(show, here.url, holder)
            await sync_to_async(mongod.kill)()
            holder.device.press_stop()
            assert not holder.is_moving
            await asyncio.sleep(0.5)
            await sync_to_async(mongod.start)()
            await so(lambda: holder.device.stop_epoch >= 1, 60)
            assert holder.ran() == [first]

            async def is_resumed():
                return (await show.asks(here.url, "resume")).status_code == 200

            await so(is_resumed)
            await rest_plays_once(show, holder, over=[first])


async def test_with_redis_away_the_other_process_reads_it_within_a_second_or_two(show):
    with server("web-a") as here, server("web-b") as there:
        async with show.device(here.url) as holder:
            first = await playing(show, here.url, holder)
            redis = services.running.redis
            os.kill(redis.pid, signal.SIGSTOP)
            try:
                assert (await show.asks(there.url, "stop")).json()["stopEpoch"] == 1
                await so(lambda: not holder.is_moving, 3)
                await asyncio.sleep(0.5)
                assert holder.ran() == [first]
            finally:
                os.kill(redis.pid, signal.SIGCONT)
            assert (await show.asks(there.url, "resume")).status_code == 200
            try:
                await rest_plays_once(show, holder, over=[first])
            except TimeoutError:
                from ground.journal.models import JournalState
                from ground.mongodb.collections import collection
                from tips.models import QueueRequest

                print(
                    "DBG",
                    holder.events,
                    await show.activations(),
                    await asyncio.to_thread(lambda: list(collection(QueueRequest).find())),
                    await asyncio.to_thread(lambda: list(collection(JournalState).find())),
                    await show.row(),
                )
                raise


async def test_a_web_process_that_is_killed_at_the_press_is_told_by_the_page_again(ana, tmp_path):
    with Stack(tmp_path, DEBUG="true") as stack:
        performer_id = "507f191e810c19729de860eb"
        made = await asyncio.to_thread(
            stack.manage, "create_performer", "--performer-id", performer_id, "--username", "ana"
        )
        token = made.split('"token": "')[1].split('"')[0]
        from lovense.simulator.device import VirtualDevice

        device = VirtualDevice(url=stack.url, performer_id=performer_id, token=token)
        life = asyncio.ensure_future(device.run())
        await asyncio.wait_for(device.ready.wait(), 20)
        mark = stack.kill("web-0")
        device.press_stop()
        await asyncio.to_thread(stack.wait_until_restarted, "web-0", mark)
        await so(lambda: device.stop_epoch == 1)
        assert device._pressing is None
        life.cancel()
        await asyncio.gather(life, return_exceptions=True)


# --- a hundred presses -------------------------------------------------------------------------------------


@pytest.mark.parametrize("doors", ["rest", "socket"])
async def test_a_hundred_presses_in_random_moments_of_a_running_lane(show, doors):
    """After a press has returned, or the page has heard of it, nothing runs until she resumes; in the end
    each tip has run once."""
    rng = random.Random(7)
    with server("web-a") as here:
        async with show.device(here.url, speed=100.0) as seen:
            device, violations = seen.device, []
            for number in range(PRESSES):
                for _ in range(rng.choice((0, 1, 1, 2))):
                    await show.tip(here.url, SHORT)
                await asyncio.sleep(rng.choice((0, 0.001, 0.01, 0.05, 0.1)))
                if doors == "rest":
                    assert (await show.asks(here.url, "stop")).status_code == 200
                else:
                    device.press_stop()
                    await so(lambda: device._pressing is None)
                pressed = time.monotonic()
                if rng.random() < 0.3:
                    await show.tip(here.url)
                await asyncio.sleep(rng.choice((0, 0.005, 0.03)))
                if doors == "rest":
                    await so(lambda number=number: device.stop_epoch > number)
                violations += seen.ran(since=pressed)
                assert not seen.is_moving
                assert (await show.asks(here.url, "resume")).status_code == 200
            await so(lambda: len(seen.ran()) >= len(show.sent), 60)

            async def all_over():
                rows = await show.activations()
                statuses = {rows[tip_id]["status"] for tip_id in show.sent if tip_id in rows}
                return len(rows) == len(show.sent) and statuses <= {"completed", "failed"}

            await so(all_over)
            rows = await show.activations()
            assert violations == []
            assert sorted(seen.ran()) == sorted(show.sent), dumped(rows)
            reasons = {row["reason"] for row in rows.values() if row["status"] == "failed"}
            assert reasons <= {"stopped"}
