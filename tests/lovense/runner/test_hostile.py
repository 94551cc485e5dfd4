"""A runner among enemies: what comes late, gets lost, hangs, or changes in the middle of a run moves no toy
that must be still, tells no slice twice, loses no tip and leaks nothing."""

import asyncio

import pytest

from ground import clock
from lovense import fence
from lovense.bridges import cloud as clouds
from lovense.bridges.cloud import Cloud
from lovense.bridges.outcomes import CallOutcome
from lovense.runner.stopper import Stopper
from lovense.sockets import halt
from lovense.stopping import halts, stop
from tests.lovense.runner.stage import (
    _nothing_runs_on,
    ended,
    hers,
    phone,
    play,
    running,
    stops,
    tipped,
    told,
    until_told,
)
from tests.lovense.sockets import chain, until
from tests.vendor import UID

__all__ = ["_nothing_runs_on", "chain", "hers", "phone"]
pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _short(settings):
    settings.SERVER_LEASE_SECONDS = 3
    yield
    halts.use(halts.NoPages())


async def press(performer):
    about = {"performer_id": performer.performer_id, "by": "ana", "why": "", "now": clock.now()}
    return await asyncio.to_thread(stop.press, **about, through="api")


async def lift(performer):
    about = {"performer_id": performer.performer_id, "by": "ana", "now": clock.now()}
    return await asyncio.to_thread(stop.resume, **about)


# --- a stop that is over -----------------------------------------------------------------------------------


class Elsewhere:
    """A process that heard the press, while another one holds her devices."""

    def __init__(self, runner):
        self._runner, self._loop = runner, asyncio.get_running_loop()
        self.stopper = Stopper(Cloud(), lambda whose: False)

    def halt(self, performer_ids, at, epoch):
        self._runner.halt(performer_ids, at, epoch)
        heard = self.stopper.halt if epoch is None else self.stopper.recorded
        self._loop.call_soon_threadsafe(heard, performer_ids)


@pytest.fixture
def spread_out(monkeypatch):
    monkeypatch.setattr(halt, "AGAIN_SECONDS", (0.2, 1.2, 1.8, 2.4, 3.0))


async def test_stops_that_are_repeated_elsewhere_end_with_her_resume(chain, bob, hers, phone, spread_out):
    await play(hers, 4)
    async with running() as runner:
        elsewhere = Elsewhere(runner)
        halts.use(elsewhere)
        await press(hers)
        await until(lambda: len(stops(phone)) >= 3)
        await lift(hers)
        before = len(stops(phone))
        found = await ended(await tipped(chain, bob))
        await elsewhere.stopper.close()
    assert len(told(phone)) == 2
    assert found["delivered_seconds"] == 4
    assert len(stops(phone)) == before


async def test_while_she_has_not_resumed_they_are_repeated(chain, hers, phone, spread_out):
    async with running() as runner:
        elsewhere = Elsewhere(runner)
        halts.use(elsewhere)
        await press(hers)
        await asyncio.gather(*elsewhere.stopper._telling.values())
    assert len(stops(phone)) >= 12


# --- a vendor that hangs -----------------------------------------------------------------------------------

LEVEL = {"command": "Function", "action": "Vibrate:5", "timeSec": 2, "apiVer": 1}


@pytest.fixture
async def crowded(phone, monkeypatch):
    """A cloud all of whose connections wait for an answer."""
    monkeypatch.setattr(clouds, "MAX_OPEN", 2)
    phone.sim("faults", {"faults": ["slow:3*2"]})
    cloud = Cloud()
    calls = (cloud.tell(UID, LEVEL | {"toy": toy_id}) for toy_id in phone.toy_ids)
    hanging = [asyncio.create_task(call) for call in calls]
    await until(lambda: len(told(phone)) == 2)
    yield cloud
    for task in hanging:
        task.cancel()
    await asyncio.gather(*hanging, return_exceptions=True)
    await cloud.aclose()


async def test_a_stop_waits_behind_no_call_that_hangs(crowded, phone):
    async with asyncio.timeout(1):
        assert await crowded.tell(UID, fence.STOP, is_stop=True) is CallOutcome.ACCEPTED


async def test_what_waits_for_too_long_never_leaves(crowded, phone):
    async with asyncio.timeout(1):
        assert await crowded.tell(UID, LEVEL) is CallOutcome.NOT_SENT
    assert len(told(phone)) == 2


async def test_what_a_stop_overtakes_while_it_waits_for_its_turn_never_leaves(chain, bob, hers, phone):
    await play(hers, 4)
    async with running() as runner:
        halts.use(runner)
        runner._cloud._bucket._left = -60  # 0.3 s behind the others
        await tipped(chain, bob)
        await until(lambda: runner.pages[hers.performer_id]._next_call > 0)
        await press(hers)
        await until(lambda: len(stops(phone)) >= 3)
    assert told(phone) == []
