"""What is said of a tip must not contradict what was said of it before, through whichever word it comes."""

import pytest

from ground.inbox import inbox
from ground.inbox.models import WebhookDelivery
from ground.mongodb.collections import collection
from tests.tips import calls
from tests.tips.calls import CAROL, body, signed, tip
from tests.tips.doors import code_of, post, stored
from tips import webhooks

__all__ = ["post"]
pytestmark = pytest.mark.django_db


@pytest.mark.parametrize(
    "other",
    [
        {"totalPrice": 101},
        {"recipient": {"performerId": CAROL}},
        {"tipper": {"userId": CAROL}},
        {"sourceRef": "x"},
    ],
)
def test_other_content_under_the_same_tip_is_409_and_the_first_stands(post, other):
    content, changed = body("tip.succeeded", tip()), body("tip.succeeded", tip() | other)
    post(content, signed(content, "msg_1"))
    first = collection(WebhookDelivery).find_one()
    for _ in range(2):
        assert code_of(post(changed, signed(changed, "msg_2"))) == (409, "conflict")
    assert collection(WebhookDelivery).find_one({"_id": "payments/msg_1"}) == first
    assert stored() == [("payments/msg_1", "received"), ("payments/msg_2", "conflict")]
    assert post(content, signed(content, "msg_1"))[0] == 200


TIP_KINDS = ("tip.succeeded", "tip.cancelled", "tip.failed")


@pytest.mark.parametrize(
    "other",
    [{"totalPrice": 900}, {"recipient": {"performerId": CAROL}}, {"tipper": {"userId": CAROL}}],
    ids=["amount", "performer", "tipper"],
)
@pytest.mark.parametrize("second", TIP_KINDS)
@pytest.mark.parametrize("first", TIP_KINDS)
def test_whatever_else_is_said_of_a_tip_must_be_of_its_amount_and_people(post, proven, first, second, other):
    content, changed = body(first, tip()), body(second, tip() | other)
    assert post(content, signed(content, "msg_1"))[0] == 202
    for delivery in ("msg_2", "msg_2", "msg_3", "msg_1"):  # repeated, once more, under a used id
        assert code_of(post(changed, signed(changed, delivery))) == (409, "conflict")
    assert {status for key, status in stored() if key != "payments/msg_1"} == {"conflict"}
    assert len(stored()) == 4
    calls.settle()
    before = calls.found()
    assert before["status"] == {"tip.succeeded": "success"}.get(first, first.partition(".")[2])
    assert code_of(post(changed, signed(changed))) == (409, "conflict")
    calls.settle()
    assert calls.found() == before
    assert post(content, signed(content, "msg_1"))[0] == 200


@pytest.mark.parametrize("refs", [("SALE_1", None), (None, "SALE_1"), ("SALE_1", "SALE_1"), (None, None)])
def test_a_cancellation_may_leave_out_what_is_optional(post, refs):
    first, second = (tip(sourceRef=ref, commission=ref and 25) for ref in refs)
    for kind, data in (("tip.succeeded", first), ("tip.cancelled", second)):
        content = body(kind, data)
        assert post(content, signed(content))[0] == 202


def test_a_cancellation_that_names_another_reference_is_a_conflict(post):
    for kind, ref, status in (("tip.succeeded", "SALE_1", 202), ("tip.cancelled", "SALE_2", 409)):
        content = body(kind, tip(sourceRef=ref))
        assert post(content, signed(content))[0] == status


@pytest.mark.parametrize("kinds", [("tip.succeeded", "tip.cancelled"), ("tip.failed", "tip.succeeded")])
@pytest.mark.parametrize("rounds", [1, 2])
def test_contradictions_that_come_at_the_same_time_are_found_when_they_are_settled(proven, kinds, rounds):
    """Neither door sees the other's: here the inbox is given both as new."""
    calls.bought(1000)
    read = [
        webhooks.read_call(signed(content), content)[0]
        for content in (body(kinds[0], tip()), body(kinds[1], tip() | {"totalPrice": 900}))
    ]
    inbox.accept(read)
    for _ in range(rounds):
        calls.settle(limit=200 if rounds == 1 else 2)
    row = calls.found()
    assert (row["total"], row["status"]) == (100, "success" if kinds[0] == "tip.succeeded" else "failed")
    (conflict,) = inbox.conflicts(limit=9)
    assert (conflict["event_type"], conflict["error"]) == (kinds[1], "contradicts_the_tip")


def test_one_call_of_a_group_that_contradicts_another_of_it_is_the_conflict():
    contents = [body("tip.succeeded", tip()), body("tip.cancelled", tip() | {"totalPrice": 900})]
    read = [webhooks.read_call(signed(content), content)[0] for content in contents]
    assert [outcome.value for outcome in webhooks.accept(read)] == ["new", "conflict"]


def test_a_conflict_changes_nothing_of_a_settled_tip(proven):
    calls.bought(1000)
    calls.succeeded(1, 100)
    calls.settle()
    before = calls.everything()
    assert calls.succeeded(1, 900) == 409
    calls.settle()
    after = calls.everything()
    assert len(after.pop("WebhookDelivery")) == len(before.pop("WebhookDelivery")) + 1
    assert after == before
