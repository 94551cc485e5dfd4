"""Her stop against real processes: whatever of them is away or killed at the press, her toys are still,
nothing starts before she resumes, and what had waited then plays once."""

import asyncio
import os
import random
import signal
import time

import pytest
from asgiref.sync import sync_to_async

from ground.mongodb.collections import collection
from lovense.models import StopPress
from lovense.simulator.device import VirtualDevice
from tests import services
from tests.flows.stack import Stack
from tests.flows.stage import LONG, Show, dumped, so
from tests.live import server

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("written_elsewhere")]
PRESSES = 50  # by each of two doors
SOON = 0.3  # seconds: a word over the socket, on a busy machine
A_LOOK = 3.0  # each process reads once a second who is stopped


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
    assert seen.ran() == over + left

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
            await so(lambda: holder.device.stop_epoch == other.device.stop_epoch == 1, A_LOOK)
            await asyncio.sleep(1)
            assert holder.ran(since=pressed) == []
            assert (await show.asks(here.url, "resume")).status_code == 200
            await rest_plays_once(show, holder, over=[first])
            assert other.ran() == []


async def test_what_each_toy_has_answered_is_kept(show):
    async def answers():
        row = await sync_to_async(collection(StopPress).find_one)({})
        return {each["toyId"]: each["ms"] for each in row["answers"] if each["ms"] is not None}

    async def are_two():
        return len(await answers()) == 2

    with server("web-a") as here, server("web-b") as there:
        async with show.device(here.url) as holder, show.device(there.url):
            await playing(show, here.url, holder, waiting=0)
            await show.asks(there.url, "stop")
            await so(are_two)
            assert all(0 <= ms < 100 for ms in (await answers()).values())


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
                assert (holder.is_moving, holder.device.stop_epoch) == (False, 0)
            finally:
                os.kill(mongod.pid, signal.SIGCONT)
            await so(lambda: holder.device.stop_epoch >= 1)
            await so(lambda: other.device._pressing is None)
            assert (await show.row())["stopped_at"] is not None
            assert holder.ran() == [first]
            await show.asks(here.url, "resume")
            await rest_plays_once(show, holder, over=[first])


async def test_with_a_database_that_was_killed_it_is_recorded_when_it_has_started_again(show, mongod):
    async def is_resumed():
        return (await show.asks(here.url, "resume")).status_code == 200

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
            await so(is_resumed)
            await rest_plays_once(show, holder, over=[first])


async def test_with_redis_away_the_other_process_reads_of_it_in_her_row(show):
    redis = services.running.redis
    with server("web-a") as here, server("web-b") as there:
        async with show.device(here.url) as holder:
            first = await playing(show, here.url, holder)
            os.kill(redis.pid, signal.SIGSTOP)
            try:
                assert (await show.asks(there.url, "stop")).json()["stopEpoch"] == 1
                await so(lambda: not holder.is_moving, A_LOOK)
                await asyncio.sleep(0.5)
                assert holder.ran() == [first]
            finally:
                os.kill(redis.pid, signal.SIGCONT)
            assert (await show.asks(there.url, "resume")).status_code == 200
            await rest_plays_once(show, holder, over=[first])
            assert [row["attempt"] for row in (await show.activations()).values()] == [1, 1, 1]


async def test_a_web_process_that_is_killed_at_the_press_is_told_by_the_page_again(tmp_path):
    performer_id = "507f191e810c19729de860eb"
    with Stack(tmp_path, DEBUG="true") as stack:
        names = "--performer-id", performer_id, "--username", "ana"
        made = await asyncio.to_thread(stack.manage, "create_performer", *names)
        token = made.split('"token": "')[1].split('"')[0]
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


async def pressed_over_rest(show, url, device):
    before = device.stop_epoch
    assert (await show.asks(url, "stop")).json()["stopEpoch"] == before + 1
    await so(lambda: device.stop_epoch == before + 1)  # told before the answer, on its way to the device


async def pressed_over_the_socket(show, url, device):
    device.press_stop()
    await so(lambda: device._pressing is None)


DOORS = [pressed_over_rest, pressed_over_the_socket]


@pytest.mark.parametrize("pressed", DOORS)
async def test_a_hundred_presses_in_random_moments_of_a_running_lane(show, pressed):
    """After a press nothing runs until she resumes; in the end each tip has run once."""
    rng, violations = random.Random(7), []

    async def all_over():
        rows = await show.activations()
        over = [row for row in rows.values() if row["status"] in ("completed", "failed")]
        return len(over) == len(show.sent)

    with server("web-a") as here:
        async with show.device(here.url, speed=100.0) as seen:
            for _ in range(PRESSES):
                for _ in range(rng.choice((0, 1, 1, 2))):
                    await show.tip(here.url)
                await asyncio.sleep(rng.choice((0, 0.001, 0.01, 0.05, 0.1)))
                await pressed(show, here.url, seen.device)
                since = time.monotonic()
                if rng.random() < 0.3:
                    await show.tip(here.url)
                await asyncio.sleep(rng.choice((0, 0.005, 0.03)))
                violations += seen.ran(since=since)
                assert not seen.is_moving
                assert (await show.asks(here.url, "resume")).status_code == 200
            await so(lambda: len(seen.ran()) >= len(show.sent), 60)
            await so(all_over)
            rows = await show.activations()
            assert violations == []
            assert sorted(seen.ran()) == sorted(show.sent), dumped(rows)
            assert {row["reason"] for row in rows.values()} <= {"", "stopped"}
