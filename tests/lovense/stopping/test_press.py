"""A press of the stop button: epoch, latch, pause, record and audit entry at once, each press anew; and the
resume that lifts it."""

import signal

import pytest

from ground import clock
from ground.audit import log as audit_log
from ground.journal.models import JournalEntry
from ground.json.fields import Fields
from ground.mongodb import abandoned
from ground.mongodb.collections import collection
from lovense.deciding.rules import Rules
from lovense.lane import controls, submissions
from lovense.lane.submissions import NoTestNow
from lovense.models import Activation, Performer
from lovense.stopping import stop
from lovense.stopping.stop import NoSuchPerformer
from tests.factories import NOW
from tests.flows.nursery import SLOT
from tests.lovense.conftest import seconds, state
from tests.lovense.stopping.presses import (
    WHY,
    actions_on,
    drain,
    everything,
    lane,
    lift,
    press,
    presses_of,
    row_of,
)
from tips.models import Mode, RequestType
from tips.queue import requests as queue

__all__ = ["lane"]
pytestmark = pytest.mark.django_db

LATER = NOW + seconds(60)


def test_a_press_raises_the_epoch_and_holds_her_queue_until_she_resumes(ana):
    assert press(ana) == stop.StopState(1, NOW)
    row = row_of(ana)
    assert (row["stop_epoch"], row["stopped_at"], row["stopped_by"], row["stopped_why"]) == (
        1,
        NOW,
        "ana",
        WHY,
    )
    assert (row["paused_at"], row["paused_until"], row["paused_by"]) == (NOW, None, "ana")
    (kept,) = presses_of(ana)
    assert (kept["epoch"], kept["at"], kept["by"], kept["why"], kept["through"], kept["answers"]) == (
        1,
        NOW,
        "ana",
        WHY,
        "api",
        [],
    )
    (entry,) = audit_log.of(ana.performer_id, limit=9)
    assert (entry["action"], entry["actor"], entry["why"], entry["lane"]) == (
        "stop",
        "ana",
        WHY,
        ana.performer_id,
    )
    assert (entry["before"]["stop_epoch"], entry["after"]["stop_epoch"]) == (0, 1)
    assert entry["after"]["stopped_at"] == clock.iso(NOW)


def test_a_second_press_does_all_of_it_again(ana):
    press(ana)
    assert press(ana, LATER, why="again") == stop.StopState(2, LATER)
    row = row_of(ana)
    assert (row["stopped_at"], row["stopped_why"], row["paused_at"]) == (LATER, "again", NOW)
    assert [each["epoch"] for each in presses_of(ana)] == [1, 2]
    assert actions_on(ana.performer_id) == ["stop", "stop"]


def test_presses_at_once_each_have_an_epoch(ana, in_threads):
    states = in_threads(lambda: press(ana), times=6, workers=6)
    assert sorted(state.epoch for state in states) == [1, 2, 3, 4, 5, 6]
    assert [each["epoch"] for each in presses_of(ana)] == [1, 2, 3, 4, 5, 6]
    assert row_of(ana)["stop_epoch"] == 6
    assert len(actions_on(ana.performer_id)) == 6


def test_who_is_not_enrolled_cannot_be_stopped(ana):
    with pytest.raises(NoSuchPerformer):
        stop.press(performer_id="0" * 24, by="x", why="", through="api", now=NOW)
    assert row_of(ana)["stop_epoch"] == 0


def test_a_resume_lifts_latch_and_pause_and_raises_nothing(ana):
    press(ana)
    assert lift(ana, LATER) == stop.StopState(1, None)
    row = row_of(ana)
    assert (row["stop_epoch"], row["stopped_at"], row["stopped_by"], row["paused_at"], row["paused_by"]) == (
        1,
        None,
        "",
        None,
        "",
    )
    assert actions_on(ana.performer_id) == ["stop", "resume"]


def test_a_resume_of_nothing_changes_nothing(ana):
    press(ana)
    lift(ana)
    before = everything()
    assert lift(ana, LATER) == stop.StopState(1, None)
    assert (everything(), actions_on(ana.performer_id)) == (before, ["stop", "resume"])


def test_a_resume_lifts_a_pause_alone_too(ana):
    controls.pause(performer_id=ana.performer_id, by="ana", why="", now=NOW)
    lift(ana)
    assert row_of(ana)["paused_at"] is None


def test_resumes_at_once_are_one(ana, in_threads):
    press(ana)
    assert {state.epoch for state in in_threads(lambda: lift(ana), times=6, workers=6)} == {1}
    assert actions_on(ana.performer_id) == ["stop", "resume"]


@pytest.mark.parametrize("hop", ["press", "resume"])
def test_a_process_that_dies_has_done_all_of_it_or_nothing(lane, bob, nursery, written_elsewhere, hop):
    playing, _ = lane.settled(bob, 100), lane.settled(bob, 100)
    drain(lane)
    if hop == "resume":
        press(lane.performer)
    before, given = everything(), {"now": clock.iso(NOW), "performer_id": lane.performer_id}
    for last in range(1, 20):
        status, writes = nursery(hop, last=last, **given)
        abandoned.end(SLOT)  # as its successor does first
        if "commitTransaction" in writes:
            break
        assert (status, everything()) == (-signal.SIGKILL, before), writes
    assert len(writes) > 3
    row = row_of(lane.performer)
    assert (row["stopped_at"] is not None, row["stop_epoch"]) == (hop == "press", 1)
    assert len(presses_of(lane.performer)) == 1
    assert state(playing) == ("dispatched", "claimed")
    drain(lane)
    sent = {"press": 0, "resume": 0}  # the one that was under way holds the lane until it is answered
    assert len([row for row in everything()[2] if not row.get("stopped_at")]) == sent[hop]


def test_a_commit_whose_answer_is_lost_is_pressed_again_and_holds(ana, fail_command):
    fail_command("commitTransaction", times=1, closeConnection=True)
    assert press(ana).epoch >= 1
    assert row_of(ana)["stopped_at"] == NOW


# --- what else may come and does not replace it ------------------------------------------------------------


def test_neither_a_timed_pause_nor_the_queues_resume_replaces_the_latch(lane, bob):
    press(lane.performer)
    tip_id = lane.settled(bob, 100)
    who = {"performer_id": lane.performer_id, "by": "dina", "now": NOW}
    controls.pause(**who, why="", until=NOW + seconds(5))
    drain(lane, NOW + seconds(6))
    assert state(tip_id) == (None, "pending")
    controls.resume(**who)
    assert row_of(lane.performer)["paused_at"] is None
    drain(lane, NOW + seconds(7))
    assert state(tip_id) == (None, "pending")
    assert row_of(lane.performer)["stopped_at"] == NOW
    lift(lane.performer)
    drain(lane, NOW + seconds(8))
    assert state(tip_id) == ("dispatched", "claimed")


def test_while_stopped_every_lane_of_others_goes_on(lane, carol, bob):
    press(carol)
    tip_id = lane.settled(bob, 100)
    drain(lane)
    assert state(tip_id) == ("dispatched", "claimed")


def test_rules_that_are_read_after_it_hold_the_lane(ana):
    press(ana)
    assert Rules.read([ana.performer_id]).is_held(ana.performer_id, LATER)
    lift(ana)
    assert not Rules.read([ana.performer_id]).is_held(ana.performer_id, LATER)


def test_a_row_from_before_there_was_a_stop_is_not_stopped(lane, bob):
    gone = dict.fromkeys(["stopped_at", "stopped_by", "stopped_why"], "")
    collection(Performer).update_one({"_id": lane.performer_id}, {"$unset": gone})
    tip_id = lane.settled(bob, 100)
    drain(lane)
    assert state(tip_id) == ("dispatched", "claimed")
    assert press(lane.performer).epoch == 1


def test_it_takes_its_turn_in_the_journal_and_names_her_lane(ana):
    press(ana)
    newest = collection(JournalEntry).find_one(sort=[("_id", -1)])
    assert newest["touched"]["lanes"] == [ana.performer_id]


# --- tests -------------------------------------------------------------------------------------------------


def submit(performer, kind=RequestType.TEST, key="k", now=NOW):
    item = {"pattern": "pulse", "intensity": 8, "durationSec": 5}
    wanted = submissions.parse(Fields({"type": kind.value, "item": item, "priority": "CRITICAL"}, ""))
    who = {"account": "1", "name": "ana", "key": key}
    return submissions.submit(wanted, lane=performer.performer_id, **who, now=now)


def standing(made):
    row = collection(Activation).find_one({"request_id": made.row["_id"]})
    return row["status"] if row else None, queue.find(made.row["_id"])["status"]


def test_while_stopped_no_test_is_taken_and_what_is_played_by_hand_waits(lane):
    press(lane.performer)
    with pytest.raises(NoTestNow) as refused:
        submit(lane.performer)
    assert (refused.value.status, refused.value.code) == (409, "stopped")
    by_hand = submit(lane.performer, RequestType.MANUAL)
    drain(lane)
    assert standing(by_hand) == (None, "pending")
    lift(lane.performer)
    assert submit(lane.performer).is_new


def test_a_test_that_was_taken_before_waits_for_her(lane):
    made = submit(lane.performer)
    press(lane.performer)
    drain(lane)
    assert standing(made) == (None, "pending")
    assert not submit(lane.performer).is_new  # said again, it is the same
    lift(lane.performer)
    drain(lane)
    assert standing(made) == ("dispatched", "claimed")


@pytest.mark.parametrize("mode", Mode)
def test_a_pause_holds_tips_and_no_test(lane, bob, mode):
    collection(Performer).update_one({"_id": lane.performer_id}, {"$set": {"queue_mode": mode}})
    who = {"performer_id": lane.performer_id, "by": "ana", "now": NOW}
    controls.pause(**who, why="")
    tip_id, test = lane.settled(bob, 100), submit(lane.performer)
    drain(lane, NOW + seconds(2))
    assert (state(tip_id), standing(test)) == (
        (None, "pending"),
        ("dispatched", "claimed"),
    )


def test_a_test_overtakes_nothing_that_may_be_on_a_device(lane, bob):
    tip_id = lane.settled(bob, 100)
    drain(lane)
    lane.acknowledge(tip_id, "failed", code="busy")
    who = {"performer_id": lane.performer_id, "by": "ana", "now": NOW}
    controls.pause(**who, why="")
    test = submit(lane.performer)
    drain(lane, NOW + seconds(5))
    assert (state(tip_id), standing(test)) == (("queued", "pending"), (None, "pending"))
