"""A runner among enemies: what comes late, gets lost, hangs, or changes in the middle of a run moves no toy
that must be still, tells no slice twice, loses no tip and leaks nothing."""

import asyncio
import contextlib
import logging
from contextlib import aclosing, asynccontextmanager
from functools import partial

import pytest
from channels.layers import get_channel_layer

from ground import clock
from ground.mongodb.collections import collection
from lovense.bridges import cloud as clouds
from lovense.bridges.cloud import Cloud
from lovense.bridges.outcomes import CallOutcome
from lovense.lane import cancellation, controls
from lovense.lane.cancellation import Wish
from lovense.menus import vibration
from lovense.models import Performer
from lovense.runner import keeping, run
from lovense.runner.stopper import Stopper
from lovense.sending import retries
from lovense.sockets import halt
from lovense.stopping import halts, stop
from tests.lovense.devices import apps
from tests.lovense.runner.stage import (
    _nothing_runs_on,
    ended,
    hers,
    phone,
    play,
    row,
    running,
    stops,
    ticks,
    tipped,
    told,
    until_told,
)
from tests.lovense.sockets import chain, drain, settled, until
from tests.vendor import UID
from tips.models import Mode
from tips.queue import claims

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
    assert len(stops(phone)) <= before + 1  # one that was on its way


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
        assert await crowded.tell(UID, vibration.STOP, is_stop=True) is CallOutcome.ACCEPTED


async def test_what_waits_for_too_long_never_leaves(crowded, phone):
    async with asyncio.timeout(1):
        assert await crowded.tell(UID, LEVEL) is CallOutcome.NOT_SENT
    assert len(told(phone)) == 2


async def test_what_a_stop_overtakes_while_it_waits_for_its_turn_never_leaves(
    chain, bob, hers, phone, monkeypatch
):
    monkeypatch.setattr(clouds.slices, "LATE_SECONDS", 5)  # so long its turn is waited for
    await play(hers, 4)
    async with running() as runner:
        halts.use(runner)
        runner._cloud._bucket._left = -200  # 1 s behind the others
        await tipped(chain, bob)
        await until(lambda: runner.pages[hers.performer_id]._next_call > 0)
        await press(hers)
        await until(lambda: len(stops(phone)) >= 3)
    assert told(phone) == []


async def test_what_begins_after_a_skip_is_not_silenced_by_the_end_of_what_was_skipped(
    chain, bob, hers, phone
):
    await play(hers, 4)
    phone.sim("faults", {"faults": ["slow:1.5"]})
    async with running():
        skipped = await tipped(chain, bob)
        await until(phone.commands)
        next_one = f"{await settled(chain, bob, 100)}.all"
        wish = Wish("ana", "", clock.now())
        skip = partial(cancellation.skip, performer_id=hers.performer_id, request_id=None, wish=wish)
        await asyncio.to_thread(skip)
        await ended(skipped)
        await drain()
        found = await ended(next_one)
    words = [line["body"].get("action") for line in phone.commands()]
    assert found["delivered_seconds"] == 4
    assert words[-2:] == ["Vibrate:5", "Vibrate:5"]
    assert words[0] == "Vibrate:5"
    assert set(words[1:-2]) == {"Stop"}


async def test_a_runner_that_ends_stops_once_more_after_what_was_being_told(chain, bob, hers, phone):
    await play(hers, 30)
    phone.sim("faults", {"faults": ["slow:1"]})
    async with running():
        await tipped(chain, bob)
        await until(phone.commands)
    assert "toy" not in stops(phone)[-1]  # every toy of the app; those of the run were told by name


# --- a vendor that answers nonsense ------------------------------------------------------------------------

OK = b'{"code":200}'
HEAD = b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n"
REDIRECT = b"HTTP/1.1 307 Go\r\nLocation: /elsewhere\r\nContent-Length: 0\r\n\r\n"
ANSWERS = {
    "goes on first": (b"HTTP/1.1 100 Continue\r\n\r\n" + HEAD % len(OK) + OK, "accepted"),
    "elsewhere": (REDIRECT, "unknown"),
    "a megabyte": (HEAD % 2**20 + b" " * 2**20, "unknown"),
    "no HTTP": (b"\x00\xff" * 50, "unknown"),
    "another length": (HEAD % 500 + OK, "unknown"),
    "a code that is no number": (HEAD % 14 + b'{"code":"2e2"}', "unknown"),
}


@asynccontextmanager
async def vendor_that_says(settings, answer, *, pause=0.0):
    """A door that answers every call with these bytes, one at a time where it pauses."""
    heard = []

    async def serve(reader, writer):
        heard.append(await reader.readuntil(b"\r\n\r\n"))
        with contextlib.suppress(ConnectionError):
            for place in range(len(answer)) if pause else (0,):
                writer.write(answer[place : place + 1] if pause else answer)
                await writer.drain()
                await asyncio.sleep(pause)
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    settings.LOVENSE_API_BASE_URL = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    async with server:
        yield heard


@pytest.mark.parametrize("kind", ANSWERS)
async def test_every_answer_means_something_once_and_names_nobody(settings, caplog, kind):
    caplog.set_level(logging.DEBUG)
    answer, outcome = ANSWERS[kind]
    async with vendor_that_says(settings, answer) as heard, aclosing(Cloud()) as cloud:
        assert await cloud.tell("uid-that-is-secret", LEVEL) == outcome
    assert len(heard) == 1
    told_on = caplog.text + repr(cloud)
    assert "uid-that-is-secret" not in told_on
    assert settings.LOVENSE_DEVELOPER_TOKEN not in told_on


async def test_an_answer_that_trickles_is_over_with_its_time(settings):
    settings.LOVENSE_READ_TIMEOUT_SECONDS = settings.LOVENSE_CONNECT_TIMEOUT_SECONDS = 0.2
    answer = HEAD % len(OK) + OK
    async with vendor_that_says(settings, answer, pause=0.05), aclosing(Cloud()) as cloud:
        async with asyncio.timeout(1):
            assert await cloud.tell(UID, LEVEL) is CallOutcome.UNKNOWN


# --- what changes in the middle of a run -------------------------------------------------------------------


async def test_a_device_that_may_move_no_more_takes_nothing_from_the_others(chain, bob, hers, phone):
    await play(hers, 4)
    async with running():
        key = await tipped(chain, bob)
        await until_told(phone, 1)
        mine, other = (leg["toyId"] for leg in row(key)["legs"])
        off = {"$set": {"devices.$[it].isEnabled": False}}
        only = [{"it.toyId": other}]
        collection(Performer).update_one({"_id": hers.pk}, off, array_filters=only)
        found = await ended(key)
    assert told(phone)[-1] == (mine, "Vibrate:5", 3)
    assert [leg["outcome"] for leg in found["legs"]] == ["played", "unsupported"]
    assert found["delivered_seconds"] == 4


async def test_a_database_that_is_away_for_a_moment_costs_one_slice(chain, bob, hers, phone, monkeypatch):
    claim, failed = keeping.claim, []

    def flaky(attempt, n, places):
        if n == 1 and not failed:
            failed.append(n)
            raise ConnectionError
        return claim(attempt, n, places)

    monkeypatch.setattr(keeping, "claim", flaky)
    await play(hers, 7)
    async with running():
        found = await ended(await tipped(chain, bob))
    assert [each["state"] for each in found["legs"][0]["slices"]] == ["accepted", "missed", "accepted"]
    assert found["delivered_seconds"] == 5
    assert failed


async def test_a_channel_layer_that_is_away_for_a_moment_deafens_no_page(
    chain, bob, hers, phone, monkeypatch
):
    layer = get_channel_layer()
    receive, failed = layer.receive, []

    async def flaky(channel):
        if not failed:
            failed.append(channel)
            raise ConnectionError
        return await receive(channel)

    monkeypatch.setattr(layer, "receive", flaky)
    async with running() as runner:
        await until(lambda: failed)
        await asyncio.sleep(0.05)
        (task,) = runner._listening.values()
        assert not task.done()


async def test_a_process_whose_lease_may_be_over_claims_nothing_of_its_successor(chain, bob, hers, phone):
    await play(hers, 6)
    async with running() as runner:
        key = await tipped(chain, bob)
        await until_told(phone, 1)
        page = runner.pages[hers.performer_id]
        page.held_until = 0.0  # it stood still for longer than its lease
        await asyncio.sleep(2.3)
        assert [each["state"] for each in row(key)["legs"][0]["slices"]] == ["accepted", "planned"]
    assert len(told(phone)) == 1


async def test_a_run_that_nobody_could_tell_in_time_is_tried_again(chain, bob, hers, phone, monkeypatch):
    """The process stood still at the wrong moment."""
    monkeypatch.setattr(run, "LATE_SECONDS", -1)
    await play(hers, 2)
    async with running():
        key = await tipped(chain, bob)
        await tried(key, 2)
        monkeypatch.undo()
        await tried(key, 9)
    assert (row(key)["status"], row(key)["delivered_seconds"]) == ("completed", 2)
    assert len(told(phone)) == 1


async def test_tips_that_play_as_one_run_are_told_as_one_and_each_gets_its_share(chain, bob, hers, phone):
    await play(hers, 2)
    about = {"performer_id": hers.pk, "mode": Mode.BATCH, "by": "ana", "now": clock.now()}
    await asyncio.to_thread(partial(controls.set_mode, **about))
    keys = [f"{await settled(chain, bob, 100)}.all" for _ in range(3)]
    phone.sim("faults", {"faults": ["code:507"]})
    async with running():
        await drain()
        await until(lambda: row(keys[0])["status"] == "queued")
        assert row(keys[0])["legs"] is None
        toys = [{"id": toy.id, "name": toy.kind.type, "status": 1} for toy in phone.simulator.phone.toys]
        await asyncio.sleep(0.5)
        await asyncio.to_thread(apps.take, apps.call(*toys), now=clock.now())
        for key in keys:
            await tried(key, 9)
    assert [(row(key)["status"], row(key)["delivered_seconds"]) for key in keys] == [("completed", 2)] * 3
    assert told(phone)[0][2] == 3  # the first piece of 6 s


# --- a vendor that is away ---------------------------------------------------------------------------------


async def test_a_tip_waits_for_a_vendor_that_is_away(chain, bob, hers, phone, settings, monkeypatch):
    """More often than the four attempts of a device that refuses."""
    monkeypatch.setattr(retries, "LONGEST_PAUSE", 0.01)
    await play(hers, 2)
    url, settings.LOVENSE_API_BASE_URL = settings.LOVENSE_API_BASE_URL, "http://127.0.0.1:9"
    async with running():
        key = await tipped(chain, bob)
        await tried(key, 6)
        settings.LOVENSE_API_BASE_URL = url
        await tried(key, 9)
        found = row(key)
    assert (found["status"], found["delivered_seconds"]) == ("completed", 2)
    assert len(told(phone)) == 1


async def tried(key, times):
    """So often, or until it is over; by whoever looks at her lane."""
    async with asyncio.timeout(60):
        while row(key)["attempt"] < times and row(key)["finished_at"] is None:
            await ticks()
            await drain()
            await asyncio.sleep(0.1)


async def test_it_does_not_wait_for_ever(chain, bob, hers, phone, settings, monkeypatch):
    monkeypatch.setattr(retries, "MAX_SPARED", 1)
    monkeypatch.setattr(claims, "BACKOFF_SECONDS", (0.01, 0.01, 0.01))
    await play(hers, 2)
    settings.LOVENSE_API_BASE_URL = "http://127.0.0.1:9"
    async with running():
        key = await tipped(chain, bob)
        await tried(key, 9)
        found = row(key)
    assert (found["status"], found["reason"]) == ("dead", "unreachable")
