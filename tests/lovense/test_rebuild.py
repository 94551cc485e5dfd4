"""The queue is dropped and rebuilt from the event log: what is unfinished comes back in its place, what is
over does not."""

from collections import Counter

import pytest
from django.core.management import call_command
from django.db import connection
from pymongo.errors import BulkWriteError, OperationFailure

from ground import clock
from ground.mongodb.collections import collection
from lovense.deciding import batch, platform
from lovense.deciding.activation import activation_id
from lovense.lane import deadletters, decisions, rebuild
from lovense.lane.letter import Resolution
from lovense.models import Activation, Performer
from lovense.sending import acknowledgement, leases, retries
from lovense.sending.acknowledgement import Ack
from tests.factories import NOW
from tests.lovense.conftest import activation_of, request_of, seconds
from tests.lovense.rounds import record
from tips.log import archive
from tips.models import ArchivedQueueRequest, Priority, QueueRequest, RequestType
from tips.queue import claims, counts, lost
from tips.queue import requests as queue

pytestmark = pytest.mark.django_db

LATER = NOW + seconds(60)


@pytest.fixture(autouse=True)
def _indexes(db):
    """What these tests drop, the next ones need."""
    yield
    collection(QueueRequest).drop()
    lost.make_indexes(now=NOW)


def lose():
    collection(QueueRequest).drop()


def restore(now=LATER, **more):
    return dict(rebuild.run(now=now, **more))


def indexes():
    return {row["name"] for row in collection(QueueRequest).list_indexes()}


def refused_for_now(chain, tip_id):
    key = activation_id(tip_id)
    acknowledgement.acknowledge([Ack(chain.performer_id, key, 1, "failed", NOW, None, "busy", True)])


def statuses():
    return Counter(row["status"] for row in collection(QueueRequest).find())


# --- what comes back ---------------------------------------------------------------------------------------


def test_what_waits_comes_back_as_it_was(chain, bob):
    made = [chain.settled(bob, 100) for _ in range(3)]
    before = list(collection(QueueRequest).find().sort("turn", 1))
    lose()
    assert restore() == {"pending": 3}
    assert list(collection(QueueRequest).find().sort("turn", 1)) == before
    assert [row["idempotency_key"] for row in counts.waiting_in(chain.performer_id, limit=9)] == made


def test_what_is_over_gives_nothing(chain, bob):
    chain.played(bob, 100)
    chain.settled(bob, 5)  # below the minimum: skipped
    failed = chain.settled(bob, 100)
    chain.dispatch()
    chain.acknowledge(failed, "failed", code="unsupported")
    assert len({row["status"] for row in collection(Activation).find()}) == 3
    lose()
    assert restore() == {}
    assert statuses() == {}


@pytest.mark.parametrize("stage", [None, "received", "started"])
def test_what_is_under_way_holds_its_lane_and_is_neither_lost_nor_sent_twice(chain, bob, wire, stage):
    tip_id, following = chain.settled(bob, 100), chain.settled(bob, 100)
    chain.dispatch()
    if stage:
        chain.acknowledge(tip_id, stage)
    wire.raw()
    lose()
    assert restore(NOW + seconds(1)) == {"claimed": 1, "pending": 1}
    chain.dispatch(later=seconds(1))
    leases.expire(now=NOW + seconds(1), limit=9)
    chain.dispatch(later=seconds(1))
    assert wire.commands() == []
    chain.acknowledge(tip_id, "finished", later=seconds(2), delivered_seconds=10)
    assert (activation_of(tip_id)["status"], request_of(tip_id)["status"]) == ("completed", "completed")
    chain.dispatch(later=seconds(2))
    assert [command["tipId"] for command in wire.commands()] == [following]


def test_an_attempt_that_nobody_confirms_is_made_again_after_a_rebuild(chain, bob, wire):
    tip_id = chain.settled(bob, 100)
    chain.dispatch()
    wire.raw()
    lose()
    restore(NOW + seconds(1))
    leases.expire(now=NOW + seconds(1), limit=9)
    leases.expire(now=LATER, limit=9)
    chain.now = LATER + seconds(2)
    chain.hold()
    chain.dispatch()
    assert [(sent["activationId"], sent["attempt"]) for sent in wire.commands()] == [(f"{tip_id}.all", 2)]


def test_what_the_device_refused_for_now_is_tried_again_under_its_id(chain, bob, wire):
    tip_id = chain.settled(bob, 100)
    chain.dispatch()
    refused_for_now(chain, tip_id)
    wire.raw()
    lose()
    assert restore() == {"pending": 1}
    chain.now = LATER
    chain.hold()
    chain.dispatch()
    assert [(sent["activationId"], sent["attempt"]) for sent in wire.commands()] == [(f"{tip_id}.all", 2)]
    assert len(activation_of(tip_id)["attempts"]) == 2


def test_a_dead_letter_comes_back_with_its_history_and_can_be_sent_back(chain, bob):
    tip_id = chain.settled(bob, 100)
    chain.dispatch()
    retries.bury(activation_id(tip_id), "not_received", now=NOW + seconds(9))
    lose()
    assert restore() == {"dead": 1}
    letter = deadletters.find(tip_id)
    assert (letter.cause, letter.request["attempts"], letter.request["finished_at"]) == (
        "not_received",
        1,
        NOW + seconds(9),
    )
    assert [line.text for line in letter.history] == [
        "attempt 1: handed over to the page",
        "attempt 1: did not play",
        "dead: not received",
    ]
    decisions.replay(tip_id, by="dina", now=LATER)
    lose()
    assert restore() == {"pending": 1}
    row = request_of(tip_id)
    assert (row["replays"], row["attempts_before"], claims.tries(row)) == (1, 1, 0)


def test_what_was_decided_about_a_dead_letter_comes_back_from_the_trail(chain, bob):
    tip_id, other = chain.settled(bob, 100), chain.settled(bob, 100)
    for key in (tip_id, other):
        chain.dispatch()
        retries.bury(activation_id(key), "busy", now=NOW)
    for resolution in (Resolution.OTHER, Resolution.REFUNDED):
        decided = decisions.review(tip_id, resolution=resolution, note="given back", by="dina", now=LATER)
    decisions.review(other, resolution=Resolution.OTHER, by="dina", now=LATER)
    decisions.replay(other, by="dina", now=LATER + seconds(1))
    retries.bury(activation_id(other), "busy", now=LATER + seconds(2))
    lose()
    assert restore() == {"dead": 2}
    assert deadletters.find(tip_id).review == decided.review
    assert deadletters.find(other).review is None
    assert deadletters.count() == 1


def test_a_run_with_members_comes_back_as_one_run(chain, bob, wire):
    platform.change(key="queue_mode", value="batch", by="dina", now=NOW)
    made = [chain.settled(bob, 50) for _ in range(3)]
    chain.dispatch(later=seconds(2))
    assert statuses() == {"claimed": 1, "joined": 2}
    lose()
    assert restore(NOW + seconds(3)) == {"claimed": 1, "joined": 2}
    batch.heal(now=NOW + seconds(3), limit=9)
    assert statuses() == {"claimed": 1, "joined": 2}
    chain.acknowledge(made[0], "finished", later=seconds(9), delivered_seconds=18)
    assert statuses() == {"completed": 3}
    assert {activation_of(tip_id)["delivered_seconds"] for tip_id in made} == {6.0}


def test_a_test_that_is_under_way_comes_back_and_one_that_waits_does_not(chain):
    item = {
        "title": "Try",
        "pattern": "wave",
        "intensity": 5,
        "durationSec": 3,
        "itemId": "x",
        "minimum": 1,
        "maximum": 1,
    }
    payload = {"amount": 0, "item": item, "tipper": {"username": "ana"}, "userId": ""}
    place = {"lane": chain.performer_id, "priority": Priority.NORMAL}
    for number in (1, 2):
        row = queue.new_row(f"test-{number}", RequestType.TEST, payload, position=number, now=NOW, **place)
        collection(QueueRequest).insert_one(row | {"submitted_by": "ana"})
    chain.dispatch()
    lose()
    assert restore() == {"claimed": 1}
    (row,) = collection(QueueRequest).find()
    assert (row["idempotency_key"], row["submitted_by"], row["lane"]) == ("test-1", "ana", chain.performer_id)
    key = activation_id("test-1")
    acknowledgement.acknowledge([Ack(chain.performer_id, key, 1, "finished", LATER, 3.0)])
    assert statuses() == {"completed": 1}


def test_archived_requests_stay_archived_and_archived_events_count(chain, bob):
    done, waiting, new = chain.played(bob, 100), chain.settled(bob, 100), chain.settled(bob, 100)
    archive.run(before=clock.now())
    assert collection(ArchivedQueueRequest).count_documents({"idempotency_key": done}) == 1
    lose()
    assert restore() == {"pending": 2}
    assert {row["idempotency_key"] for row in collection(QueueRequest).find()} == {waiting, new}


# --- indexes -----------------------------------------------------------------------------------------------


def test_the_indexes_are_back_before_the_rows(chain, bob):
    before = {row["name"]: dict(row) for row in collection(QueueRequest).list_indexes()}
    assert len(before) >= 7
    chain.settled(bob, 100)
    lose()
    assert indexes() == set()
    restore()
    assert {row["name"]: dict(row) for row in collection(QueueRequest).list_indexes()} == before
    with pytest.raises(BulkWriteError, match="request_one_claimed_per_lane"):
        collection(QueueRequest).insert_many(
            [{"idempotency_key": key, "lane": "x", "status": "claimed"} for key in "ab"]
        )


def test_two_claims_of_a_lane_made_without_indexes_are_parted(chain, bob):
    made = [chain.settled(bob, 100) for _ in range(2)]
    rows = list(collection(QueueRequest).find().sort("turn", 1))
    lose()
    for number, row in enumerate(rows):
        claimed = {
            "status": "claimed",
            "claimed_at": NOW + seconds(number),
            "claimed_by": "worker",
            "attempts": 1,
        }
        collection(QueueRequest).insert_one(row | claimed)
    restore()
    assert [request_of(tip_id)["status"] for tip_id in made] == ["claimed", "pending"]
    assert "request_one_claimed_per_lane" in indexes()


def test_a_lane_in_which_another_one_was_claimed_meanwhile_keeps_that_claim(chain, bob):
    first = chain.settled(bob, 100)
    chain.dispatch()
    lose()
    lost.make_indexes(now=NOW)
    second = chain.settled(bob, 100)
    chain.dispatch()
    assert request_of(second)["status"] == "claimed"
    restore()
    assert (request_of(first)["status"], request_of(first)["attempts"]) == ("pending", 1)
    for tip_id in (second, first):
        chain.acknowledge(tip_id, "finished", later=seconds(9), delivered_seconds=10)
    assert statuses() == {"completed": 2}


# --- repeated, concurrent, crashed -------------------------------------------------------------------------


def several(chain, bob):
    """One of each kind: (status after the rebuild)."""
    chain.played(bob, 100)
    dead = chain.settled(bob, 100)
    chain.dispatch()
    retries.bury(activation_id(dead), "busy", now=NOW)
    for _ in range(5):
        chain.settled(bob, 100)
    chain.dispatch()
    return {"dead": 1, "claimed": 1, "pending": 4}


def test_a_second_rebuild_restores_nothing(chain, bob):
    expected = several(chain, bob)
    lose()
    assert restore() == expected
    before = list(collection(QueueRequest).find().sort("_id", 1))
    assert restore() == {}
    assert list(collection(QueueRequest).find().sort("_id", 1)) == before


def test_a_queue_that_was_not_lost_is_left_alone(chain, bob):
    several(chain, bob)
    before = list(collection(QueueRequest).find().sort("_id", 1))
    assert restore() == {}
    assert list(collection(QueueRequest).find().sort("_id", 1)) == before


def test_rebuilds_at_once_restore_each_once(chain, bob, in_threads, monkeypatch):
    monkeypatch.setattr(rebuild, "PAGE", 2)
    expected = several(chain, bob)
    lose()
    in_threads(restore, times=4, workers=4)
    assert statuses() == {**expected}


def test_a_rebuild_that_was_killed_is_followed_by_one_that_finishes_it(chain, bob, fail_command, monkeypatch):
    monkeypatch.setattr(rebuild, "PAGE", 2)
    expected = several(chain, bob)
    lose()
    lost.make_indexes(now=NOW)
    seen = []

    def fail_at_the_second(count):
        seen.append(count)
        if len(seen) == 2:
            fail_command("insert", errorCode=8000)

    with pytest.raises(OperationFailure):
        restore(progress=fail_at_the_second)
    assert 0 < collection(QueueRequest).count_documents({}) < 6
    restore()
    assert statuses() == expected
    assert sum(seen) < rebuild.size()


def test_what_ends_while_it_is_restored_is_ended(chain, bob):
    tip_id = chain.settled(bob, 100)
    chain.dispatch()
    lose()
    rows = rebuild._requests([tip_id], LATER)
    chain.acknowledge(tip_id, "finished", delivered_seconds=10)
    rebuild._restored(rows, LATER, is_dry=False)
    assert statuses() == {"completed": 1}


def test_a_worker_that_had_claimed_it_before_the_loss_and_decides_after_the_rebuild_plays_it_once(
    chain, bob, wire
):
    tip_id = chain.settled(bob, 100)
    (claimed,) = claims.claim(claims.fronts([chain.performer_id]), by="old", now=NOW, lease_seconds=10)
    lose()
    restore(NOW)
    assert record([claimed], now=NOW) != [None]
    wire.raw()
    chain.dispatch()  # a clash: the activation is there
    assert wire.commands() == []
    chain.acknowledge(tip_id, "finished", later=seconds(1), delivered_seconds=10)
    leases.expire(now=LATER, limit=9)
    assert statuses() == {"completed": 1}
    assert collection(Activation).count_documents({}) == 1


# --- the command -------------------------------------------------------------------------------------------


def test_the_command_says_what_it_restored_and_a_dry_run_writes_nothing(chain, bob, capsys):
    several(chain, bob)
    lose()
    call_command("rebuild_queue", "--dry-run")
    assert capsys.readouterr().out == (
        "6 requests are missing: 4 waiting, 1 under way, 1 dead letters; nothing was written\n"
    )
    assert QueueRequest._meta.db_table not in connection.introspection.table_names()
    call_command("rebuild_queue")
    assert capsys.readouterr().out == "6 requests restored: 4 waiting, 1 under way, 1 dead letters\n"
    call_command("rebuild_queue")
    assert capsys.readouterr().out == "0 requests restored\n"
    assert Performer.objects.count() == 1
