"""Her pages while she stops: all of them are told, at once, again and again; and nothing from before it
reaches one any more."""

import asyncio
import time

import pytest

from ground import clock
from ground.mongodb.collections import collection
from lovense.models import Activation, Performer, StopPress
from lovense.sending import dispatch, groups, pages, retries
from lovense.sockets import pressing
from lovense.sockets.process import sockets
from lovense.stopping import halts, stop
from tests.lovense.conftest import activation_of, in_collection, state
from tests.lovense.page import Page
from tests.lovense.sockets import (
    _nothing_runs_on,
    carols_token,
    chain,
    commanded,
    drain,
    settled,
    token,
)
from tests.lovense.stopping.pages import (
    _told_here,
    rarely,
    silence,
    soon,
    stop_of,
    stopped_at,
    until_so,
)
from tests.lovense.stopping.presses import presses_of, row_of

__all__ = ["_nothing_runs_on", "_told_here", "carols_token", "chain", "rarely", "soon", "token"]
pytestmark = pytest.mark.django_db

ERROR = 8000
STOP = {"type": "stop"}


async def press(performer):
    who = {"performer_id": performer.performer_id, "by": "ana", "now": clock.now()}
    return await asyncio.to_thread(stop.press, **who, why="", through="api")


async def lift(performer):
    who = {"performer_id": performer.performer_id, "by": "ana", "now": clock.now()}
    return await asyncio.to_thread(stop.resume, **who)


async def opened(page, performer):
    await page.next()
    await page.heard(performer.performer_id)


# --- who is told -------------------------------------------------------------------------------------------


async def test_a_stop_of_one_page_ends_everything_on_all_of_hers_and_on_nobody_elses(
    ana, carol, token, carols_token, rarely
):
    watching, strangers = Page(token=token, query="watch=1"), Page(token=carols_token)
    async with Page(token=token) as holder, watching as watcher, strangers as stranger:
        for page, whose in ((holder, ana), (watcher, ana), (stranger, carol)):
            await opened(page, whose)
        await watcher.say(STOP)
        for page in (holder, watcher):
            assert [await stop_of(page), await stop_of(page)] == [None, 1]
        assert await stranger.heard(carol.performer_id) == []
        (kept,) = await asyncio.to_thread(presses_of, ana)
        assert (kept["by"], kept["through"], kept["epoch"]) == ("ana", "socket", 1)
        assert row_of(carol)["stop_epoch"] == 0


async def test_said_again_it_is_another_press(ana, token, rarely):
    async with Page(token=token) as page:
        await opened(page, ana)
        for epoch in (1, 2):
            await page.say(STOP)
            await stopped_at(page, epoch)
    assert [each["epoch"] for each in presses_of(ana)] == [1, 2]


async def test_a_word_over_redis_tells_pages_of_other_processes_and_not_ones_own_twice(ana, token, rarely):
    channel = groups.pages_of(ana.performer_id)
    async with Page(token=token) as page:
        await opened(page, ana)
        for by, epoch in (("another", 4), (halts.ME, 5), ("another", 3)):
            await asyncio.to_thread(groups.publish, [(channel, groups.halt(1, epoch, by))])
        said = await page.heard(ana.performer_id)
        assert [message["stopEpoch"] for message in said] == [4]


async def test_a_word_that_was_lost_is_found_in_her_row(ana, token, rarely):
    async with Page(token=token) as page:
        await opened(page, ana)
        stopped = {"$set": {"stop_epoch": 3, "stopped_at": clock.now()}}
        await asyncio.to_thread(collection(Performer).update_one, {"_id": ana.performer_id}, stopped)
        await sockets.tick()
        assert await stop_of(page) == 3
        await sockets.tick()
        assert await page.heard(ana.performer_id) == []


async def test_a_page_that_comes_while_she_is_stopped_is_told_so(ana, token, rarely):
    await press(ana)
    async with Page(token=token) as page:
        snapshot = await page.next()
        assert (snapshot["stopEpoch"], snapshot["isStopped"]) == (1, True)
        assert await stop_of(page) == 1
    await lift(ana)
    async with Page(token=token) as page:
        snapshot = await page.next()
        assert (snapshot["stopEpoch"], snapshot["isStopped"]) == (1, False)
        assert await page.heard(ana.performer_id) == []


# --- at once -----------------------------------------------------------------------------------------------


async def test_it_waits_for_nothing_that_the_page_said_before(chain, bob, ana, token, rarely, fail_command):
    async with Page(token=token) as page:
        command = await commanded(page, chain, bob)
        slow = {"blockConnection": True, "blockTimeMS": 2500, **in_collection(Activation)}
        fail_command("update", times=1, **slow)
        began = time.monotonic()
        await page.acknowledge(command, "received")
        await page.say(STOP)
        assert await stop_of(page) is None
        assert time.monotonic() - began < 2
        await stopped_at(page, 1)
        await page.done()
        assert activation_of(command["tipId"])["received_at"] is not None


async def test_a_page_beyond_its_allowance_stops_at_once(ana, token, rarely):
    async with Page(token=token) as page:
        await opened(page, ana)
        for _ in range(60):  # 40 of them are its burst
            await page.say({"type": "dance"})
        await page.say(STOP)
        before = 0
        while (await page.next())["type"] == "error":
            before += 1
        assert before < 60
        await stopped_at(page, 1)


# --- while the database is away ----------------------------------------------------------------------------


@pytest.fixture
def eager(monkeypatch):
    monkeypatch.setattr(pressing, "AGAIN_SECONDS", 0.02)


async def test_while_it_cannot_be_recorded_pages_are_still_and_it_is_one_press(
    ana, token, rarely, eager, fail_command
):
    async with Page(token=token) as page:
        await opened(page, ana)
        fail_command("findAndModify", times=20, errorCode=ERROR)
        await page.say(STOP)
        assert [await stop_of(page), await stop_of(page)] == [None, None]  # the second with a second attempt
        assert row_of(ana)["stop_epoch"] == 0
        await page.say(STOP)
        await stopped_at(page, 1)
        await until_so(lambda: len(presses_of(ana)) == 1)
    assert row_of(ana)["stop_epoch"] == 1


async def test_it_is_recorded_also_when_the_page_has_gone(ana, token, rarely, eager, fail_command):
    async with Page(token=token) as page:
        await opened(page, ana)
        fail_command("findAndModify", times=4, errorCode=ERROR)
        await page.say(STOP)
        assert await stop_of(page) is None
    await until_so(lambda: row_of(ana)["stop_epoch"] == 1)


async def test_nothing_is_handed_over_before_it_is_recorded(chain, bob, token, rarely, eager, fail_command):
    async with Page(token=token) as page:
        await page.next()
        await page.heard(chain.performer_id)
        (here,) = sockets.open.values()
        assert here.holding.may_run()
        halts.tell([chain.performer_id], at=clock.now())
        assert await stop_of(page) is None
        assert not here.holding.may_run()
        tip_id = await settled(chain, bob)
        await drain()
        assert await page.heard(chain.performer_id) == []
        await until_so(lambda: state(tip_id) == ("queued", "pending"))
        await press(chain)
        await stopped_at(page, 1)
        await lift(chain)
        assert here.holding.may_run()
        await drain(clock.now() + retries.KEPT_BACK)
        assert (await page.next())["tipId"] == tip_id


async def test_a_press_of_which_no_more_is_heard_holds_for_a_while_only(ana, token, monkeypatch):
    monkeypatch.setattr("lovense.sockets.halt.HELD_SECONDS", 0.05)
    async with Page(token=token) as page:
        await opened(page, ana)
        (here,) = sockets.open.values()
        halts.tell([ana.performer_id], at=clock.now())
        assert await stop_of(page) is None
        await until_so(here.holding.may_run)


async def test_a_word_of_a_press_that_comes_after_its_record_holds_nothing(ana, token, rarely):
    """Redis was slow: this process had read it in her row by then."""
    channel, at = groups.pages_of(ana.performer_id), clock.now()
    async with Page(token=token) as page:
        await opened(page, ana)
        (here,) = sockets.open.values()
        stopped = {"$set": {"stop_epoch": 1, "stopped_at": at}}
        await asyncio.to_thread(collection(Performer).update_one, {"_id": ana.performer_id}, stopped)
        await sockets.tick()
        assert await stop_of(page) == 1
        late = [(channel, groups.halt(halts.milliseconds(at), epoch, "another")) for epoch in (None, 1)]
        await asyncio.to_thread(groups.publish, late)
        assert await page.heard(ana.performer_id) == []
        assert here.holding.may_run()


async def test_the_kill_switch_ends_what_plays_and_holds_no_page(ana, token):
    async with Page(token=token) as page:
        await opened(page, ana)
        (here,) = sockets.open.values()
        halts.tell([ana.performer_id])
        assert await stop_of(page) is None
        assert here.holding.may_run()


# --- again and again ---------------------------------------------------------------------------------------


def still(epoch=1, **more):
    return {"type": "stopped", "stopEpoch": epoch, "toyIds": [], **more}


async def test_it_is_told_again_also_when_the_page_has_confirmed_and_then_no_more(ana, token, soon):
    async with Page(token=token) as page:
        await opened(page, ana)
        await press(ana)
        await stopped_at(page, 1)
        await page.say(still())
        said = await silence(page, 0.3)
        assert [message["stopEpoch"] for message in said] == [1] * 5


async def test_a_page_that_does_not_confirm_is_told_for_ever(ana, token, soon):
    async with Page(token=token) as page:
        await opened(page, ana)
        await press(ana)
        for _ in range(12):
            await stopped_at(page, 1)
        await page.say(still())
        await page.done()
        assert await silence(page) == []


async def test_an_answer_to_an_older_stop_does_not_end_it(ana, token, soon):
    async with Page(token=token) as page:
        await opened(page, ana)
        await press(ana)
        await press(ana)
        await page.say(still(1))
        for _ in range(12):
            await stopped_at(page, 2)


async def test_a_page_that_has_gone_is_told_nothing(ana, token, soon):
    async with Page(token=token) as page:
        await opened(page, ana)
        await press(ana)
        await stopped_at(page, 1)
        (here,) = sockets.open.values()
        assert here.halt.is_telling
    assert not here.halt.is_telling


async def test_after_a_resume_nothing_more_is_told(ana, token, soon):
    async with Page(token=token) as page:
        await opened(page, ana)
        await press(ana)
        await stopped_at(page, 1)
        await lift(ana)
        await sockets.tick()
        await silence(page, 0.02)
        assert await silence(page) == []


async def test_what_starts_after_a_resume_is_not_ended_by_a_stop_from_before(chain, bob, token, soon):
    """Also where this process has not heard of the resume."""
    async with Page(token=token) as page:
        await page.next()
        await page.heard(chain.performer_id)
        await press(chain)
        await stopped_at(page, 1)
        await lift(chain)
        tip_id = await settled(chain, bob)
        await drain()
        while (message := await page.next())["type"] == "lovense.stop":
            pass
        assert (message["tipId"], message["stopEpoch"]) == (tip_id, 1)
        assert await silence(page) == []


async def test_a_press_during_the_look_for_stops_is_not_taken_for_a_resume(ana, token, soon):
    async with Page(token=token) as page:
        await opened(page, ana)
        (here,) = sockets.open.values()
        asked_at = time.monotonic()
        await press(ana)
        await stopped_at(page, 1)
        here.halt.resumed(asked_at)
        assert here.halt.is_telling


# --- what does not reach it --------------------------------------------------------------------------------


async def test_a_command_from_before_the_stop_is_kept_from_the_page_and_waits(chain, bob, token, rarely):
    """Decided before, and on its way when she pressed."""
    async with Page(token=token) as page:
        await page.next()
        await page.heard(chain.performer_id)
        (here,) = sockets.open.values()
        tip_id = await settled(chain, bob)
        caught = []
        lanes = await asyncio.to_thread(dispatch.find, now=clock.now())
        await asyncio.to_thread(dispatch.start, lanes, caught.extend, now=clock.now(), limit=9)
        await press(chain)
        await stopped_at(page, 1)
        ((_, message),) = caught
        sockets.pass_on(here, message)
        await until_so(lambda: state(tip_id) == ("queued", "pending"))
        assert await page.heard(chain.performer_id) == []
        await lift(chain)
        await drain(clock.now() + retries.KEPT_BACK)
        assert (await page.next())["tipId"] == tip_id


async def test_what_was_in_flight_is_told_to_end_and_not_to_play(chain, bob, token, rarely):
    async with Page(token=token) as page:
        command = await commanded(page, chain, bob)
        await press(chain)
        await stopped_at(page, 1)
        assert activation_of(command["tipId"])["stopped_at"] is not None
        await asyncio.to_thread(age, command["tipId"])
        await sockets.tick()
        told = await page.next()
        assert (told["type"], told["activationIds"]) == ("lovense.stop", [command["activationId"]])
        await page.acknowledge(command, "finished", deliveredSeconds=1.5, code="stopped")
        await page.done()
        assert state(command["tipId"]) == ("failed", "failed")
        assert activation_of(command["tipId"])["reason"] == "stopped"


def age(tip_id):
    """It was sent long enough ago to be asked for."""
    moment = clock.now() - 2 * pages.RESEND_AFTER
    collection(Activation).update_one({"tip_id": tip_id}, {"$set": {"dispatched_at": moment}})


# --- what pages say ----------------------------------------------------------------------------------------

MALFORMED = [
    (still("1"), "stopEpoch"),
    (still(True), "stopEpoch"),
    (still(-1), "stopEpoch"),
    (still(2**63), "stopEpoch"),
    (still(toyIds="toy"), "toyIds"),
    (still(toyIds=None), "toyIds"),
    (still(toyIds=["toy"] * 17), "toyIds"),
    (still(toyIds=["toy"] * 10_000), "message"),
    (still(toyIds=[1]), "toyIds"),
    (still(toyIds=["x" * 65]), "toyIds"),
    (still(toys={}), "toys"),
    (still(toys=[{"id": "toy"}] * 17), "toys"),
    (still(toys=["toy"]), "toys"),
    (still(toys=[{"id": 5}]), "toys"),
    (still(toys=[{"id": "toy", "ms": "84"}]), "toys"),
    (still(toys=[{"id": "toy", "ms": -1}]), "toys"),
    (still(toys=[{"id": "toy", "ms": True}]), "toys"),
    (still(toys=[{"id": "toy", "ms": 10**9}]), "toys"),
    (still(toys=[{"id": "toy", "answer": 5}]), "toys"),
]


@pytest.mark.parametrize(("said", "field"), MALFORMED, ids=[f"{str(said)[32:72]}" for said, _ in MALFORMED])
async def test_what_is_malformed_is_answered_with_its_field_and_recorded_nowhere(ana, token, said, field):
    await press(ana)
    async with Page(token=token) as page:
        await page.say(said)
        while (answer := await page.next())["type"] != "error":
            pass
        assert answer["error"]["details"]["field"] == field
    assert presses_of(ana)[0]["answers"] == []


async def test_the_pages_word_is_recorded_for_its_press(chain, ana, token, rarely):
    toys = [{"id": "toy-1", "name": "Lush", "toyType": "lush", "status": 1, "battery": 80}]
    async with Page(token=token, query="page=desk") as page:
        await opened(page, ana)
        await page.say({"type": "devices", "toys": toys})
        await page.done()
        await press(ana)
        await stopped_at(page, 1)
        said = still(toyIds=["toy-1", "theirs"], toys=[{"id": "toy-1", "ms": 84.2, "answer": "still"}])
        for _ in range(3):
            await page.say(said)
        await page.done()
    (kept,) = presses_of(ana)
    (answer,) = kept["answers"]
    assert (answer["page"], answer["toyId"], answer["ms"], answer["answer"]) == (
        "desk",
        "toy-1",
        84.2,
        "still",
    )


async def test_other_words_of_the_page_are_heard_in_their_order(ana, token):
    async with Page(token=token) as page:
        await opened(page, ana)
        for number in range(100):
            await page.say({"type": "ack", "activationId": "x", "attempt": number, "stage": "x"})
            await page.say({"type": f"kind-{number}"})
        for _ in range(100):
            fields = [(await page.next())["error"]["details"]["field"] for _ in range(2)]
            assert fields == ["stage", "type"]
    assert collection(StopPress).count_documents({}) == 0
