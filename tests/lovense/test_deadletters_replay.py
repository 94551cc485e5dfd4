"""The way back of a dead letter, alone or with its group: once, whoever tries, and never beside what may have
played."""

import pytest
from django.db import DatabaseError
from pymongo.errors import PyMongoError

from ground.mongodb.collections import collection
from lovense.deciding.activation import activation_id
from lovense.lane import deadletters, decisions, eta
from lovense.lane.deadletters import NoSuchLetter
from lovense.lane.decisions import GroupCountChanged
from lovense.lane.letter import Archived, NotDead
from lovense.models import Activation, Performer
from lovense.sending import acknowledgement, retries
from lovense.sending.acknowledgement import Ack
from tests.factories import NOW
from tests.lovense.conftest import activation_of, request_of, seconds, state
from tests.lovense.letters import LATER, bury, chain, replay, replay_all, review, told
from tips.models import ArchivedQueueRequest, QueueRequest
from tips.queue import claims

__all__ = ["chain"]
pytestmark = pytest.mark.django_db

ERROR = 8000


# --- sending back: once ------------------------------------------------------------------------------------


def test_it_goes_back_to_its_place_with_all_its_attempts_and_plays(chain, bob, wire):
    first, second = bury(chain, bob), chain.settled(bob, 100)
    before = request_of(first)
    letter = replay(first)
    assert letter.status == "pending"
    row = request_of(first)
    assert (row["turn"], row["line"], row["position"]) == (before["turn"], before["line"], before["position"])
    assert (row["attempts"], row["attempts_before"], row["replays"], row["available_at"]) == (1, 1, 1, LATER)
    assert (row["cause"], row["finished_at"], row["review"]) == (None, None, None)
    assert row["errors"][-1]["error"] == "sent back into the queue by dina"
    assert activation_of(first)["attempts"][-1] == {
        "attempt": 1,
        "at": LATER,
        "by": "dina",
        "is_replay": True,
    }
    wire.raw()
    chain.now = LATER
    chain.hold()
    chain.dispatch()
    (sent,) = wire.commands()
    assert (sent["tipId"], sent["activationId"], sent["attempt"]) == (first, f"{first}.all", 2)
    assert request_of(second)["status"] == "pending"
    finish = Ack(chain.performer_id, f"{first}.all", 2, "finished", LATER + seconds(9), 10.0)
    acknowledgement.acknowledge([finish])
    assert state(first) == ("completed", "completed")


def test_its_run_obeys_the_stop_epoch_of_its_new_start_and_keeps_its_item(chain, bob, wire):
    tip_id = bury(chain, bob)
    item = activation_of(tip_id)["item"]
    Performer.objects.update(stop_epoch=7)
    chain.publish_menu()
    replay(tip_id)
    wire.raw()
    chain.now = LATER
    chain.hold()
    chain.dispatch()
    row = activation_of(tip_id)
    assert (row["stop_epoch"], row["item"]) == (7, item)
    assert wire.commands()[0]["stopEpoch"] == 7


def test_it_has_all_its_attempts_again(chain, bob):
    tip_id = bury(chain, bob)
    collection(QueueRequest).update_one({}, {"$set": {"attempts": claims.MAX_ATTEMPTS}})
    replay(tip_id)
    assert claims.tries(request_of(tip_id)) == 0


def test_what_did_not_play_as_part_of_another_run_goes_back_alone(chain, bob):
    leader, member = bury(chain, bob), bury(chain, bob)
    keys = {"members": [activation_id(member)], "run_seconds": 20}
    collection(Activation).update_one({"_id": activation_id(leader)}, {"$set": keys})
    collection(Activation).update_one(
        {"_id": activation_id(member)}, {"$set": {"leader": activation_id(leader)}}
    )
    collection(QueueRequest).update_one({"idempotency_key": member}, {"$set": {"leader": leader}})
    for tip_id in (leader, member):
        replay(tip_id)
    assert [activation_of(tip_id)["leader"] for tip_id in (leader, member)] == [None, None]
    assert activation_of(leader)["members"] is None
    assert request_of(member)["leader"] is None


# --- sending back: repeated, concurrent, refused -----------------------------------------------------------


def test_sent_back_it_does_not_start_beside_one_that_a_page_may_have(chain, bob, wire):
    """It stands before that one in their line, and no page has confirmed that one yet."""
    dead, tried = bury(chain, bob), chain.settled(bob, 100)
    chain.dispatch()
    assert retries.unconfirmed(claims.claimed(chain.performer_id), now=NOW)
    wire.commands()
    replay(dead)
    chain.now = LATER
    chain.hold()
    starts = eta.of_lane(chain.performer_id, now=LATER)
    assert [start.request["idempotency_key"] for start in starts] == [tried, dead]
    chain.dispatch()
    assert [command["tipId"] for command in wire.commands()] == [tried]
    acknowledgement.acknowledge([Ack(chain.performer_id, activation_id(tried), 2, "finished", LATER)])
    chain.dispatch()
    assert [command["tipId"] for command in wire.commands()] == [dead]


def test_a_second_replay_is_refused_and_changes_nothing(chain, bob):
    tip_id = bury(chain, bob)
    replay(tip_id)
    before = activation_of(tip_id), request_of(tip_id)
    with pytest.raises(NotDead, match="waiting in the queue already"):
        replay(tip_id)
    assert (activation_of(tip_id), request_of(tip_id)) == before


def test_many_at_once_send_it_back_once(chain, bob, in_threads):
    tip_id = bury(chain, bob)

    def attempt():
        try:
            return replay(tip_id) and True
        except NotDead:
            return False

    assert in_threads(attempt, times=16).count(True) == 1
    assert state(tip_id) == ("queued", "pending")
    row = request_of(tip_id)
    assert (row["replays"], len(activation_of(tip_id)["attempts"])) == (1, 2)


def test_many_groups_at_once_send_each_back_once(chain, bob, in_threads):
    made = [bury(chain, bob) for _ in range(12)]

    def attempt():
        try:
            return replay_all(len(made))[0]
        except GroupCountChanged:
            return 0

    assert sum(in_threads(attempt, times=8)) == len(made)
    assert {state(tip_id) for tip_id in made} == {("queued", "pending")}
    assert {request_of(tip_id)["replays"] for tip_id in made} == {1}


def test_a_late_click_does_not_send_back_what_has_died_again(chain, bob):
    tip_id = bury(chain, bob)
    seen = deadletters.find(tip_id)
    replay(tip_id)
    retries.bury(activation_id(tip_id), "busy", now=LATER)
    assert decisions._send_back(seen, "dina", LATER + seconds(1)) is False
    assert state(tip_id) == ("dead", "dead")
    assert (request_of(tip_id)["replays"], request_of(tip_id)["cause"]) == (1, "busy")


@pytest.mark.parametrize("code", ["stopped", ""])
def test_what_failed_is_never_sent_again_and_the_refusal_says_why(chain, bob, code):
    tip_id = chain.settled(bob, 100)
    chain.dispatch()
    chain.acknowledge(tip_id, "started")
    chain.acknowledge(tip_id, "failed", code=code)
    assert request_of(tip_id)["status"] == "failed"
    with pytest.raises(NotDead, match="It may have played, so it is never sent again"):
        replay(tip_id)


def test_what_is_not_dead_is_refused(chain, bob):
    done, waiting = chain.played(bob, 100), chain.settled(bob, 100)
    for tip_id in (done, waiting):
        with pytest.raises(NotDead):
            replay(tip_id)
    with pytest.raises(NoSuchLetter):
        replay("no such thing")


def test_what_was_archived_is_shown_and_not_sent_back(chain, bob):
    tip_id = bury(chain, bob)
    row = request_of(tip_id)
    collection(ArchivedQueueRequest).insert_one(row | {"segment": "requests/00000001"})
    collection(QueueRequest).delete_one({"_id": row["_id"]})
    letter = deadletters.find(tip_id)
    assert letter.is_archived
    for change in (replay, review):
        with pytest.raises(Archived, match="in the archive"):
            change(tip_id)
    assert activation_of(tip_id)["status"] == "dead"


def test_what_a_page_finished_after_all_is_ended_and_not_sent_back(chain, bob):
    """Whoever recorded the late `finished` died before it ended the request."""
    tip_id = bury(chain, bob)
    collection(Activation).update_one(
        {}, {"$set": {"status": "completed", "reason": "", "delivered_seconds": 10.0}}
    )
    with pytest.raises(NotDead, match="completed"):
        replay(tip_id)
    assert state(tip_id) == ("completed", "completed")


def test_what_was_settled_otherwise_meanwhile_stays_dead(chain, bob):
    tip_id = bury(chain, bob)
    seen = deadletters.find(tip_id)
    review(tip_id)
    assert decisions._send_back(seen, "dina", LATER) is False
    assert state(tip_id) == ("dead", "dead")


# --- groups ------------------------------------------------------------------------------------------------


def test_a_group_goes_back_by_its_cause_when_the_count_is_known(chain, bob):
    busy, silent = [bury(chain, bob, "busy") for _ in range(3)], bury(chain, bob)
    told = []
    assert replay_all(3, "busy", progress=told.append) == (3, 0)
    assert sum(told) == 3
    assert {state(tip_id) for tip_id in busy} == {("queued", "pending")}
    assert state(silent) == ("dead", "dead")
    assert replay_all(1) == (1, 0)


@pytest.mark.parametrize("expect", [0, 1, 3])
def test_another_count_than_the_one_shown_is_refused_with_the_actual_one(chain, bob, expect):
    made = [bury(chain, bob) for _ in range(2)]
    with pytest.raises(GroupCountChanged, match="There are 2 now") as refused:
        replay_all(expect)
    assert refused.value.actual == 2
    assert {state(tip_id) for tip_id in made} == {("dead", "dead")}


def test_one_call_sends_back_so_many_and_says_how_many_are_left(chain, bob, monkeypatch):
    monkeypatch.setattr(decisions, "MOST_AT_ONCE", 2)
    made = [bury(chain, bob, later=later) for later in range(3)]
    assert replay_all(3) == (2, 1)
    assert [state(tip_id)[1] for tip_id in made] == ["pending", "pending", "dead"]


# --- crashed -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("command", "name"),
    [
        ("update", "activations"),
        ("update", "queue_requests"),
        ("insert", "audit_entries"),
        ("commitTransaction", ""),
    ],
)
def test_a_death_at_any_write_leaves_it_as_it_was_and_the_next_try_sends_it_back(
    chain, bob, fail_command, command, name
):
    tip_id = bury(chain, bob)
    database = collection(QueueRequest).database.name
    fail_command(command, errorCode=ERROR, **({"namespace": f"{database}.{name}"} if name else {}))
    with pytest.raises((PyMongoError, DatabaseError)):
        replay(tip_id)
    assert state(tip_id) == ("dead", "dead")
    assert told() == []
    replay(tip_id)
    assert state(tip_id) == ("queued", "pending")
    assert request_of(tip_id)["replays"] == 1
    assert len(told()) == 1
