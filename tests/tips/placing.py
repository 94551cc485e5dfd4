"""A platform's calls to `POST /api/tips`: one call, what it was answered, and what it left."""

import json

import pytest
from django.test import Client

from ground.inbox.models import WebhookDelivery
from ground.mongodb.collections import collection
from lovense import tasks
from tests.tips.calls import tip
from tips import signals
from tips.intake import platforms
from tips.models import IdempotencyKey

URL = "/api/tips"


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
