"""A run that the server tells: each device its slices, in time and once, and what stands in the row of its
activation."""

import asyncio
import time
from functools import partial

import pytest

from ground import clock
from ground.mongodb.collections import collection
from lovense.lane import cancellation
from lovense.lane.cancellation import Wish
from lovense.models import Activation, Device, PageLease, Performer
from lovense.runner import keeping
from lovense.runner.keeping import Attempt
from tests.lovense.callers import Caller
from tests.lovense.conftest import seconds
from tests.lovense.devices import apps
from tests.lovense.runner.stage import (
    _nothing_runs_on,
    ended,
    hers,
    phone,
    play,
    reported,
    row,
    running,
    states,
    stops,
    ticks,
    tipped,
    told,
    until_told,
)
from tests.lovense.sockets import chain, drain, until

__all__ = ["_nothing_runs_on", "chain", "hers", "phone"]
TRIES = 3
pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _short_leases(settings):
    settings.SERVER_LEASE_SECONDS = 3


def toys(phone):
    return sorted(phone.toy_ids, key=lambda toy_id: phone.simulator.phone.toys[toy_id].kind.type)


async def test_a_run_is_told_to_all_toys_of_an_app_in_slices(chain, bob, hers, phone):
    await play(hers, 4)
    async with running():
        found = await ended(await tipped(chain, bob))
    assert (found["status"], found["delivered_seconds"]) == ("completed", 4)
    assert told(phone) == [(toys(phone), "Vibrate:5", 2), (toys(phone), "Vibrate:5", 3)]
    for leg in found["legs"]:
        assert (leg["outcome"], leg["delivered"], leg["promised"]) == ("played", 4, 4)
        assert [each["state"] for each in leg["slices"]] == ["accepted", "accepted"]
    assert stops(phone) == []
    assert not any("violation" in line for line in phone.commands())


async def test_the_toys_do_not_pause_between_two_slices(chain, bob, hers, phone):
    await play(hers, 4)
    async with running():
        await ended(await tipped(chain, bob))
        await until(lambda: phone.levels(toy=toys(phone)[0])[-1:] == [0])
    assert phone.levels(toy=toys(phone)[0]) == [5, 0]


async def test_a_toy_that_answers_later_is_told_first_as_finely_as_the_cloud_can(chain, bob, hers, phone):
    lush, nora = toys(phone)
    collection(Device).update_one({"toy_id": nora}, {"$set": {"lead_ms": 1200}})
    await play(hers, 4)
    async with running():
        for _ in range(TRIES):
            before = len(told(phone))
            found = await ended(await tipped(chain, bob))
            if not has_missed(found):
                break
    mine = told(phone)[before:]
    assert mine[0] == (nora, "Vibrate:5", 2)
    assert (lush, "Vibrate:5", 2) in mine[1:3]  # beside the second slice of the other
    at = [line["at"] for line in phone.commands()][before:]
    assert 600 <= at[1] - at[0] <= 1500  # a second, less what the first was on its way
    shown = await asyncio.to_thread(status_of, hers, found)
    begins = [(each["nickname"], each["offsetMs"], each["deliveredSeconds"]) for each in shown["devices"]]
    assert begins == [("Lush", 1000, 3.0), ("Nora", 0, 4.0)]
    notes = [each["note"] for each in shown["devices"]]
    assert notes == ["Begins 1000 ms after the run, not 1200: this path is not finer.", None]
    assert (shown["deliveredSeconds"], shown["isPartial"]) == (4, False)


def has_missed(found):
    """As on a machine that was busy for half a second."""
    return any(each["state"] == "missed" for leg in found["legs"] for each in leg["slices"])


def status_of(performer, found):
    answer = Caller(performer.user)("get", f"/status/{found['request_id']}")
    return answer.json()["activation"]


async def test_its_row_says_who_plays_before_anything_is_told(chain, bob, hers, phone):
    await play(hers, 4)
    phone.sim("faults", {"faults": ["slow:1"]})
    async with running():
        key = await tipped(chain, bob)
        await until(lambda: (row(key) or {}).get("legs"))
        assert states(key)[1] == "planned"
        assert told(phone) == []
        assert row(key)["received_at"] is not None
        assert row(key)["status"] == "dispatched"
        await ended(key)


async def test_a_refused_first_slice_is_an_attempt_that_did_not_play(chain, bob, hers, phone):
    await play(hers, 2)
    phone.sim("faults", {"faults": ["code:507"]})
    async with running():
        key = await tipped(chain, bob)
        await until(lambda: row(key)["status"] == "queued")
        found = row(key)
    assert found["legs"] is None
    assert found["received_at"] is None
    assert len(found["attempts"]) == 1


async def test_an_unknown_slice_is_never_told_again_and_the_next_one_is(chain, bob, hers, phone, settings):
    settings.LOVENSE_READ_TIMEOUT_SECONDS = 0.3
    await play(hers, 4)
    phone.sim("faults", {"faults": ["drop-after"]})
    async with running():
        found = await ended(await tipped(chain, bob))
    assert [each["state"] for each in found["legs"][0]["slices"]] == ["unknown", "accepted"]
    assert (found["status"], found["delivered_seconds"]) == ("completed", 2)
    assert found["legs"][0]["outcome"] == "unknown"
    assert len(told(phone)) == 2


@pytest.mark.parametrize(
    ("fault", "reason"),
    [("code:503", "pairing_lost"), ("code:501", "operator_fault"), ("code:403", "unsupported")],
)
async def test_what_does_not_pass_is_not_tried_again(chain, bob, hers, phone, fault, reason):
    await play(hers, 4)
    phone.sim("faults", {"faults": [f"{fault}*9"]})
    async with running():
        found = await ended(await tipped(chain, bob))
    assert (found["status"], found["reason"]) == ("failed", reason)
    assert len(told(phone)) == 1


async def test_a_slice_in_the_middle_that_is_refused_is_missed_and_the_run_goes_on(chain, bob, hers, phone):
    await play(hers, 6)
    async with running():
        key = await tipped(chain, bob)
        await until_told(phone, 1)
        phone.sim("faults", {"faults": ["code:507"]})
        found = await ended(key)
    assert [each["state"] for each in found["legs"][0]["slices"]] == ["accepted", "refused"]
    assert (found["delivered_seconds"], found["legs"][0]["outcome"]) == (3, "away")


async def test_told_again_while_it_plays_it_plays_once(chain, bob, hers, phone):
    await play(hers, 4)
    async with running():
        key = await tipped(chain, bob)
        await until_told(phone, 1)
        for _ in range(3):
            await ticks()
        await ended(key)
        await ticks()
    assert len(told(phone)) == 2


async def test_a_slice_is_claimed_by_one_of_many(chain, bob, hers, phone):
    await play(hers, 30)
    async with running() as runner:
        key = await tipped(chain, bob)
        await until_told(phone, 1)
        attempt = Attempt(key, hers.performer_id, 1, 0)
        runner.pages[hers.performer_id].end("lost")
        claims = (asyncio.to_thread(keeping.claim, attempt, 1, (0, 1)) for _ in range(8))
        won = [found for found in await asyncio.gather(*claims) if found is not None]
    assert len(won) == 1


@pytest.mark.parametrize(
    "changed",
    [
        {"stopped_at": clock.now()},
        {"cancelled_at": clock.now()},
        {"attempt": 2},
        {"stop_epoch": 1},
        {"status": "failed"},
    ],
)
async def test_what_is_to_end_claims_nothing(chain, bob, hers, phone, changed):
    await play(hers, 30)
    async with running() as runner:
        key = await tipped(chain, bob)
        await until_told(phone, 1)
        runner.pages[hers.performer_id].end("lost")
        collection(Activation).update_one({"_id": key}, {"$set": changed})
        attempt = Attempt(key, hers.performer_id, 1, 0)
        assert await asyncio.to_thread(keeping.claim, attempt, 1, (0,)) is None


async def test_what_is_skipped_ends_at_once_and_its_toys_are_still(chain, bob, hers, phone):
    await play(hers, 30)
    async with running():
        key = await tipped(chain, bob)
        await until_told(phone, 1)
        wish = Wish("ana", "", clock.now())
        skip = partial(cancellation.skip, performer_id=hers.performer_id, request_id=None, wish=wish)
        await asyncio.to_thread(skip)
        found = await ended(key)
        await until(lambda: len(stops(phone)) >= 1)
    assert found["status"] == "cancelled"
    assert found["delivered_seconds"] < 3
    assert len(told(phone)) == 1


# --- two processes -----------------------------------------------------------------------------------------


async def test_a_successor_goes_on_where_a_killed_runner_was(chain, bob, hers, phone):
    await play(hers, 9)
    async with running() as first:
        key = await tipped(chain, bob)
        await until_told(phone, 1)
        page = first.pages.pop(hers.performer_id)
        page._run._over.set()
        page._run._why = "lost"  # it is never heard of again
        collection(PageLease).update_many({}, {"$set": {"expires_at": clock.now()}})
        async with running() as second:
            assert second.pages[hers.performer_id].is_holder
            await until_told(phone, 2)
            began = row(key)["legs_began_at"]
            assert 1.9 <= (clock.now() - began).total_seconds() <= 2.7
            assert states(key)[2] == "planned"
            assert len(told(phone)) == 2
            second.pages[hers.performer_id].end("interrupted")
            found = await ended(key)
    assert found["status"] == "completed"


async def test_two_processes_hold_her_devices_by_turns_and_never_together(ana, hers, phone):
    async with running() as first, running() as second:
        assert first.pages[ana.performer_id].is_holder
        assert second.pages == {}
        collection(PageLease).update_many({}, {"$set": {"expires_at": clock.now()}})
        await second.look()
        assert second.pages[ana.performer_id].is_holder
        await ticks()
        assert not first.pages[ana.performer_id].is_holder
        await first.look()
        assert first.pages == {}


async def test_a_page_that_may_have_lost_the_devices_stops_them_by_itself(chain, bob, hers, phone):
    await play(hers, 30)
    async with running() as runner:
        await tipped(chain, bob)
        await until_told(phone, 1)
        page = runner.pages[hers.performer_id]
        page.held_until = time.monotonic() - 1  # nobody could renew its lease: the database is away
        await runner.watch()
        await until(lambda: len(stops(phone)) >= 1)
        await until(lambda: page._run is None)
    assert len(told(phone)) == 1


async def test_a_runner_that_ends_leaves_still_toys_and_free_devices(chain, bob, hers, phone):
    await play(hers, 30)
    async with running():
        await tipped(chain, bob)
        await until_told(phone, 1)
    assert len(stops(phone)) >= 1
    assert phone.levels()[-1] == 0
    lease = collection(PageLease).find_one({"_id": hers.performer_id})
    assert lease["expires_at"] <= clock.now()


async def test_another_performers_toys_are_told_nothing(chain, bob, hers, carol, phone):
    theirs = {"uid": "uid-of-carol", "utoken": "utoken-of-carol", "_id": "c" * 24, "host_id": "d" * 24}
    await asyncio.to_thread(reported, carol, phone, toy_ids=(), **theirs)
    await play(hers, 2)
    async with running():
        await ended(await tipped(chain, bob))
    assert {line["body"]["uid"] for line in phone.commands()} == {"uid-of-ana"}


# --- the last hop ------------------------------------------------------------------------------------------


async def test_a_cap_that_is_lowered_while_it_plays_binds_the_next_slice(chain, bob, hers, phone):
    await play(hers, 4, intensity=12)
    async with running():
        key = await tipped(chain, bob)
        await until_told(phone, 1)
        collection(Performer).update_one({"_id": hers.pk}, {"$set": {"maximum_intensity": 3}})
        await ended(key)
    assert [action for _, action, _ in told(phone)] == ["Vibrate:12", "Vibrate:3"]


async def test_a_function_that_is_switched_off_while_it_plays_is_told_nothing_more(chain, bob, hers, phone):
    await play(hers, 4)
    async with running():
        key = await tipped(chain, bob)
        await until_told(phone, 1)
        off = {"devices.$[].functions": {}}
        collection(Performer).update_one({"_id": hers.pk}, {"$set": off})
        found = await ended(key)
    assert len(told(phone)) == 1
    assert (found["delivered_seconds"], found["legs"][0]["outcome"]) == (2, "unsupported")


# --- an app that is offline --------------------------------------------------------------------------------


async def test_a_tip_waits_for_an_app_that_is_offline_and_plays_when_it_calls_back(chain, bob, hers, phone):
    await play(hers, 2)
    phone.sim("faults", {"faults": ["code:507"]})
    async with running():
        key = await tipped(chain, bob)
        away = {"performer_id": hers.pk, "reason": "app_offline", "status": "disconnected"}
        await until(lambda: collection(Device).count_documents(away) == 2)
        await ticks()
        await drain(clock.now() + seconds(2))
        assert row(key)["status"] == "queued"
        toys = [{"id": toy.id, "name": toy.kind.type, "status": 1} for toy in phone.simulator.phone.toys]
        await asyncio.to_thread(apps.take, apps.call(*toys), now=clock.now())
        await drain(clock.now() + seconds(2))
        found = await ended(key)
    assert (found["status"], found["attempt"]) == ("completed", 2)


async def test_a_device_that_an_item_names_begins_as_much_later_as_it_says(chain, bob, hers, phone):
    first, second = toys(phone)
    devices = [{"device": second, "offsetMs": 1000}, {"device": first, "offsetMs": 0}]
    await play(hers, 4, devices=devices)
    async with running():
        found = await ended(await tipped(chain, bob))
    assert {leg["toyId"]: leg["offsetMs"] for leg in found["legs"]} == {first: 0, second: 1000}
    assert found["delivered_seconds"] == 4
    await play(hers, 2, devices=devices[:1])
    async with running():
        found = await ended(await tipped(chain, bob))
    assert [leg["toyId"] for leg in found["legs"]] == [second]
