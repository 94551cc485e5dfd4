"""A notice of RRR at the door of the ledger: what it says, how it is signed, the two ways in, and what was
stored."""

import asyncio
import itertools
import json
from datetime import timedelta

import httpx
import pytest
from django.test import RequestFactory

from config.asgi import application
from ground import clock
from ground.inbox.models import WebhookDelivery, WebhookNonce
from ground.mongodb.collections import collection
from ledger import webhooks
from ledger.rrr import signing as rrr_signing

OLD, NEW, STRANGE = "o" * 32, "n" * 32, "s" * 32
DATA = {"source_ref": "TIP_1", "member_id": "m1"}
_nonces = itertools.count(1)


@pytest.fixture(autouse=True)
def _secrets(settings):
    settings.RRR_WEBHOOK_SECRETS = [f"k1:{OLD}", f"k2:{NEW}"]
    settings.RRR_WEBHOOK_SCHEME1 = False


def body(event_id="evt_1", event_type="POINTS_POSTED", data=None):
    return json.dumps(
        {"event_id": event_id, "event_type": event_type, "data": DATA if data is None else data}
    ).encode()


def headers(
    content,
    *,
    secret=NEW,
    key_id="k2",
    tenant="acme",
    nonce="",
    seconds=0,
    target=webhooks.PATH,
    method="POST",
):
    return rrr_signing.signed_headers(
        secret.encode(),
        key_id=key_id,
        tenant=tenant,
        method=method,
        target=target,
        now=clock.now() + timedelta(seconds=seconds),
        nonce=nonce or f"nonce-{next(_nonces):08}",
        body=content,
    )


def through_django(content, given, target=webhooks.PATH):
    answer = webhooks.rrr(
        RequestFactory().post(target, content, content_type="application/json", headers=given)
    )
    return answer.status_code, json.loads(answer.content)


async def over_asgi(content, given, target=webhooks.PATH):
    transport = httpx.ASGITransport(app=application, raise_app_exceptions=True)
    async with httpx.AsyncClient(transport=transport, base_url="http://testserver") as http:
        answer = await http.post(target, content=content, headers=given)
    assert answer.headers["x-request-id"]
    return answer.status_code, answer.json()


def through_asgi(content, given, target=webhooks.PATH):
    return asyncio.run(over_asgi(content, given, target))


@pytest.fixture(params=[through_django, through_asgi], ids=["django", "asgi"])
def post(request):
    """One call to the door: (status, JSON). Every test that takes it runs once through each door."""
    return request.param


def stored():
    """(key, status) of every delivery."""
    return sorted((row["_id"], row["status"]) for row in collection(WebhookDelivery).find())


def nonces_kept():
    return collection(WebhookNonce).count_documents({})


def code_of(answer):
    assert set(answer[1]["error"]) == {"code", "message", "details"}
    return answer[0], answer[1]["error"]["code"]
