"""Cancelling a request wherever it is on its way: it really is cancelled, or the answer says why it cannot
be."""

import json
from collections import Counter

import msgpack
import pytest
from pymongo.errors import PyMongoError

from ground.audit import log as audit_log
from ground.audit.models import AuditEntry
from ground.mongodb import unique
from ground.mongodb.collections import collection
from ground.mongodb.transactions import NotCommitted
from lovense.deciding import batch, platform
from lovense.deciding.activation import activation_id
from lovense.lane import cancellation, controls
from lovense.lane.controls import AlreadyOver, NoSuchRequest, NothingPlays, PartOfRun
from lovense.models import Activation
from lovense.sending import acknowledgement, dispatch, leases, pages, resume
from lovense.sending.acknowledgement import Ack
from tests import services
from tests.factories import NOW
from tests.lovense import rounds
from tests.lovense.conftest import CHANNEL, activation_of, seconds, state
from tests.lovense.rounds import WINDOW
from tips.models import QueueRequest
from tips.queue import claims, counts
from tips.queue import requests as queue

pytestmark = pytest.mark.django_db

ERROR = 8000
WHY = "changed her mind"


def key(tip_id):
    return queue.request_id(tip_id)


def cancel(chain, tip_id, now=NOW):
    return controls.cancel(
        request_id=key(tip_id), performer_id=chain.performer_id, by="ana", why=WHY, now=now
    ).status


def skip(chain, now=NOW, **more):
    return controls.skip(performer_id=chain.performer_id, by="ana", why=WHY, now=now, **more)


def hold(chain, now):
    assert pages.take(chain.performer_id, page_id="page-1", channel=CHANNEL, slot="web-0", now=now)


def acknowledge(chain, tip_id, stage, at=NOW, **more):
    attempt = more.pop("attempt", 1)
    acknowledgement.acknowledge([Ack(chain.performer_id, activation_id(tip_id), attempt, stage, at, **more)])


def answer_stop(chain, tip_id, at=NOW):
    """A page that never played it."""
    acknowledge(chain, tip_id, "failed", at, code="cancelled", attempt=0)


def entries():
    return [
        (entry["action"], entry["actor"], entry["success"])
        for entry in collection(AuditEntry).find().sort("at")
    ]


def told(wire):
    """(type, ids) of everything that the page was told about activations, in order."""
    messages = [
        json.loads(message["text"]) for _, data in wire.raw() if "text" in (message := msgpack.unpackb(data))
    ]
    return [(said["type"], said.get("activationIds") or [said["activationId"]]) for said in messages]


def claimed(chain):
    """A worker has taken the next request, and has decided nothing yet."""
    return claims.claim(claims.fronts([chain.performer_id]), by="worker-0", now=NOW, lease_seconds=WINDOW)


def record(chain, requests):
    return rounds.record(requests, now=NOW)


@pytest.fixture
def in_batch(chain, bob):
    """Two tips of bob's that play as one run: the leader's and the member's."""
    platform.change(key="queue_mode", value="batch", by="dina", now=NOW)
    tips = [chain.settled(bob, 20), chain.settled(bob, 20)]
    hold(chain, NOW + seconds(1))
    dispatch.drain(now=NOW + seconds(1), limit=9)
    assert [state(tip_id) for tip_id in tips] == [("dispatched", "claimed"), ("dispatched", "joined")]
    return tips


# --- what was not sent is cancelled at once ----------------------------------------------------------------


def test_a_pending_request_never_plays_and_says_who_did_not_want_it(chain, bob, wire):
    tip_id, next_one = chain.settled(bob, 100), chain.settled(bob, 100)
    assert cancel(chain, tip_id) == "cancelled"
    assert state(tip_id) == ("cancelled", "cancelled")
    chain.dispatch()
    assert [command["tipId"] for command in wire.commands()] == [next_one]
    row = activation_of(tip_id)
    assert (row["cancelled_by"], row["cancelled_why"], row["cancelled_at"], row["finished_at"]) == (
        "ana",
        WHY,
        NOW,
        NOW,
    )
    (entry,) = audit_log.of(key(tip_id), limit=9)
    assert (entry["action"], entry["lane"], entry["why"]) == ("cancel", chain.performer_id, WHY)
    assert (entry["before"], entry["after"]) == ({"status": "pending"}, {"status": "cancelled"})


def test_a_claimed_one_that_is_being_decided_is_not_sent(chain, bob, wire):
    tip_id = chain.settled(bob, 100)
    requests = claimed(chain)
    assert cancel(chain, tip_id) == "cancelled"
    assert record(chain, requests) == [None]
    assert state(tip_id) == ("cancelled", "cancelled")
    assert claimed(chain) == []


def test_one_that_the_device_refused_does_not_come_back(chain, bob, wire):
    tip_id = chain.settled(bob, 100)
    chain.dispatch()
    acknowledge(chain, tip_id, "failed", code="busy")
    assert state(tip_id) == ("queued", "pending")
    assert cancel(chain, tip_id) == "cancelled"
    wire.raw()
    hold(chain, NOW + seconds(5))
    dispatch.drain(now=NOW + seconds(5), limit=9)
    assert (state(tip_id), wire.commands()) == (("cancelled", "cancelled"), [])


def test_members_of_a_run_whose_leader_was_cancelled_undecided_wait_again(chain, bob):
    platform.change(key="queue_mode", value="batch", by="dina", now=NOW - seconds(1))
    leader, member = chain.settled(bob, 20), chain.settled(bob, 20)
    later = NOW + seconds(1)
    modes = {chain.performer_id: "batch"}
    (request,) = claims.claim(
        claims.fronts([chain.performer_id]), by="w", now=later, lease_seconds=WINDOW, modes=modes
    )
    claims.join(request, counts.waiting_in(chain.performer_id, limit=9))
    assert cancel(chain, leader, later) == "cancelled"
    batch.heal(now=later, limit=9)
    assert [state(tip_id) for tip_id in (leader, member)] == [("cancelled", "cancelled"), (None, "pending")]


# --- what was sent is ended by its page --------------------------------------------------------------------


def test_a_dispatched_one_is_ended_by_its_page_and_frees_the_lane(chain, bob, wire):
    tip_id, next_one = chain.settled(bob, 100), chain.settled(bob, 100)
    chain.dispatch()
    assert cancel(chain, tip_id) == "cancelling"
    assert state(tip_id) == ("dispatched", "claimed")
    assert told(wire) == [("lovense.activate", [f"{tip_id}.all"]), ("lovense.stop", [f"{tip_id}.all"])]
    answer_stop(chain, tip_id)
    assert state(tip_id) == ("cancelled", "cancelled")
    chain.dispatch()
    assert told(wire) == [("lovense.activate", [f"{next_one}.all"])]


@pytest.mark.parametrize(("seconds_played", "verdict"), [(3, "cancelled"), (10, "completed")])
def test_a_playing_one_says_how_much_it_played_and_all_of_it_is_completed(
    chain, bob, seconds_played, verdict
):
    tip_id = chain.settled(bob, 100)
    chain.dispatch()
    acknowledge(chain, tip_id, "started")
    assert cancel(chain, tip_id) == "cancelling"
    acknowledge(chain, tip_id, "finished", delivered_seconds=seconds_played, is_answer=True)
    assert state(tip_id) == (verdict, verdict)
    assert activation_of(tip_id)["delivered_seconds"] == seconds_played


def test_until_the_page_answers_it_is_told_again_instead_of_the_command(chain, bob):
    tip_id = chain.settled(bob, 100)
    chain.dispatch()
    cancel(chain, tip_id)
    for _ in range(2):
        (command,) = resume.resume(chain.performer_id, now=NOW + seconds(1))
        assert command.is_stop
        assert json.loads(command.text) == {
            "type": "lovense.stop",
            "stopEpoch": 0,
            "activationIds": [f"{tip_id}.all"],
        }
    acknowledge(chain, tip_id, "received")
    (command,) = resume.resume(chain.performer_id, now=NOW + seconds(1))
    assert json.loads(command.text)["confirmed"] is True
    answer_stop(chain, tip_id)
    assert resume.resume(chain.performer_id, now=NOW + seconds(1)) == []


def test_one_that_waits_to_be_sent_again_is_not_sent_again(chain, bob, wire):
    tip_id = chain.settled(bob, 100)
    chain.dispatch()
    leases.expire(now=NOW + seconds(WINDOW), limit=9)
    assert state(tip_id) == ("dispatched", "pending")
    assert cancel(chain, tip_id, NOW + seconds(WINDOW)) == "cancelling"
    wire.raw()
    later = NOW + seconds(WINDOW + 2)
    hold(chain, later)
    dispatch.drain(now=later, limit=9)
    assert told(wire) == [("lovense.stop", [f"{tip_id}.all"])]
    answer_stop(chain, tip_id, later)
    assert state(tip_id) == ("cancelled", "cancelled")


def test_a_refusal_after_the_cancelling_does_not_bring_it_back(chain, bob):
    tip_id = chain.settled(bob, 100)
    chain.dispatch()
    cancel(chain, tip_id)
    acknowledge(chain, tip_id, "failed", code="busy")
    assert state(tip_id) == ("cancelled", "cancelled")


# --- no page answers: the sweep ends it --------------------------------------------------------------------


def silent(chain, tip_id, at):
    hold(chain, at)
    leases.expire(now=at, limit=9)
    controls.heal(now=at, limit=9)
    return state(tip_id)


def test_unconfirmed_and_without_an_answer_it_ends_with_its_lease(chain, bob):
    tip_id = chain.settled(bob, 100)
    chain.dispatch()
    cancel(chain, tip_id)
    assert silent(chain, tip_id, NOW + seconds(WINDOW - 1)) == ("dispatched", "claimed")
    assert silent(chain, tip_id, NOW + seconds(WINDOW)) == ("cancelled", "cancelled")
    assert activation_of(tip_id)["reason"] == "not_confirmed"


def test_confirmed_and_without_an_answer_it_keeps_its_lane_for_as_long_as_it_may_play(chain, bob, settings):
    tip_id = chain.settled(bob, 100)
    chain.dispatch()
    acknowledge(chain, tip_id, "started")
    collection(QueueRequest).update_one(
        {}, {"$set": {"lease_until": NOW + seconds(1)}}
    )  # its process died before it said so
    cancel(chain, tip_id)
    end = 10 + settings.FINISH_GRACE_SECONDS
    for moment in (2, end - 1):  # the second one is beyond the window for a confirmation
        assert silent(chain, tip_id, NOW + seconds(moment)) == ("activated", "claimed")
    assert silent(chain, tip_id, NOW + seconds(end)) == ("cancelled", "cancelled")


def test_waiting_to_be_sent_again_and_without_a_page_it_ends_after_the_window(chain, bob):
    tip_id = chain.settled(bob, 100)
    chain.dispatch()
    later = NOW + seconds(WINDOW)
    leases.expire(now=later, limit=9)
    cancel(chain, tip_id, later)
    assert controls.heal(now=later + seconds(WINDOW - 1), limit=9) == 0
    assert controls.heal(now=later + seconds(WINDOW), limit=9) == 1
    assert state(tip_id) == ("cancelled", "cancelled")


# --- why it cannot be --------------------------------------------------------------------------------------


@pytest.mark.parametrize(("amount", "verdict"), [(100, "completed"), (5, "skipped")])
def test_what_is_over_says_how_it_ended(chain, bob, amount, verdict):
    tip_id = chain.settled(bob, amount)
    chain.dispatch()
    if verdict == "completed":
        acknowledge(chain, tip_id, "finished", delivered_seconds=10)
    with pytest.raises(AlreadyOver) as over:
        cancel(chain, tip_id)
    assert over.value.ended_as == verdict
    assert entries() == []


def test_part_of_a_run_names_its_leader_and_so_does_the_leader(chain, in_batch):
    for tip_id in in_batch:
        with pytest.raises(PartOfRun) as part:
            cancel(chain, tip_id, NOW + seconds(1))
        assert part.value.leader == key(in_batch[0])
    assert entries() == [("set", "dina", True)]


def test_another_performers_request_is_not_there_and_staff_reach_all(chain, carol, bob):
    tip_id = chain.settled(bob, 100)
    for request_id, who in (
        (key(tip_id), carol.performer_id),
        ("unheard of", chain.performer_id),
        ("unheard of", None),
    ):
        with pytest.raises(NoSuchRequest):
            controls.cancel(request_id=request_id, performer_id=who, by="carol", why="", now=NOW)
    assert state(tip_id) == (None, "pending")
    assert (
        controls.cancel(request_id=key(tip_id), performer_id=None, by="dina", why="", now=NOW).status
        == "cancelled"
    )


# --- skipping ----------------------------------------------------------------------------------------------


def test_skipping_ends_what_has_its_turn_and_the_next_one_starts(chain, bob, wire):
    first, second = chain.settled(bob, 100), chain.settled(bob, 100)
    chain.dispatch()
    acknowledge(chain, first, "started")
    assert skip(chain).request_id == key(first)
    acknowledge(chain, first, "finished", delivered_seconds=2)
    chain.dispatch()
    assert [state(first), state(second)] == [("cancelled", "cancelled"), ("dispatched", "claimed")]
    assert entries() == [("skip", "ana", True)]


def test_a_second_press_does_not_end_the_next_one(chain, bob):
    first, second = chain.settled(bob, 100), chain.settled(bob, 100)
    chain.dispatch()
    for _ in range(2):
        assert skip(chain, request_id=key(first)).status == "cancelling"
    answer_stop(chain, first)
    chain.dispatch()
    with pytest.raises(NothingPlays):
        skip(chain, request_id=key(first))
    assert state(second) == ("dispatched", "claimed")
    assert entries() == [("skip", "ana", True)]


def test_nothing_plays_nothing_is_skipped(chain, bob):
    chain.settled(bob, 100)
    with pytest.raises(NothingPlays):
        skip(chain)


def test_skipping_a_run_ends_all_of_it_and_each_keeps_its_seconds(chain, in_batch):
    leader, member = in_batch
    assert skip(chain).status == "cancelling"
    acknowledge(chain, leader, "finished", NOW + seconds(9), delivered_seconds=8)
    assert [state(leader), state(member)] == [("cancelled", "cancelled"), ("cancelled", "cancelled")]
    assert [activation_of(tip_id)["delivered_seconds"] for tip_id in in_batch] == [6, 2]
    assert {activation_of(tip_id)["cancelled_why"] for tip_id in in_batch} == {WHY}


# --- repeated, concurrent, crashed -------------------------------------------------------------------------


@pytest.mark.parametrize(("is_sent", "status"), [(False, "cancelled"), (True, "cancelling")])
def test_cancelling_eight_times_at_once_is_cancelling_once(chain, bob, in_threads, is_sent, status):
    tip_id = chain.settled(bob, 100)
    if is_sent:
        chain.dispatch()
    assert set(in_threads(lambda: cancel(chain, tip_id), times=8)) == {status}
    assert entries() == [("cancel", "ana", True)]


def test_against_workers_each_is_either_cancelled_or_sent_and_then_stopped(chain, bob, in_threads, wire):
    """Whoever writes the activation first decides; the other one finds it."""
    seen = Counter()
    for _ in range(12):
        tip_id = chain.settled(bob, 100)
        ways = iter(
            [lambda tip_id=tip_id: cancel(chain, tip_id), lambda: dispatch.drain(now=NOW, limit=9)] * 2
        )
        answers = in_threads(lambda ways=ways: next(ways)(), times=4, workers=4)
        (answer,) = {said for said in answers if isinstance(said, str)} - {"cancelled"} or {"cancelled"}
        messages = told(wire)
        seen[answer] += 1
        if answer == "cancelled":
            assert messages == []
        else:
            assert Counter(kind for kind, _ in messages)["lovense.activate"] == 1
            assert "lovense.stop" in {kind for kind, _ in messages}
            answer_stop(chain, tip_id)
        assert state(tip_id) == ("cancelled", "cancelled")
    assert sum(seen.values()) == 12
    assert entries() == [("cancel", "ana", True)] * 12


def test_against_an_acknowledgement_there_is_one_verdict(chain, bob, in_threads):
    for _ in range(6):
        tip_id = chain.settled(bob, 100)
        chain.dispatch()

        def finish(tip_id=tip_id):
            acknowledge(chain, tip_id, "finished", delivered_seconds=10, is_answer=True)

        def try_to_cancel(tip_id=tip_id):
            try:
                return cancel(chain, tip_id)
            except AlreadyOver as over:
                return over.ended_as

        ways = iter([finish, try_to_cancel])
        answers = in_threads(lambda ways=ways: next(ways)(), times=2, workers=2)
        assert set(answers) <= {None, "cancelling", "completed"}
        assert state(tip_id) == ("completed", "completed")


@pytest.mark.parametrize(
    "collection_that_fails", [Activation, QueueRequest, AuditEntry], ids=lambda model: model.__name__
)
def test_a_process_that_dies_in_the_middle_has_done_nothing(chain, bob, fail_command, collection_that_fails):
    tip_id = chain.settled(bob, 100)
    where = {"namespace": f"{collection(AuditEntry).database.name}.{collection_that_fails._meta.db_table}"}
    fail_command("insert", "update", errorCode=ERROR, **where)
    with pytest.raises(PyMongoError):
        cancel(chain, tip_id)
    assert (state(tip_id), entries()) == ((None, "pending"), [])
    assert cancel(chain, tip_id) == "cancelled"


def test_a_change_that_is_not_committed_has_no_entry(chain, bob, fail_command):
    tip_id = chain.settled(bob, 100)
    fail_command("commitTransaction", errorCode=ERROR)
    with pytest.raises(NotCommitted):
        cancel(chain, tip_id)
    assert (state(tip_id), entries()) == ((None, "pending"), [])
    assert cancel(chain, tip_id) == "cancelled"  # and ends what the server still holds open of the first


def test_a_process_that_dies_before_it_told_the_page_is_made_up_for(chain, bob, wire):
    tip_id = chain.settled(bob, 100)
    chain.dispatch()
    wire.close()
    services.running.redis.stop()
    try:
        assert cancel(chain, tip_id) == "cancelling"
    finally:
        services.running.redis.start()
    (command,) = resume.in_flight([chain.performer_id], before=NOW + seconds(1))
    assert command.is_stop


def test_a_worker_that_was_faster_every_time_is_an_error_and_no_endless_loop(chain, bob, fail_command):
    tip_id = chain.settled(bob, 100)
    where = {"namespace": f"{collection(Activation).database.name}.activations"}
    fail_command("insert", times=cancellation.DECIDED_MEANWHILE, errorCode=unique.DUPLICATE_KEY, **where)
    with pytest.raises(PyMongoError):
        cancel(chain, tip_id)
    assert state(tip_id) == (None, "pending")
