"""The staff's page of a performer: how she stands, told to each role, recorded, and bounded."""

from datetime import timedelta

import pytest
from django.test import Client

from adminpanel.performer import limits, standing
from adminpanel.staff import enrol
from ground import clock
from ground.audit.models import AuditEntry
from ground.mongodb.collections import collection
from ground.people import Role
from lovense.deciding.rules import Rules
from lovense.lane import controls
from lovense.menus import publishing
from lovense.models import Device, Performer, Show, TipMenu
from lovense.performers import loggedin, overrides
from lovense.performers.loggedin import BrowserLogIn
from lovense.performers.overrides import OverrideWish
from lovense.sending import pages
from tests.ground.plans import recorded, scans
from tests.lovense.devices import apps
from tests.lovense.devices.apps import opened, take
from tests.pages import inline_code, unlabelled_fields
from tests.tips.calls import BOB

pytestmark = pytest.mark.django_db
MOST_COMMANDS = 20
ITEM = {"title": "Wave", "minimum": 10, "maximum": 99, "pattern": "wave", "intensity": 8, "durationSec": 20}


@pytest.fixture
def seen():
    """A client of each role."""
    made = {role: Client() for role in Role}
    for role, each in made.items():
        each.force_login(enrol(username=f"a-{role}", role=role, password="").user)
    return made


@pytest.fixture
def busy(chain, bob, ana):
    """On air, with a device, an app, two menus, a show, a tip that plays and one that waits."""
    chain.now = clock.now() - timedelta(minutes=2)
    opened(ana)
    take(apps.call())
    publishing.publish(ana.pk, [ITEM], clock.now())
    pages.take(ana.pk, page_id="page-1", channel="specific.a!b", slot="web-0", now=clock.now())
    began = clock.now() - timedelta(days=1)
    Show.objects.create(
        key=f"{ana.pk}.1",
        performer_id=ana.pk,
        began_at=began,
        ended_at=began + timedelta(hours=1),
        is_open=False,
    )
    chain.settled(bob, 50)
    chain.settled(bob, 50, isAnonymous=True, message="for your eyes")
    return chain


def page(client, ana, **more):
    answer = client.get(f"/staff/performers/{ana.pk}", more)
    assert answer.status_code == 200
    return " ".join(answer.content.decode().split())


def looks():
    return list(
        AuditEntry.objects.filter(action="look").order_by("at").values_list("actor", "type", "target", "lane")
    )


def test_it_says_how_she_stands_in_one_sentence(seen, ana, chain):
    admin = seen[Role.ADMIN]
    assert "Off air: nobody holds her devices." in page(admin, ana)
    pages.take(ana.pk, page_id="page-1", channel="specific.a!b", slot="web-0", now=clock.now())
    assert "On air, and her queue is open." in page(admin, ana)
    controls.pause(performer_id=ana.pk, by="dina", why="a break", now=clock.now())
    shown = page(admin, ana)
    assert "Paused: what waits keeps its place." in shown
    assert "Paused by <bdi>dina</bdi> since" in shown
    assert "<bdi>a break</bdi>" in shown
    controls.set_platform(key="enable_lovense", value="false", by="ada", now=clock.now())
    assert "The kill switch is on: nothing plays for anybody." in page(admin, ana)


def test_it_tells_all_of_her_in_few_commands_however_much_there_is(seen, busy, ana):
    for client in seen.values():
        page(client, ana)
    login = BrowserLogIn(str(ana.user.pk), "a-key", "Firefox", "10.1.2.3")
    loggedin.began(login, now=clock.now(), age=timedelta(hours=1))
    with recorded() as plans:
        shown = page(seen[Role.ADMIN], ana)
    assert len(plans) + len(["its entry"]) <= MOST_COMMANDS
    assert scans(plans) == []
    for said in ("Version 2, ", "Version 1, ", "Removed: <bdi>Fireworks</bdi>", "1 h 00", "50 tokens"):
        assert said in shown, said
    assert Device.objects.first().nickname in shown


def test_no_viewer_is_named_and_no_device_can_be_reached_by_what_stands_there(seen, busy, ana):
    toy = Device.objects.first()
    for role, client in seen.items():
        shown = page(client, ana)
        assert "for your eyes" not in shown, role
        assert (BOB in shown, ">bob<" in shown) == (False, False), role
        assert (toy.toy_id in shown, "10.0.0" in shown, "192.168" in shown) == (False, False, False), role


def test_every_look_is_recorded_once_and_none_at_nobody_or_by_who_may_not(seen, ana, client):
    page(seen[Role.SUPPORT], ana)
    page(seen[Role.AUDITOR], ana)
    wanted = [(f"a-{role}", "performer", ana.pk, "") for role in (Role.SUPPORT, Role.AUDITOR)]
    assert looks() == wanted
    seen[Role.ADMIN].head(f"/staff/performers/{ana.pk}")
    assert seen[Role.ADMIN].get("/staff/performers/" + "f" * 24).status_code == 404
    client.force_login(ana.user)
    assert client.get(f"/staff/performers/{ana.pk}").status_code == 403
    assert looks() == wanted


def test_where_the_look_cannot_be_recorded_nothing_is_shown(seen, ana, monkeypatch):
    def died(**_):
        raise SystemExit

    monkeypatch.setattr("adminpanel.handling.performers.audit_log.record", died)
    with pytest.raises(SystemExit):
        seen[Role.ADMIN].get(f"/staff/performers/{ana.pk}")


@pytest.mark.parametrize("key", ["$where", "%00", "x" * 300, "<b>", '{"$gt":""}', "..", "f" * 24])
def test_what_is_no_performer_is_not_found(seen, ana, key):
    assert seen[Role.ADMIN].get("/staff/performers/" + key).status_code == 404


@pytest.mark.parametrize("before", ["x", "-1", "0", "9" * 30, "$gt", "1e3"])
def test_a_version_that_is_none_shows_the_newest(seen, busy, ana, before):
    assert "Version 2, " in page(seen[Role.ADMIN], ana, menus=before)


def test_her_menus_are_told_five_at_a_time_with_what_each_changed(seen, chain, ana):
    for number in range(6):
        publishing.publish(ana.pk, [{**ITEM, "intensity": number + 1}], clock.now())
    assert TipMenu.objects.filter(performer_id=ana.pk).count() == 7
    shown = page(seen[Role.ADMIN], ana)
    assert [f"Version {number}, " in shown for number in (7, 3, 2)] == [True, True, False]
    assert "strength: 5 → 6" in shown
    older = page(seen[Role.ADMIN], ana, menus=3)
    assert [f"Version {number}, " in older for number in (3, 2, 1)] == [False, True, True]
    assert "?menus=" not in older


@pytest.mark.parametrize(
    ("hers", "override", "binds"),
    [
        ({}, {}, ["10 tokens", "30 s", "20", "30", "fifo"]),
        (
            {"minimum_tip": 15, "maximum_seconds": 12, "queue_mode": "priority"},
            {},
            ["15 tokens", "12 s", "20", "30", "priority"],
        ),
        (
            {"minimum_tip": 15, "maximum_seconds": 12, "maximum_intensity": 9, "queue_mode": "priority"},
            {
                "minimumTip": 20,
                "maximumSeconds": 15,
                "maximumIntensity": 8,
                "rateLimitPerMinute": 5,
                "queueMode": "fifo",
            },
            ["20 tokens", "12 s", "8", "5", "fifo"],
        ),
    ],
)
def test_the_limit_that_is_said_to_bind_is_the_one_that_decides(ana, hers, override, binds):
    controls.set_platform(key="minimum_tip", value="10", by="ada", now=clock.now())
    collection(Performer).update_one({"_id": ana.pk}, {"$set": hers})
    now = clock.now()
    if override:
        wish = OverrideWish(override, now + timedelta(days=1))
        overrides.change(performer_id=ana.pk, wish=wish, seen=0, by="ada", why="a test", now=now)
    found = standing.read(ana.pk, now=now)
    assert [each.words for each in found.limits] == binds
    rules = Rules.without_menus([ana.pk])
    caps, by_name = rules.caps_of(ana.pk), {each.name: each for each in found.limits}
    assert by_name["minimumTip"].binds == rules.minimum_of(rules.performers[ana.pk])
    assert (by_name["maximumSeconds"].binds, by_name["maximumIntensity"].binds) == (
        caps.seconds,
        caps.intensity,
    )
    assert (by_name["rateLimitPerMinute"].binds or 0) == rules.limit_of(ana.pk)
    assert by_name["queueMode"].binds == rules.mode_of(ana.pk)
    whose = {name: each.whose for name, each in by_name.items()}
    assert whose["minimumTip"] == (limits.OVERRIDE if override else limits.HERS if hers else limits.PLATFORM)
    assert whose["maximumSeconds"] == (limits.HERS if hers else limits.PLATFORM)


def test_the_same_is_told_over_rest_and_recorded(seen, busy, ana):
    toy = Device.objects.first()
    for role, client in seen.items():
        answer = client.get(f"/api/admin/lovense/performers/{ana.pk}")
        told = answer.json()
        assert (answer.status_code, told["says"]) == (200, standing.OPEN.words), role
        assert [each["nickname"] for each in told["devices"]] == [toy.nickname]
        assert [each["version"] for each in told["menus"]] == [2, 1]
        assert "Removed: Fireworks (100 tokens)" in told["menus"][0]["changes"]
        assert {each["name"] for each in told["limits"]} == set(overrides.NAMES)
        assert (toy.toy_id in answer.content.decode(), "bob" in answer.content.decode()) == (False, False)
    assert len(looks()) == len(Role)
    assert seen[Role.ADMIN].get("/api/admin/lovense/performers/" + "f" * 24).status_code == 404
    assert len(looks()) == len(Role)


def test_it_leads_to_the_rest_of_her_and_has_no_inline_code(seen, busy, ana):
    shown = page(seen[Role.ADMIN], ana)
    for address in (f"/staff/tips?q=performer:{ana.pk}", f"/staff/audit?q=performer:{ana.pk}+archive:yes"):
        assert address in shown
    assert "/staff/deliveries/" in shown
    assert (inline_code(shown), unlabelled_fields(shown)) == ([], set())
    assert "/staff/access/performers" not in page(seen[Role.SUPPORT], ana)
