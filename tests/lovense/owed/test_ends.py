"""Each way to end short owes its seconds once, with its cause; an end that owes nothing writes nothing, and
costs nothing."""

import pytest

from ground.audit import log as audit_log
from ground.mongodb.collections import collection
from lovense.deciding import batch
from lovense.deciding.activation import activation_id
from lovense.lane import controls, decisions
from lovense.models import Activation, Owed
from lovense.owed import keeping
from lovense.sending import acknowledgement, retries
from lovense.sending.acknowledgement import Ack
from tests.factories import NOW
from tests.lovense import runs
from tests.lovense.conftest import activation_of, request_of, seconds
from tests.lovense.owed.rest import (
    ENDS,
    LATER,
    adds_up,
    dead,
    expire,
    keep,
    kept,
    owed_of,
    playing,
    request_for,
    set_policy,
    shortened,
    sums,
)
from tests.lovense.rounds import drain, hold
from tests.lovense.runs import lane
from tests.lovense.stopping.presses import press
from tips.models import QueueRequest

__all__ = ["lane"]
pytestmark = pytest.mark.django_db


@pytest.mark.parametrize("end", ENDS)
def test_each_end_that_is_short_owes_its_seconds_once(chain, bob, end):
    make, cause, seconds_owed = ENDS[end]
    tip_id = playing(chain, bob)
    make(chain, tip_id)
    assert keep(LATER) == 1
    assert sums(tip_id) == ("open", cause, seconds_owed, 0.0, 0.0)
    assert (keep(LATER), collection(Owed).count_documents({})) == (0, 1)
    assert adds_up()


def test_one_that_its_device_refused_every_time_owes_all_of_it(chain, bob):
    tip_id = dead(chain, bob)
    assert activation_of(tip_id)["status"] == "dead"
    keep(LATER)
    assert sums(tip_id) == ("open", "disconnect", 10.0, 0.0, 0.0)
    assert adds_up()


@pytest.mark.parametrize("delivered", [10.0, 9.96, 12.0])
def test_one_that_delivered_all_writes_nothing(chain, bob, delivered):
    tip_id = playing(chain, bob)
    for is_answer in (True, False):
        chain.acknowledge(tip_id, "finished", delivered_seconds=delivered, is_answer=is_answer)
    assert activation_of(tip_id)["status"] == "completed"
    keep()
    assert (owed_of(tip_id), adds_up()) == (None, True)


def test_what_was_never_handed_over_had_promised_nothing(chain, bob):
    below = chain.settled(bob, 5)
    chain.dispatch()
    press(chain.performer)
    waiting = chain.settled(bob, 100)
    controls.cancel(request_id=request_of(waiting)["_id"], performer_id=None, by="dina", why="", now=NOW)
    assert [activation_of(each)["status"] for each in (below, waiting)] == ["skipped", "cancelled"]
    assert (keep(), collection(Owed).count_documents({}), adds_up()) == (0, 0, True)


def test_one_that_was_tried_and_then_taken_out_owes_what_it_had_promised(chain, bob):
    tip_id = chain.settled(bob, 100)
    chain.dispatch()
    chain.acknowledge(tip_id, "failed", code="busy")
    controls.cancel(request_id=request_of(tip_id)["_id"], performer_id=None, by="dina", why="", now=NOW)
    keep()
    assert sums(tip_id) == ("open", "cancel", 10.0, 0.0, 0.0)


def test_each_request_of_a_run_owes_its_own_share(lane, bob):
    ours = runs.tips(lane, bob, [runs.FIREWORKS] * 3)
    runs.drain()
    for stage in ("received", "started"):
        runs.ack(lane, ours[0], stage)
    controls.skip(performer_id=lane.performer_id, by="ana", why="", now=runs.T)
    runs.ack(lane, ours[0], "finished", delivered_seconds=13.5)
    assert keep() == 3
    assert [sums(each) for each in ours] == [
        None,
        ("open", "skip", 6.5, 0.0, 0.0),
        ("open", "skip", 10.0, 0.0, 0.0),
    ]
    assert adds_up()


def test_a_run_that_is_not_dealt_out_yet_waits(lane, bob, monkeypatch):
    ours = runs.tips(lane, bob, [runs.FIREWORKS] * 2)
    runs.drain()
    runs.ack(lane, ours[0], "received")
    monkeypatch.setattr(batch, "ended", lambda *args, **more: None)
    runs.ack(lane, ours[0], "finished", delivered_seconds=13.5)
    assert (keep(), owed_of(ours[0])) == (0, None)
    monkeypatch.undo()
    runs.sweep(LATER)
    keep(LATER)
    assert [sums(each) and sums(each)[2] for each in ours] == [None, 6.5]
    assert adds_up()


# --- what it says later ------------------------------------------------------------------------------------


@pytest.mark.parametrize(("said", "after"), [(10.0, ("delivered", 0.0)), (7.0, ("open", 3.0))])
def test_a_late_word_of_its_page_makes_it_less(chain, bob, said, after):
    tip_id = playing(chain, bob)
    expire(tip_id)
    keep(LATER)
    assert sums(tip_id)[:3] == ("open", "timeout", 10.0)
    chain.acknowledge(tip_id, "finished", delivered_seconds=said, is_answer=True, later=seconds(90))
    assert activation_of(tip_id)["status"] == "completed"
    keep(LATER)
    assert (sums(tip_id)[0], sums(tip_id)[2]) == after
    assert adds_up()


@pytest.mark.parametrize("is_plain", [True, False])
def test_a_dead_letter_that_is_sent_back_and_plays_owes_nothing_any_more(chain, bob, is_plain):
    tip_id = dead(chain, bob)
    keep(LATER)
    decisions.replay(tip_id, by="dina", now=LATER)
    hold(chain.performer_id, now=LATER)
    drain(LATER)
    attempt = activation_of(tip_id)["attempt"]
    end = Ack(chain.performer_id, activation_id(tip_id), attempt, "finished", LATER, 10.0, is_answer=is_plain)
    acknowledgement.acknowledge([end])
    keep(LATER)
    assert activation_of(tip_id)["status"] == "completed"
    assert sums(tip_id) == ("delivered", "disconnect", 0.0, 0.0, 0.0)
    assert adds_up()


# --- crashed, and at once ----------------------------------------------------------------------------------


@pytest.mark.parametrize("policy", ["report", "requeue", "waive"])
@pytest.mark.parametrize("step", ["unique.insert", "_revise", "_follow_policy", "_unmark"])
def test_a_round_that_dies_anywhere_is_done_again(chain, bob, monkeypatch, step, policy):
    class Died(BaseException):
        pass

    def die(*args, **more):
        raise Died

    set_policy(chain, policy)
    tip_id = shortened(chain, bob)
    target, name = (keeping.unique, "insert") if step == "unique.insert" else (keeping, step)
    monkeypatch.setattr(target, name, die)
    if not (step == "_follow_policy" and policy == "report"):
        with pytest.raises(Died):
            keep()
    monkeypatch.undo()
    keep()
    expected = {
        "report": ("open", "disconnect", 6.8, 0.0, 0.0),
        "requeue": ("requeued", "disconnect", 0.0, 6.0, 0.8),
        "waive": ("waived", "disconnect", 0.0, 0.0, 6.8),
    }
    assert sums(tip_id) == expected[policy]
    assert (request_for(tip_id) is not None) == (policy == "requeue")
    assert adds_up()


def test_rounds_at_once_keep_one_row_and_follow_her_policy_once(chain, bob, in_threads):
    set_policy(chain, "requeue")
    tip_id = shortened(chain, bob)
    in_threads(keep, times=8)
    assert sums(tip_id) == ("requeued", "disconnect", 0.0, 6.0, 0.8)
    assert len(audit_log.of(activation_id(tip_id), limit=9)) == 1
    assert adds_up()


def test_an_end_that_is_dead_before_its_first_hand_over_owes_nothing(chain, bob):
    tip_id = chain.settled(bob, 100)
    for _ in range(9):
        request = request_of(tip_id)
        if request["status"] == "dead":
            break
        collection(QueueRequest).update_one(
            {"_id": request["_id"]}, {"$set": {"status": "claimed", "attempts": request["attempts"] + 1}}
        )
        retries.never_sent(request_of(tip_id), now=NOW)
    assert activation_of(tip_id)["status"] == "dead"
    assert (keep(), owed_of(tip_id), adds_up()) == (1, None, True)


def test_the_mark_goes_with_the_row(chain, bob):
    tip_id = kept(chain, bob)
    assert "owes_since" not in collection(Activation).find_one({"_id": activation_id(tip_id)})
