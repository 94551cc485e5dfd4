"""The door of payment systems, as a plain Django view and on bare ASGI: the statuses, and that nothing
hostile gets further."""

import asyncio
import json
import logging
import time
from collections import Counter

import bson
import httpx
import pytest
from celery import current_app
from django.conf import settings
from django.test import RequestFactory
from django.urls import resolve
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis
from hypothesis import strategies as st

from config.asgi import application
from config.logging import AllowListFormatter
from ground.hops import doorbell
from ground.inbox import inbox, signing
from ground.inbox.models import WebhookDelivery
from ground.json.errors import Refusal
from ground.mongodb.collections import collection
from tests import hostile, services
from tests.tips import calls
from tests.tips.calls import CAROL, body, purchase, signed, tip, tip_id
from tips import webhooks
from tips.intake import simulator

pytestmark = pytest.mark.django_db

ERROR = 8000
STRANGE = "whsec_c3RyYW5nZS1zdHJhbmdlLXN0cmFuZ2U="


async def over_asgi(content, headers):
    """Through the application of the web process, by a real HTTP client."""
    transport = httpx.ASGITransport(app=application, raise_app_exceptions=True)
    async with httpx.AsyncClient(transport=transport, base_url="http://testserver") as client:
        answer = await client.post(webhooks.PATH, content=content, headers=headers)
    assert answer.headers["x-request-id"]
    return answer.status_code, answer.json()


DOORS = {"django": calls.post, "asgi": lambda content, headers: asyncio.run(over_asgi(content, headers))}


@pytest.fixture(params=list(DOORS))
def post(request):
    """One call to the door: (status, JSON). Every test that takes it runs once through each door."""
    return DOORS[request.param]


def stored():
    """(key, status) of every delivery."""
    return sorted((row["_id"], row["status"]) for row in collection(WebhookDelivery).find())


def code_of(answer):
    assert set(answer[1]["error"]) == {"code", "message", "details"}
    return answer[0], answer[1]["error"]["code"]


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


# --- conflicts ---------------------------------------------------------------------------------------------


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


# --- hostile calls -----------------------------------------------------------------------------------------

FIELDS = [
    "tipId",
    "totalPrice",
    "tipper",
    "recipient",
    "context",
    "commission",
    "sourceRef",
    "createdAt",
    "isAnonymous",
]
KINDS = st.sampled_from(["tip.succeeded", "tip.cancelled", "tip.failed"])
PURCHASE = list(purchase())
changed_tips = st.tuples(KINDS, hostile.mutated(tip(), FIELDS)).map(
    lambda both: body(both[0], json.loads(both[1]))
)
changed_purchases = hostile.mutated(purchase(), PURCHASE).map(
    lambda data: body("tokens.purchased", json.loads(data))
)
hostile_bodies = hostile.bodies(changed_tips, changed_purchases)
hostile_headers = st.lists(
    st.tuples(
        st.sampled_from(
            [b"webhook-id", b"webhook-timestamp", b"webhook-signature", b"x-request-id", b"content-type"]
        ),
        hostile.printable.map(lambda text: text.encode("latin-1")),
    ),
    max_size=6,
)
bounded = hypothesis(max_examples=100, deadline=None, suppress_health_check=list(HealthCheck))
many = hypothesis(max_examples=700, deadline=None, suppress_health_check=list(HealthCheck))


async def raw_asgi(headers, content):
    """The bare application: header bytes that no client would send."""
    sent, pieces = [], [content[:50], content[50:]]

    async def receive():
        return {"type": "http.request", "body": pieces.pop(0), "more_body": bool(pieces)}

    async def send(message):
        sent.append(message)

    scope = {"type": "http", "method": "POST", "path": webhooks.PATH, "headers": headers, "query_string": b""}
    await application(scope, receive, send)
    return sent[0]["status"], json.loads(sent[1]["body"])


@bounded
@given(hostile_headers, hostile_bodies)
def test_unproven_calls_are_401_whatever_they_are(db, headers, content):
    for answer in (
        asyncio.run(raw_asgi(headers, content)),
        calls.post(content, {name.decode(): value.decode("latin-1") for name, value in headers}),
    ):
        assert code_of(answer) == (401, "bad_signature")
    assert stored() == []


@bounded
@given(hostile_bodies)
def test_signed_nonsense_is_400_or_a_call_like_any_other(db, content):
    """The sender is proven, the body is not: it may even be good, but nothing is half accepted."""
    before = len(stored())
    status, answer = asyncio.run(
        raw_asgi([(name.encode(), value.encode()) for name, value in signed(content).items()], content)
    )
    assert status in (200, 202, 400, 409)
    assert len(stored()) == before + (status in (200, 202, 409))
    if status == 400:
        assert code_of((status, answer)) == (400, "malformed")
        assert set(answer["error"]["details"]) == {"field", "rule"}


def read(headers, content):
    """The pure door: what it lets in, or the status of its refusal."""
    try:
        return webhooks.read_call(headers, content)
    except Refusal as refusal:
        return refusal.answer()[0]


@many
@given(hostile.headers(webhooks.HEADERS), hostile_bodies)
def test_no_header_opens_the_door_whatever_is_behind_it(headers, content):
    assert read(headers, content) == 401


@many
@given(st.data())
def test_a_good_call_with_anything_altered_is_refused(data):
    content = body("tip.succeeded", tip())
    headers = {name: signed(content, "msg_1")[name] for name in webhooks.HEADERS}
    altered, _, sent = data.draw(hostile.damaged((headers, "", content)).filter(lambda call: not call[1]))
    assert read(altered, sent) == 401 or good_signatures(altered) == good_signatures(headers)


def good_signatures(headers):
    """A signature beside the good one, or base64 written otherwise, is still the good one."""
    texts = [part.partition(",") for part in headers.get("webhook-signature", "").split(" ")]
    found = {text.rstrip("=") for version, _, text in texts if version == "v1"}
    return (
        headers.get("webhook-id"),
        headers.get("webhook-timestamp"),
        {text[:42] for text in found if len(text) == 43},
    )


@many
@given(hostile_bodies)
def test_a_signed_body_is_let_in_as_something_that_can_be_stored_or_is_400(content):
    found = read(signed(content, "msg_1"), content)
    if isinstance(found, int):
        assert found == 400
    else:
        call = found[0]
        kept = {
            name: getattr(call, name)
            for name in ("key", "event_type", "subject", "fingerprint", "body", "position")
        }
        assert bson.decode(bson.encode(kept)) == kept
        assert len(call.event_type) <= 40


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
