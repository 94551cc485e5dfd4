"""A tip that plays a pattern which names functions, told by the server: each toy its steps, and the run is
whole."""

import asyncio

import pytest

from tests.lovense.patterns.written import saved
from tests.lovense.runner.stage import (
    _nothing_runs_on,
    ended,
    hers,
    phone,
    play,
    running,
    stops,
    ticks,
    tipped,
    told,
)
from tests.lovense.sockets import chain

__all__ = ["_nothing_runs_on", "chain", "hers", "phone"]
pytestmark = pytest.mark.django_db


async def ticking():
    """Each second of the process, so that its page keeps the devices."""
    while True:
        await ticks()
        await asyncio.sleep(1)


async def test_a_pattern_of_hers_is_told_in_steps_and_the_run_is_whole(chain, bob, hers, phone):
    await asyncio.to_thread(saved, hers, "Sway", "{vibrate 20, rotate 5} 4s, {rotate 20} 4s")
    await play(hers, 8, pattern="my/sway", intensity=10)
    async with running():
        seconds = asyncio.create_task(ticking())
        found = await ended(await tipped(chain, bob))
        seconds.cancel()
    assert (found["status"], found["delivered_seconds"]) == ("completed", 8)
    assert found["notes"] == ["function_left_out", "in_steps"]  # the first toy does not turn
    lush, nora = found["legs"]
    assert (lush["outcome"], nora["outcome"]) == ("played", "played")
    assert [(each["start"], each["until"]) for each in nora["slices"]] == [(1, 5), (5, 8)]
    mine = [(action, length) for toy, action, length in told(phone) if toy == nora["toyId"]]
    assert mine == [("Vibrate:10,Rotate:3", 5), ("Vibrate:0,Rotate:10", 3)]
    assert stops(phone) == []
    assert not any("violation" in line for line in phone.commands())
