"""The performance queue: one claim per lane, oldest first, whoever asks and however many at once; and what a
lease is for."""

import itertools
from collections import Counter
from datetime import timedelta

import pytest
from django.db import DatabaseError
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule
from pymongo.errors import PyMongoError

from ground.mongodb import transactions
from ground.mongodb.collections import collection
from tests.factories import NOW
from tests.tips import calls
from tests.tips.calls import ANA, CAROL, EVE
from tips.models import QueueRequest, RequestStatus
from tips.queue import claims, counts
from tips.queue import requests as queue

pytestmark = pytest.mark.django_db

SECOND = timedelta(seconds=1)


def submit(*places, now=NOW):
    """(lane, position) pairs; the request of a pair has the key "<position>"."""
    events = [
        {"_id": str(position), "sequence": position, "payload": {"performerId": lane}}
        for lane, position in places
    ]
    transactions.run(lambda session: queue.submit_tips(events, now=now, session=session))


def claim(*lanes, by="worker-0", now=NOW, lease_seconds=10):
    """The positions that are now ours."""
    return sorted(
        row["position"]
        for row in claims.claim(
            claims.fronts(lanes or [ANA, CAROL]), by=by, now=now, lease_seconds=lease_seconds
        )
    )


def row(position):
    return collection(QueueRequest).find_one({"idempotency_key": str(position)})


def statuses():
    return {found["position"]: found["status"] for found in collection(QueueRequest).find()}


def end(*positions, to=RequestStatus.COMPLETED, now=NOW, **more):
    return queue.advance([queue.request_id(str(position)) for position in positions], to, now=now, **more)


def release(position, *, delay_seconds=0, now=NOW, error="lost"):
    return claims.release(queue.request_id(str(position)), now=now, delay_seconds=delay_seconds, error=error)


# --- submitting --------------------------------------------------------------------------------------------


def test_a_request_is_named_by_its_tip_so_submitting_twice_is_one_row():
    submit((ANA, 1))
    with pytest.raises((PyMongoError, DatabaseError)):
        submit((ANA, 1))
    assert statuses() == {1: "pending"}


def test_one_tip_has_one_request_whatever_its_name():
    submit((ANA, 1))
    again = row(1) | {"_id": "another"}
    with pytest.raises(Exception, match="request_idempotency_key"):
        collection(QueueRequest).insert_one(again)


# --- claiming ----------------------------------------------------------------------------------------------


def test_a_claim_takes_the_oldest_of_each_lane():
    submit((ANA, 3), (CAROL, 5), (ANA, 2), (CAROL, 9), (EVE, 1))
    assert claim(ANA, CAROL) == [2, 5]
    assert statuses() == {1: "pending", 2: "claimed", 3: "pending", 5: "claimed", 9: "pending"}


def test_a_claim_is_written_down_and_handed_back_alike():
    submit((ANA, 1))
    (ours,) = claims.claim(claims.fronts([ANA]), by="worker-0", now=NOW + SECOND, lease_seconds=10)
    assert ours == row(1)
    assert (ours["attempts"], ours["claimed_at"], ours["lease_until"]) == (1, NOW + SECOND, NOW + 11 * SECOND)
    assert ours["claimed_by"].startswith("worker-0/")


def test_a_busy_lane_gives_nothing_until_its_claim_ends():
    submit((ANA, 1), (ANA, 2))
    assert claim(ANA) == [1]
    assert claim(ANA) == []
    end(1)
    assert claim(ANA) == [2]


def test_nothing_to_claim():
    assert claim(ANA) == []
    assert claims.claim(claims.fronts([]), by="x", now=NOW, lease_seconds=1) == []


def test_an_other_lane_does_not_wait():
    submit((ANA, 1), (ANA, 2), (CAROL, 3))
    claim(ANA)
    assert claim() == [3]


def test_eight_threads_claim_one_request_once(in_threads):
    for turn in range(1, 9):
        submit((ANA, turn))
        assert sorted(itertools.chain(*in_threads(lambda: claim(ANA), times=8))) == [turn]
        assert row(turn)["attempts"] == 1
        end(turn)


def test_eight_threads_over_many_lanes_claim_each_head_once(in_threads):
    lanes = [f"{number:024x}" for number in range(40)]
    submit(*((lane, 1 + place) for place, lane in enumerate(lanes * 2)))
    claimed = Counter(itertools.chain(*in_threads(lambda: claim(*lanes), times=8)))
    assert claimed == Counter(range(1, 41))
    assert Counter(statuses().values()) == {"claimed": 40, "pending": 40}


def test_eight_threads_empty_the_queue_in_order_and_never_two_of_a_lane(in_threads):
    lanes = [ANA, CAROL, EVE]
    submit(*((lanes[position % 3], position) for position in range(1, 61)))
    done = []

    def work():
        for position in claim(*lanes):
            done.append(position)
            assert end(position) == 1

    for _ in range(60):  # at worst one a round
        in_threads(work, times=8)
        if len(done) == 60:
            break
    for lane in range(3):
        mine = [position for position in done if position % 3 == lane]
        assert mine == sorted(mine)
    assert len(set(done)) == 60


def test_two_claims_of_a_lane_cannot_even_be_written():
    submit((ANA, 1), (ANA, 2))
    claim(ANA)
    with pytest.raises(Exception, match="request_one_claimed_per_lane"):
        collection(QueueRequest).update_one({"_id": queue.request_id("2")}, {"$set": {"status": "claimed"}})


def test_a_lane_lost_to_another_worker_does_not_cost_the_lanes_after_it():
    """The other worker claims between our look and our write."""
    submit(*((f"{number:024x}", number) for number in range(1, 6)))
    heads = claims.heads([f"{number:024x}" for number in range(1, 6)])
    submit((f"{3:024x}", 13))
    collection(QueueRequest).update_one(
        {"_id": queue.request_id("13")}, {"$set": {"status": "claimed", "claimed_by": "other/1"}}
    )
    mark = {"status": "claimed", "claimed_by": "ours/1", "lease_until": NOW, "claimed_at": NOW}
    assert claims._claim_all([head["_id"] for head in heads], mark) == -1
    ours = {found["position"] for found in collection(QueueRequest).find({"claimed_by": "ours/1"})}
    assert ours == {1, 2, 4, 5}
    assert {row(position)["attempts"] for position in ours} == {1}


# --- giving back -------------------------------------------------------------------------------------------


def test_what_is_given_back_keeps_its_place():
    submit((ANA, 1), (ANA, 2))
    claim(ANA)
    assert release(1) == 1
    assert claim(ANA) == [1]
    assert row(1)["attempts"] == 2


def test_a_head_that_waits_holds_its_lane():
    submit((ANA, 1), (ANA, 2), (CAROL, 3))
    claim(ANA)
    release(1, delay_seconds=2)
    assert claim(now=NOW + SECOND) == [3]
    assert claim(now=NOW + 2 * SECOND) == [1]


def test_giving_back_leaves_the_reason_and_no_lease():
    submit((ANA, 1))
    for attempt in range(queue.MAX_ERRORS_KEPT + 5):
        claim(ANA)
        release(1, error=f"reason {attempt}")
    found = row(1)
    assert (found["claimed_by"], found["lease_until"]) == ("", None)
    assert [error["error"] for error in found["errors"]] == [
        f"reason {n}" for n in range(5, queue.MAX_ERRORS_KEPT + 5)
    ]
    assert found["errors"][-1]["at"] == NOW


def test_only_a_claim_is_given_back():
    submit((ANA, 1))
    assert release(1) == 0
    claim(ANA)
    end(1)
    assert release(1) == 0
    assert statuses() == {1: "completed"}


# --- ending ------------------------------------------------------------------------------------------------


def test_an_end_is_counted_once():
    submit((ANA, 1))
    claim(ANA)
    assert [end(1, now=NOW + SECOND), end(1, now=NOW + 2 * SECOND)] == [1, 0]
    assert row(1)["finished_at"] == NOW + SECOND


def test_many_threads_end_a_request_once(in_threads):
    submit((ANA, 1))
    claim(ANA)
    assert sorted(in_threads(lambda: end(1), times=8)) == [0] * 7 + [1]


def test_an_end_keeps_its_error():
    submit((ANA, 1))
    claim(ANA)
    end(1, to=RequestStatus.DEAD, error="not_received")
    assert row(1)["errors"] == [{"at": NOW, "error": "not_received"}]


# --- leases ------------------------------------------------------------------------------------------------


def test_a_claim_expires_with_its_lease_and_not_before():
    submit((ANA, 1), (CAROL, 2))
    claim(lease_seconds=10)
    assert claims.expired(now=NOW + 10 * SECOND - SECOND / 1000, limit=9) == []
    assert {found["position"] for found in claims.expired(now=NOW + 10 * SECOND, limit=9)} == {1, 2}
    assert len(claims.expired(now=NOW + 10 * SECOND, limit=1)) == 1


def test_a_longer_lease():
    submit((ANA, 1))
    claim(ANA)
    claims.extend(queue.request_id("1"), until=NOW + 60 * SECOND)
    assert claims.expired(now=NOW + 59 * SECOND, limit=9) == []


def test_only_a_claim_has_a_lease_to_extend():
    submit((ANA, 1))
    claim(ANA)
    end(1)
    claims.extend(queue.request_id("1"), until=NOW + 60 * SECOND)
    assert row(1)["lease_until"] is None


def test_a_restarted_worker_ends_its_own_leases_and_no_others():
    submit((ANA, 1), (CAROL, 2), (EVE, 3), ("d" * 24, 4))
    for lane, slot in ((ANA, "worker-1"), (CAROL, "worker-10"), (EVE, "worker-2"), ("d" * 24, "worker.1")):
        claim(lane, by=slot)
    assert claims.expire_claims_of("worker.1", now=NOW) == 1
    assert claims.expire_claims_of("worker-1", now=NOW) == 1
    assert {found["position"] for found in claims.expired(now=NOW, limit=9)} == {1, 4}


# --- waiting -----------------------------------------------------------------------------------------------


def test_lanes_with_something_pending():
    submit((ANA, 1), (ANA, 2), (CAROL, 3))
    claim(CAROL)
    assert counts.waiting_lanes() == {ANA}


def test_how_long_a_lanes_requests_have_been_ready():
    submit((ANA, 2), now=NOW)
    submit((ANA, 1), now=NOW + SECOND)
    submit((ANA, 3), now=NOW + 2 * SECOND)
    submit((CAROL, 4), now=NOW)

    def waiting(before, limit=9):
        return [found["position"] for found in counts.waiting_in(ANA, before=before, limit=limit)]

    assert waiting(NOW) == [2]
    assert waiting(NOW + SECOND) == [1, 2]
    assert waiting(NOW + SECOND, limit=1) == [1]


def test_what_waits_for_its_next_attempt_is_not_yet_ready():
    submit((ANA, 1))
    claim(ANA)
    release(1, delay_seconds=4)
    assert counts.waiting_in(ANA, before=NOW + 3 * SECOND, limit=9) == []
    assert len(counts.waiting_in(ANA, before=NOW + 4 * SECOND, limit=9)) == 1


# --- any sequence of moves ---------------------------------------------------------------------------------


class Queue(RuleBasedStateMachine):
    """The queue against a list per lane: whatever happens, heads come in order and one claim holds a lane."""

    worlds = itertools.count(1)

    def __init__(self):
        super().__init__()
        world = next(self.worlds)
        self.lanes = {f"{world:020x}{number:04x}": [] for number in range(3)}
        self.claimed, self.now, self.position = {}, NOW, world * 10**6

    @rule(lane=st.integers(0, 2))
    def submit(self, lane):
        self.position += 1
        name = list(self.lanes)[lane]
        submit((name, self.position), now=self.now)
        self.lanes[name].append([self.position, self.now])

    @rule(seconds=st.integers(0, 3))
    def claim(self, seconds):
        self.now += seconds * SECOND
        expected = {lane: rows[0][0] for lane, rows in self.lanes.items() if rows and rows[0][1] <= self.now}
        expected = {lane: position for lane, position in expected.items() if lane not in self.claimed}
        assert claim(*self.lanes, now=self.now) == sorted(expected.values())
        self.claimed |= expected

    @rule(
        lane=st.integers(0, 2),
        to=st.sampled_from([RequestStatus.COMPLETED, RequestStatus.FAILED, RequestStatus.DEAD]),
    )
    def end(self, lane, to):
        position = self.claimed.pop(list(self.lanes)[lane], None)
        if position:
            assert end(position, to=to, now=self.now) == 1
            assert self.lanes[list(self.lanes)[lane]].pop(0)[0] == position

    @rule(lane=st.integers(0, 2), delay=st.integers(0, 2))
    def give_back(self, lane, delay):
        name = list(self.lanes)[lane]
        position = self.claimed.pop(name, None)
        if position:
            assert release(position, delay_seconds=delay, now=self.now) == 1
            self.lanes[name][0][1] = self.now + delay * SECOND

    @invariant()
    def one_claim_holds_a_lane(self):
        found = collection(QueueRequest).find({"status": "claimed", "lane": {"$in": list(self.lanes)}})
        assert {row["lane"]: row["position"] for row in found} == self.claimed


def test_any_sequence_of_moves(db):
    case = Queue.TestCase
    case.settings = settings(max_examples=25, stateful_step_count=20, deadline=None)
    case("runTest").runTest()


def test_settled_tips_reach_the_queue_in_the_order_of_their_events():
    calls.bought(1000)
    for number in (3, 1, 2):
        calls.succeeded(number, 10)
    calls.settle()
    positions = {calls.request(number)["position"]: number for number in (1, 2, 3)}
    assert positions == {1: 3, 2: 1, 3: 2}
    assert claim(ANA) == [1]
