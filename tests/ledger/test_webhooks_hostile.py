"""Whatever is sent to the door of the ledger is proven, or refused, and never more than a call like any
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
from ledger import webhooks
from ledger.rrr import signing as rrr_signing
from tests import hostile
from tests.ledger.notices import DATA, _secrets, body, code_of, headers, stored

__all__ = ["_secrets"]
pytestmark = pytest.mark.django_db

bounded = hypothesis(max_examples=600, deadline=None, suppress_health_check=list(HealthCheck))
few = hypothesis(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))
GOOD = {"event_id": "evt_1", "event_type": "POINTS_POSTED", "data": DATA}
bodies = hostile.bodies(
    hostile.mutated(GOOD, list(GOOD)), hostile.json_values.map(lambda value: body(data=value))
)
HEADERS = rrr_signing.HEADERS
STORABLE = {"key": str, "event_type": str, "subject": str, "fingerprint": str, "body": bytes}


def read(given_headers, content, target=webhooks.PATH):
    """The pure door: what it lets in, or the status of its refusal."""
    try:
        return webhooks.read_call(given_headers, target, content)
    except Refusal as refusal:
        return refusal.answer()[0]


@bounded
@given(hostile.headers(HEADERS), bodies, st.booleans())
def test_no_header_opens_the_door_whatever_is_behind_it(settings, given_headers, content, scheme_1):
    settings.RRR_WEBHOOK_SCHEME1 = scheme_1
    assert read(given_headers, content) == 401


@bounded
@given(st.data())
def test_a_good_call_with_anything_altered_is_refused(data):
    content = body()
    given_headers = headers(content)
    altered, target, sent = data.draw(hostile.damaged((given_headers, webhooks.PATH, content)))
    # The tenant is covered by nothing: another well-formed one is let in here and is a replay at the store.
    named = altered.get(rrr_signing.TENANT, "")
    if (
        altered | {rrr_signing.TENANT: "acme"} == given_headers
        and (target, sent) == (webhooks.PATH, content)
        and named
    ):
        assert (
            read(altered, sent, target) == 401
            or named.replace("-", "a").replace(".", "a").replace("_", "a").isalnum()
        )
    else:
        assert read(altered, sent, target) == 401


@bounded
@given(bodies)
def test_a_signed_body_is_let_in_as_something_that_can_be_stored_or_is_400(content):
    found = read(headers(content), content)
    if isinstance(found, int):
        assert found == 400
    else:
        made = found[0].call
        assert all(isinstance(getattr(made, name), kind) for name, kind in STORABLE.items())
        assert (len(made.key) <= 300, len(made.subject) <= 130, len(made.event_type) <= 40) == (
            True,
            True,
            True,
        )
        bson.encode({name: getattr(made, name) for name in STORABLE})


@few
@given(hostile.headers(HEADERS), bodies)
def test_over_asgi_an_unproven_call_is_401(given_headers, content):
    assert code_of(asyncio.run(raw(given_headers, content))) == (401, "bad_signature")


@few
@given(bodies)
def test_over_asgi_signed_nonsense_is_400_or_a_call_like_any_other(content):
    before = len(stored())
    status, _ = asyncio.run(raw(headers(content), content))
    assert status in (200, 400, 409)
    assert len(stored()) - before in ((0,) if status == 400 else (0, 1))


async def raw(given_headers, content):
    """The bare application: header bytes that no client would send."""
    sent, pieces = [], [content[:50], content[50:]]

    async def receive():
        return {"type": "http.request", "body": pieces.pop(0), "more_body": bool(pieces)}

    async def send_back(message):
        sent.append(message)

    names = [(name.lower().encode(), value.encode("latin-1")) for name, value in given_headers.items()]
    scope = {"type": "http", "method": "POST", "path": webhooks.PATH, "headers": names, "query_string": b""}
    await application(scope, receive, send_back)
    return sent[0]["status"], json.loads(sent[1]["body"])


def test_one_megabyte_is_never_read(db):
    """Beyond its limit a body is refused as it comes in, not when it is complete."""
    taken = []

    async def receive():
        taken.append(1)
        return {"type": "http.request", "body": b" " * 65_000, "more_body": True}

    async def ignore(message):
        pass

    scope = {"type": "http", "method": "POST", "path": webhooks.PATH, "headers": [], "query_string": b""}
    asyncio.run(application(scope, receive, ignore))
    assert len(taken) == 2
