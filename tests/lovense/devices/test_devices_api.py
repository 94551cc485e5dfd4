"""`/api/lovense/devices`: what she sees and decides of her devices, and that nobody else does."""

import json
from urllib.parse import quote

import pytest
from django.test import Client
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from ground import clock
from ground.audit.models import AuditEntry
from ground.mongodb.collections import collection
from lovense.devices import changes, choices
from lovense.devices.readings import InvalidReport
from lovense.models import Device, Performer
from lovense.sending import groups
from tests import hostile
from tests.factories import UserFactory
from tests.ground.plans import recorded
from tests.lovense.callers import Caller, _nobody_is_woken
from tests.lovense.conftest import Wire, in_collection
from tests.lovense.devices.reports import from_host, from_page, toy
from tips.intake import platforms

__all__ = ["_nobody_is_woken"]
pytestmark = pytest.mark.django_db

ROOT = "/api/lovense/devices"
PHONE = "a" * 24
NOBODYS = "507f191e810c19729de860ff.toy-1"


@pytest.fixture
def toys(ana):
    """A lush on her phone, and one that thrusts; the address of the first."""
    said = [toy(battery="88%"), toy("toy-2", name="gravity", fullFunctionNames=["Vibrate", "Thrusting"])]
    from_host(ana, PHONE, *said, now=clock.now())
    return f"/{ana.pk}.toy-1"


@pytest.fixture
def hers(ana):
    return Caller(ana.user, root=ROOT)


@pytest.fixture
def strangers(carol):
    return Caller(carol.user, root=ROOT)


def entries():
    rows = collection(AuditEntry).find({"type": "device"}).sort("_id", 1)
    return [(row["actor"], row["action"], row["before"], row["after"]) for row in rows]


def everything():
    return [list(collection(model).find().sort("_id", 1)) for model in (Device, Performer, AuditEntry)]


# --- looking -----------------------------------------------------------------------------------------------


def test_the_list_says_of_each_device_what_it_is_and_what_it_may_do(hers, toys, ana):
    gravity, lush = hers("get", "").json()["devices"]
    assert lush.pop("lastSeenAt").endswith("Z")
    assert lush == {
        "id": f"{ana.pk}.toy-1",
        "toyId": "toy-1",
        "name": "lush",
        "nickname": "Lush",
        "toyType": "lush",
        "status": "connected",
        "reason": "",
        "battery": 88,
        "firmware": "",
        "enabled": True,
        "maximumSeconds": None,
        "scalePercent": 100,
        "leadMs": 0,
        "hostId": PHONE,
        "functions": [
            {
                "name": "Vibrate",
                "isEnabled": True,
                "source": "table",
                "range": [0, 20],
                "cap": 20,
                "floor": 0,
                "isGuarded": False,
                "isUsed": True,
            }
        ],
        "unsupported": [],
    }
    thrusting = gravity["functions"][1]
    assert (thrusting["source"], thrusting["isEnabled"], thrusting["isGuarded"]) == ("gettoys", False, True)


def test_a_device_of_her_page_has_no_host_and_what_is_never_sent_is_said(hers, ana):
    from_page(ana, toy(name="solacepro", words=5), now=clock.now())
    (solace,) = hers("get", "").json()["devices"]
    assert solace["hostId"] is None
    position = next(each for each in solace["functions"] if each["name"] == "Position")
    assert (position["isUsed"], position["isEnabled"], position["range"]) == (False, False, [0, 100])


def test_the_list_is_read_in_three_look_ups_however_many_there_are(hers, ana):
    from_host(ana, PHONE, *(toy(f"toy-{n}") for n in range(16)), now=clock.now())
    with recorded() as plans:
        assert len(hers("get", "").json()["devices"]) == 16
    assert [plan.is_indexed for plan in plans if plan.collection == "devices"] == [True]
    assert len(plans) <= 4  # her token, that it was used, herself, her devices


def test_the_status_is_what_was_last_heard(hers, toys, ana):
    assert hers("get", f"{toys}/status").json()["status"] == "connected"
    from_host(ana, PHONE, toy("toy-2", name="gravity"), now=clock.now())
    away = hers("get", f"{toys}/status").json()
    assert (away["status"], away["reason"], away["battery"]) == ("disconnected", "missing", 88)


def test_a_filter_that_is_no_yes_or_no_is_refused(hers, toys):
    assert hers("get", "?removed=perhaps").status_code == 400
    assert len(hers("get", "?removed=0").json()["devices"]) == 2


# --- changing ----------------------------------------------------------------------------------------------


def test_what_she_changes_is_answered_recorded_and_told_to_her_pages(hers, toys, ana):
    channel = groups._layer_group(groups.performer_group(ana.pk))
    wire = Wire(channel)
    said = {"nickname": "Red", "maximumSeconds": 20, "enabled": False, "functions": {"Vibrate": {"cap": 7}}}
    answer = hers("put", toys, said)
    assert answer.status_code == 200
    found = answer.json()
    assert (found["nickname"], found["maximumSeconds"], found["enabled"]) == ("Red", 20, False)
    assert found["functions"][0]["cap"] == 7
    assert hers("get", "").json()["devices"][1] == found
    ((who, action, before, after),) = entries()
    assert (who, action, before["nickname"], after["choices"]) == (
        "ana",
        "change",
        "Lush",
        {"Vibrate": {"cap": 7}},
    )
    groups.news.soon.done().result(5)
    assert [where for where, _ in wire.raw()] == [channel]
    wire.close()


SO_ALREADY = [
    {},
    {"nickname": "Lush"},
    {"enabled": True},
    {"maximumSeconds": None},
    {"functions": {}},
    {"functions": {"Vibrate": {}}},
    {"functions": {"Vibrate": {"isEnabled": True, "cap": 20, "floor": 0}}},
    {"scalePercent": 100, "leadMs": 0},
    {"verified": {}},
]


@pytest.mark.parametrize("said", SO_ALREADY, ids=json.dumps)
def test_what_is_so_already_is_answered_as_it_is_and_changes_nothing(hers, toys, said):
    before = everything()
    assert hers("put", toys, said).json()["nickname"] == "Lush"
    assert everything() == before


def test_what_is_off_already_may_be_said_to_be_off(hers, toys, ana):
    before = everything()
    off = {"functions": {"Thrusting": {"isEnabled": False}}}
    assert hers("put", f"/{ana.pk}.toy-2", off).status_code == 200
    assert everything() == before


BAD = [
    ({"nickname": ""}, "nickname"),
    ({"nickname": "   "}, "nickname"),
    ({"nickname": None}, "nickname"),
    ({"nickname": "gravity"}, "nickname"),
    ({"nickname": "ＧＲＡＶＩＴＹ"}, "nickname"),
    ({"nickname": "x" * 33}, "nickname"),
    ({"nickname": "a\x07b"}, "nickname"),
    ({"nickname": ["Red"]}, "nickname"),
    ({"enabled": None}, "enabled"),
    ({"enabled": "true"}, "enabled"),
    ({"maximumSeconds": 0}, "maximumSeconds"),
    ({"maximumSeconds": 2.5}, "maximumSeconds"),
    ({"functions": None}, "functions"),
    ({"functions": {"Vibrate": None}}, "functions.Vibrate"),
    ({"functions": {"Vibrate": {"cap": 21}}}, "functions.Vibrate.cap"),
    ({"functions": {"Vibrate": {"cap": -1}}}, "functions.Vibrate.cap"),
    ({"functions": {"Vibrate": {"cap": "5"}}}, "functions.Vibrate.cap"),
    ({"functions": {"Vibrate": {"cap": 3.5}}}, "functions.Vibrate.cap"),
    ({"functions": {"Vibrate": {"cap": True}}}, "functions.Vibrate.cap"),
    ({"functions": {"Vibrate": {"cap": None}}}, "functions.Vibrate.cap"),
    ({"functions": {"Vibrate": {"isEnabled": 1}}}, "functions.Vibrate.isEnabled"),
    ({"functions": {"Vibrate": {"scale": 0}}}, "functions.Vibrate.scale"),
    ({"functions": {"Suction": {"cap": 5}}}, "functions.Suction"),
    ({"functions": {"Dance": {"cap": 5}}}, "functions.Dance"),
    ({"functions": {"Vibrate": {"floor": 21}}}, "functions.Vibrate.floor"),
    ({"functions": {"Vibrate": {"floor": -1}}}, "functions.Vibrate.floor"),
    ({"functions": {"Vibrate": {"floor": "5"}}}, "functions.Vibrate.floor"),
    ({"functions": {"Vibrate": {"floor": 3.5}}}, "functions.Vibrate.floor"),
    ({"functions": {"Vibrate": {"floor": True}}}, "functions.Vibrate.floor"),
    ({"functions": {"Suction": {"floor": 5}}}, "functions.Suction"),
    ({"scale": 0}, "scale"),
    *(({"scalePercent": bad}, "scalePercent") for bad in (0, 9, 101, -1, "50", 50.5, True, None)),
    *(({"leadMs": bad}, "leadMs") for bad in (-1, 2001, "5", 3.5, True, None)),
    ({"verified": None}, "verified"),
    ({"verified": ["Vibrate"]}, "verified"),
    ({"verified": {"Vibrate": 1}}, "verified.Vibrate"),
    ({"verified": {"Vibrate": None}}, "verified.Vibrate"),
    ({"verified": {"Suction": True}}, "verified.Suction"),
    ({"verified": {"Dance": True}}, "verified.Dance"),
]


@pytest.mark.parametrize(("said", "field"), BAD, ids=lambda each: repr(each)[:50])
def test_bad_input_is_refused_with_field_and_rule_and_changes_nothing(hers, toys, said, field):
    before = everything()
    answer = hers("put", toys, {"maximumSeconds": 9} | said)
    assert answer.status_code == 400
    error = answer.json()["error"]
    assert (error["code"], error["details"]["field"]) == ("malformed", field)
    assert error["details"]["rule"]
    assert everything() == before


def test_what_moves_hardware_is_not_switched_on_here_nor_what_is_never_sent(hers, toys, ana):
    from_host(ana, "b" * 24, toy("toy-3", name="solacepro"), now=clock.now())
    answer = hers("put", f"/{ana.pk}.toy-2", {"functions": {"Thrusting": {"isEnabled": True}}})
    assert (answer.status_code, answer.json()["error"]["code"]) == (409, "not_verified")
    assert answer.json()["error"]["details"] == {"function": "Thrusting"}
    never = hers("put", f"/{ana.pk}.toy-3", {"functions": {"Position": {"isEnabled": True}}})
    assert never.json()["error"]["details"]["field"] == "functions.Position.isEnabled"
    assert entries() == []


@pytest.mark.parametrize("toy_id", ["a b", "100%", "a?b#c", "ünï", 'x"<y>', "..", "%2F"])
def test_a_device_is_reached_whatever_its_app_calls_it(hers, ana, toy_id):
    from_host(ana, PHONE, toy(toy_id), now=clock.now())
    (found,) = hers("get", "").json()["devices"]
    address = f"/{quote(found['id'], safe='')}"
    assert hers("put", address, {"nickname": "Red"}).json()["nickname"] == "Red"
    assert hers("delete", address).status_code == 204


def test_what_would_be_part_of_another_address_is_no_id_of_a_toy(ana):
    with pytest.raises(InvalidReport, match="must not contain a slash"):
        from_page(ana, toy("a/status"), now=clock.now())


# --- removing and restoring --------------------------------------------------------------------------------


def test_a_removed_device_is_only_among_the_removed_until_it_is_restored(hers, toys):
    assert [hers("delete", toys).status_code for _ in range(2)] == [204, 204]
    assert [each["nickname"] for each in hers("get", "").json()["devices"]] == ["Gravity"]
    assert [each["nickname"] for each in hers("get", "?removed=1").json()["devices"]] == ["Lush"]
    assert hers("put", toys, {"nickname": "Red"}).status_code == 404
    assert hers("get", f"{toys}/status").status_code == 404
    assert [hers("post", f"{toys}/restore").json()["nickname"] for _ in range(2)] == ["Lush", "Lush"]
    assert hers("get", "?removed=1").json()["devices"] == []
    assert [action for _, action, _, _ in entries()] == ["remove", "restore"]


def test_of_sixteen_devices_one_has_to_go_before_another_is_restored(hers, toys, ana):
    hers("delete", toys)
    from_host(ana, PHONE, *(toy(f"toy-{n}") for n in range(2, 19)), now=clock.now())
    from_host(ana, "b" * 24, *(toy(f"more-{n}") for n in range(16)), now=clock.now())
    assert len(hers("get", "").json()["devices"]) == changes.MAX_DEVICES
    full = hers("post", f"{toys}/restore")
    assert (full.status_code, full.json()["error"]["code"]) == (409, "too_many_devices")
    assert hers("delete", f"/{ana.pk}.toy-2").status_code == 204
    assert hers("post", f"{toys}/restore").status_code == 200


# --- who may -----------------------------------------------------------------------------------------------

ALL = [
    ("get", "{}/status", None),
    ("put", "{}", {"nickname": "Mine"}),
    ("delete", "{}", None),
    ("post", "{}/restore", None),
]


@pytest.mark.parametrize(("method", "path", "body"), ALL)
def test_another_performers_device_is_one_that_does_not_exist(strangers, toys, method, path, body):
    before = everything()
    answers = [strangers(method, path.format(key), body) for key in (toys, f"/{NOBODYS}", "/x", "/%00")]
    assert [answer.status_code for answer in answers] == [404] * 4
    assert len({answer.content for answer in answers}) == 1
    assert everything() == before
    assert strangers("get", "").json() == {"devices": []}


@pytest.mark.parametrize(("method", "path", "body"), [*ALL, ("get", "", None)])
def test_nobody_but_a_performer_has_devices(toys, dina, method, path, body):
    admin = UserFactory.create(username="erin", is_staff=True, is_superuser=True)
    before = everything()
    others = [Caller(dina, root=ROOT), Caller(admin, root=ROOT)]
    others.append(Caller(token=platforms.enrol(name="stage"), root=ROOT))
    assert [who(method, path.format(toys), body).status_code for who in others] == [403] * 3
    assert Caller(root=ROOT)(method, path.format(toys), body).status_code == 401
    assert everything() == before


def test_a_session_needs_its_csrf_token(ana, toys):
    browser = Client(enforce_csrf_checks=True)
    browser.force_login(ana.user)
    assert browser.delete(ROOT + toys).status_code == 403
    browser.get("/devices")
    token = browser.cookies["csrftoken"].value
    assert browser.delete(ROOT + toys, headers={"X-CSRFToken": token}).status_code == 204


# --- nothing that is sent is our fault ---------------------------------------------------------------------


@pytest.fixture
def put(ana, toys):
    client, headers = Client(raise_request_exception=True), Caller(ana.user).headers

    def raw(content, kind="application/json"):
        return client.put(ROOT + toys, content, content_type=kind, headers=headers)

    return raw


GOOD = {"nickname": "Red", "enabled": True, "maximumSeconds": 9, "functions": {"Vibrate": {"cap": 3}}}


@hypothesis_settings(
    max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(
    hostile.bodies(
        hostile.mutated(GOOD, list(GOOD)),
        hostile.mutated({}, ["isEnabled", "cap"]).map(lambda said: b'{"functions":{"Vibrate":%s}}' % said),
    )
    | st.just(b"")
)
def test_whatever_is_sent_is_answered_and_never_with_a_500(put, content):
    answer = put(content)
    assert answer.status_code in (200, 400, 413)
    json.loads(answer.content)


def test_another_type_of_body_and_too_long_a_one_are_refused(put, settings):
    assert put(b"nickname=Red", "application/x-www-form-urlencoded").status_code == 415
    settings.WEBHOOK_MAX_BODY_BYTES = 1024
    assert put(b" " * 1025).status_code == 413


def test_when_the_database_does_not_answer_it_says_so_and_changes_nothing(hers, toys, fail_command):
    before = everything()
    fail_command("insert", errorCode=8000, **in_collection(AuditEntry))
    answer = hers("put", toys, {"nickname": "Red"})
    assert (answer.status_code, answer.json()["error"]["code"]) == (503, "unavailable")
    assert everything() == before
    assert hers("put", toys, {"nickname": "Red"}).status_code == 200
    assert choices.of(toys[1:25]).kept[1]["nickname"] == "Red"
