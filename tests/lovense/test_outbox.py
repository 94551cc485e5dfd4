"""What is told to a page: in order, never waited for, and cut off when it is not read."""

import asyncio
import json

import pytest

from lovense.sockets import outbox
from lovense.sockets.outbox import Outbox

PATIENCE_SECONDS = 5


class Socket:
    """A socket that takes messages while its gate is open, and the peer behind it."""

    heard_at = 0.0
    is_fast = False  # it takes what it is told at once

    def __init__(self):
        self.gate = asyncio.Event()
        self.gate.set()
        self.taken = []
        self.aborted = asyncio.Event()

    async def send(self, message):
        await self.gate.wait()
        self.taken.append(message.get("text") or message["code"])

    def say(self, text):
        if self.is_fast:
            self.taken.append(text)
        return self.is_fast

    def abort(self):
        self.aborted.set()


@pytest.fixture
def page():
    return Socket()


@pytest.fixture
def told(page):
    return Outbox(page.send, page)


async def quiet(told):
    async with asyncio.timeout(PATIENCE_SECONDS):
        while told._task is not None:
            await asyncio.sleep(0)


async def test_a_page_that_reads_as_fast_is_told_at_once_and_by_nobody_else(page, told):
    page.is_fast = True
    told.say("now")
    assert (page.taken, told._task) == (["now"], None)


async def test_what_is_told_at_once_overtakes_nothing_that_waits(page, told):
    page.gate.clear()
    told.say("first")
    page.is_fast = True
    told.say("second")
    page.gate.set()
    await quiet(told)
    told.say("third")
    assert page.taken == ["first", "second", "third"]


async def test_a_page_that_is_being_closed_is_told_nothing_more(page, told):
    page.is_fast = True
    told.close(1013)
    told.say("too late")
    await quiet(told)
    assert page.taken == [1013]


async def test_it_is_told_in_order_and_the_close_comes_last(page, told):
    page.gate.clear()
    for number in range(5):
        told.say(f"{number}")
    told.close(1013)
    told.say("too late")
    told.close(1000)
    page.gate.set()
    await quiet(told)
    assert page.taken == ["0", "1", "2", "3", "4", 1013]
    assert not page.aborted.is_set()


async def test_who_tells_something_does_not_wait_for_the_socket(page, told):
    page.gate.clear()
    told.say("first")
    await asyncio.sleep(0)
    told.say("second")
    assert page.taken == []


@pytest.mark.parametrize("last", ["say", "close"])
async def test_a_page_that_takes_nothing_for_the_time_limit_is_cut_off(page, told, last, monkeypatch):
    monkeypatch.setattr(outbox, "SEND_SECONDS", 0.02)
    page.gate.clear()
    told.say("x") if last == "say" else told.close(1013)
    await asyncio.wait_for(page.aborted.wait(), PATIENCE_SECONDS)
    assert told.is_closed
    await quiet(told)


@pytest.mark.parametrize(("count", "length"), [(outbox.MAX_WAITING + 2, 1), (4, outbox.MAX_CHARACTERS // 2)])
async def test_a_page_that_has_too_much_waiting_is_cut_off_at_once(page, told, count, length):
    page.gate.clear()
    for _ in range(count):
        told.say("x" * length)
        await asyncio.sleep(0)
    assert page.aborted.is_set()
    assert told.is_closed
    page.gate.set()
    await quiet(told)
    assert page.taken == []


async def test_a_page_that_reads_is_never_cut_off(page, told):
    for _ in range(3 * outbox.MAX_WAITING):
        told.say("x" * (outbox.MAX_CHARACTERS // outbox.MAX_WAITING))
        await quiet(told)
    assert len(page.taken) == 3 * outbox.MAX_WAITING
    assert not page.aborted.is_set()


@pytest.mark.parametrize("error", [OSError, RuntimeError])
async def test_a_socket_that_has_gone_ends_it_quietly(page, error):
    async def gone(message):
        raise error

    told = Outbox(gone, page)
    told.say(json.dumps({}))
    await quiet(told)
    assert told.is_closed
    assert not page.aborted.is_set()
