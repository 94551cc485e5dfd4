"""Callers of the REST doors, of the queue's if no others: whoever they are, each answer is as the API's
description says."""

import json
import re

import pytest
from django.test import Client

from adminpanel.staff import enrol
from ground import clock
from ground.people import Role
from lovense import tasks
from tests.chain import Chain
from tests.config.test_openapi import SCHEMA, breaches, json_of
from tests.factories import UserFactory, fund, token_of
from tips import signals
from tips.queue import requests as queue

ROOT = "/api/performance-queue"
TEST = {"type": "lovense.test", "item": {"pattern": "pulse", "intensity": 8, "durationSec": 5}}
NOBODYS = "0f3b9f5e-2c56-5e5b-9d0a-3c1e8a5f7b21"


class Caller:
    """Somebody with a token. Each answer is checked against the API's description."""

    def __init__(self, user=None, token="", root=ROOT):
        self.headers = {"Authorization": f"Token {token or token_of(user)}"} if user or token else {}
        self.root = root

    def __call__(self, method, path, body=None, **more):
        content = b"" if body is None else json.dumps(body).encode()
        answer = Client().generic(
            method.upper(), self.root + path, content, "application/json", headers=self.headers | more
        )
        operation = SCHEMA["paths"][template(self.root + path)][method]
        described = json_of(operation["responses"][str(answer.status_code)])
        assert breaches(described["schema"], answer.json()) == [] if described else answer.content == b""
        return answer


def template(path):
    """`/status/<id>?x=1` as the description writes it."""
    path = path.partition("?")[0]
    patterns = {re.sub(r"\\{\w+\\}", "[^/]+", re.escape(address)): address for address in SCHEMA["paths"]}
    found = [address for pattern, address in patterns.items() if re.fullmatch(pattern, path)]
    return path if path in found else found[0]


@pytest.fixture(autouse=True)
def _nobody_is_woken():
    signals.requests_queued.disconnect(tasks.requests_queued)
    yield
    signals.requests_queued.connect(tasks.requests_queued)


@pytest.fixture
def chain(ana, bob):
    """Ana's queue at this very time: the doors have their own clock."""
    chain = Chain(ana, now=clock.now())
    chain.publish_menu()
    chain.hold()
    fund(bob, 10_000)
    return chain


@pytest.fixture
def hers(ana):
    return Caller(ana.user)


@pytest.fixture
def strangers(carol):
    return Caller(carol.user)


@pytest.fixture
def support(dina):
    """Staff that looks, and makes things calmer."""
    return Caller(dina)


@pytest.fixture
def auditor(db):
    """Staff that looks and does not touch."""
    return Caller(enrol(username="otto", role=Role.AUDITOR, password="").user)


@pytest.fixture
def admin(db):
    return Caller(UserFactory.create(username="erin", is_staff=True, is_superuser=True))


@pytest.fixture
def nobody():
    return Caller()


def submitted(caller, **body):
    return caller("post", "/submit", TEST | body).json()["requestId"]


def tip(chain, bob, amount=100):
    return queue.request_id(chain.settled(bob, amount, createdAt=clock.iso(chain.now)))


def playing(chain, request_id):
    """It has its turn, and the page says that it has started."""
    chain.now = clock.now()
    chain.dispatch()
    key = queue.find(request_id)["idempotency_key"]
    chain.acknowledge(key, "received")
    chain.acknowledge(key, "started")
