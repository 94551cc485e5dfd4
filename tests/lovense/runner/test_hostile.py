"""A runner among enemies: what comes late, gets lost, hangs, or changes in the middle of a run moves no toy
that must be still, tells no slice twice, loses no tip and leaks nothing."""

import asyncio

import pytest

from ground import clock
from lovense.bridges.cloud import Cloud
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
from tests.lovense.sockets import chain, drain, until

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
