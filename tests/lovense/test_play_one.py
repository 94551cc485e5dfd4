"""While she has paused, one request is let through and no other, whatever stops, dies or is pressed again."""

import pytest
from pymongo.errors import PyMongoError

from ground.audit.models import AuditEntry
from ground.mongodb.collections import collection
from lovense.lane import controls, live, placing
from lovense.lane.controls import HeldByStop, NoSuchRequest, NothingWaits, NotPaused
from lovense.lane.placing import OrderChanged
from lovense.models import Performer
from lovense.sending import dispatch, leases
from lovense.stopping import stop
from tests.commands import RECORDER
from tests.factories import NOW
from tests.lovense.conftest import in_collection, request_of, seconds, state
from tests.lovense.controlling import HOUR, actions, drain, finish, played, who
from tips.queue import requests as queue

__all__ = ["who"]
pytestmark = pytest.mark.django_db
ERROR = 8000
WAITS = (None, "pending")
PLAYS = ("dispatched", "claimed")
DONE = ("completed", "completed")


@pytest.fixture
def three(chain, bob, who):
    """Paused, and three wait."""
    controls.pause(**who, why="")
    return [chain.settled(bob, 100) for _ in range(3)]


def play_one(who, **more):
    return controls.play_one(**who | more)


def states(tips):
    return [state(tip_id) for tip_id in tips]


# --- once --------------------------------------------------------------------------------------------------


def test_one_starts_and_then_the_pause_holds_on(chain, who, wire, three):
    assert play_one(who) == queue.request_id(three[0])
    assert played(chain, wire) == three[:1]
    drain(chain, NOW + HOUR)
    assert states(three) == [DONE, WAITS, WAITS]
    assert Performer.objects.get().paused_at == NOW
    assert actions() == ["pause", "play_one"]


def test_what_plays_when_she_presses_plays_to_its_end_first(chain, bob, who):
    tips = [chain.settled(bob, 100) for _ in range(3)]
    drain(chain)
    controls.pause(**who, why="")
    play_one(who)
    drain(chain)
    assert states(tips) == [PLAYS, WAITS, WAITS]
    finish(chain, tips[0], delivered_seconds=10)
    drain(chain)
    finish(chain, tips[1], delivered_seconds=10)
    drain(chain)
    assert states(tips) == [DONE, DONE, WAITS]


def test_it_is_that_one_also_where_others_are_put_before_it(chain, who, wire, three):
    play_one(who)
    placing.play_next(**who, request_id=queue.request_id(three[2]))
    assert played(chain, wire) == three[:1]


def test_in_batches_it_plays_alone(chain, who, wire, three):
    controls.set_mode(**who, mode="batch")
    later = NOW + seconds(5)
    play_one(who, now=later)
    drain(chain, later)
    assert states(three) == [PLAYS, WAITS, WAITS]


def test_when_she_resumes_all_plays_on_and_the_next_pause_holds_all(chain, bob, who, wire, three):
    play_one(who)
    controls.resume(**who)
    assert Performer.objects.get().plays_one is None
    controls.pause(**who, why="again")
    assert played(chain, wire) == []


def test_a_pause_after_one_that_ended_by_itself_lets_nothing_through(chain, bob, who, wire):
    controls.pause(**who, why="", until=NOW + seconds(5))
    chain.settled(bob, 100)
    play_one(who)
    later = NOW + seconds(6)
    controls.pause(**who | {"now": later}, why="")
    assert played(chain, wire, later) == []


# --- refused -----------------------------------------------------------------------------------------------


def test_without_a_pause_nobody_is_let_through(chain, bob, who):
    chain.settled(bob, 100)
    with pytest.raises(NotPaused):
        play_one(who)
    controls.pause(**who, why="", until=NOW + seconds(5))
    with pytest.raises(NotPaused):
        play_one(who, now=NOW + seconds(5))


def test_neither_after_a_stop_nor_where_nothing_waits_nor_for_nobody(chain, bob, who):
    controls.pause(**who, why="")
    with pytest.raises(NothingWaits):
        play_one(who)
    with pytest.raises(NoSuchRequest):
        play_one(who, performer_id="nobody")
    chain.settled(bob, 100)
    stop.press(**who, why="", through="api")
    with pytest.raises(HeldByStop):
        play_one(who)
    assert actions() == ["pause", "stop"]


def test_only_the_one_that_was_shown_as_the_next(who, three):
    with pytest.raises(OrderChanged) as changed:
        play_one(who, request_id=queue.request_id(three[1]))
    assert changed.value.details["order"][0] == queue.request_id(three[0])
    assert play_one(who, request_id=queue.request_id(three[0])) == queue.request_id(three[0])


# --- repeated ----------------------------------------------------------------------------------------------


def test_pressed_again_while_it_waits_or_plays_it_is_one(chain, who, wire, three):
    first = play_one(who)
    assert play_one(who) == first
    drain(chain)
    assert play_one(who) == first
    finish(chain, three[0], delivered_seconds=10)
    drain(chain)
    assert states(three) == [DONE, WAITS, WAITS]
    assert play_one(who) == queue.request_id(three[1])
    drain(chain)
    assert states(three) == [DONE, PLAYS, WAITS]


def test_a_run_that_her_stop_ended_is_the_one_that_she_had_let_through(chain, who, three):
    play_one(who)
    drain(chain)
    stop.press(**who, why="", through="api")
    finish(chain, three[0], delivered_seconds=1, code="stopped")
    drain(chain)
    assert states(three)[1:] == [WAITS, WAITS]
    assert Performer.objects.get().plays_one is None


def test_what_its_page_refuses_for_now_is_tried_again_and_nothing_else(chain, who, three):
    play_one(who)
    drain(chain)
    chain.acknowledge(three[0], "failed", code="busy")
    later = NOW + seconds(5)
    drain(chain, later)
    assert (states(three), request_of(three[0])["attempts"]) == ([PLAYS, WAITS, WAITS], 2)


# --- concurrent --------------------------------------------------------------------------------------------


def test_pressed_eight_times_at_once_it_is_one(chain, who, wire, three, in_threads):
    in_threads(lambda: play_one(who), times=8)
    in_threads(lambda: dispatch.drain(now=NOW, limit=9), times=8)
    assert played(chain, wire) == three[:1]
    assert actions() == ["pause", "play_one"]


def test_beside_rounds_no_more_plays_than_is_let_through(chain, who, three, in_threads):
    ways = iter([lambda: play_one(who), lambda: dispatch.drain(now=NOW, limit=9)] * 4)
    in_threads(lambda ways=ways: next(ways)(), times=8)
    assert states(three).count(WAITS) >= 2


# --- crashed -----------------------------------------------------------------------------------------------


def test_a_press_that_has_no_entry_is_none(chain, who, wire, three, fail_command):
    fail_command("insert", errorCode=ERROR, **in_collection(AuditEntry))
    with pytest.raises(PyMongoError):
        play_one(who)
    assert played(chain, wire) == []


def test_a_worker_that_dies_with_it_in_its_hands_starts_no_second_one(chain, who, three):
    play_one(who)
    lanes = dispatch.find(now=NOW)
    dispatch.claim(lanes, now=NOW, limit=9)
    later = NOW + seconds(60)
    leases.expire(now=later, limit=9)
    drain(chain, later + seconds(5))
    assert states(three) == [PLAYS, WAITS, WAITS]


# --- beside the rows ---------------------------------------------------------------------------------------


def test_a_lane_in_memory_is_left_to_its_rows(chain, who, three):
    play_one(who)
    rules, found = live.read([chain.performer_id], now=NOW)
    assert not found[chain.performer_id].is_plain(rules, chain.performer_id, NOW)
    controls.resume(**who)
    rules, found = live.read([chain.performer_id], now=NOW)
    assert found[chain.performer_id].is_plain(rules, chain.performer_id, NOW)


def commands(work):
    RECORDER.commands = found = []
    try:
        work()
    finally:
        RECORDER.commands = None
    return len(found)


def test_a_round_costs_those_who_let_nothing_through_no_command_more(chain, bob, who):
    chain.settled(bob, 100)
    dispatch.find(now=NOW)  # from now on her menu is known
    before = commands(lambda: dispatch.find(now=NOW))
    controls.pause(**who, why="")
    assert commands(lambda: dispatch.find(now=NOW)) == before
    play_one(who)
    assert commands(lambda: dispatch.find(now=NOW)) == before  # it is the first, and known


def test_paused_at_once_what_plays_is_ended_and_its_rest_is_owed(chain, who, bob):
    tips = [chain.settled(bob, 100) for _ in range(2)]
    drain(chain)
    controls.pause(**who, why="", ends_playing=True)
    row = collection(Performer).find_one()
    assert row["paused_at"] == NOW
    finish(chain, tips[0], delivered_seconds=2.0)
    drain(chain)
    assert states(tips) == [("cancelled", "cancelled"), WAITS]
    assert actions() == ["pause", "skip"]


def test_paused_at_once_where_nothing_plays_it_is_a_pause(who):
    controls.pause(**who, why="", ends_playing=True)
    assert actions() == ["pause"]
