"""However a run ends, is refused, or loses its worker, each request of it keeps its own record and its
seconds."""

from datetime import timedelta

import pytest
from pymongo.errors import PyMongoError

from ground.mongodb.collections import collection
from lovense.deciding import activation, batch
from lovense.deciding.rules import Rules
from lovense.models import Activation
from lovense.sending import dispatch, resume
from tests.lovense.conftest import activation_of, in_collection, request_of, seconds, state
from tests.lovense.rounds import WINDOW
from tests.lovense.runs import (
    FIREWORKS,
    T,
    ack,
    delivered,
    drain,
    hold,
    lane,
    members,
    play,
    states,
    sweep,
    tips,
)
from tips.models import QueueRequest
from tips.queue import claims

__all__ = ["lane"]
pytestmark = pytest.mark.django_db

ERROR = 8000


# --- how it ends -------------------------------------------------------------------------------------------


def test_a_run_that_finishes_completes_each_of_its_requests(lane, bob):
    ours = tips(lane, bob, [FIREWORKS] * 3)
    drain()
    for stage in ("received", "started"):
        ack(lane, ours[0], stage)
    assert [status for status, _ in states(ours)] == ["activated"] * 3
    ack(lane, ours[0], "finished", at=T + seconds(30), delivered_seconds=30.0)
    assert states(ours) == [("completed", "completed")] * 3
    assert delivered(ours) == [10, 10, 10]


@pytest.mark.parametrize(
    ("said", "shares"),
    [(25.0, [10, 10, 5]), (10.0, [10, 0, 0]), (4.5, [4.5, 0, 0]), (0.0, [0, 0, 0]), (31.0, [10, 10, 10])],
)
def test_what_a_shortened_run_delivered_is_dealt_out_in_order(lane, bob, said, shares):
    ours = tips(lane, bob, [FIREWORKS] * 3)
    drain()
    for _ in range(2):  # said twice, it is dealt out once
        ack(lane, ours[0], "finished", delivered_seconds=said)
        assert states(ours) == [("completed", "completed")] * 3
        assert delivered(ours) == shares


def test_a_failed_run_fails_those_that_did_not_get_their_seconds(lane, bob):
    ours = tips(lane, bob, [FIREWORKS] * 3)
    drain()
    ack(lane, ours[0], "started")
    ack(lane, ours[0], "failed", code="stopped", delivered_seconds=20.0)
    assert states(ours)[1:] == [("completed", "completed"), ("failed", "failed")]
    assert delivered(ours) == [10, 10, 0]
    assert activation_of(ours[2])["reason"] == request_of(ours[2])["cause"] == "stopped"


def test_a_run_that_falls_silent_is_a_timeout_for_each_and_never_sent_again(lane, bob, wire):
    ours = tips(lane, bob, [FIREWORKS] * 3)
    drain()
    ack(lane, ours[0], "started")
    wire.raw()
    end = T + seconds(30 + 5)
    sweep(end - timedelta(milliseconds=1))
    assert state(ours[1]) == ("activated", "joined")
    for later in (0, 20, 40):
        play(lane, end + seconds(later))
    assert states(ours) == [("timeout", "failed")] * 3
    assert wire.commands() == []


def test_what_a_page_says_after_it_was_given_up_counts_for_each(lane, bob):
    ours = tips(lane, bob, [FIREWORKS] * 3)
    drain()
    ack(lane, ours[0], "started")
    sweep(T + seconds(35))
    ack(lane, ours[0], "finished", at=T + seconds(60), delivered_seconds=22.0)
    assert states(ours) == [("completed", "completed")] * 3
    assert delivered(ours) == [10, 10, 2]


def test_what_no_page_confirms_is_sent_again_as_the_same_run_and_dies_as_one(lane, bob, wire):
    ours = tips(lane, bob, [FIREWORKS] * 2)
    send_in_vain(lane)
    sent = [(command["attempt"], command["durationSec"], command["members"]) for command in wire.commands()]
    assert sent == [(attempt, 20, [f"{ours[1]}.all"]) for attempt in (1, 2, 3, 4)]
    assert states(ours) == [("dead", "dead")] * 2
    assert [request_of(tip_id)["cause"] for tip_id in ours] == ["not_received"] * 2


def send_in_vain(lane):
    """Every attempt, to a page that says nothing."""
    now = T
    for _ in range(claims.MAX_ATTEMPTS):
        hold(lane, now)
        drain(now)
        sweep(now + seconds(WINDOW))
        now += seconds(WINDOW + 6)


def test_a_dead_run_that_was_played_after_all_counts_for_each(lane, bob):
    ours = tips(lane, bob, [FIREWORKS] * 2)
    send_in_vain(lane)
    assert states(ours) == [("dead", "dead")] * 2
    ack(lane, ours[0], "finished", at=T + seconds(120), delivered_seconds=20.0)
    assert states(ours) == [("completed", "completed")] * 2
    assert delivered(ours) == [10, 10]


# --- refused before it started -----------------------------------------------------------------------------


def test_a_refused_run_is_tried_again_one_by_one(lane, bob, wire):
    """It is known not to have played; the page does not remember it."""
    ours = tips(lane, bob, [FIREWORKS] * 3)
    drain()
    ack(lane, ours[0], "received")
    ack(lane, ours[0], "failed", code="busy")
    assert states(ours) == [("queued", "pending")] * 3
    assert [[error["error"] for error in request_of(tip_id)["errors"]] for tip_id in ours] == [
        ["attempt 1: busy"]
    ] * 3
    wire.raw()
    for number, tip_id in enumerate(ours):
        now = T + seconds(5 + 20 * number)
        play(lane, now)
        (command,) = wire.commands()
        assert (command["tipId"], command["attempt"], command["durationSec"]) == (tip_id, 2, 10)
        assert "members" not in command
        ack(lane, tip_id, "finished", at=now + seconds(10), attempt=2, delivered_seconds=10.0)
    assert states(ours) == [("completed", "completed")] * 3


def test_a_refusal_that_comes_twice_does_not_end_the_next_attempt(lane, bob):
    ours = tips(lane, bob, [FIREWORKS] * 2)
    drain()
    ack(lane, ours[0], "failed", code="busy")
    play(lane, T + seconds(2))
    assert state(ours[0]) == ("dispatched", "claimed")
    ack(lane, ours[0], "failed", code="busy", at=T + seconds(3))
    assert state(ours[0]) == ("dispatched", "claimed")


def test_a_page_that_says_busy_after_it_started_has_played(lane, bob, wire):
    ours = tips(lane, bob, [FIREWORKS] * 2)
    drain()
    ack(lane, ours[0], "started")
    ack(lane, ours[0], "failed", code="not_connected", delivered_seconds=3.0)
    assert states(ours) == [("failed", "failed")] * 2
    assert delivered(ours) == [3, 0]


def test_refused_as_often_as_it_may_be_it_is_dead_with_all_its_history(lane, bob):
    tip_id, now = lane.settled(bob, FIREWORKS), T
    for attempt in range(1, claims.MAX_ATTEMPTS + 1):
        play(lane, now)
        ack(lane, tip_id, "failed", code="app_offline", at=now, attempt=attempt)
        now += seconds(6)
    assert state(tip_id) == ("dead", "dead")
    row = request_of(tip_id)
    assert [error["error"] for error in row["errors"]] == [f"attempt {n}: app_offline" for n in (1, 2, 3)]
    assert row["cause"] == "app_offline"


# --- crashed -----------------------------------------------------------------------------------------------


def test_a_worker_that_dies_before_it_writes_the_run(lane, bob, wire, fail_command):
    """What had joined waits again, each in its own place, and nothing is lost or played twice."""
    ours = tips(lane, bob, [FIREWORKS] * 3)
    fail_command("insert", errorCode=ERROR, **in_collection(Activation))
    with pytest.raises(PyMongoError):
        drain()
    assert states(ours) == [(None, "claimed"), (None, "joined"), (None, "joined")]
    sweep(T + seconds(WINDOW) - timedelta(milliseconds=1))
    assert states(ours) == [(None, "claimed"), (None, "joined"), (None, "joined")]
    played(lane, ours, wire)


def test_a_worker_that_dies_between_the_members_and_their_leader(lane, bob, wire):
    ours = tips(lane, bob, [FIREWORKS] * 3)
    rules = Rules.read([lane.performer_id])
    (leader,) = claims.claim(claims.fronts([lane.performer_id]), by="dies", now=T, lease_seconds=WINDOW)
    decided = dispatch.decide(leader, dispatch.look([leader], now=T))
    batch.gather([batch.BatchRun(leader, decided.outcome, decided.members)], rules)
    assert states(ours) == [(None, "claimed"), ("dispatched", "joined"), ("dispatched", "joined")]
    assert resume.in_flight([lane.performer_id], before=T) == []
    played(lane, ours, wire)


def played(lane, ours, wire):
    """All of them, once each, in order."""
    now, order = T + seconds(WINDOW), []
    wire.raw()
    for _ in range(6):
        play(lane, now)
        for command in wire.commands():
            order += [command["activationId"], *command.get("members", [])]
            ack(
                lane,
                command["tipId"],
                "finished",
                at=now,
                attempt=command["attempt"],
                delivered_seconds=command["durationSec"],
            )
        now += seconds(WINDOW)
    assert order == [f"{tip_id}.all" for tip_id in ours]
    assert states(ours) == [("completed", "completed")] * len(ours)
    assert delivered(ours) == [10] * len(ours)


def test_an_end_whose_recorder_died_is_dealt_out_by_the_sweep(lane, bob, fail_command):
    ours = tips(lane, bob, [FIREWORKS] * 3)
    drain()
    fail_command("update", errorCode=ERROR, **in_collection(QueueRequest))
    with pytest.raises(PyMongoError):
        ack(lane, ours[0], "finished", delivered_seconds=25.0)
    sweep(T + seconds(WINDOW))
    assert states(ours) == [("completed", "completed")] * 3
    assert delivered(ours) == [10, 10, 5]


def test_what_is_cancelled_while_it_joins_is_not_part_of_the_run(lane, bob, monkeypatch):
    """Another process writes its activation between our look and our write."""
    ours = tips(lane, bob, [FIREWORKS] * 3)
    join = claims.join

    def slow(leader, requests):
        joined = join(leader, requests)
        cancelled = activation.new_row(joined[0], T) | {"status": "cancelled", "finished_at": T}
        collection(Activation).insert_one(cancelled)
        return joined

    monkeypatch.setattr(claims, "join", slow)
    drain()
    assert members(ours[0]) == [ours[2]]
    assert activation_of(ours[0])["run_seconds"] == 20
    sweep(T)
    assert states(ours) == [("dispatched", "claimed"), ("cancelled", "cancelled"), ("dispatched", "joined")]
