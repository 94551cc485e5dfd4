"""`POST /api/tips` and the feed: each tip once whatever the door, each answer once whatever the repeats, each
page in order."""

import json
from collections import Counter
from datetime import timedelta

import pytest
from bson import ObjectId
from celery import current_app
from django.test import Client

from ground import clock
from ground.hops import doorbell
from ground.inbox import inbox
from ground.inbox.models import WebhookDelivery
from ground.mongodb.collections import collection
from lovense import tasks
from tests.factories import token_of
from tests.ground.plans import recorded
from tests.tips import calls
from tests.tips.calls import (
    ANA,
    BOB,
    CAROL,
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
from tips import api, signals
from tips.api import MOST_EVENTS
from tips.intake import idempotency, payloads, platforms
from tips.log import archive, eventlog
from tips.models import ChainHead, IdempotencyKey, RequestStatus, TipActivated
from tips.queue import claims
from tips.queue import requests as queue
from tips.settlement import settlement

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("proven", "queued")]

URL, FEED = "/api/tips", "/api/tips/events"
ERROR = 8000


@pytest.fixture
def queued():
    """The performers whose queues grew, as the floors above hear of it; here nothing is dispatched."""
    heard = []

    def listen(sender, *, performer_ids, **rest):
        heard.append(performer_ids)

    signals.requests_queued.disconnect(tasks.requests_queued)
    signals.requests_queued.connect(listen)
    yield heard
    signals.requests_queued.disconnect(listen)
    signals.requests_queued.connect(tasks.requests_queued)


@pytest.fixture
def token(db):
    return platforms.enrol(name="stage")


@pytest.fixture
def post(token):
    """One call: the raw answer. `key=None` leaves the header out; `content` replaces the tip's JSON."""

    def call(data=None, key="key-1", *, content=None, token=token, **headers):
        headers |= {"Authorization": f"Token {token}"} | ({"Idempotency-Key": key} if key is not None else {})
        body = content if content is not None else json.dumps(data or tip())
        return Client(raise_request_exception=False).post(
            URL, body, content_type="application/json", headers=headers
        )

    return call


def told(answer):
    """(status, JSON, whether it was kept)."""
    return answer.status_code, answer.json(), answer.headers.get("Idempotency-Hit") == "true"


def code(answer):
    found = answer.json()["error"]
    assert set(found) == {"code", "message", "details"}
    return answer.status_code, found["code"]


def stored():
    return sorted(
        (row["_id"], row["status"])
        for row in collection(WebhookDelivery).find({"event_type": "tip.succeeded"})
    )


def keys():
    return [
        (row["_id"].partition("/")[2], row["state"])
        for row in collection(IdempotencyKey).find().sort("_id", 1)
    ]


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

    assert api._settling.acquire(timeout=5)
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


def test_an_anonymous_tip_has_no_name_in_the_answer_or_the_feed(post, feed):
    bought(500)
    assert "bob" not in post(tip(isAnonymous=True)).content.decode()
    assert "bob" not in feed().content.decode()


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


# --- the feed ----------------------------------------------------------------------------------------------


@pytest.fixture
def feed(token):
    """The raw answer to a query; to another token if one is given."""

    def ask(query="", token=token):
        return Client().get(f"{FEED}?{query}", headers={"Authorization": f"Token {token}"})

    return ask


@pytest.fixture
def five():
    bought(10_000)
    for number in (5, 3, 4, 1, 2):
        succeeded(number)
    settle()


def numbers(answer):
    assert answer.status_code == 200
    return [int(row["data"]["tipId"], 16) for row in answer.json()["events"]]


def test_the_feed_is_every_event_in_the_order_of_the_log(feed, five):
    answer = feed().json()
    assert [row["sequence"] for row in answer["events"]] == [1, 2, 3, 4, 5]
    assert numbers(feed()) == [5, 3, 4, 1, 2]
    assert answer["next"] == 5
    assert answer["events"][0]["data"] == event(5)["payload"]


def test_a_page_goes_on_where_the_one_before_ended(feed, five):
    after, seen = 0, []
    while page := feed(f"after={after}&limit=2").json()["events"]:
        seen += [row["sequence"] for row in page]
        after = page[-1]["sequence"]
    assert seen == [1, 2, 3, 4, 5]
    assert feed("after=5").json() == {"events": [], "next": 5}
    assert feed("after=900").json() == {"events": [], "next": 900}
    bought(1000)
    succeeded(9)
    settle()
    assert numbers(feed("after=5")) == [9]
    assert numbers(feed("after=0&limit=2")) == [5, 3]


def test_both_projections(feed, five):
    from tips.log import events as rules

    payload = event(5)["payload"]
    assert feed("projection=ledger&limit=1").json()["events"][0]["data"] == rules.as_ledger_spec(payload)
    assert feed("projection=queue&limit=1").json()["events"][0]["data"] == rules.as_queue_spec(payload)


def test_the_queues_projection_says_how_far_it_got(feed, five, now):
    ids = {number: queue.request_id(tip_id(number)) for number in (5, 3, 4)}
    claims.claim(claims.fronts([ANA]), by="w", now=clock.now(), lease_seconds=9)
    queue.advance([ids[5]], RequestStatus.COMPLETED, now=now)
    queue.advance([ids[3]], RequestStatus.FAILED, now=now, error="device_error")
    queue.advance([ids[4]], RequestStatus.DEAD, now=now)
    rows = [row["data"] for row in feed("projection=queue").json()["events"]]
    flags = [{name: row[name] for name in row if name.startswith("process")} for row in rows]
    assert flags[:4] == [
        {"processed": True, "processedAt": clock.iso(now)},
        {"processed": False, "processingError": "device_error"},
        {"processed": False, "processingError": "dead"},
        {"processed": False},
    ]


def test_the_feed_and_a_repeated_call_reach_into_the_archive(feed, post, five):
    whole = [feed(f"projection={name}&limit=4").json() for name in ("queue", "ledger")]
    claims.claim(claims.fronts([ANA]), by="w", now=clock.now(), lease_seconds=9)
    queue.advance([queue.request_id(tip_id(5))], RequestStatus.COMPLETED, now=calls.NOW)
    before = calls.NOW + timedelta(days=1)
    assert archive.run(before=before).moved == {"events": 5, "requests": 1}
    assert feed("projection=ledger&limit=4").json() == whole[1]
    rows = feed("projection=queue&limit=4").json()["events"]
    assert rows[0]["data"] == whole[0]["events"][0]["data"] | {
        "processed": True,
        "processedAt": clock.iso(calls.NOW),
    }
    assert rows[1:] == whole[0]["events"][1:]
    assert told(post(tip(5)))[:2] == (
        200,
        {
            "tipId": tip_id(5),
            "status": "success",
            "settlementStatus": "settled",
            "failureReason": "",
            "eventId": eventlog.find(tip_id(5)).event_id,
        },
    )


@pytest.mark.parametrize(
    ("query", "field"),
    [
        *(("after=-1", "after"), ("after=x", "after"), ("after=1.5", "after"), (f"after={2**63}", "after")),
        *(("limit=0", "limit"), (f"limit={MOST_EVENTS + 1}", "limit"), ("projection=other", "projection")),
    ],
)
def test_a_wrong_parameter_is_400_and_named(feed, query, field):
    answer = feed(query)
    assert answer.status_code == 400
    assert list(answer.json()["error"]["details"]) == [field]


def test_the_feed_is_for_platforms_and_staff(feed, dina, ana, client):
    assert feed(token=token_of(dina)).status_code == 200
    assert feed(token=token_of(ana.user)).status_code == 403
    assert feed(token="no").status_code == 401
    assert client.get(FEED).status_code == 401
    client.force_login(dina)
    assert client.get(FEED).status_code == 200


@pytest.mark.parametrize("projection", ["", "projection=queue", "projection=ledger"])
def test_a_page_in_a_long_log_costs_what_it_shows(feed, projection):
    def row(number):
        payload = event_payload | {"tipId": f"{number:024x}"}
        return {"_id": f"{number:024x}", "sequence": number, "payload": payload}

    bought(500)
    succeeded()
    settle()
    event_payload = event()["payload"]
    log = collection(TipActivated)
    saved = list(log.find())
    log.delete_many({})
    log.insert_many([row(number) for number in range(1, 5001)])
    head = collection(ChainHead)
    head.update_one({}, {"$set": {"sequence": 5000}})
    with recorded(run=True) as plans:
        assert len(feed(f"after=2500&limit=100&{projection}").json()["events"]) == 100
    log.delete_many({})
    log.insert_many(saved)
    head.update_one({}, {"$set": {"sequence": 1}})
    mine = [plan for plan in plans if plan.collection in ("tip_activated_event_log", "queue_requests")]
    assert len(mine) == (2 if "queue" in projection else 1)
    assert all(plan.is_indexed and plan.examined <= 101 for plan in mine)
    assert mine[0].indexes == ["event_sequence"]


def test_an_unknown_tip_is_not_taken_for_the_feed(client, token):
    assert (
        client.get(f"/api/tips/{ObjectId()}", headers={"Authorization": f"Token {token}"}).status_code == 404
    )


@pytest.mark.parametrize("projection", ["", "&projection=queue", "&projection=ledger"])
def test_staff_read_the_feed_without_the_id_of_an_anonymous_viewer(client, dina, token, projection):
    bought(500)
    for number, is_anonymous in ((1, True), (2, False)):
        succeeded(number, 100, isAnonymous=is_anonymous)
    calls.settle()
    address = f"/api/tips/events?after=0{projection}"
    client.force_login(dina)
    hidden, named = client.get(address).json()["events"]
    assert calls.BOB not in json.dumps(hidden)
    assert "0" * 24 in json.dumps(hidden)
    assert calls.BOB in json.dumps(named)
    given = Client().get(address, headers={"authorization": f"Token {token}"}).json()["events"]
    assert all(calls.BOB in json.dumps(each) for each in given)
