"""`GET, PUT /api/lovense/preferences`: hers alone, each change kept once with what it was, binding what
starts from then on."""

import json
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

import pytest
from asgiref.sync import sync_to_async
from django.db import connections
from django.test import Client

from ground import clock
from ground.audit.models import AuditEntry
from ground.mongodb.collections import collection
from lovense.models import Performer
from lovense.performers import preferences
from lovense.performers.sections import PREFERENCES, SECTIONS
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
    "showsNames": True,
    "showsMessages": True,
    "hiddenWords": [],
    "noticeSound": False,
    "noticeTitle": False,
    "noticeDesktop": False,
    "noticeVibration": False,
    "noticeEmail": None,
    "ownKeys": True,
    "stopKey": None,
    "theme": "system",
    "density": "roomy",
    "timeZone": None,
    "clock": "24",
    "versions": dict.fromkeys(SECTIONS, 0),
}
VERSIONS = FRESH["versions"]


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
    as_now = FRESH | chosen | {"versions": VERSIONS | {"limits": 1, "queue": 1}}
    assert hers("put", chosen).json() == as_now
    assert hers("get").json() == as_now
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
    assert hers("put", {"maximumSeconds": None}).json() == FRESH | {"versions": VERSIONS | {"limits": 2}}


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
    ({"maximumSeconds": 31}, "maximumSeconds"),
    ({"minimumTip": 9}, "minimumTip"),
    ({"showsNames": None}, "showsNames"),
    ({"hiddenWords": "bob"}, "hiddenWords"),
    ({"hiddenWords": ["a\u202eb"]}, "hiddenWords"),
    ({"hiddenWords": ["x" * 33]}, "hiddenWords"),
    ({"hiddenWords": [str(n) for n in range(51)]}, "hiddenWords"),
    ({"noticeEmail": "ana@"}, "noticeEmail"),
    ({"stopKey": "Escape"}, "stopKey"),
    ({"stopKey": "a"}, "stopKey"),
    ({"theme": "pink"}, "theme"),
    ({"timeZone": "Mars/Base"}, "timeZone"),
    ({"clock": 12}, "clock"),
    ({"versions": {"limits": -1}}, "versions.limits"),
    ({"versions": {"walls": 1}}, "versions.walls"),
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


def test_all_that_is_wrong_is_said_at_once(hers):
    said = hers("put", {"maximumIntensity": 0, "theme": "pink", "x": 1}).json()["error"]["details"]
    assert [each["field"] for each in said["errors"]] == ["maximumIntensity", "theme", "x"]


def test_a_cap_that_the_platform_has_tightened_is_not_asked_about_again(hers, ana):
    collection(Performer).update_one({"_id": ana.pk}, {"$set": {"maximum_seconds": 40}})
    assert hers("put", {"maximumSeconds": 40, "maximumIntensity": 7}).status_code == 200
    assert hers("put", {"maximumSeconds": 41}).status_code == 400


CHOSEN = {
    "showsNames": False,
    "hiddenWords": ["bob"],
    "noticeEmail": "ana@example.com",
    "stopKey": "F8",
    "theme": "dark",
    "timeZone": "Europe/Berlin",
    "clock": "12",
}


def test_what_her_pages_go_by_is_kept_and_what_is_usual_is_left_out(hers, ana):
    hers("put", CHOSEN)
    as_now = hers("put", {"showsNames": True, "stopKey": None, "showsMessages": True}).json()
    assert {name: as_now[name] for name in CHOSEN} == CHOSEN | {"showsNames": True, "stopKey": None}
    row = collection(Performer).find_one({"_id": ana.pk})
    assert set(row["page_choices"]) == {"hiddenWords", "noticeEmail", "theme", "timeZone", "clock"}


def test_the_audit_log_keeps_neither_her_words_nor_her_address(hers):
    hers("put", CHOSEN)
    [(_, _, after)] = entries()
    assert after["page_choices.hiddenWords"] is after["page_choices.noticeEmail"] is True


def test_who_saw_a_section_before_it_changed_overwrites_nothing(hers):
    hers("put", {"maximumIntensity": 5, "versions": {"limits": 0}})
    late = hers("put", {"maximumIntensity": 9, "theme": "dark", "versions": {"limits": 0, "look": 0}})
    said = late.json()["error"]
    assert (late.status_code, said["code"]) == (409, "changed_meanwhile")
    about = {name: said["details"][name] for name in ("section", "seen", "version")}
    assert about == {"section": "limits", "seen": 0, "version": 1}
    assert said["details"]["now"]["maximumIntensity"] == 5
    assert (hers("get").json()["maximumIntensity"], hers("get").json()["theme"]) == (5, "system")


def test_another_section_and_what_is_so_already_are_in_nobodys_way(hers):
    hers("put", {"maximumIntensity": 5})
    assert hers("put", {"theme": "dark", "versions": {"look": 0}}).status_code == 200
    assert hers("put", {"maximumIntensity": 5, "versions": {"limits": 0}}).status_code == 200


def test_of_many_who_saw_the_same_one_is_written(ana):
    barrier = Barrier(6)

    def chosen(level):
        barrier.wait(10)
        about = {"performer_id": ana.pk, "by": "ana", "now": clock.now(), "seen": {"limits": 0}}
        try:
            preferences.change(**about, changes={"maximum_intensity": level})
        except preferences.SectionChanged:
            return 0
        finally:
            connections.close_all()
        return level

    with ThreadPoolExecutor(6) as threads:
        kept = [level for level in threads.map(chosen, range(1, 7)) if level]
    assert kept == [preferences.of(ana.pk)["maximum_intensity"]]


def test_every_preference_has_a_section_that_is_known():
    assert {each.section for each in PREFERENCES.values()} == set(SECTIONS)
