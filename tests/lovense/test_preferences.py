"""`GET, PUT /api/lovense/preferences`: hers alone, each change kept once with what it was, binding what
starts from then on."""

import json

import pytest
from asgiref.sync import sync_to_async
from django.test import Client

from ground import clock
from ground.audit.models import AuditEntry
from ground.mongodb.collections import collection
from lovense.models import Performer
from tests.chain import Chain
from tests.config.test_openapi import SCHEMA, breaches, json_of
from tests.factories import fund, token_of
from tests.lovense.conftest import activation_of
from tests.lovense.page import Page
from tests.lovense.sockets import token

__all__ = ["token"]
pytestmark = pytest.mark.django_db
PATH = "/api/lovense/preferences"
FRESH = {
    "bridge": "SIMULATOR",
    "maximumIntensity": 20,
    "maximumSeconds": None,
    "maximumContinuousSeconds": None,
    "restSeconds": None,
    "minimumTip": None,
    "queueMode": None,
    "autoConnect": None,
    "owedPolicy": "report",
}


def call(user, method, body=None):
    content = b"" if body is None else json.dumps(body).encode()
    headers = {"Authorization": f"Token {token_of(user)}"} if user else {}
    answer = Client().generic(method.upper(), PATH, content, "application/json", headers=headers)
    described = SCHEMA["paths"][PATH][method]["responses"][str(answer.status_code)]
    assert breaches(json_of(described)["schema"], answer.json()) == []
    return answer


@pytest.fixture
def hers(ana):
    return lambda method, body=None: call(ana.user, method, body)


def entries():
    return [
        (row["actor"], row["before"], row["after"]) for row in collection(AuditEntry).find().sort("_id", 1)
    ]


def test_what_she_has_not_chosen_is_the_platforms(hers):
    assert hers("get").json() == FRESH


def test_what_she_chooses_is_kept_with_what_it_was(hers):
    chosen = {"maximumIntensity": 5, "maximumSeconds": 9, "minimumTip": 50, "queueMode": "priority"}
    assert hers("put", chosen).json() == FRESH | chosen
    assert hers("get").json() == FRESH | chosen
    assert entries() == [
        (
            "ana",
            {"maximum_intensity": 20, "maximum_seconds": None, "minimum_tip": None, "queue_mode": None},
            {"maximum_intensity": 5, "maximum_seconds": 9, "minimum_tip": 50, "queue_mode": "priority"},
        )
    ]


def test_the_same_again_changes_nothing_and_null_takes_it_back(hers):
    for _ in range(2):
        hers("put", {"maximumSeconds": 9})
    assert len(entries()) == 1
    assert hers("put", {"maximumSeconds": None}).json() == FRESH


def test_they_bind_what_starts_from_then_on(hers, ana, bob):
    chain = Chain(ana, now=clock.now())
    chain.publish_menu()
    chain.hold()
    fund(bob, 1000)
    hers("put", {"maximumIntensity": 3, "maximumSeconds": 2, "minimumTip": 50})
    small, large = chain.settled(bob, 49), chain.settled(bob, 50)
    chain.dispatch()
    assert activation_of(small)["reason"] == "below_minimum"
    row = activation_of(large)
    assert row["promised_seconds"] == 2
    assert max(map(int, row["commands"][0]["strength"].split(";"))) == 3


async def test_her_page_is_told_whether_it_takes_the_devices_by_itself(ana, token):
    async with Page(token=token) as page:
        assert (await page.next())["autoConnect"] is True
    await sync_to_async(collection(Performer).update_one)({"_id": ana.pk}, {"$set": {"auto_connect": False}})
    async with Page(token=token) as page:
        assert (await page.next())["autoConnect"] is False


REFUSED = [
    ({"maximumIntensity": 0}, "maximumIntensity"),
    ({"maximumIntensity": 21}, "maximumIntensity"),
    ({"maximumIntensity": None}, "maximumIntensity"),
    ({"maximumIntensity": "5"}, "maximumIntensity"),
    ({"maximumSeconds": 1}, "maximumSeconds"),
    ({"maximumSeconds": 3601}, "maximumSeconds"),
    ({"maximumSeconds": True}, "maximumSeconds"),
    ({"maximumContinuousSeconds": 9}, "maximumContinuousSeconds"),
    ({"restSeconds": 0}, "restSeconds"),
    ({"minimumTip": 0}, "minimumTip"),
    ({"minimumTip": 2**53}, "minimumTip"),
    ({"queueMode": "random"}, "queueMode"),
    ({"autoConnect": 1}, "autoConnect"),
    ({"bridge": "CAM_KIT"}, "bridge"),
    ({"bridge": None}, "bridge"),
    ({"stopEpoch": 0}, "stopEpoch"),
    ({"performerId": "x"}, "performerId"),
]


@pytest.mark.parametrize(("body", "field"), REFUSED, ids=lambda each: repr(each)[:40])
def test_what_breaks_a_rule_is_refused_with_its_field_and_changes_nothing(hers, body, field):
    answer = hers("put", {"maximumIntensity": 5} | body)
    assert (answer.status_code, answer.json()["error"]["details"]["field"]) == (400, field)
    assert hers("get").json() == FRESH
    assert entries() == []


def test_they_are_a_performers_own(dina, bob):
    assert call(None, "get").status_code == 401
    assert call(dina, "get").status_code == 403
    assert call(dina, "put", {"maximumIntensity": 5}).status_code == 403
