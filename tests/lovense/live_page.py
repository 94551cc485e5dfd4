"""Ana's live page as she asks for it: the whole of it, one region, or the press of a button; and what that
said."""

import json

import pytest

from ground.mongodb.collections import collection
from lovense import regions
from tests.chain import SECOND, Chain
from tests.factories import fund
from tips.models import QueueRequest
from tips.queue import requests as queue

REGIONS = sorted(regions.of("live"))


@pytest.fixture(autouse=True)
def _at_the_fixed_time(monkeypatch, now):
    monkeypatch.setattr("ground.clock.now", lambda: now + SECOND)


@pytest.fixture
def chain(ana, bob):
    made = Chain(ana)
    made.publish_menu()
    fund(bob, 100_000)
    return made


@pytest.fixture
def page(client, ana):
    """`page()` is her page, `page("queue")` one region of it as HTMX asks for it; as text."""
    client.force_login(ana.user)

    def get(region=""):
        headers = {"HX-Request": "true"} if region else {}
        response = client.get("/", {"region": region} if region else {}, headers=headers)
        assert response.status_code == 200
        return " ".join(response.content.decode().split())

    return get


@pytest.fixture
def button(client, ana):
    """Presses one of her page's buttons as the page does; the answer."""
    client.force_login(ana.user)

    def press(name, **values):
        return client.post(f"/live/{name}", values, headers={"HX-Request": "true"})

    return press


def press(performer, control, **names):
    return control(performer_id=performer.performer_id, by=performer.user.username, **names)


def said(answer):
    """What a button's answer says, and what of the page has changed."""
    assert answer.status_code == 204
    events = json.loads(answer["HX-Trigger"])
    assert {"news-queue", "news-notices"} <= set(events)
    return events["said"]["text"]


def request_id(tip_id):
    return queue.request_id(tip_id)


def status_of(tip_id):
    return collection(QueueRequest).find_one({"idempotency_key": tip_id})["status"]
