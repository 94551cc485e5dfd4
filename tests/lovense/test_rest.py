"""Rest: after so many running seconds without one the next start waits; it is never dropped, and nothing
passes it."""

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ground.mongodb.collections import collection
from lovense.deciding import rest
from lovense.deciding.rest import DeviceRun, Rest
from lovense.lane import eta
from lovense.models import Performer
from lovense.sending import dispatch
from tests.factories import NOW
from tests.ground.plans import recorded
from tests.lovense.conftest import activation_of, request_of, seconds
from tests.lovense.rounds import hold

pytestmark = pytest.mark.django_db

ITEM_SECONDS = 10  # what 100 tokens play


def wants(performer_id, maximum=20, pause=60):
    chosen = {"maximum_continuous_seconds": maximum, "rest_seconds": pause}
    collection(Performer).update_one({"_id": performer_id}, {"$set": chosen})


def drain(chain, at):
    hold(chain.performer_id, now=at)
    while dispatch.drain(now=at, limit=100):
        pass


def play(chain, tip_id, at, *, delivered=ITEM_SECONDS):
    """It starts at that moment, or does not; whether it did."""
    drain(chain, at)
    row = activation_of(tip_id)
    if row is None or row["status"] != "dispatched":
        return False
    for stage, later in (("started", 0), ("finished", delivered)):
        more = {"delivered_seconds": delivered} if stage == "finished" else {}
        chain.acknowledge(tip_id, stage, later=at - NOW + seconds(later), **more)
    return True


# --- the rule ----------------------------------------------------------------------------------------------


def test_it_is_open_until_the_seconds_are_used_up_and_again_after_the_rest():
    given_rest = Rest(20, seconds(60))
    for begin in (0, 11):
        given_rest = given_rest.after(DeviceRun(NOW + seconds(begin), NOW + seconds(begin + 10)))
    assert given_rest.ran == 20
    assert not given_rest.is_open(NOW + seconds(80))
    assert given_rest.is_open(NOW + seconds(81))
    assert given_rest.opens_at == NOW + seconds(81)


def test_a_rest_that_came_by_itself_counts():
    given_rest = Rest(20, seconds(60)).after(DeviceRun(NOW, NOW + seconds(15)))
    given_rest = given_rest.after(DeviceRun(NOW + seconds(75), NOW + seconds(85)))
    assert given_rest.ran == 10


runs = st.lists(st.tuples(st.integers(0, 90), st.integers(2, 30)), max_size=20)


@given(runs=runs, maximum=st.integers(10, 60), pause=st.integers(1, 60))
def test_whatever_comes_whoever_starts_when_it_is_open_never_runs_much_longer_than_the_maximum(
    runs, maximum, pause
):
    """Between two rests her devices run for less than the maximum and one run more."""
    kept, at, since_rest, last_end = Rest(maximum, seconds(pause)), NOW, 0, None
    for wait, length in runs:
        at = max(at + seconds(wait), last_end or at)
        if not kept.is_open(at):
            at = kept.opens_at
        if last_end is not None and at - last_end >= seconds(pause):
            since_rest = 0
        assert since_rest < maximum
        since_rest, last_end = since_rest + length, at + seconds(length)
        kept = kept.after(DeviceRun(at, last_end))
        assert kept.ran == since_rest


# --- in a round --------------------------------------------------------------------------------------------


def test_the_next_start_waits_for_her_rest_and_then_plays(chain, bob):
    wants(chain.performer_id)
    first, second, third = (chain.settled(bob, 100) for _ in range(3))
    assert play(chain, first, NOW)
    assert play(chain, second, NOW + seconds(10))
    assert not play(chain, third, NOW + seconds(20))
    request = request_of(third)
    assert (request["status"], request["delayed_by"]) == ("pending", "resting")
    assert request["available_at"] == NOW + seconds(80)
    assert not play(chain, third, NOW + seconds(79))
    assert play(chain, third, NOW + seconds(80))
    gates = [(gate["gate"], gate["saw"]) for gate in activation_of(third)["gates"]]
    assert ("rested", "20 of 20 s without a rest") in gates


def test_a_run_that_was_cut_short_counts_as_it_was(chain, bob):
    wants(chain.performer_id)
    tips = [chain.settled(bob, 100) for _ in range(3)]
    assert play(chain, tips[0], NOW, delivered=3)
    assert play(chain, tips[1], NOW + seconds(3))
    assert play(chain, tips[2], NOW + seconds(13))


def test_one_that_nobody_asked_for_a_rest_is_asked_nothing_and_nothing_is_read(chain, bob):
    assert play(chain, chain.settled(bob, 100), NOW)  # menus are read for the first time
    tip_id = chain.settled(bob, 100)
    with recorded() as plans:
        assert play(chain, tip_id, NOW + seconds(100))
    assert "rested" not in [gate["gate"] for gate in activation_of(tip_id)["gates"]]
    without = len(plans)
    wants(chain.performer_id, maximum=60)
    tip_id = chain.settled(bob, 100)
    with recorded() as plans:
        assert play(chain, tip_id, NOW + seconds(110))
    assert len(plans) == without + 1
    assert [plan.stages for plan in plans if "activation_history" in plan.indexes] == [
        ["LIMIT", "FETCH", "IXSCAN"]
    ]


def test_what_is_not_known_to_have_stopped_counts_as_promised(chain, bob):
    wants(chain.performer_id, maximum=10)
    first, second = (chain.settled(bob, 100) for _ in range(2))
    drain(chain, NOW)
    chain.acknowledge(first, "received")
    performer = collection(Performer).find_one({"_id": chain.performer_id})
    (kept,) = rest.read([performer], now=NOW).values()
    assert (kept.ran, kept.until) == (ITEM_SECONDS, NOW + seconds(ITEM_SECONDS))
    assert second


def test_what_never_played_does_not_count(chain, bob):
    wants(chain.performer_id)
    first, second = (chain.settled(bob, 100) for _ in range(2))
    drain(chain, NOW)
    chain.acknowledge(first, "failed", code="not_a_toy")
    performer = collection(Performer).find_one({"_id": chain.performer_id})
    assert rest.read([performer], now=NOW)[chain.performer_id].ran == 0
    assert play(chain, second, NOW + seconds(1))


def test_the_eta_foresees_the_rest(chain, bob):
    wants(chain.performer_id)
    tips = [chain.settled(bob, 100) for _ in range(4)]
    assert play(chain, tips[0], NOW)
    hold(chain.performer_id, now=NOW + seconds(10))
    found = eta.of_lane(chain.performer_id, now=NOW + seconds(10))
    assert [start.held_by for start in found] == ["", "resting", ""]
    waits = found[1].foreseen.at - (NOW + seconds(20))
    assert timedelta(seconds=60) <= waits <= timedelta(seconds=61)


def test_her_limit_of_no_seconds_is_no_limit(chain, bob):
    wants(chain.performer_id, maximum=None)
    for turn in range(5):
        assert play(chain, chain.settled(bob, 100), NOW + seconds(10 * turn))
