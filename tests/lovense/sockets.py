"""Performers at their sockets: their tokens, ana's tips by the real clock, and an end to what their words
set going."""

import asyncio

import pytest

from ground import clock
from lovense.sending import dispatch
from lovense.sockets.process import lanes, sockets
from tests.chain import Chain
from tests.factories import fund, token_of
from tests.lovense.conftest import seconds
from tests.lovense.page import PATIENCE_SECONDS


@pytest.fixture(autouse=True)
def _nothing_runs_on(db):
    """What an acknowledgement started on the lanes' own thread ends with its test."""
    yield
    lanes._thread.submit(int).result(PATIENCE_SECONDS)
    sockets.open.clear()


@pytest.fixture
def token(ana):
    return token_of(ana.user)


@pytest.fixture
def carols_token(carol):
    return token_of(carol.user)


@pytest.fixture
def chain(ana, bob):
    """Ana's tips, settled a moment ago by the real clock; her page is opened by the test."""
    chain = Chain(ana, now=clock.now() - seconds(5))
    chain.publish_menu()
    fund(bob, 10_000)
    return chain


async def settled(chain, bob, amount=100):
    return await asyncio.to_thread(chain.settled, bob, amount)


async def drain(now=None):
    await asyncio.to_thread(dispatch.drain, now=now or clock.now(), limit=9)


async def commanded(page, chain, bob):
    """What a page that has just been opened is sent for a tip."""
    await page.next()
    await page.heard(chain.performer_id)
    await settled(chain, bob)
    await drain()
    return await page.next()


async def until(holds):
    """Waits for what another thread does."""
    async with asyncio.timeout(PATIENCE_SECONDS):
        while not holds():
            await asyncio.sleep(0.005)
