"""`POST /api/tips` places a tip once, also when it is repeated, called by many at once, or cut short by a
death."""

import json
from collections import Counter
from datetime import timedelta

import pytest

from ground import clock
from ground.inbox import inbox
from ground.inbox.models import WebhookDelivery
from ground.mongodb.collections import collection
from tests.tips import calls
from tests.tips.calls import (
    BOB,
    CAROL,
    SETTLED,
    balance,
    bought,
    events,
    everything,
    settle,
    state,
    succeeded,
    tip,
)
from tests.tips.placing import code, keys, post, queued, stored, token, told
from tips.intake import idempotency, payloads, platforms
from tips.models import IdempotencyKey, TipActivated
from tips.settlement import settlement

__all__ = ["post", "queued", "token"]
pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("proven", "queued")]

ERROR = 8000


# --- repeated ----------------------------------------------------------------------------------------------


def test_a_repeat_is_answered_byte_for_byte_and_changes_nothing(post):
    bought(500)
    first = post()
    before = everything()
    for _ in range(3):
        again = post()
        assert (again.status_code, again.content, again["Idempotency-Hit"]) == (201, first.content, "true")
        assert again["Content-Type"] == first["Content-Type"]
    assert everything() == before
    assert "Idempotency-Hit" not in first


def test_the_same_object_written_in_another_order_is_the_same_body(post):
    bought(500)
    post()
    assert told(post(content=json.dumps(dict(reversed(tip().items())), indent=2)))[2]


@pytest.mark.parametrize(
    "change", [{"totalPrice": 101}, {"context": {"customMessage": "Hi"}}, {"unknown": 1}]
)
def test_the_same_key_with_another_body_is_422_and_nothing_happens(post, change):
    bought(500)
    post()
    before = everything()
    for _ in range(2):
        assert code(post(tip() | change)) == (422, "idempotency_key_reused")
    assert everything() == before


def test_keys_belong_to_their_client(post):
    bought(500)
    post(tip(1))
    other = platforms.enrol(name="other")
    assert told(post(tip(2), token=other))[::2] == (201, False)
    assert told(post(tip(1)))[2]
    assert events() == [1, 2]


def test_another_key_for_the_same_tip_finds_it(post):
    bought(500)
    first = post().json()
    assert told(post(key="key-2")) == (200, first, False)
    assert told(post(key="key-2")) == (200, first, True)
    assert [status for _, status in stored()] == ["processed", "duplicate"]


@pytest.mark.parametrize("order", ["webhook first", "rest first"])
def test_a_tip_sent_by_both_doors_is_one(post, order):
    bought(500)
    if order == "webhook first":
        succeeded()
        assert post().status_code == 200
    else:
        assert post().status_code == 201
        assert succeeded() == 200
    settle()
    assert (events(), balance(f"user:{BOB}")) == ([1], 400)


@pytest.mark.parametrize(
    "other", [{"totalPrice": 101}, {"recipient": {"performerId": CAROL}}, {"sourceRef": "x"}]
)
def test_other_content_under_the_same_tip_is_409_and_the_first_stands(post, other):
    bought(500)
    post()
    before = {name: rows for name, rows in everything().items() if name != "WebhookDelivery"}
    first = post(tip() | other, "key-2")
    assert code(first) == (409, "conflict")
    again = post(tip() | other, "key-2")
    assert (again.status_code, again.content, again["Idempotency-Hit"]) == (409, first.content, "true")
    assert "Retry-After" not in first
    assert {name: rows for name, rows in everything().items() if name != "WebhookDelivery"} == before
    assert [status for _, status in stored()] == ["processed", "conflict"]


def test_a_key_lives_thirty_days_and_then_mongodb_forgets_it(post):
    post()
    (row,) = collection(IdempotencyKey).find()
    assert row["expires_at"] - row["created_at"] == timedelta(days=30)
    index = collection(IdempotencyKey).index_information()["idempotency_key_expires"]
    assert (index["key"], index["expireAfterSeconds"]) == ([("expires_at", 1)], 0)


def test_a_forgotten_key_finds_the_tip_all_the_same(post):
    bought(500)
    first = post()
    collection(IdempotencyKey).delete_many({})
    assert told(post()) == (201, first.json(), False)
    assert events() == [1]


# --- concurrent --------------------------------------------------------------------------------------------


def test_twenty_threads_with_one_key_run_it_once(post, in_threads):
    bought(500)
    answers = in_threads(post, times=20, workers=20)
    fresh = [answer for answer in answers if answer.status_code == 201 and "Idempotency-Hit" not in answer]
    assert len(fresh) == 1
    for answer in answers:
        if answer.status_code == 201:
            assert answer.content == fresh[0].content
        else:
            assert code(answer) == (409, "in_progress")
            assert answer["Retry-After"] == "1"
    assert (events(), balance(f"user:{BOB}"), keys()) == ([1], 400, [("key-1", "done")])
    assert told(post()) == (201, fresh[0].json(), True)


def test_twenty_threads_with_twenty_keys_place_one_tip(post, in_threads):
    bought(500)
    numbers = iter(range(20))
    answers = in_threads(lambda: post(key=f"key-{next(numbers)}"), times=20, workers=20)
    assert Counter(answer.status_code for answer in answers) == {201: 1, 200: 19}
    assert len({answer.content for answer in answers}) == 1
    assert (events(), balance(f"user:{BOB}")) == ([1], 400)
    assert Counter(status for _, status in stored()) == {"processed": 1, "duplicate": 19}


def test_twenty_tips_at_once_are_each_settled_once(post, in_threads):
    bought(5000)
    numbers = iter(range(1, 21))

    def place():
        number = next(numbers)
        return post(tip(number, 100), f"key-{number}")

    answers = in_threads(place, times=20, workers=20)
    assert {(answer.status_code, answer.json()["settlementStatus"]) for answer in answers} == {
        (201, "settled")
    }
    assert sorted(events()) == list(range(1, 21))
    assert balance(f"user:{BOB}") == 3000


def test_both_doors_and_the_worker_at_once(post, in_threads):
    bought(5000)
    numbers = iter(range(1, 25))

    def turn():
        number = next(numbers)
        if number % 3 == 0:
            return settle() and None
        return (
            succeeded(number // 3 + 1)
            if number % 3 == 1
            else post(tip(number // 3 + 1), f"key-{number}").status_code
        )

    in_threads(turn, times=24, workers=8)
    while settle().handled:
        pass
    assert sorted(events()) == list(range(1, 9))
    assert balance(f"user:{BOB}") == 5000 - 800


# --- crashed -----------------------------------------------------------------------------------------------
# What a death leaves is a beginning of the writes: the key, the delivery, the settlement, the answer. (With
# real processes and SIGKILL: tests/tips/test_api_killed.py)


class Died(BaseException):
    """As the process does: nothing after it runs, not even what would clean up."""


@pytest.fixture
def died_after(post, token):
    """Places the tip up to a point, and then no further."""

    def die(point):
        client = str(platforms.Token.objects.get(pk=token).user_id)
        content = b'{"type":"tip.succeeded","timestamp":"%s","data":%s}' % (
            calls.AT.encode(),
            json.dumps(tip()).encode(),
        )
        message = payloads.parse(content)
        now = clock.now()
        call = payloads.as_call("rest", f"{client}/key-1", content, message, position=1, received_at=now)

        def work():
            if point != "key":
                inbox.accept([call])
            if point == "settlement":
                settlement.drain(now=now, limit=9)
            raise Died

        from tips.api import _fingerprint

        with pytest.raises(Died):
            idempotency.once(
                f"{client}/key-1", fingerprint=_fingerprint(json.dumps(tip()).encode()), now=now, work=work
            )

    return die


def end_locks():
    collection(IdempotencyKey).update_many(
        {}, {"$set": {"lock_until": clock.now() - timedelta(milliseconds=1)}}
    )


@pytest.mark.parametrize("point", ["key", "delivery", "settlement"])
def test_a_call_that_died_is_taken_over_after_its_lock_and_doubles_nothing(post, died_after, point):
    bought(500)
    died_after(point)
    for _ in range(2):
        answer = post()
        assert (code(answer), answer["Retry-After"]) == ((409, "in_progress"), "1")
    end_locks()
    status, first, hit = told(post())
    assert (status, first["settlementStatus"], hit) == (201, "settled", False)
    assert told(post()) == (201, first, True)
    assert (events(), balance(f"user:{BOB}"), keys()) == ([1], 400, [("key-1", "done")])
    assert len(stored()) == 1


def test_of_twenty_that_find_a_dead_call_one_takes_over(post, died_after, in_threads):
    bought(500)
    died_after("delivery")
    end_locks()
    answers = in_threads(post, times=20, workers=20)
    assert Counter((a.status_code, "Idempotency-Hit" in a) for a in answers)[201, False] == 1
    assert events() == [1]


def test_a_dead_calls_key_with_another_body_is_still_422(post, died_after):
    died_after("key")
    end_locks()
    assert code(post(tip(tokens=5))) == (422, "idempotency_key_reused")


@pytest.mark.parametrize("point", ["delivery", "settlement"])
def test_what_a_dead_call_recorded_is_settled_without_it(post, died_after, point):
    bought(500)
    died_after(point)
    settle()
    assert (state(), events()) == (SETTLED, [1])


def place_of(model):
    return {"namespace": f"{collection(model).database.name}.{model._meta.db_table}"}


@pytest.mark.parametrize(
    ("command", "model"),
    [("insert", IdempotencyKey), ("insert", WebhookDelivery), ("update", IdempotencyKey)],
)
def test_a_database_error_is_503_and_the_same_key_may_try_again_at_once(post, fail_command, command, model):
    bought(500)
    fail_command(command, errorCode=ERROR, **place_of(model))
    answer = post()
    assert (code(answer), answer["Retry-After"]) == ((503, "unavailable"), "1")
    assert told(post())[::2] == (201, False)
    assert events() == [1]


def test_an_error_of_the_settlement_leaves_it_to_the_worker(post, fail_command):
    bought(500)
    fail_command("insert", errorCode=ERROR, **place_of(TipActivated))
    assert told(post())[1]["settlementStatus"] == "pending"
    settle()
    assert state() == SETTLED
