"""Clearing takes out what was counted, and moving up changes places with one, also at once with claims."""

import pytest

from ground.mongodb.collections import collection
from lovense.deciding.activation import activation_id
from lovense.lane import cancellation, controls
from lovense.lane.controls import AlreadyFirst, AlreadyOver, CountChanged, NoSuchRequest
from lovense.models import Activation
from lovense.sending import acknowledgement, dispatch, leases, pages
from lovense.sending.acknowledgement import Ack
from tests.factories import NOW
from tests.lovense.conftest import CHANNEL, activation_of, request_of, seconds, state
from tests.lovense.controlling import actions, drain, entries, finish, played, who
from tips.models import QueueRequest
from tips.queue import requests as queue

__all__ = ["who"]
pytestmark = pytest.mark.django_db

ERROR = 8000


# --- clearing ----------------------------------------------------------------------------------------------


def clear(who, expected, **more):
    return controls.clear(**who | more, expected=expected, why="enough")


def test_clearing_takes_out_what_waits_and_leaves_what_plays(chain, bob, who, wire):
    tips = [chain.settled(bob, 100) for _ in range(4)]
    drain(chain)
    assert controls.waiting(performer_id=chain.performer_id) == 3
    assert clear(who, 3) == 3
    assert [state(tip_id) for tip_id in tips] == [
        ("dispatched", "claimed"),
        *[("cancelled", "cancelled")] * 3,
    ]
    assert activation_of(tips[3])["cancelled_why"] == "enough"
    assert entries(chain.performer_id) == [("clear", None, {"cancelled": 3})]
    finish(chain, tips[0], delivered_seconds=10)
    wire.raw()
    assert played(chain, wire) == []
    assert clear(who, 0) == 0


def test_another_number_than_was_counted_clears_nothing(chain, bob, who):
    tip_id = chain.settled(bob, 100)
    chain.settled(bob, 100)
    for expected in (0, 1, 3):
        with pytest.raises(CountChanged) as changed:
            clear(who, expected)
        assert changed.value.actual == 2
    assert (state(tip_id), actions()) == ((None, "pending"), [])


def test_what_comes_meanwhile_stays_and_what_gets_its_turn_plays(chain, bob, who, monkeypatch):
    tips = [chain.settled(bob, 100) for _ in range(3)]
    late = []

    def in_between(performer_id, ids, wish):
        if not late:
            late.append(chain.settled(bob, 100))
            drain(chain)
        return part(performer_id, ids, wish)

    part = cancellation._clear
    monkeypatch.setattr(cancellation, "_clear", in_between)
    assert clear(who, 3) == 2
    assert [state(tip_id)[1] for tip_id in (*tips, *late)] == ["claimed", "cancelled", "cancelled", "pending"]


def test_a_process_that_dies_in_the_middle_has_cleared_whole_parts(
    chain, bob, who, fail_command, monkeypatch
):
    monkeypatch.setattr(cancellation, "CLEARED_AT_ONCE", 2)
    tips = [chain.settled(bob, 100) for _ in range(5)]
    part = cancellation._clear

    def dying(performer_id, ids, wish):
        if request_of(tips[0])["status"] == "cancelled":
            fail_command("commitTransaction", errorCode=ERROR)
        return part(performer_id, ids, wish)

    monkeypatch.setattr(cancellation, "_clear", dying)
    with pytest.raises(Exception, match="refused"):
        clear(who, 5)
    assert [state(tip_id)[1] for tip_id in tips] == ["cancelled"] * 2 + ["pending"] * 3
    monkeypatch.setattr(cancellation, "_clear", part)
    assert clear(who, 3) == 3
    assert [after for _, _, after in entries(chain.performer_id)] == [
        {"cancelled": count} for count in (2, 2, 1)
    ]


def test_clearing_twice_at_once_clears_each_once(chain, bob, who, in_threads):
    tips = [chain.settled(bob, 100) for _ in range(6)]

    def attempt():
        try:
            return clear(who, 6)
        except CountChanged:
            return 0

    assert sum(in_threads(attempt, times=4, workers=4)) == 6
    assert {state(tip_id) for tip_id in tips} == {("cancelled", "cancelled")}


def test_of_what_waits_to_be_sent_again_the_page_is_told(chain, bob, who, wire):
    tip_id = chain.settled(bob, 100)
    drain(chain)
    later = NOW + seconds(10)
    leases.expire(now=later, limit=9)
    pages.take(chain.performer_id, page_id="page-1", channel=CHANNEL, slot="web-0", now=later)
    assert clear(who, 1, now=later) == 1
    assert state(tip_id) == ("dispatched", "pending")
    assert [stop["activationIds"] for stop in wire.stops()] == [[f"{tip_id}.all"]]
    assert clear(who, 1, now=later, by="dina") == 0
    assert activation_of(tip_id)["cancelled_by"] == "ana"
    assert actions() == ["clear"]


def test_a_long_queue_is_cleared_in_bounded_parts(chain, bob, who, monkeypatch):
    monkeypatch.setattr(cancellation, "CLEARED_AT_ONCE", 40)
    for _ in range(100):
        chain.deliver(bob, 10)
    chain.settle()
    assert clear(who, 100) == 100
    assert collection(Activation).count_documents({"status": "cancelled"}) == 100
    assert actions() == ["clear"] * 3


# --- moving up ---------------------------------------------------------------------------------------------


def move_up(who, tip_id, **more):
    controls.move_up(**who | more, request_id=queue.request_id(tip_id))


def test_it_changes_places_with_the_one_before_it(chain, bob, who, wire):
    first, second, third = (chain.settled(bob, 100) for _ in range(3))
    move_up(who, third)
    move_up(who, third)
    with pytest.raises(AlreadyFirst):
        move_up(who, third)
    assert played(chain, wire) == [third, first, second]
    assert actions() == ["move_up", "move_up"]
    with pytest.raises(AlreadyOver) as over:
        move_up(who, first)
    assert over.value.ended_as == "completed"


@pytest.mark.parametrize("mode", ["fifo", "priority"])
def test_the_one_before_it_is_that_of_the_mode(chain, bob, who, wire, mode):
    """b has the lowest priority: in priority mode it is the last one, else it is where it settled."""
    a, b, c = (chain.settled(bob, 100) for _ in range(3))
    lane = chain.performer_id
    collection(QueueRequest).update_one({"idempotency_key": b}, {"$set": {"line": f"{lane}/1"}})
    controls.set_mode(**who, mode=mode)
    move_up(who, b if mode == "priority" else c)
    assert played(chain, wire) == {"fifo": [a, c, b], "priority": [a, b, c]}[mode]


def test_what_was_tried_is_not_overtaken(chain, bob, who):
    first, second = chain.settled(bob, 100), chain.settled(bob, 100)
    drain(chain)
    acknowledgement.acknowledge(
        [Ack(chain.performer_id, activation_id(first), 1, "failed", NOW, code="busy")]
    )
    assert state(first) == ("queued", "pending")
    with pytest.raises(AlreadyFirst):
        move_up(who, second)


def test_hers_alone(chain, carol, bob, who):
    chain.settled(bob, 100)
    tip_id = chain.settled(bob, 100)
    with pytest.raises(NoSuchRequest):
        move_up(who, tip_id, performer_id=carol.performer_id)


def test_at_once_with_claims_nothing_is_lost_or_doubled(chain, bob, who, wire, in_threads):
    tips = [chain.settled(bob, 100) for _ in range(6)]
    order = []
    for _ in range(6):

        def step(tip_id=tips[-1]):
            try:
                move_up(who, tip_id)
            except (AlreadyFirst, AlreadyOver):
                return

        ways = iter([step, step, lambda: dispatch.drain(now=NOW, limit=9)])
        in_threads(lambda ways=ways: next(ways)(), times=3, workers=3)
        drain(chain)
        order += [command["tipId"] for command in wire.commands()]
        finish(chain, order[-1], delivered_seconds=10)
    assert sorted(order) == sorted(tips)
    assert [tip_id for tip_id in order if tip_id != tips[-1]] == tips[:-1]
