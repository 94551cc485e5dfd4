"""A delivery or a tip with which nothing can be done is counted and set aside, and holds up nobody."""

import time
from datetime import timedelta

import pytest

from ground.inbox import inbox
from ground.inbox.models import WebhookDelivery
from ground.mongodb.collections import collection
from tests.factories import NOW, fund
from tests.tips.calls import (
    ANA,
    BOB,
    GRACE,
    NO_FUNDS,
    SETTLED,
    TICK,
    WAITING,
    balance,
    bought,
    end_grace,
    event,
    found,
    request,
    settle,
    state,
    succeeded,
    tip_id,
)
from tips.models import Tip
from tips.settlement import settlement
from tips.settlement.writes import Drained

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("proven")]


def poison(key="payments/poison", position=1):
    row = {
        "_id": key,
        "source": "payments",
        "event_type": "tip.succeeded",
        "subject": f"tip.succeeded/{key}",
        "fingerprint": "x",
        "body": b"{",
        "status": "received",
        "position": position,
        "received_at": NOW,
        "processed_at": None,
        "attempts": 0,
        "error": "",
    }
    collection(WebhookDelivery).insert_one(row)


def test_a_delivery_that_cannot_be_processed_holds_up_nobody(caplog):
    poison(position=1)
    bought(500)
    succeeded(1)
    poison("payments/other", position=2**62)
    succeeded(2)
    assert settle() == Drained(3, {ANA})
    assert [state(1), state(2)] == [SETTLED, SETTLED]
    row = collection(WebhookDelivery).find_one({"_id": "payments/poison"})
    assert (row["status"], row["attempts"], row["error"]) == ("received", 1, "Malformed")
    assert {record.msg for record in caplog.records} == {"settlement_failed"}


def test_however_many_cannot_be_processed_the_others_are_settled_and_those_leave_the_line():
    """More than a round takes."""
    for number in range(9):
        poison(f"payments/{number}", position=time.time_ns())
    bought(500)
    succeeded(1)
    now, rounds = NOW, 0
    while inbox.oldest(("payments",)):
        settle(now, limit=4)
        now += timedelta(seconds=1)
        rounds += 1
        assert rounds < 400
        if rounds == 5:
            assert state(1) == SETTLED
    assert inbox.count_set_aside(limit=99) == 9


def test_alone_it_is_counted_and_the_round_says_that_nothing_was_done():
    poison()
    assert [settle(NOW + n * timedelta(minutes=1)).handled for n in range(3)] == [0, 0, 0]
    assert collection(WebhookDelivery).find_one()["attempts"] == 3
    succeeded(1)
    bought(500)
    settle()
    assert state(1) == SETTLED


def broken(number):
    """A waiting tip whose tokens came and which nothing can settle: no event may be made of it."""
    succeeded(number, 100)
    settle()
    collection(Tip).update_one({"_id": tip_id(number)}, {"$set": {"type": "gift"}})


def test_a_tip_that_cannot_be_ended_holds_up_no_other(caplog, bob):
    for number in (1, 3):
        succeeded(number, 100)
        settle()
    broken(2)
    fund(bob, 300)  # past the inbox: wakes nobody
    assert end_grace(NOW + GRACE) == Drained(2, {ANA})
    assert [state(number) for number in (1, 2, 3)] == [SETTLED, WAITING, SETTLED]
    assert [record.tip_id for record in caplog.records if record.msg == "grace_not_ended"] == [tip_id(2)]
    assert [found(number)["needs_reconciliation"] for number in (1, 2, 3)] == ["", "not_ended", ""]


def test_it_lets_others_go_first_and_ends_when_it_can(bob):
    broken(1)
    succeeded(2, 10_000)
    settle(NOW + TICK)
    fund(bob, 100)
    later = NOW + GRACE + TICK
    assert [end_grace(later, limit=1).handled for _ in range(3)] == [0, 1, 0]
    assert (state(1), state(2)) == (WAITING, NO_FUNDS)
    collection(Tip).update_one({"_id": tip_id(1)}, {"$set": {"type": "tip"}})
    assert end_grace(later + settlement.POSTPONED).performers == {ANA}
    assert state(1) == SETTLED


def test_an_event_is_never_born_from_anything_but_a_successful_tip():
    for change in ({"type": "gift"}, {"status": "pending"}):
        succeeded(1, 100)
        settle()
        collection(Tip).update_one({}, {"$set": change})
        bought(500)
        settle()
        assert (event(), request(), balance(f"user:{BOB}")) == (None, None, 0)
