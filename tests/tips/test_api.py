"""`POST /api/tips`: a tip that is placed is settled when it is answered, leaves the facts of a webhook, and
leaves nothing when it is refused."""

import json

import pytest
from celery import current_app

from ground.hops import doorbell
from ground.inbox.models import WebhookDelivery
from ground.mongodb.collections import collection
from tests.factories import token_of
from tests.ground.plans import recorded
from tests.tips import calls
from tests.tips.calls import (
    ANA,
    BOB,
    SETTLED,
    balance,
    bought,
    event,
    events,
    everything,
    settle,
    state,
    succeeded,
    tip,
    tip_id,
)
from tests.tips.placing import URL, code, keys, post, queued, stored, token, told
from tips import api
from tips.intake import payloads, platforms

__all__ = ["post", "queued", "token"]
pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("proven", "queued")]


# --- once --------------------------------------------------------------------------------------------------


def test_a_placed_tip_is_settled_when_it_is_answered(post, queued):
    bought(500)
    answer = post(tip(1, 100, commission=25))
    assert told(answer) == (
        201,
        {
            "tipId": tip_id(1),
            "status": "success",
            "settlementStatus": "settled",
            "failureReason": "",
            "eventId": event()["event_id"],
        },
        False,
    )
    assert answer["Content-Type"] == "application/json"
    assert answer["X-Request-ID"]
    assert [balance(name) for name in (f"user:{BOB}", f"performer:{ANA}", "platform:commission")] == [
        400,
        75,
        25,
    ]
    assert queued == [{ANA}]


def test_it_leaves_the_facts_of_a_webhook(post):
    """The same rows with the same fields by each door; the delivery's envelope holds the very object that was
    sent."""
    bought(500)
    succeeded(1)
    settle()
    post(tip(2))
    found = everything()
    for name in ("Tip", "TipActivated", "QueueRequest"):
        first, second = found[name]
        assert first.keys() == second.keys()
    ours = ("_id", "source_ref", "delivery", "created_at", "settled_at")
    assert (
        len(
            {json.dumps({k: v for k, v in row.items() if k not in ours}, default=str) for row in found["Tip"]}
        )
        == 1
    )
    by_webhook, by_rest = (
        collection(WebhookDelivery).find_one({"subject": f"tip.succeeded/{tip_id(n)}"}) for n in (1, 2)
    )
    assert by_webhook.keys() == by_rest.keys()
    assert (by_rest["source"], by_rest["status"], by_rest["event_type"]) == (
        "rest",
        "processed",
        "tip.succeeded",
    )
    assert payloads.parse(bytes(by_rest["body"])).fingerprint == by_rest["fingerprint"]
    assert json.loads(bytes(by_rest["body"]))["data"] == tip(2)


def test_without_the_tokens_it_waits_and_the_answer_says_so(post):
    status, answer, _ = told(post())
    assert (status, answer["status"], answer["settlementStatus"], answer["eventId"]) == (
        202,
        "success",
        "pending",
        None,
    )
    bought(500)
    settle()
    assert state() == SETTLED
    assert told(post()) == (202, answer, True)  # the kept answer; `GET /api/tips/:id` tells how it stands now


def test_a_changed_default_between_a_call_and_its_repeat_changes_nothing(post, settings):
    bought(500)
    first = post()
    settings.TIP_DEFAULT_COMMISSION = 30
    assert told(post()) == (201, first.json(), True)
    assert told(post(key="key-2")) == (200, first.json(), False)
    assert succeeded() == 200
    assert event()["payload"]["commission"] == 25


def test_what_was_accepted_before_goes_before(post):
    bought(150)
    succeeded(1, 100)
    assert post(tip(2, 100)).status_code == 202
    assert (state(1), state(2)) == (SETTLED, ("success", "pending", ""))
    calls.cancelled(3, totalPrice=10)
    assert post(tip(3, 10), "key-3").json()["settlementStatus"] == "cancelled"


def test_a_tip_of_another_amount_than_the_one_that_was_cancelled_is_a_conflict(post):
    calls.cancelled(3, totalPrice=10)
    assert post(tip(3, 11), "key-3").status_code == 409


def test_when_much_waits_before_it_the_worker_settles_it(post, settings):
    settings.DRAIN_LIMIT = 1
    bought(5000)
    for number in range(2, 9):
        succeeded(number, 10)
    doorbell.answered("tips.settle")
    assert post(tip(1)).status_code == 202
    doorbell._soon.done().result()
    assert doorbell.connection().llen(current_app.conf.task_default_queue) >= 1
    while settle().handled:
        pass
    assert state() == SETTLED


def test_while_settlement_stands_still_callers_are_told_to_ask_later(post, in_threads, monkeypatch):
    """Nobody's thread waits without end, so the others of the process go on answering."""
    monkeypatch.setattr(api, "SETTLING_SECONDS", 0.2)
    bought(5000)
    numbers = iter(range(1, 9))

    def place():
        number = next(numbers)
        return post(tip(number, 100), f"key-{number}")

    assert api._settling.acquire(timeout=20)
    try:
        answers = in_threads(place, times=8, workers=8)
    finally:
        api._settling.release()
    assert {(answer.status_code, answer.json()["settlementStatus"]) for answer in answers} == {
        (202, "pending")
    }
    while settle().handled:
        pass
    assert sorted(events()) == list(range(1, 9))


def test_a_call_whose_time_is_over_starts_no_further_round(post, monkeypatch, settings):
    settings.DRAIN_LIMIT = 1
    monkeypatch.setattr(api, "SETTLING_SECONDS", 0.0)
    bought(500)
    succeeded(2, 10)
    assert post(tip(1)).status_code == 202
    assert events() == []


def test_a_reference_of_another_transfer_is_told(post):
    bought(500)
    assert post(tip(1, sourceRef="ref-1")).status_code == 201
    status, answer, _ = told(post(tip(2, sourceRef="ref-1"), "key-2"))
    assert (status, answer["status"], answer["failureReason"]) == (201, "failed", "source_ref_reused")


# --- refused: nothing is stored ----------------------------------------------------------------------------


@pytest.mark.parametrize("key", [None, "", "with space", "x" * 201, "ü"])
def test_without_a_proper_key_it_is_400_and_the_header_is_named(post, key):
    answer = post(key=key)
    assert code(answer) == (400, "malformed")
    assert answer.json()["error"]["details"]["field"] == "Idempotency-Key"
    assert answer.json()["error"]["message"].startswith("Idempotency-Key: is required")
    assert (stored(), keys()) == ([], [])


def test_the_longest_key_passes(post):
    assert post(key="!" + "/" * 198 + "~").status_code == 202


MALFORMED = {
    "empty": ("", "body"),
    "not an object": ("[]", "body"),
    "two objects": ("{}{}", "body"),
    "breaks out": ('{"a":1},"data":{"b":1}', "body"),
    "NaN": ('{"a":NaN}', "body"),
    "repeated key": ('{"tipId":1,"tipId":1}', "body"),
    "nothing": ("{}", "tipper"),
    "tip id": (json.dumps(tip(tipId="x")), "tipId"),
    "fraction": (json.dumps(tip(totalPrice=1.5)), "totalPrice"),
    "nobody": (json.dumps(tip(recipient={})), "recipient.performerId"),
    "a webhook": (calls.body("tip.succeeded", tip()).decode(), "tipper"),
}


@pytest.mark.parametrize("name", list(MALFORMED))
def test_a_malformed_body_is_400_with_its_field_and_takes_no_key(post, name):
    content, field = MALFORMED[name]
    answer = post(content=content)
    assert code(answer) == (400, "malformed")
    assert answer.json()["error"]["details"]["field"] == field
    assert (stored(), keys()) == ([], [])


@pytest.mark.parametrize("depth", range(940, 1000, 3))
def test_deep_nesting_is_never_a_500(post, depth):
    content = json.dumps(tip())[:-1] + ',"x":' + "[" * depth + "]" * depth + "}"
    assert post(content=content, key=f"k{depth}").status_code in (202, 200, 400)


def test_a_body_that_is_too_large_is_413(post):
    assert code(post(content=" " * 65_537)) == (413, "too_large")
    assert code(post(content=" " * 2_000_000)) == (413, "too_large")
    assert keys() == []


def test_only_a_platform_may_place(post, dina, ana, client):
    assert [post(token=token_of(user)).status_code for user in (dina, ana.user)] == [403, 403]
    assert post(token="no").status_code == 401
    client.force_login(dina)
    assert client.post(URL, json.dumps(tip()), content_type="application/json").status_code == 401
    assert (
        client.get(URL, headers={"Authorization": f"Token {platforms.enrol(name='stage')}"}).status_code
        == 405
    )
    assert (stored(), keys()) == ([], [])


def test_every_look_up_of_a_placement_is_indexed(post):
    bought(500)
    with recorded() as plans:
        post()
        post()
        post(key="key-2")
    unindexed = [
        plan for plan in plans if not plan.is_indexed and plan.collection != "tip_activated_chain_head"
    ]
    assert unindexed == []
