"""`/api/lovense/hosts`: whose apps they are, what is told of them and what never, and who may unpair one."""

import json

import pytest
from django.test import Client
from pymongo.errors import ServerSelectionTimeoutError

from ground.audit.models import AuditEntry
from ground.mongodb.collections import collection
from lovense import webhooks
from lovense.devices import hosts
from lovense.models import Device, Host
from lovense.sending import groups
from tests.config.test_openapi import SCHEMA, breaches, json_of
from tests.factories import UserFactory, token_of
from tests.lovense.devices.apps import (
    DOMAIN,
    HOST,
    LUSH,
    NORA,
    UID,
    UTOKEN,
    call,
    device,
    host,
    opened,
    said,
    take,
)

pytestmark = pytest.mark.django_db

LIST = "/api/lovense/hosts"
ONE = f"{LIST}/{HOST}"


class Caller:
    """Somebody with a token, or nobody. Each answer is checked against the API's description."""

    def __init__(self, user=None):
        self.headers = {"Authorization": f"Token {token_of(user)}"} if user else {}

    def __call__(self, method, path=LIST):
        answer = Client().generic(method, path, headers=self.headers)
        place = LIST if path.partition("?")[0] == LIST else f"{LIST}/{{host_id}}"
        described = SCHEMA["paths"][place][method.lower()]["responses"][str(answer.status_code)]
        assert breaches(json_of(described)["schema"], answer.json()) == []
        return answer


@pytest.fixture
def hers(ana):
    """Ana, whose phone is paired."""
    opened(ana)
    take(call(LUSH, NORA, appType="remote"))
    return Caller(ana.user)


@pytest.fixture
def strangers(carol):
    return Caller(carol.user)


def test_her_apps_are_listed(hers):
    answer = hers("GET")
    assert (answer.status_code, answer.json()) == (
        200,
        {
            "hosts": [
                {
                    "id": HOST,
                    "appType": "remote",
                    "platform": "android",
                    "appVersion": "7.95.1",
                    "pairedAt": "2026-01-03T04:15:00.000Z",
                    "lastSeenAt": "2026-01-03T04:15:00.000Z",
                    "toysCount": 2,
                    "isAddressRefused": False,
                }
            ]
        },
    )


def test_what_proves_an_app_and_where_it_is_is_in_no_answer(hers):
    content = hers("GET").content.decode() + hers("DELETE", ONE).content.decode()
    secrets = (UID, UTOKEN, host()["utoken_hash"] or "utoken_hash", DOMAIN, "34567", "toy-1")
    assert [secret for secret in secrets if secret in content] == []


def test_an_app_whose_address_was_refused_is_listed_as_one(hers):
    take(call(LUSH, domain="8-8-8-8.lovense.club"))
    assert hers("GET").json()["hosts"][0]["isAddressRefused"] is True


def test_a_performer_without_an_app_has_an_empty_list(hers, strangers):
    assert strangers("GET").json() == {"hosts": []}


def test_unpaired_it_is_gone_from_the_list_and_her_pages_hear_of_it(hers, ana, monkeypatch):
    told = []
    monkeypatch.setattr(groups.news, "mark", lambda whom, topic: told.append((whom, topic)))
    answer = hers("DELETE", ONE)
    assert (answer.status_code, answer.json()) == (200, {"hosts": []})
    assert (host()["uid"], device(ana)["unpaired_at"] is not None) == ("", True)
    assert told == [([ana.pk], "devices")]


def test_unpairing_again_answers_the_same_and_leaves_one_entry(hers):
    answers = [hers("DELETE", ONE) for _ in range(3)]
    assert {(answer.status_code, answer.content) for answer in answers} == {(200, b'{"hosts":[]}')}
    (entry,) = collection(AuditEntry).find({"action": "unpair"})
    assert (entry["actor"], entry["hashed_ip"] is not None) == ("ana", True)


def rows():
    return [sorted(collection(model).find(), key=lambda row: row["_id"]) for model in (Host, Device)]


def test_another_performers_app_is_one_that_does_not_exist(hers, strangers):
    before = rows()
    paths = (ONE, f"{LIST}/{'f' * 24}", f"{LIST}/x", f"{LIST}/%00")
    answers = [strangers("DELETE", path) for path in paths]
    assert {answer.status_code for answer in answers} == {404}
    assert len({answer.content for answer in answers}) == 1
    assert rows() == before


def test_they_are_hers_alone(hers, dina):
    """Neither staff nor any other account has apps."""
    before = rows()
    admin = UserFactory.create(username="erin", is_staff=True, is_superuser=True)
    for user, status in ((None, 401), (UserFactory.create(username="bob"), 403), (dina, 403), (admin, 403)):
        somebody = Caller(user)
        assert [somebody("GET").status_code, somebody("DELETE", ONE).status_code] == [status] * 2
    assert rows() == before


def test_while_the_database_is_away_it_says_so(hers, monkeypatch):
    def away(*args, **named):
        raise ServerSelectionTimeoutError

    monkeypatch.setattr(hosts, "of", away)
    assert hers("GET").status_code == 503


def test_what_the_door_for_apps_takes_and_answers_is_as_described():
    described = SCHEMA["paths"]["/api/webhooks/lovense"]["post"]
    takes = json_of(described["requestBody"])["schema"]
    assert breaches(json_of(described["responses"]["200"])["schema"], webhooks.TAKEN[1]) == []
    for body in (
        said(),
        said(toys=[LUSH], httpPort="80", version="101"),
        said(toys=json.dumps([LUSH]), domain=["x"], appType=...),
    ):
        assert breaches(takes, body) == []
    assert breaches(takes, said(uid=5))
