"""Between two attempts: nothing starts beside what a page may have, and what it says meanwhile is believed
once."""

import pytest

from ground.mongodb.collections import collection
from lovense.deciding.activation import activation_id
from lovense.lane import controls
from lovense.models import Performer
from lovense.sending import acknowledgement, dispatch, leases, pages, resume, retries
from lovense.sending.acknowledgement import Ack
from tests.factories import NOW
from tests.lovense.conftest import CHANNEL, activation_of, request_of, seconds
from tests.lovense.rounds import WINDOW
from tips.models import Mode, Priority, QueueRequest, RequestType
from tips.queue import claims
from tips.queue import requests as queue

pytestmark = pytest.mark.django_db

PLAYS = 10


def round_at(chain, now):
    """What the beat does, with a page that is there; then what is under way."""
    leases.expire(now=now, limit=100)
    pages.take(chain.performer_id, page_id="page-1", channel=CHANNEL, slot="web-0", now=now)
    while dispatch.drain(now=now, limit=100):
        pass
    return [command.activation_id for command in resume.in_flight([chain.performer_id], before=now)]


def ack(chain, tip_id, stage, *, at, attempt=1, **more):
    acknowledgement.acknowledge([Ack(chain.performer_id, activation_id(tip_id), attempt, stage, at, **more)])


def urgent(chain, now):
    """Something of the highest priority, by hand."""
    payload = {"amount": 100, "tipper": {"username": "ana"}, "userId": ""}
    place = {"lane": chain.performer_id, "position": 1, "priority": Priority.CRITICAL, "now": now}
    collection(QueueRequest).insert_one(
        queue.new_row("urgent", RequestType.MANUAL, payload, **place) | {"turn": 1001}
    )


@pytest.mark.parametrize("mode", Mode)
def test_nothing_overtakes_what_a_page_may_have(chain, bob, mode):
    """Whatever comes, and whatever the mode becomes meanwhile: two runs of one performer are never under
    way."""
    tip_id = chain.settled(bob, 100)
    assert round_at(chain, NOW) == [f"{tip_id}.all"]
    collection(Performer).update_one({"_id": chain.performer_id}, {"$set": {"queue_mode": mode}})
    urgent(chain, NOW)
    assert round_at(chain, NOW + seconds(WINDOW)) == []
    assert round_at(chain, NOW + seconds(WINDOW + 3)) == [f"{tip_id}.all"]
    ack(chain, tip_id, "finished", at=NOW + seconds(WINDOW + 4), attempt=2, delivered_seconds=PLAYS)
    assert round_at(chain, NOW + seconds(WINDOW + 4)) == ["urgent.all"]


def test_what_waits_for_its_next_attempt_is_not_sent_to_a_page_that_comes(chain, bob):
    tip_id = chain.settled(bob, 100)
    round_at(chain, NOW)
    leases.expire(now=NOW + seconds(WINDOW), limit=100)
    assert request_of(tip_id)["status"] == "pending"
    assert resume.resume(chain.performer_id, now=NOW + seconds(WINDOW)) == []


@pytest.mark.parametrize("stage", ["received", "started"])
def test_confirmed_between_two_attempts_it_waits_for_its_end(chain, bob, stage):
    """Its claim is taken again only to hold the lane: it is neither sent again nor taken for a worker's
    death."""
    tip_id, following = chain.settled(bob, 100), chain.settled(bob, 100)
    round_at(chain, NOW)
    leases.expire(now=NOW + seconds(WINDOW), limit=100)
    confirmed = NOW + seconds(WINDOW + 1)
    ack(chain, tip_id, stage, at=confirmed)
    for later in range(2, PLAYS + 5):
        assert round_at(chain, NOW + seconds(WINDOW + later)) in ([], [f"{tip_id}.all"])
    assert activation_of(tip_id)["status"] in ("dispatched", "activated")
    for later in (20, 40, 60, 80):
        round_at(chain, confirmed + seconds(later))
    assert (activation_of(tip_id)["status"], request_of(tip_id)["status"]) == ("timeout", "failed")
    assert activation_of(tip_id)["attempt"] == 1
    assert activation_of(following)["status"] == "dispatched"


@pytest.mark.parametrize("stage", ["received", "started"])
def test_confirmed_between_two_attempts_it_has_its_lane_again_at_once(chain, bob, stage):
    """So skip finds it, a drain waits for it, and clear does not count it; also under a pause it ends."""
    tip_id = chain.settled(bob, 100)
    chain.settled(bob, 100)
    round_at(chain, NOW)
    leases.expire(now=NOW + seconds(WINDOW), limit=100)
    confirmed = NOW + seconds(WINDOW + 1)
    who = {"performer_id": chain.performer_id, "by": "ana", "why": ""}
    controls.pause(**who, now=confirmed)
    ack(chain, tip_id, stage, at=confirmed)
    assert request_of(tip_id)["status"] == "claimed"
    assert request_of(tip_id)["attempts"] == 1
    assert controls.under_way() == 1
    assert controls.waiting(performer_id=chain.performer_id) == 1
    ack(chain, tip_id, stage, at=confirmed + seconds(1))
    assert controls.under_way() == 1
    for later in (20, 40):
        round_at(chain, confirmed + seconds(later))
    assert (activation_of(tip_id)["status"], request_of(tip_id)["status"]) == ("timeout", "failed")


def test_what_was_confirmed_between_two_attempts_can_be_skipped(chain, bob):
    tip_id = chain.settled(bob, 100)
    round_at(chain, NOW)
    leases.expire(now=NOW + seconds(WINDOW), limit=100)
    ack(chain, tip_id, "started", at=NOW + seconds(WINDOW + 1))
    who = {"performer_id": chain.performer_id, "by": "ana", "why": ""}
    ended = controls.skip(**who, now=NOW + seconds(WINDOW + 2))
    assert (ended.status, ended.request_id) == ("cancelling", request_of(tip_id)["_id"])


def test_confirmed_late_it_does_not_take_a_lane_that_has_gone_on(chain, bob):
    tip_id = chain.settled(bob, 100)
    round_at(chain, NOW)
    leases.expire(now=NOW + seconds(WINDOW), limit=100)
    urgent(chain, NOW)
    collection(QueueRequest).update_one({"_id": queue.request_id("urgent")}, {"$set": {"status": "claimed"}})
    ack(chain, tip_id, "started", at=NOW + seconds(WINDOW + 1))
    assert (activation_of(tip_id)["status"], request_of(tip_id)["status"]) == ("activated", "pending")


def test_a_slow_hand_does_not_give_back_a_later_claim(chain, bob):
    """Two hands look at the same lease that ran out; the second is slower than the next attempt."""
    tip_id = chain.settled(bob, 100)
    round_at(chain, NOW)
    as_seen = request_of(tip_id)
    assert round_at(chain, NOW + seconds(WINDOW)) == []
    assert round_at(chain, NOW + seconds(WINDOW + 3)) == [f"{tip_id}.all"]
    before = request_of(tip_id)
    for give_back in (retries.unconfirmed, retries.never_sent):
        give_back(as_seen, now=NOW + seconds(WINDOW + 3))
        assert request_of(tip_id) == before


@pytest.mark.parametrize("stages", [["finished"], ["started", "finished"], ["started", "failed"]])
@pytest.mark.parametrize(("said", "kept"), [(3600, PLAYS), (PLAYS, PLAYS), (3.5, 3.5), (0, 0), (None, None)])
def test_no_page_delivers_more_than_was_promised(chain, bob, stages, said, kept):
    tip_id = chain.settled(bob, 100)
    round_at(chain, NOW)
    for stage in stages:
        ack(chain, tip_id, stage, at=NOW + seconds(1), delivered_seconds=said, code="$status", is_answer=True)
    assert activation_of(tip_id)["delivered_seconds"] == kept
    if stages[-1] == "failed":
        assert activation_of(tip_id)["reason"] == "$status"


def test_a_pause_holds_a_retry_too(chain, bob):
    tip_id = chain.settled(bob, 100)
    round_at(chain, NOW)
    collection(Performer).update_one({"_id": chain.performer_id}, {"$set": {"paused_at": NOW}})
    for later in (10, 13, 60):
        assert round_at(chain, NOW + seconds(later)) == []
    collection(Performer).update_one({"_id": chain.performer_id}, {"$set": {"paused_at": None}})
    assert round_at(chain, NOW + seconds(61)) == [f"{tip_id}.all"]


def test_a_refusal_that_comes_late_does_not_end_the_next_attempt(chain, bob):
    tip_id = chain.settled(bob, 100)
    round_at(chain, NOW)
    assert round_at(chain, NOW + seconds(WINDOW)) == []
    assert round_at(chain, NOW + seconds(WINDOW + 3)) == [f"{tip_id}.all"]
    ack(chain, tip_id, "failed", at=NOW + seconds(WINDOW + 4), code="busy")
    assert activation_of(tip_id)["status"] == "dispatched"
    ack(chain, tip_id, "finished", at=NOW + seconds(WINDOW + 5), attempt=2, delivered_seconds=PLAYS)
    assert activation_of(tip_id)["status"] == "completed"


def test_what_a_person_sent_back_is_not_ended_by_an_old_refusal(chain, bob):
    tip_id, now = chain.settled(bob, 100), NOW
    for attempt in range(1, claims.MAX_ATTEMPTS + 1):
        round_at(chain, now)
        ack(chain, tip_id, "failed", at=now, attempt=attempt, code="busy")
        now += seconds(6)
    assert activation_of(tip_id)["status"] == "dead"
    ack(chain, tip_id, "failed", at=now, attempt=claims.MAX_ATTEMPTS, code="busy")
    assert (activation_of(tip_id)["status"], request_of(tip_id)["status"]) == ("dead", "dead")


def test_a_claim_given_back_since_we_looked_is_not_taken_as_we_saw_it(chain, bob):
    """Another worker took it, was refused and gave it back; its pause binds us, and its attempt counts."""
    tip_id = chain.settled(bob, 100)
    seen = claims.fronts([chain.performer_id])
    round_at(chain, NOW)
    ack(chain, tip_id, "failed", at=NOW, code="busy")
    assert claims.claim(seen, by="slow", now=NOW, lease_seconds=WINDOW) == []
    assert (request_of(tip_id)["status"], request_of(tip_id)["attempts"]) == ("pending", 1)


def test_confirmed_at_the_last_moment_it_is_not_buried(chain, bob):
    """The sweep has looked and given it up; before it writes, the page says that it has it."""
    tip_id = chain.settled(bob, 100)
    round_at(chain, NOW)
    ack(chain, tip_id, "received", at=NOW + seconds(WINDOW))
    retries.bury(activation_id(tip_id), "not_received", now=NOW + seconds(WINDOW))
    assert activation_of(tip_id)["status"] == "dispatched"
