"""Whatever is sent to the door of payment systems is proven, or refused, and never more than a call like any
other."""

import asyncio
import json

import bson
import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis
from hypothesis import strategies as st

from config.asgi import application
from ground.json.errors import Refusal
from tests import hostile
from tests.tips import calls
from tests.tips.calls import body, purchase, signed, tip
from tests.tips.doors import code_of, stored
from tips import webhooks

pytestmark = pytest.mark.django_db

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
