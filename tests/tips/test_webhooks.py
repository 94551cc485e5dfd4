"""The door of payment systems, as a plain Django view and on bare ASGI: the statuses, the lines, the
doorbell, and that what is refused is not stored."""

import asyncio
import json
import logging
import time
from collections import Counter

import httpx
import pytest
from celery import current_app
from django.conf import settings
from django.test import RequestFactory
from django.urls import resolve

from config.asgi import application
from config.logging import AllowListFormatter
from ground.hops import doorbell
from ground.inbox import signing
from ground.inbox.models import WebhookDelivery
from ground.mongodb.collections import collection
from tests import hostile, services
from tests.tips import calls
from tests.tips.calls import body, purchase, signed, tip, tip_id
from tests.tips.doors import DOORS, code_of, over_asgi, post, stored
from tips import webhooks
from tips.intake import simulator

__all__ = ["post"]
pytestmark = pytest.mark.django_db

ERROR = 8000
STRANGE = "whsec_c3RyYW5nZS1zdHJhbmdlLXN0cmFuZ2U="


# --- accepted ----------------------------------------------------------------------------------------------


def test_first_202_and_every_repeat_200_with_the_same_body(post):
    content = body("tip.succeeded", tip())
    answers = [post(content, signed(content, "msg_1")) for _ in range(3)]
    assert answers == [(status, {"received": True, "tipId": tip_id(1)}) for status in (202, 200, 200)]
    assert stored() == [("payments/msg_1", "received")]


def test_the_same_tip_by_another_delivery_is_a_repeat(post):
    content = body("tip.succeeded", tip())
    assert [post(content, signed(content, f"msg_{n}"))[0] for n in (1, 2)] == [202, 200]
    assert stored() == [("payments/msg_1", "received"), ("payments/msg_2", "duplicate")]


def test_the_raw_bytes_are_kept(post):
    content = (
        b' {"type" : "tip.succeeded",\n"timestamp":"2026-01-03T04:15:00Z", "data": %s}'
        % json.dumps(tip()).encode()
    )
    assert post(content, signed(content))[0] == 202
    assert bytes(collection(WebhookDelivery).find_one()["body"]) == content


def test_a_purchase_is_answered_with_its_id(post):
    content = body("tokens.purchased", purchase(3))
    assert post(content, signed(content)) == (202, {"received": True, "purchaseId": "p3"})


def test_a_type_that_we_do_not_know_is_stored_and_ignored(post):
    content = b'{"type":"survey.sent"}'
    assert [post(content, signed(content, "msg_1"))[0] for _ in range(2)] == [202, 200]
    assert stored() == [("payments/msg_1", "ignored")]


def test_header_names_are_of_any_case(post):
    content = body("tip.succeeded", tip())
    assert post(content, {name.title(): value for name, value in signed(content).items()})[0] == 202


def test_both_doors_are_one():
    content = body("tip.succeeded", tip())
    headers = signed(content)
    assert [DOORS[name](content, headers) for name in ("django", "asgi")] == [
        (202, {"received": True, "tipId": tip_id(1)}),
        (200, {"received": True, "tipId": tip_id(1)}),
    ]


async def with_lines(content, headers):
    """Through the application, with headers that may come twice."""
    transport = httpx.ASGITransport(app=application, raise_app_exceptions=True)
    async with httpx.AsyncClient(transport=transport, base_url="http://testserver") as client:
        return (await client.post(webhooks.PATH, content=content, headers=headers)).status_code


@pytest.mark.parametrize("good_is", ["first", "last"])
def test_every_line_of_signatures_counts(good_is):
    content = body("tip.succeeded", tip())
    good = signed(content, "msg_1")
    wrong = signing.sign(STRANGE, "msg_1", int(time.time()), content)
    lines = [("webhook-signature", wrong), *good.items()]
    if good_is == "first":
        lines.reverse()
    assert asyncio.run(with_lines(content, lines)) == 202


@pytest.mark.parametrize("name", ["webhook-id", "webhook-timestamp"])
def test_an_id_or_a_time_that_is_given_twice_is_none(name):
    content = body("tip.succeeded", tip())
    good = signed(content, "msg_1")
    assert asyncio.run(with_lines(content, [*good.items(), (name, good[name])])) == 401
    assert stored() == []


# --- what support can search for ---------------------------------------------------------------------------


@pytest.fixture
def refused_lines():
    """What is written about refused calls, as the log's own formatter writes it, in its moment."""

    class Lines(logging.StreamHandler):
        def emit(self, record):
            line = json.loads(self.format(record))
            assert line["trace_id"]
            wanted = ("delivery_id", "tip_id", "error_code", "field")
            found.append({name: value for name, value in line.items() if name in wanted})

    found, handler = [], Lines()
    handler.setFormatter(AllowListFormatter())
    logging.getLogger("ground.inbox.answers").addHandler(handler)
    yield found
    logging.getLogger("ground.inbox.answers").removeHandler(handler)


def over_http(content, headers):
    """Through the door that writes its lines under the id of the request."""
    return asyncio.run(over_asgi(content, headers))[0]


def test_a_refused_call_leaves_a_line_that_can_be_searched_for(refused_lines, settings):
    settings.WEBHOOK_MAX_BODY_BYTES = 4096
    broken, conflict = body("tip.succeeded", tip(totalPrice=1.5)), body("tip.succeeded", tip(totalPrice=7))
    good, long = body("tip.succeeded", tip()), b" " * 5000
    sent = [
        (broken, signed(broken, "msg_1"), 400),
        (good, signed(good, "msg_2"), 202),
        (conflict, signed(conflict, "msg_3"), 409),
        (good, signed(broken, "msg_4"), 401),
        (long, signed(long, "msg_5"), 413),
        (good, signed(good, "msg_6") | {"content-encoding": "gzip"}, 415),
        (b"[]", signed(b"[]", "msg_7"), 400),
        (good, signed(good, "bob <script>"), 401),
    ]
    for content, headers, status in sent:
        assert over_http(content, headers) == status
    assert refused_lines == [
        {"delivery_id": "msg_1", "tip_id": tip_id(1), "error_code": "malformed", "field": "data.totalPrice"},
        {"delivery_id": "msg_3", "tip_id": tip_id(1), "error_code": "conflict"},
        {"delivery_id": "msg_4", "error_code": "bad_signature"},
        {"delivery_id": "msg_5", "error_code": "too_large"},
        {"delivery_id": "msg_6", "error_code": "unsupported_media_type"},
        {"delivery_id": "msg_7", "error_code": "malformed", "field": "body"},
        {"error_code": "bad_signature"},
    ]


# --- refused: nothing is stored ----------------------------------------------------------------------------


def call(content=None, *, seconds=0, sent=None, without="", **changed):
    """(content, headers) of a call signed `seconds` from now; then other content is sent, or a header changed
    or left out."""
    content = body("tip.succeeded", tip()) if content is None else content
    secret = settings.PAYMENT_WEBHOOK_SECRETS[0]
    headers = simulator.headers(secret, "msg_1", content, timestamp=int(time.time()) + seconds)
    headers |= {name.replace("_", "-"): value for name, value in changed.items()}
    return content if sent is None else sent, {
        name: value for name, value in headers.items() if name != without
    }


UNPROVEN = {
    "no headers": lambda: (call()[0], {}),
    "no id": lambda: call(without="webhook-id"),
    "no timestamp": lambda: call(without="webhook-timestamp"),
    "no signature": lambda: call(without="webhook-signature"),
    "altered body": lambda: call(sent=call()[0] + b" "),
    "re-serialised body": lambda: call(sent=json.dumps(json.loads(call()[0]), indent=1).encode()),
    "wrong length": lambda: call(webhook_signature=call()[1]["webhook-signature"][:-5]),
    "wrong key": lambda: call(webhook_signature=signing.sign(STRANGE, "msg_1", int(time.time()), call()[0])),
    "altered id": lambda: call(webhook_id="msg_x"),
    "old": lambda: call(seconds=-301),
    "future": lambda: call(seconds=302),
    "fraction of a second": lambda: call(webhook_timestamp=f"{int(time.time())}.9"),
    "unsigned nonsense": lambda: (b"\xff", {"webhook-id": "msg_1"}),
}
MALFORMED = {
    "empty": (b"", "body"),
    "duplicate keys": (b'{"type":"a","type":"b"}', "body"),
    "NaN": (b'{"type":"tip.succeeded","data":NaN}', "body"),
    "a number too long": (b'{"type":' + b"9" * 60_000 + b"}", "body"),
    "nested deeply": (b'{"data":' * 5_000 + b"1" + b"}" * 5_000, "body"),
    "not an object": (b"[]", "body"),
    "not UTF-8": (b"\xff\xfe", "body"),
    "nothing but a type": (b'{"type":"tip.succeeded"}', "timestamp"),
    "tip id": (body("tip.succeeded", tip(tipId="x")), "data.tipId"),
    "fraction": (body("tip.succeeded", tip(totalPrice=1.5)), "data.totalPrice"),
    "too many tokens": (body("tip.succeeded", tip(totalPrice=2**53)), "data.totalPrice"),
    "nobody": (body("tip.succeeded", tip(recipient={})), "data.recipient.performerId"),
    "no time": (body("tip.cancelled", tip(createdAt="now")), "data.createdAt"),
    "negative purchase": (body("tokens.purchased", purchase(tokens=-5)), "data.tokens"),
}


@pytest.mark.parametrize("name", list(UNPROVEN))
def test_an_unproven_call_is_401_and_nothing_is_stored(post, name):
    assert code_of(post(*UNPROVEN[name]())) == (401, "bad_signature")
    assert stored() == []


@pytest.mark.parametrize("name", list(MALFORMED))
def test_a_malformed_body_is_400_with_its_field_and_nothing_is_stored(post, name):
    content, field = MALFORMED[name]
    answer = post(*call(content))
    assert code_of(answer) == (400, "malformed")
    assert answer[1]["error"]["details"]["field"] == field
    assert answer[1]["error"]["message"].startswith(f"{field}: ")
    assert stored() == []


@pytest.mark.parametrize("size", [65_537, hostile.MEGABYTE, 3 * hostile.MEGABYTE])
@pytest.mark.parametrize("is_signed", [False, True])
def test_a_body_that_is_too_large_is_413_and_nothing_is_stored(post, size, is_signed):
    content = b" " * size
    assert code_of(post(content, call(content)[1] if is_signed else {})) == (413, "too_large")
    assert stored() == []


@pytest.mark.parametrize(
    "moment", ["0001-01-01T00:00:00Z", "1969-12-31T23:59:59Z", "9999-12-31T23:59:59Z", "0000-00-00T00:00:00Z"]
)
@pytest.mark.parametrize("kind", ["tip.succeeded", "tip.cancelled", "tip.failed", "tokens.purchased"])
def test_a_time_outside_of_our_days_is_refused_at_the_door(post, kind, moment):
    data = (purchase() if kind == "tokens.purchased" else tip()) | {"createdAt": moment}
    content = body(kind, data)
    answer = post(content, signed(content))
    assert (answer[0], answer[1]["error"]["details"]["field"], stored()) == (400, "data.createdAt", [])


def test_the_largest_body_passes(post):
    content = body("tip.succeeded", tip())
    content += b" " * (65_536 - len(content))
    assert post(content, signed(content))[0] == 202


def test_without_a_secret_everything_is_refused(post, settings):
    content = body("tip.succeeded", tip())
    headers = signed(content)
    settings.PAYMENT_WEBHOOK_SECRETS = []
    assert code_of(post(content, headers)) == (401, "bad_signature")


def test_a_rotated_secret_is_accepted_beside_the_new_one(post, settings):
    content = body("tip.succeeded", tip())
    headers = signed(content)
    settings.PAYMENT_WEBHOOK_SECRETS = [
        "whsec_bmV3LW5ldy1uZXctbmV3LW5ldy1uZXc=",
        *settings.PAYMENT_WEBHOOK_SECRETS,
    ]
    assert post(content, headers)[0] == 202


def test_when_it_cannot_be_stored_the_sender_is_told_to_send_it_again(post, fail_command):
    content = body("tip.succeeded", tip())
    fail_command("insert", errorCode=ERROR)
    assert code_of(post(content, signed(content, "msg_1"))) == (503, "unavailable")
    assert stored() == []
    assert post(content, signed(content, "msg_1"))[0] == 202


def test_the_plain_view_is_routed_and_takes_only_posts():
    assert resolve(webhooks.PATH).func is webhooks.payments
    assert webhooks.payments(RequestFactory().get(webhooks.PATH)).status_code == 405


# --- at once -----------------------------------------------------------------------------------------------


def test_fifty_threads_post_one_tip_and_one_delivery_counts(in_threads):
    content = body("tip.succeeded", tip())
    answers = in_threads(lambda: calls.post(content, signed(content)), times=50, workers=50)
    assert Counter(status for status, _ in answers) == {202: 1, 200: 49}
    assert Counter(status for _, status in stored()) == {"received": 1, "duplicate": 49}
    assert collection(WebhookDelivery).count_documents({"subject": {"$type": "string"}}) == 1


async def test_of_two_hundred_calls_at_once_each_has_its_own_answer():
    contents = [body("tip.succeeded", tip(number)) for number in range(1, 101)] * 2
    answers = await asyncio.gather(*(over_asgi(content, signed(content)) for content in contents))
    assert Counter(status for status, _ in answers) == {202: 100, 200: 100}
    for content, (_, answer) in zip(contents, answers, strict=True):
        assert answer["tipId"] == json.loads(content)["data"]["tipId"]


# --- the doorbell ------------------------------------------------------------------------------------------


def test_settlement_is_rung_for_what_is_new_and_not_for_repeats(post):
    content = body("tip.succeeded", tip())
    queue = current_app.conf.task_default_queue
    doorbell._soon.done().result()  # it rings on a thread of its own: what another test asked for is over
    doorbell.answered("tips.settle")
    before = doorbell.connection().llen(queue)
    for _ in range(3):
        post(content, signed(content))
        doorbell._soon.done().result()
        doorbell.answered("tips.settle")
    assert doorbell.connection().llen(queue) == before + 1


def test_without_redis_deliveries_are_accepted_all_the_same(post):
    services.running.redis.stop()
    try:
        content = body("tip.succeeded", tip())
        assert [post(content, signed(content, "msg_1"))[0] for _ in range(2)] == [202, 200]
    finally:
        services.running.redis.start()
    assert stored() == [("payments/msg_1", "received")]
