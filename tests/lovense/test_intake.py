"""The consumers of the device's floor: a settled tip that lost its request gets it back, and her pages hear
of every tip."""

import pytest

from ground.mongodb.collections import collection
from lovense.lane import intake
from lovense.models import Activation
from lovense.sending import groups, leases, pages
from tests.lovense.conftest import Wire, activation_of, request_of, seconds
from tips.log import archive, emission
from tips.models import QueueRequest, RequestStatus

pytestmark = pytest.mark.django_db


def emit(chain, *, from_start=False):
    """One round of the product's own consumers; with `from_start`, of ones that have forgotten how far they
    were."""
    if from_start:
        collection(emission.EventConsumer).delete_many({"_id": {"$in": ["activation", "notification"]}})
    emission.drain(now=chain.now)


def lose(tip_id):
    assert collection(QueueRequest).delete_one({"idempotency_key": tip_id}).deleted_count == 1


def test_the_consumers_are_registered():
    assert {"activation", "notification", "analytics"} <= set(emission.CONSUMERS)


def test_a_request_that_was_lost_is_made_again_and_plays(chain, bob):
    lost, kept = chain.settled(bob, 100), chain.settled(bob, 20)
    before = request_of(lost)
    lose(lost)
    emit(chain)
    assert request_of(lost) == before
    chain.dispatch()
    assert activation_of(lost)["status"] == "dispatched"
    assert request_of(kept)["status"] == "pending"  # behind it, as before


def test_a_request_that_is_there_stays_as_it_is(chain, bob):
    tip_id = chain.settled(bob, 100)
    chain.dispatch()
    before = request_of(tip_id)
    emit(chain)
    emit(chain, from_start=True)
    assert request_of(tip_id) == before
    assert collection(QueueRequest).count_documents({}) == 1


def test_a_finished_request_that_is_archived_does_not_come_back(chain, bob):
    tip_id = chain.played(bob, 100)
    archive.run(before=chain.now + seconds(99), time=lambda: chain.now)
    assert request_of(tip_id) is None
    collection(Activation).delete_many({})  # not even when its verdict is gone too
    emit(chain, from_start=True)
    assert request_of(tip_id) is None


@pytest.mark.parametrize("amount", [100, 5], ids=["played", "skipped"])
def test_a_tip_that_has_its_verdict_does_not_come_back(chain, bob, amount):
    tip_id = chain.played(bob, amount)
    assert request_of(tip_id)["status"] == RequestStatus.COMPLETED
    lose(tip_id)
    emit(chain, from_start=True)
    assert request_of(tip_id) is None


def test_of_a_tip_in_flight_the_request_comes_back_and_nothing_that_was_confirmed_is_sent_again(
    chain, bob, wire
):
    tip_id = chain.settled(bob, 100)
    chain.dispatch()
    chain.acknowledge(tip_id, "received", later=seconds(0.1))
    assert len(wire.commands()) == 1
    lose(tip_id)
    emit(chain)
    for later in (11, 22, 33):
        pages.take(
            chain.performer_id,
            page_id="page-1",
            channel="channel-1",
            slot="web-0",
            now=chain.now + seconds(later),
        )
        chain.dispatch(later=seconds(later))
        leases.expire(now=chain.now + seconds(later), limit=10)
    assert wire.commands() == []
    assert (activation_of(tip_id)["status"], request_of(tip_id)["status"]) == ("timeout", "failed")


def test_many_that_heal_at_once_make_one_request(chain, bob, in_threads):
    tips = [chain.settled(bob, 100) for _ in range(5)]
    for tip_id in tips:
        lose(tip_id)
    in_threads(lambda: emission.drain(now=chain.now), times=8)
    assert {row["idempotency_key"] for row in collection(QueueRequest).find()} == set(tips)


def test_pages_hear_of_a_tip_once_it_is_taken(chain, bob, monkeypatch):
    told = []
    monkeypatch.setattr(groups.news, "mark", lambda who, topic: told.append((set(who), topic)))
    chain.settled(bob, 100)
    chain.settled(bob, 20)
    emit(chain)
    emit(chain)
    assert told == [({chain.performer_id}, "tips")]


def test_the_news_reaches_the_group_of_the_performer(chain):
    wire = Wire(groups._layer_group(groups.performer_group(chain.performer_id)))
    intake.tell_pages([{"data": {"performerId": chain.performer_id}}])
    message = next(message for message in wire._pubsub.listen() if message["type"] == "message")
    wire.close()
    assert b"tips" in message["data"]
