"""Her stop, by the vendor's cloud: every app of hers, at once and again; nothing from before it moves a toy;
and what an app says is kept."""

import asyncio

import pytest
from django.test import Client

from ground import clock
from ground.mongodb.collections import collection
from lovense.devices import hosts
from lovense.models import Performer, StopPress
from lovense.sockets import halt
from lovense.stopping import halts, stop
from tests.lovense.runner.stage import (
    _nothing_runs_on,
    ended,
    hers,
    phone,
    play,
    row,
    running,
    states,
    stops,
    ticks,
    tipped,
    told,
    until_told,
)
from tests.lovense.sockets import chain, drain, settled, until

__all__ = ["_nothing_runs_on", "chain", "hers", "phone"]
pytestmark = pytest.mark.django_db
BARE = {"command": "Function", "action": "Stop", "timeSec": 0, "apiVer": 1}


@pytest.fixture(autouse=True)
def _short(settings, monkeypatch):
    settings.SERVER_LEASE_SECONDS = 3
    monkeypatch.setattr(halt, "AGAIN_SECONDS", (0.1, 0.2, 0.3, 0.4, 0.5))
    monkeypatch.setattr(halt, "EVERY_SECONDS", 0.2)
    yield
    halts.use(halts.NoPages())


async def press(performer):
    about = {"performer_id": performer.performer_id, "by": "ana", "why": "", "now": clock.now()}
    return await asyncio.to_thread(stop.press, **about, through="api")


async def lift(performer):
    about = {"performer_id": performer.performer_id, "by": "ana", "now": clock.now()}
    return await asyncio.to_thread(stop.resume, **about)


async def test_a_stop_ends_the_run_and_tells_every_toy_of_her_app(chain, bob, hers, phone):
    await play(hers, 30)
    async with running() as runner:
        halts.use(runner)
        key = await tipped(chain, bob)
        await until_told(phone, 1)
        await press(hers)
        found = await ended(key)
        await until(lambda: stops(phone))
    assert (found["status"], found["reason"]) == ("failed", "stopped")
    assert found["delivered_seconds"] < 3
    assert found["legs"][0]["outcome"] == "stopped"
    assert "planned" not in states(key)
    assert {name: stops(phone)[0].get(name) for name in BARE} == BARE
    assert "toy" not in stops(phone)[0]
    assert all(level == 0 for level in (phone.levels(toy=toy)[-1] for toy in phone.toy_ids))


async def test_it_is_told_again_after_the_first_answer(chain, bob, hers, phone):
    async with running() as runner:
        halts.use(runner)
        await press(hers)
        await until(lambda: len(stops(phone)) >= 6)


async def test_what_the_app_answered_is_kept_with_the_press(chain, bob, hers, phone):
    async with running() as runner:
        halts.use(runner)
        await press(hers)
        press_row = lambda: collection(StopPress).find_one({"performer_id": hers.performer_id})  # noqa: E731
        await until(lambda: len(press_row()["answers"]) >= 2)
        found = press_row()["answers"]
    assert {answer["toyId"] for answer in found} == set(phone.toy_ids)
    assert all(answer["answer"] == "accepted" and answer["ms"] < 2000 for answer in found)


async def test_a_stop_that_gets_lost_is_told_until_it_is_heard(chain, bob, hers, phone):
    await play(hers, 30)
    async with running() as runner:
        halts.use(runner)
        await tipped(chain, bob)
        await until_told(phone, 1)
        phone.sim("faults", {"faults": ["stop-lost*3"]})
        await press(hers)
        await until(lambda: phone.levels()[-1:] == [0])
    assert len(stops(phone)) >= 4


async def test_a_call_that_was_under_way_is_followed_by_another_stop(chain, bob, hers, phone):
    await play(hers, 30)
    phone.sim("faults", {"faults": ["late:0.6"]})  # it arrives after the stops that follow the press
    async with running() as runner:
        halts.use(runner)
        await tipped(chain, bob)
        await until(lambda: runner.pages[hers.performer_id]._run is not None)
        await asyncio.sleep(0.3)
        await press(hers)
        await until(lambda: 5 in phone.levels())
        await until(lambda: phone.levels()[-1] == 0)


async def test_nothing_is_told_until_she_resumes_and_then_what_waited_plays_once(chain, bob, hers, phone):
    await play(hers, 2)
    async with running() as runner:
        halts.use(runner)
        await press(hers)
        tip_id = await settled(chain, bob, 100)
        await drain()
        await ticks()
        assert told(phone) == []
        await lift(hers)
        await ticks()
        await drain()
        await ended(f"{tip_id}.all")
    assert len(told(phone)) == 1


async def test_what_had_been_sent_before_the_press_and_not_begun_waits(chain, bob, hers, phone):
    """The command reached the page while it was pressed and no epoch was known yet."""
    await play(hers, 2)
    async with running() as runner:
        halts.use(runner)
        page = runner.pages[hers.performer_id]
        halts.tell([hers.performer_id], at=clock.now()).result(5)
        await until(lambda: page.halt.is_pressed)
        key = await tipped(chain, bob)
        await until(lambda: (row(key) or {}).get("status") == "queued")
        assert told(phone) == []
        assert row(key)["reason"] == "stopped"


@pytest.mark.parametrize("bridge", ["SIMULATOR", "STANDARD_SERVER"])
async def test_every_path_is_stopped_whatever_she_has_chosen(chain, hers, phone, bridge):
    collection(Performer).update_one({"_id": hers.pk}, {"$set": {"bridge": bridge}})
    async with running() as runner:
        halts.use(runner)
        runner._loop = asyncio.get_running_loop()
        await press(hers)
        await until(lambda: len(stops(phone)) >= 6)


async def test_an_app_that_she_has_unpaired_is_told_nothing(chain, hers, phone):
    def unpair():
        (host,) = hosts.of(hers.performer_id)
        hosts.unpair(performer_id=hers.pk, host_id=host["_id"], by="ana", now=clock.now())

    await asyncio.to_thread(unpair)
    async with running() as runner:
        halts.use(runner)
        runner._loop = asyncio.get_running_loop()
        await press(hers)
        await asyncio.gather(*runner._stopper._telling.values())
    assert stops(phone) == []


async def test_no_level_of_zero_is_ever_told(chain, bob, hers, phone):
    phone.simulator.phone.toys[phone.toy_ids[0]].traits = type(
        phone.simulator.phone.toys[phone.toy_ids[0]].traits
    )(zero_is_full_speed=True)
    await play(hers, 30)
    async with running() as runner:
        halts.use(runner)
        await tipped(chain, bob)
        await until_told(phone, 1)
        await press(hers)
        await until(lambda: phone.levels()[-1] == 0)
    assert not any(":0" in str(line["body"].get("action")) for line in phone.commands())


async def test_unpairing_stops_the_toys_of_the_app_first(chain, bob, hers, phone):
    def unpaired():
        client = Client()
        client.force_login(hers.user)
        return client.delete(f"/api/lovense/hosts/{host['_id']}").json()

    await play(hers, 30)
    (host,) = await asyncio.to_thread(hosts.of, hers.pk)
    async with running() as runner:
        halts.use(runner)
        key = await tipped(chain, bob)
        await until_told(phone, 1)
        assert await asyncio.to_thread(unpaired) == {"hosts": []}
        await until(lambda: stops(phone) and phone.levels()[-1] == 0)
        await ended(key)
    assert len(told(phone)) == 1
