"""She ends her show where this server tells her devices: what plays ends, its toys are stopped, and the
runner takes them when she goes on air, and not before."""

import asyncio

import pytest

from ground import clock
from lovense.sending import pages
from lovense.shows import ending
from lovense.sockets.process import sockets
from tests.lovense.page import PATIENCE_SECONDS
from tests.lovense.runner.stage import (
    _nothing_runs_on,
    ended,
    hers,
    phone,
    play,
    running,
    stops,
    tipped,
    until_told,
)
from tests.lovense.sockets import chain, until

__all__ = ["_nothing_runs_on", "chain", "hers", "phone"]
pytestmark = pytest.mark.django_db


async def say(performer, what):
    await asyncio.to_thread(what, performer_id=performer.pk, by="ana", now=clock.now())


async def test_the_server_lets_go_and_takes_them_again_when_she_goes_on_air(chain, bob, hers, phone):
    await play(hers, 30)
    async with running() as runner:
        key = await tipped(chain, bob)
        await until_told(phone, 1)
        await say(hers, ending.end)
        await sockets.renew()
        found = await ended(key)
        assert (found["status"], found["delivered_seconds"] < 30) == ("completed", True)
        await until(lambda: stops(phone))
        async with asyncio.timeout(PATIENCE_SECONDS):
            while hers.pk in runner.pages:
                await runner.look()
        assert await asyncio.to_thread(pages.holders, now=clock.now()) == {}
        await runner.look()
        assert runner.pages == {}
        await say(hers, ending.begin)
        await runner.look()
        assert runner.pages[hers.pk].is_holder
