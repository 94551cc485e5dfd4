"""Pressed while a tip is at any place of its way: what a page may have is over and never played again; what
was never handed over waits, and plays once when she resumes."""

import functools
from itertools import count

import pytest

from ground.mongodb.collections import collection
from lovense.lane import cancellation, controls, healing
from lovense.lane.cancellation import Wish
from lovense.models import Activation
from lovense.page import outcome
from lovense.sending import dispatch, groups, leases, retries
from tests.factories import NOW
from tests.lovense.conftest import activation_of, request_of, seconds, state
from tests.lovense.rounds import WINDOW
from tests.lovense.runs import T, set_mode, tips
from tests.lovense.stopping.presses import ack, drain, hold, lane, lift, press, told
from tips.models import Mode, QueueRequest

__all__ = ["lane"]
pytestmark = pytest.mark.django_db

OVER = ("failed", "failed")
PLAYS = 10  # seconds


def heal(now):
    """What the clock does."""
    healing.Healer().heal(now=now, limit=100)


def played_to_the_end(lane, now):
    """Everything that starts from now on is played, one after the other; the tips."""
    played = []
    while True:
        drain(lane, now)
        here = [tip_id for tip_id, is_stop in told(lane, now) if not is_stop]
        if not here:
            return played
        (tip_id,) = here
        played.append(tip_id)
        attempt = activation_of(tip_id)["attempt"]
        ack(lane, tip_id, "finished", now, attempt=attempt, delivered_seconds=float(PLAYS))


# --- before it was handed over -----------------------------------------------------------------------------


def test_what_only_waits_waits_on_and_plays_under_the_new_epoch(lane, bob):
    first, second = lane.settled(bob, 100), lane.settled(bob, 100)
    press(lane.performer)
    drain(lane)
    assert [state(first), state(second)] == [(None, "pending")] * 2
    lift(lane.performer)
    assert played_to_the_end(lane, NOW) == [first, second]
    assert {activation_of(tip_id)["stop_epoch"] for tip_id in (first, second)} == {1}


def claimed(lane, now=NOW):
    hold(lane, now)
    lanes = dispatch.find(now=now)
    return dispatch.claim(lanes, now=now, limit=9)


def written(requests, seen):
    """What a worker that has looked then writes and would send."""
    return dispatch.keep([dispatch.decide(request, seen) for request in requests], seen)


def test_what_a_worker_was_deciding_is_taken_from_it_and_plays_once(lane, bob):
    tip_id = lane.settled(bob, 100)
    requests = claimed(lane)
    seen = dispatch.look(requests, now=NOW)
    press(lane.performer)
    assert written(requests, seen) == []
    row, request = activation_of(tip_id), request_of(tip_id)
    assert (row["status"], row["reason"], row["stop_epoch"]) == ("queued", "stopped", 1)
    assert (request["status"], request["attempts"], request["attempts_before"]) == ("pending", 1, 1)
    drain(lane)
    assert state(tip_id) == ("queued", "pending")
    lift(lane.performer)
    assert played_to_the_end(lane, NOW) == [tip_id]
    assert request_of(tip_id)["status"] == "completed"


def test_a_worker_that_reads_the_rules_after_it_gives_the_claim_back(lane, bob):
    tip_id = lane.settled(bob, 100)
    hold(lane)
    lanes = dispatch.find(now=NOW)
    press(lane.performer)
    requests = dispatch.claim(lanes, now=NOW, limit=9)
    assert written(requests, dispatch.look(requests, now=NOW)) == []
    assert state(tip_id) == (None, "pending")
    assert request_of(tip_id)["attempts"] == 0


def test_a_worker_that_stood_still_from_before_the_press_until_after_the_resume_sends_nothing(lane, bob):
    """It had claimed before the press saw it: the resume takes it from it."""
    tip_id = lane.settled(bob, 100)
    press(lane.performer)
    lift(lane.performer)
    requests = claimed(lane)
    seen = dispatch.look(requests, now=NOW)
    collection(QueueRequest).update_one({"_id": requests[0]["_id"]}, {"$set": {"status": "pending"}})
    press(lane.performer)
    collection(QueueRequest).update_one({"_id": requests[0]["_id"]}, {"$set": {"status": "claimed"}})
    lift(lane.performer)
    assert written(requests, seen) == []
    assert played_to_the_end(lane, NOW) == [tip_id]


def test_a_retry_that_was_being_decided_is_taken_back_too(lane, bob):
    tip_id = lane.settled(bob, 100)
    drain(lane)
    ack(lane, tip_id, "failed", code="busy")
    later = NOW + seconds(2)
    requests = claimed(lane, later)
    seen = dispatch.look(requests, now=later)
    press(lane.performer, later)
    assert written(requests, seen) == []
    assert state(tip_id) == ("queued", "pending")
    lift(lane.performer, later)
    assert played_to_the_end(lane, later) == [tip_id]
    assert activation_of(tip_id)["stop_epoch"] == 1


def test_what_was_refused_before_the_stop_takes_the_new_epoch(lane, bob):
    tip_id = lane.settled(bob, 100)
    drain(lane)
    ack(lane, tip_id, "failed", code="busy")
    press(lane.performer)
    heal(NOW + seconds(60))
    assert state(tip_id) == ("queued", "pending")
    lift(lane.performer)
    assert played_to_the_end(lane, NOW + seconds(2)) == [tip_id]
    assert activation_of(tip_id)["stop_epoch"] == 1


def test_a_dead_letter_is_sent_back_under_the_epoch_of_then(lane, bob):
    tip_id = lane.settled(bob, 100)
    drain(lane)
    retries.bury(f"{tip_id}.all", "busy", now=NOW)
    press(lane.performer)
    assert state(tip_id) == ("dead", "dead")


# --- after -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("said", [(), ("received",), ("received", "started")])
def test_what_was_sent_is_over_with_what_its_page_says_it_played(lane, bob, said):
    tip_id, next_one = lane.settled(bob, 100), lane.settled(bob, 100)
    drain(lane)
    for stage in said:
        ack(lane, tip_id, stage)
    press(lane.performer)
    assert told(lane) == [(tip_id, True)]
    ack(lane, tip_id, "finished", delivered_seconds=3.5, code="stopped")
    row = activation_of(tip_id)
    assert (state(tip_id), row["reason"], row["delivered_seconds"]) == (OVER, "stopped", 3.5)
    assert request_of(tip_id)["cause"] == "stopped"
    lift(lane.performer)
    assert played_to_the_end(lane, NOW) == [next_one]


def test_an_end_that_does_not_say_why_is_a_stop_too(lane, bob):
    tip_id = lane.settled(bob, 100)
    drain(lane)
    press(lane.performer)
    ack(lane, tip_id, "finished", delivered_seconds=3.5, is_answer=True)
    assert (state(tip_id), activation_of(tip_id)["reason"]) == (OVER, "stopped")


def test_an_end_that_says_stopped_is_believed_before_the_press_is_recorded(lane, bob):
    """Her page is told before the database is asked."""
    tip_id = lane.settled(bob, 100)
    drain(lane)
    ack(lane, tip_id, "finished", delivered_seconds=3.5, code="stopped", is_answer=True)
    assert (state(tip_id), activation_of(tip_id)["reason"]) == (OVER, "stopped")


def test_what_had_played_all_of_it_is_completed(lane, bob):
    tip_id = lane.settled(bob, 100)
    drain(lane)
    press(lane.performer)
    ack(lane, tip_id, "finished", delivered_seconds=10.0, code="stopped")
    assert state(tip_id) == ("completed", "completed")


@pytest.mark.parametrize("is_first", [True, False], ids=["before-the-press-is-recorded", "after-it"])
def test_what_its_page_refuses_because_of_the_stop_waits_and_plays_once(lane, bob, is_first):
    """She had pressed on that page, and it has not begun it."""
    tip_id, next_one = lane.settled(bob, 100), lane.settled(bob, 100)
    drain(lane)
    refuses = functools.partial(ack, lane, tip_id, "failed", code="stopped")
    if is_first:
        refuses()
    press(lane.performer)
    refuses()  # said again it changes nothing
    refuses()
    assert state(tip_id) == ("queued", "pending")
    lift(lane.performer)
    assert played_to_the_end(lane, NOW + seconds(1)) == [tip_id, next_one]


def test_a_later_attempt_that_its_page_refuses_because_of_the_stop_is_over(lane, bob):
    """Another page may have had the first."""
    tip_id = lane.settled(bob, 100)
    drain(lane)
    leases.expire(now=NOW + seconds(WINDOW), limit=9)
    drain(lane, NOW + seconds(WINDOW + 3))
    press(lane.performer, NOW + seconds(WINDOW + 3))
    ack(lane, tip_id, "failed", code="stopped", attempt=2)
    assert (state(tip_id), activation_of(tip_id)["reason"]) == (OVER, "stopped")


def test_what_never_came_to_its_page_is_over_as_well(lane, bob):
    """The page remembers it as ended, so it must not play under its name."""
    tip_id = lane.settled(bob, 100)
    drain(lane)
    press(lane.performer)
    ack(lane, tip_id, "failed", code="cancelled", attempt=0)
    assert (state(tip_id), activation_of(tip_id)["reason"]) == (OVER, "stopped")
    lift(lane.performer)
    assert played_to_the_end(lane, NOW) == []


@pytest.mark.parametrize("said", [(), ("received",), ("received", "started")])
def test_without_a_word_it_is_over_when_its_lease_is(lane, bob, said):
    tip_id = lane.settled(bob, 100)
    drain(lane)
    for stage in said:
        ack(lane, tip_id, stage)
    press(lane.performer)
    heal(NOW + seconds(5))
    assert state(tip_id)[1] == "claimed"
    heal(NOW + seconds(60))
    row = activation_of(tip_id)
    assert (state(tip_id), row["reason"], row["delivered_seconds"]) == (OVER, "stopped", None)


def test_what_waited_for_its_next_attempt_is_over_and_not_sent_again(lane, bob):
    """No page had confirmed it, and one may have had it."""
    tip_id = lane.settled(bob, 100)
    drain(lane)
    leases.expire(now=NOW + seconds(WINDOW), limit=9)
    assert state(tip_id) == ("dispatched", "pending")
    press(lane.performer, NOW + seconds(WINDOW))
    assert told(lane, NOW + seconds(WINDOW)) == [(tip_id, True)]
    lift(lane.performer, NOW + seconds(WINDOW))
    drain(lane, NOW + seconds(WINDOW + 3))
    assert told(lane, NOW + seconds(WINDOW + 3)) == [(tip_id, True)]
    heal(NOW + seconds(3 * WINDOW))
    assert (state(tip_id), activation_of(tip_id)["reason"]) == (OVER, "stopped")


def test_what_waited_for_its_next_attempt_and_hears_nothing_ends_while_she_is_stopped(lane, bob):
    tip_id = lane.settled(bob, 100)
    drain(lane)
    leases.expire(now=NOW + seconds(WINDOW), limit=9)
    press(lane.performer, NOW + seconds(WINDOW))
    heal(NOW + seconds(2 * WINDOW + 1))
    assert (state(tip_id), activation_of(tip_id)["reason"]) == (OVER, "stopped")


def test_a_refusal_that_comes_after_it_is_no_retry(lane, bob):
    tip_id = lane.settled(bob, 100)
    drain(lane)
    press(lane.performer)
    ack(lane, tip_id, "failed", code="busy")
    assert (state(tip_id), activation_of(tip_id)["reason"]) == (OVER, "stopped")


def test_a_late_word_changes_nothing(lane, bob):
    tip_id = lane.settled(bob, 100)
    drain(lane)
    press(lane.performer)
    ack(lane, tip_id, "finished", delivered_seconds=3.5, code="stopped")
    for stage in ("received", "started", "finished", "failed"):
        ack(lane, tip_id, stage, NOW + seconds(9), delivered_seconds=10.0)
    row = activation_of(tip_id)
    assert (state(tip_id), row["delivered_seconds"]) == (OVER, 3.5)


def test_what_somebody_had_cancelled_stays_cancelled(lane, bob):
    tip_id = lane.settled(bob, 100)
    drain(lane)
    who = {"performer_id": lane.performer_id, "by": "ana", "now": NOW}
    controls.skip(**who, why="")
    press(lane.performer)
    ack(lane, tip_id, "finished", delivered_seconds=3.5, code="stopped")
    assert state(tip_id) == ("cancelled", "cancelled")


def test_pressed_again_it_is_marked_once(lane, bob):
    tip_id = lane.settled(bob, 100)
    drain(lane)
    press(lane.performer)
    press(lane.performer, NOW + seconds(1))
    assert activation_of(tip_id)["stopped_at"] == NOW


def test_ends_and_presses_at_once_end_it_once(lane, bob, in_threads):
    tip_id, next_one = lane.settled(bob, 100), lane.settled(bob, 100)
    drain(lane)
    turns = count()

    def work():
        if next(turns) % 2:
            press(lane.performer)
        else:
            ack(lane, tip_id, "finished", delivered_seconds=3.5)

    in_threads(work, times=6, workers=6)
    assert activation_of(tip_id)["status"] in ("completed", "failed")
    lift(lane.performer)
    assert played_to_the_end(lane, NOW) == [next_one]


# --- what a stop has kept from its page --------------------------------------------------------------------


def keep_back(lane, tip_id, attempt=1, now=NOW):
    about = {"performer_id": lane.performer_id, "now": now}
    return retries.kept_back(f"{tip_id}.all", attempt, **about)


@pytest.mark.parametrize("is_marked", [True, False])
def test_what_never_left_for_its_page_waits_and_plays_once(lane, bob, is_marked):
    tip_id, next_one = lane.settled(bob, 100), lane.settled(bob, 100)
    drain(lane)
    if is_marked:
        press(lane.performer)
    assert keep_back(lane, tip_id)
    if not is_marked:
        press(lane.performer)
    assert state(tip_id) == ("queued", "pending")
    assert "waits until the queue is resumed" in outcome.of(Activation.objects.get(tip_id=tip_id)).text
    assert not keep_back(lane, tip_id)
    lift(lane.performer)
    assert played_to_the_end(lane, NOW + retries.KEPT_BACK) == [tip_id, next_one]


def test_however_often_it_is_kept_back_it_is_no_dead_letter(lane, bob):
    tip_id = lane.settled(bob, 100)
    for attempt in range(1, 9):
        now = NOW + attempt * retries.KEPT_BACK
        drain(lane, now)
        press(lane.performer, now)
        assert keep_back(lane, tip_id, attempt, now)
        lift(lane.performer, now)
    assert played_to_the_end(lane, now + retries.KEPT_BACK) == [tip_id]


@pytest.mark.parametrize("said", ["received", "started", "finished"])
def test_what_a_page_has_confirmed_is_not_taken_for_kept_back(lane, bob, said):
    tip_id = lane.settled(bob, 100)
    drain(lane)
    ack(lane, tip_id, said)
    press(lane.performer)
    assert not keep_back(lane, tip_id)


def test_what_may_have_been_sent_before_is_not_taken_for_kept_back(lane, bob):
    tip_id = lane.settled(bob, 100)
    drain(lane)
    leases.expire(now=NOW + seconds(WINDOW), limit=9)
    drain(lane, NOW + seconds(WINDOW + 3))
    assert activation_of(tip_id)["attempt"] == 2
    press(lane.performer)
    assert not keep_back(lane, tip_id, 2)


def test_a_word_about_another_attempt_or_of_another_performer_keeps_nothing_back(lane, bob, carol):
    tip_id = lane.settled(bob, 100)
    drain(lane)
    assert not keep_back(lane, tip_id, 2)
    assert not retries.kept_back(f"{tip_id}.all", 1, performer_id=carol.performer_id, now=NOW)
    assert state(tip_id) == ("dispatched", "claimed")


# --- a worker that did not know ----------------------------------------------------------------------------


def test_what_was_sent_after_a_stop_by_whom_it_had_overtaken_is_told_to_end(lane, bob):
    tip_id = lane.settled(bob, 100)
    drain(lane)
    press(lane.performer)
    collection(Activation).update_one({"tip_id": tip_id}, {"$set": {"stopped_at": None}})
    assert told(lane) == [(tip_id, True)]
    lift(lane.performer)  # which finds and marks it
    assert activation_of(tip_id)["stopped_at"] == NOW
    ack(lane, tip_id, "finished", delivered_seconds=1.0)
    assert (state(tip_id), activation_of(tip_id)["reason"]) == (OVER, "stopped")


# --- batches -----------------------------------------------------------------------------------------------


@pytest.fixture
def batch_lane(lane):
    set_mode(lane, Mode.BATCH)
    return lane


def test_a_run_is_over_with_all_its_members_by_what_it_delivered(batch_lane, bob):
    ours = tips(batch_lane, bob, [50, 50, 50])  # 6 s each
    drain(batch_lane, T)
    assert [state(tip_id)[1] for tip_id in ours] == ["claimed", "joined", "joined"]
    press(batch_lane.performer, T)
    assert {activation_of(tip_id)["stopped_at"] for tip_id in ours} == {T}
    ack(batch_lane, ours[0], "finished", T, delivered_seconds=8.0, code="stopped")
    assert [state(tip_id) for tip_id in ours] == [OVER] * 3
    rows = [activation_of(tip_id) for tip_id in ours]
    assert [row["delivered_seconds"] for row in rows] == [6.0, 2.0, 0.0]
    assert {row["reason"] for row in rows} == {"stopped"}


def test_a_run_that_was_being_gathered_is_disbanded_and_plays_once(batch_lane, bob):
    ours = tips(batch_lane, bob, [50, 50])
    hold(batch_lane, T)
    requests = claimed(batch_lane, T)
    seen = dispatch.look(requests, now=T)
    press(batch_lane.performer, T)
    assert written(requests, seen) == []
    heal(T + seconds(1))
    assert [state(tip_id)[1] for tip_id in ours] == ["pending", "pending"]
    lift(batch_lane.performer, T)
    assert sorted(played_to_the_end(batch_lane, T + seconds(3))) == sorted(ours)
    assert [state(tip_id) for tip_id in ours] == [("completed", "completed")] * 2


def test_a_run_that_never_left_waits_with_its_members(batch_lane, bob):
    ours = tips(batch_lane, bob, [50, 50])
    drain(batch_lane, T)
    press(batch_lane.performer, T)
    assert keep_back(batch_lane, ours[0], now=T)
    assert [state(tip_id) for tip_id in ours] == [("queued", "pending")] * 2
    assert {activation_of(tip_id).get("leader") for tip_id in ours} == {None}


def test_a_run_without_an_answer_is_over_with_its_members(batch_lane, bob):
    ours = tips(batch_lane, bob, [50, 50])
    drain(batch_lane, T)
    press(batch_lane.performer, T)
    heal(T + seconds(60))
    assert [state(tip_id) for tip_id in ours] == [OVER, OVER]


# --- the kill switch, beside it ----------------------------------------------------------------------------


def test_what_the_kill_switch_ends_is_cancelled_whatever_its_page_says(lane, bob):
    tip_id = lane.settled(bob, 100)
    drain(lane)
    cancellation.end_all(wish=Wish("dina", "a complaint", NOW))
    ack(lane, tip_id, "finished", delivered_seconds=3.5, code="stopped")
    assert state(tip_id) == ("cancelled", "cancelled")


def test_a_message_says_under_which_epoch_it_was_decided(lane, bob, wire):
    press(lane.performer)
    lift(lane.performer)
    lane.settled(bob, 100)
    drain(lane)
    (command,) = wire.commands()
    assert command["stopEpoch"] == 1
    row = collection(Activation).find_one()
    assert groups.activate(row, "{}", 4)["epoch"] == 1
