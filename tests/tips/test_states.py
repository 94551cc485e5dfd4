"""Every pair of states of a tip and of a request, tried with the functions that really move them; and
docs/states.md agrees."""

from datetime import timedelta

import pytest

from ground.inbox.models import WebhookDelivery
from ground.mongodb.collections import collection
from tests.factories import NOW
from tests.states import coded, documented, pairs
from tests.tips.calls import ANA, bought, cancelled, event, failed, found, request, settle, succeeded
from tips.models import QueueRequest, RequestStatus, SettlementStatus, Tip
from tips.queue import claims
from tips.queue import requests as queue
from tips.settlement import record, settlement

pytestmark = pytest.mark.django_db

S, R = SettlementStatus, RequestStatus
LATER = NOW + timedelta(seconds=1)


def ids(pair):
    return f"{pair[0]} to {pair[1]}"


# --- a tip -------------------------------------------------------------------------------------------------


def looked_at_again():
    """Its delivery comes to settlement once more."""
    collection(WebhookDelivery).update_many({"event_type": "tip.succeeded"}, {"$set": {"status": "received"}})
    settle(LATER)


def looked_at_with_tokens():
    bought(1000)
    looked_at_again()


def ended_by(end):
    def move():
        end()
        settle(LATER)

    return move


TIP_MOVES = {
    S.PENDING: looked_at_again,
    S.PROCESSING: looked_at_again,
    S.SETTLED: looked_at_with_tokens,
    S.CANCELLED: ended_by(cancelled),
    S.FAILED: ended_by(failed),
}


@pytest.mark.parametrize("pair", pairs(S), ids=ids)
def test_a_tip_moves_exactly_as_its_table_says(proven, pair):
    start, to = pair
    succeeded(1, 100)
    settle()
    collection(Tip).update_one({}, {"$set": {"settlement_status": start.value}})
    before = found()
    TIP_MOVES[to]()
    if start in record.PREDECESSORS[to]:
        assert found()["settlement_status"] == to
    else:
        # The one thing an end may say to a settled tip: that a person has to look.
        assert found() | {"needs_reconciliation": ""} == before
    assert (event() is not None) == (to is S.SETTLED and start in record.PREDECESSORS[to])


@pytest.mark.parametrize("start", list(S))
def test_the_end_of_grace_fails_what_waits_and_nothing_else(proven, start):
    succeeded(1, 100)
    settle()
    collection(Tip).update_one({}, {"$set": {"settlement_status": start.value}})
    settlement.end_grace(now=NOW + timedelta(hours=1), limit=9)
    assert found()["settlement_status"] == (S.FAILED if start is S.PENDING else start)


def test_the_documented_table_of_a_tip_is_the_codes():
    assert documented("Tip: settlement status") == coded(record.PREDECESSORS)


def test_a_tip_that_has_ended_is_moved_by_nothing():
    assert record.FINAL.isdisjoint(frozenset().union(*record.PREDECESSORS.values()))


# --- a request ---------------------------------------------------------------------------------------------


def moved(to):
    request_id = request()["_id"]
    if to is R.PENDING:
        is_released = claims.release(request_id, now=LATER, delay_seconds=0, error="x")
        return is_released or claims.send_back(request_id, now=LATER)
    if to is R.JOINED:
        leader = {"idempotency_key": "another", "claimed_by": "worker-0/1", "claimed_at": LATER}
        return len(claims.join(leader, [request()]))
    if to is R.CLAIMED:
        return len(claims.claim(claims.fronts([ANA]), by="worker-0", now=LATER, lease_seconds=10))
    return queue.advance([request_id], to, now=LATER)


@pytest.mark.parametrize("pair", pairs(R), ids=ids)
def test_a_request_moves_exactly_as_its_table_says(proven, pair):
    start, to = pair
    bought(100)
    succeeded(1, 100)
    settle()
    collection(QueueRequest).update_one({}, {"$set": {"status": start.value}})
    before = request()
    if start in queue.PREDECESSORS[to]:
        assert moved(to) == 1
        assert request()["status"] == to
    else:
        assert moved(to) == 0
        assert request() == before


def test_the_documented_table_of_a_request_is_the_codes():
    assert documented("Queue request") == coded(queue.PREDECESSORS)


def test_a_request_that_has_ended_for_good_is_moved_by_nothing():
    assert queue.FINAL.isdisjoint(frozenset().union(*queue.PREDECESSORS.values()))
