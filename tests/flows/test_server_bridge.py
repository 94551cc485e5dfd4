"""Real toys by the vendor's cloud, against real processes: whatever is killed or away, a toy is silent a
lease and a second later, no slice is told twice, and a stop holds whatever gets lost on its way."""

import asyncio
import os
import random
import signal
import time
from collections import Counter

import pytest
from asgiref.sync import sync_to_async

from ground.mongodb.collections import collection
from lovense.models import PageLease, StopPress
from lovense.owed import listing
from lovense.vendor_simulator.world import Manners
from tests.flows.stage import LONG, Show, dumped, so
from tests.live import server
from tests.lovense.runner.stage import reported
from tests.vendor import UID, vendor

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("written_elsewhere")]
LEASE = 3
KILLS, PRESSES = 3, 6
# RUNS=17 makes fifty kills and a hundred presses.
RUNS = pytest.mark.parametrize("run", range(int(os.environ.get("RUNS", "1"))))
SLACK = 1.5  # seconds: a busy machine, and what tells the journal that a level has changed


@pytest.fixture
def phone():
    with vendor(manners=Manners(types=("lush", "nora")), has_https=False) as found:
        found.pair(UID)
        yield found


@pytest.fixture
def show(ana, bob, phone):
    show = Show(ana, bob)
    reported(ana, phone)
    return show


def environment(phone):
    return {"LOVENSE_API_BASE_URL": phone.simulator.url, "SERVER_LEASE_SECONDS": str(LEASE)}


def moving(phone):
    """Toys that are not still, as the journal has it."""
    last = {(line["toy"], line["function"]): line["level"] for line in phone.simulator.journal.lines("level")}
    return {toy for (toy, _), level in last.items() if level}


def played(phone):
    """What was told, but for stops; and it is all within the vendor's limits."""
    lines = phone.commands()
    assert [line for line in lines if "violation" in line] == []
    assert not any(":0" in str(line["body"].get("action")) for line in lines)
    return [line for line in lines if line["body"].get("action") != "Stop"]


async def plays(show, url, phone):
    tip_id = await show.tip(url, LONG)
    await so(lambda: moving(phone))
    return tip_id


async def legs_of(show, tip_id):
    rows = await show.activations()
    return rows[tip_id].get("legs") or []


# --- kills --------------------------------------------------------------------------------------------------


async def test_a_killed_process_leaves_toys_that_are_silent_after_a_lease_and_a_second(show, phone):
    with server("web-a", **environment(phone)) as here:
        tip_id = await plays(show, here.url, phone)
        await asyncio.sleep(random.Random(7).uniform(0, LEASE))
        here.kill()
        killed = time.monotonic()
        await so(lambda: not moving(phone), LEASE + 1 + SLACK)
        took = time.monotonic() - killed
        assert took <= LEASE + 1 + SLACK
        states = [each["state"] for each in (await legs_of(show, tip_id))[0]["slices"]]
        assert "planned" in states


@RUNS
async def test_killed_again_and_again_no_slice_is_told_twice_and_a_successor_goes_on(show, phone, run):
    """One activation, several processes, each killed at a moment of its own."""
    rng = random.Random(11 + run)
    tip_id = ""
    for number in range(KILLS):
        with server(f"web-{number}", **environment(phone)) as here:
            if not tip_id:
                tip_id = await plays(show, here.url, phone)
            else:
                told = len(played(phone))
                await so(lambda told=told: len(played(phone)) > told)
            await asyncio.sleep(rng.uniform(0, 1.0))
            here.kill()
    with server("web-last", **environment(phone)):

        async def is_over():
            return (await show.activations())[tip_id]["status"] == "completed"

        await so(is_over, 40)
    row = (await show.activations())[tip_id]
    told = len(played(phone))
    claimed = sum(each["state"] in ("accepted", "unknown") for each in row["legs"][0]["slices"])
    assert told <= claimed, dumped(row["legs"])
    delivered = sum(
        each["until"] - each["start"] for each in row["legs"][0]["slices"] if each["state"] == "accepted"
    )
    assert row["delivered_seconds"] == delivered
    assert row["attempt"] == 1
    assert await sync_to_async(lambda: list(listing.differences()))() == []


async def test_a_process_that_stands_still_for_longer_than_its_lease_tells_nothing_late(show, phone):
    """Its successor goes on meanwhile, and what it wakes up with is over."""
    with server("web-a", **environment(phone)) as first, server("web-b", **environment(phone)) as second:
        tip_id = await plays(show, first.url, phone)
        holder = (await sync_to_async(collection(PageLease).find_one)({}))["slot"]
        stalled = first if holder == "web-a" else second
        os.kill(stalled.process.pid, signal.SIGSTOP)
        try:
            await so(lambda: not moving(phone), LEASE + 1 + SLACK)
            await asyncio.sleep(7 - LEASE)
        finally:
            os.kill(stalled.process.pid, signal.SIGCONT)
        await asyncio.sleep(2 * LEASE)
        assert (await show.asks(first.url, "stop")).status_code == 200
        await so(lambda: not moving(phone), 4)
    states = [each["state"] for each in (await legs_of(show, tip_id))[0]["slices"]]
    claimed = sum(state in ("accepted", "unknown") for state in states)
    assert len(played(phone)) == claimed, states


# --- what is away -------------------------------------------------------------------------------------------


async def test_with_the_database_away_a_press_over_the_socket_reaches_the_toys(show, phone, mongod):
    with server("web-a", **environment(phone)) as here:
        await plays(show, here.url, phone)
        async with show.device(here.url) as page:
            os.kill(mongod.pid, signal.SIGSTOP)
            try:
                page.device.press_stop()
                await so(lambda: not moving(phone), LEASE - 0.5)
                await asyncio.sleep(LEASE)
                assert not moving(phone)
            finally:
                os.kill(mongod.pid, signal.SIGCONT)
            await so(lambda: page.device.stop_epoch >= 1)


async def test_with_the_database_away_for_five_seconds_the_toys_are_stopped(show, phone, mongod):
    with server("web-a", **environment(phone)) as here:
        await plays(show, here.url, phone)
        os.kill(mongod.pid, signal.SIGSTOP)
        try:
            await so(lambda: not moving(phone), LEASE + 1 + SLACK)
            await asyncio.sleep(3)
            assert not moving(phone)
        finally:
            os.kill(mongod.pid, signal.SIGCONT)


# --- presses ------------------------------------------------------------------------------------------------


@RUNS
async def test_presses_in_random_moments_hold_whatever_gets_lost_on_its_way(show, phone, run):
    """After a press no command but a stop is issued, all toys are still, and what waited plays once after the
    resume."""
    rng = random.Random(13 + run)
    faults = [["late:1"], ["duplicate"], ["stop-lost*2"], [], ["slow:1"], ["drop-after"]]
    with server("web-a", **environment(phone)) as here:
        for _ in range(PRESSES):
            await show.tip(here.url, LONG)
            phone.sim("faults", {"faults": rng.choice(faults)})
            await asyncio.sleep(rng.choice((0, 0.05, 0.3, 0.8)))
            assert (await show.asks(here.url, "stop")).status_code == 200
            told = len(played(phone))
            await asyncio.sleep(2.2)
            assert len(played(phone)) <= told + 1  # one that was under way, told late
            await so(lambda: not moving(phone), 4)
            assert (await show.asks(here.url, "resume")).status_code == 200
            await asyncio.sleep(0.2)
            assert (await show.asks(here.url, "stop")).status_code == 200
            await so(lambda: not moving(phone), 4)
            assert (await show.asks(here.url, "resume")).status_code == 200

        async def all_over():
            return len((await show.activations()).values()) == len(show.sent)

        await so(all_over, 60)
    rows = await show.activations()
    assert max(Counter(row["attempt"] for row in rows.values())) <= 4
    assert await sync_to_async(collection(StopPress).count_documents)({}) == 2 * PRESSES
