"""A toy that drops out of a run and comes back: whatever moment it is, it misses what it was not there for
and nothing else, the other one is told what it would have been told anyway, and the seconds add up.

`DROPOUTS=20 pytest tests/lovense/runner/test_dropouts.py` takes twenty moments of each kind."""

import asyncio
import os
import random

import pytest

from ground import clock
from ground.mongodb.collections import collection
from lovense.deciding import shortfall
from lovense.devices import choices
from lovense.models import Activation, Owed
from lovense.owed import keeping, owing
from lovense.page import outcome
from lovense.sockets.process import sockets
from tests.lovense.devices import apps
from tests.lovense.runner.faster import faster
from tests.lovense.runner.stage import _nothing_runs_on, ended, hers, phone, play, running, tipped
from tests.lovense.sockets import chain

__all__ = ["_nothing_runs_on", "chain", "hers", "phone"]
pytestmark = pytest.mark.django_db

SECONDS = 30
MOMENTS = [random.Random(seed) for seed in range(int(os.environ.get("DROPOUTS", "1")))]
# What a toy is told that is always there: in which second, and for how long.
ALL = [(0, 8), (7, 9), (15, 8), (22, 8)]
A_SECOND_LATER = [(1, 8), (8, 9), (16, 8), (23, 7)]


async def ticking():
    """The second of a process: its pages go on holding."""
    while True:
        await sockets.renew()
        await asyncio.sleep(1)


async def drop(phone, toy_id, rng, *, calls_back):
    """Away at some moment of the run, and back after 1 to 10 seconds."""
    await asyncio.sleep(rng.uniform(0, SECONDS - 1))
    for is_on in (False, True):
        await asyncio.to_thread(phone.sim, f"toys/{toy_id}", {"on": is_on})
        if calls_back:
            await asyncio.to_thread(said, phone)
        await asyncio.sleep(rng.uniform(1, 10))


def said(phone, **more):
    """Her app calls back, with its toys as they are."""
    found = [(toy.id, toy.kind.type, int(toy.is_connected(0))) for toy in phone.simulator.phone.toys]
    toys = [{"id": id, "name": name, "status": status} for id, name, status in found]
    apps.take(apps.call(*toys, **more), now=clock.now())


async def played(chain, bob, phone, monkeypatch, *drops):
    """A run in which these happen; its row."""
    with faster(monkeypatch):
        async with running():
            key = await tipped(chain, bob)
            tasks = [asyncio.create_task(one) for one in (ticking(), *drops)]
            found = await ended(key, within=2 * SECONDS)
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
    await asyncio.to_thread(keeping.drain, now=clock.now(), limit=9)
    return found


def told(phone, toy_id):
    """What the app was told for this toy: for how many seconds, and whether it took it."""
    lines = [line for line in phone.commands() if line["body"].get("action") != "Stop"]
    return [
        (line["body"]["timeSec"], line["answer"]["code"] == 200)
        for line in lines
        if toy_id in (line["body"]["toy"], *line["body"]["toy"])
    ]


def leg_of(row, toy_id):
    return next(leg for leg in row["legs"] if leg["toyId"] == toy_id)


def states(row, toy_id):
    return [each["state"] for each in leg_of(row, toy_id)["slices"]]


def adds_up(row):
    """Its seconds, and what is owed of them, follow from the slices that were accepted."""
    for leg in row["legs"]:
        accepted = [each for each in leg["slices"] if each["state"] == "accepted"]
        assert leg["delivered"] == sum(each["until"] - each["start"] for each in accepted)
        assert leg["outcome"] == ("played" if len(accepted) == 4 else "away")
    longest = max(leg["delivered"] for leg in row["legs"])
    owed = collection(Owed).find_one({"_id": row["_id"]})
    assert row["delivered_seconds"] == longest
    assert (owed["owed"] if owed else 0) == (SECONDS - longest) * shortfall.TENTHS
    assert owing.difference(row, owed) == ""


def is_partial(row):
    return outcome.is_partial(Activation.objects.get(pk=row["_id"]))


@pytest.mark.parametrize("rng", MOMENTS)
async def test_of_two_toys_one_drops_out_and_the_other_is_told_the_same(
    chain, bob, hers, phone, monkeypatch, rng
):
    """Each is told by a call of its own, so the cloud says which one is away."""
    await asyncio.to_thread(said, phone, appVersion="7.70.9")
    await play(hers, SECONDS)
    kept = (await asyncio.to_thread(choices.of, hers.performer_id)).kept
    ids = [device["toy_id"] for device in kept]  # by nickname, as they are told
    away = rng.choice([0, 1])
    dropped, other = ids[away], ids[1 - away]
    row = await played(chain, bob, phone, monkeypatch, drop(phone, dropped, rng, calls_back=False))
    expected = [A_SECOND_LATER, ALL][away]
    kept_on = zip(expected, states(row, other), strict=True)  # on a slow machine a slice may be missed
    in_its_time = [(seconds, True) for (_, seconds), state in kept_on if state != "missed"]
    assert told(phone, other) == in_its_time
    assert set(states(row, other)) <= {"accepted", "missed"}
    taken = [is_taken for _, is_taken in told(phone, dropped)]
    in_time = [each for each in states(row, dropped) if each != "missed"]
    assert in_time == [{True: "accepted", False: "refused"}[each] for each in taken]
    is_all_there = row["delivered_seconds"] == SECONDS
    assert await asyncio.to_thread(is_partial, row) is (is_all_there and in_time.count("accepted") < 4)
    adds_up(row)
    assert not any("violation" in line for line in phone.commands())


@pytest.mark.parametrize("rng", MOMENTS)
async def test_both_drop_out_and_come_back_as_their_app_says_and_the_rest_is_owed(
    chain, bob, hers, phone, monkeypatch, rng
):
    """Both are told by one call, which the app takes as long as one of them is there."""
    await play(hers, SECONDS)
    ids = phone.toy_ids
    drops = [drop(phone, ids[0], rng, calls_back=True), drop_first(phone, ids[1])]
    row = await played(chain, bob, phone, monkeypatch, *drops)
    for toy_id in ids:
        taken = sum(is_taken for _, is_taken in told(phone, toy_id))
        assert states(row, toy_id).count("accepted") == taken
    assert states(row, ids[1])[1:] == ["refused", "accepted", "accepted"]
    assert [leg["toyId"] for leg in shortfall.fell_short(row["legs"])][-1] == ids[1]
    adds_up(row)


async def drop_first(phone, toy_id):
    """Away for its second slice."""
    await asyncio.sleep(3)
    for is_on in (False, True):
        await asyncio.to_thread(phone.sim, f"toys/{toy_id}", {"on": is_on})
        await asyncio.to_thread(said, phone)
        await asyncio.sleep(7)
