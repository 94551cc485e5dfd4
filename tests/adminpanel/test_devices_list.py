"""The devices of all performers as staff has them: what is asked is found by an index, no toy's id is told,
and how they are spread is counted once a minute."""

import json
from datetime import timedelta

import pytest
from django.core import signing
from django.test import Client

from adminpanel.asking import grammar, plan
from adminpanel.lists.devices import LISTED
from adminpanel.staff import enrol
from adminpanel.watch import minutes, register
from ground import clock
from ground.audit.models import AuditEntry
from ground.mongodb.collections import collection
from ground.people import Role
from lovense.models import Device
from tests.ground.plans import fill, recorded, scans
from tests.pages import inline_code, unlabelled_fields

pytestmark = pytest.mark.django_db
PAGE, TOY = "/staff/devices", "canarytoy01"
STATES = ("connected", "disconnected", "disconnected", "error")


@pytest.fixture
def staff(db):
    made = {role: Client() for role in Role}
    for role, client in made.items():
        client.force_login(enrol(username=f"a-{role}", role=role, password="").user)
    return made


def device(performer_id, nickname="Pink one", *, toy=TOY, **more):
    given = {
        "performer_id": performer_id,
        "toy_id": toy,
        "host_id": "",
        "name": "lush",
        "toy_type": "lush",
        "status": "connected",
        "reason": "",
        "battery": 88,
        "firmware": "234",
        "functions": [{"name": "Vibrate", "source": "table"}],
        "unsupported": [],
        "last_seen_at": clock.now() - timedelta(minutes=1),
        "nickname": nickname,
        "nickname_key": nickname.lower(),
        **more,
    }
    return Device.objects.create(key=f"{performer_id}.{toy}", **given)


def text(answer, status=200):
    assert answer.status_code == status
    return " ".join(answer.content.decode().split())


# --- the list ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("role", Role)
def test_a_device_is_listed_with_how_it_is_and_whose_and_without_its_id(staff, ana, role):
    device(ana.pk, battery=12)
    html = text(staff[role].get(PAGE))
    for said in ("Pink one", "Connected", "12 %", "lush", "234", ana.display_name):
        assert said in html, said
    assert TOY not in html
    assert (inline_code(html), unlabelled_fields(html)) == ([], set())


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("", 2),
        ("status:connected", 1),
        ("status:connected,error", 2),
        ("type:nora", 1),
        ("type:LUSH", 1),
        ("firmware:234", 1),
        ("battery:1-20", 1),
        ("battery:50-", 1),
        ("reported:app", 1),
        ("reported:page", 1),
        ("reported:page,app", 2),
        ("performer:ana", 1),
        ("-performer:ana type:nora", 1),
        ("since:2h", 1),
        ("since:2h status:error", 0),
    ],
)
def test_what_is_asked_is_found(staff, ana, carol, query, found):
    device(ana.pk)
    device(
        carol.pk,
        "Other",
        toy="two",
        toy_type="nora",
        firmware="9",
        status="error",
        battery=0,
        host_id="a" * 24,
        last_seen_at=clock.now() - timedelta(hours=3),
    )
    assert text(staff[Role.SUPPORT].get(PAGE, {"q": query})).count("data-record=") == found


def test_what_she_has_removed_is_not_among_them(staff, ana):
    device(ana.pk, removed_at=clock.now(), nickname_key="")
    assert text(staff[Role.ADMIN].get(PAGE)).count("data-record=") == 0


@pytest.mark.parametrize("query", ["status:gone", "type:$where", '"pink"', "battery:full", "reported:her"])
def test_what_is_no_question_is_marked(staff, query):
    assert "Not understood" in text(staff[Role.ADMIN].get(PAGE, {"q": query}))


def row(number):
    nickname = f"toy {number}"
    return {
        "_id": f"{number % 400:024x}.{number}",
        "performer_id": f"{number % 400:024x}",
        "toy_id": str(number),
        "host_id": "" if number % 3 else f"{number:024x}",
        "name": "lush",
        "toy_type": "nora" if number % 50 == 0 else "lush",
        "status": STATES[number % 4],
        "reason": "",
        "battery": number % 101,
        "battery_points": [],
        "firmware": str(number % 80),
        "functions": [],
        "unsupported": [],
        "choices": {},
        "tests": {},
        "is_enabled": True,
        "nickname": nickname,
        "nickname_key": nickname,
        "last_seen_at": clock.now() - timedelta(seconds=number),
    }


@pytest.mark.parametrize(
    ("query", "index"),
    [
        ("", "device_by_time"),
        ("status:connected", "device_by_time"),
        ("battery:1-20", "device_by_time"),
        ("type:nora", "device_by_type"),
        ("firmware:7", "device_by_firmware"),
        ("type:lush firmware:7", "device_by_firmware"),
        ("performer:ana", "device_of_performer"),
        ("performer:ana type:nora", "device_of_performer"),
    ],
)
def test_each_question_is_answered_by_its_index_without_a_sort(ana, query, index):
    fill(Device, row)
    device(ana.pk)
    made = plan.made(LISTED, grammar.parse(query, LISTED.keys), now=clock.now())
    assert made.index == index
    with recorded(run=True) as plans:
        found = plan.slice_of(made)
        plan.slice_of(made, after=found.older)
        plan.count(made)
    assert scans(plans) == []
    assert max(each.documents for each in plans) <= 3 * len(found.rows) + 200
    assert all("toy_id" not in each and "host_id" not in each for each in found.rows)


def test_a_page_costs_a_bounded_number_of_commands(staff, ana):
    device(ana.pk)
    text(staff[Role.ADMIN].get(PAGE))
    with recorded() as plans:
        text(staff[Role.ADMIN].get(PAGE))
    assert scans(plans) == []
    assert len(plans) <= 20


def test_slices_follow_each_other_and_a_place_names_no_toy(staff, ana):
    fill(Device, row)
    seen, after = [], ""
    made = plan.made(LISTED, (), now=clock.now())
    for _ in range(3):
        found = plan.slice_of(made, after=after)
        seen += [each["_id"] for each in found.rows]
        after = found.older
        place = signing.Signer(salt="place.devices").unsign(after).partition(" ")[2]
        performer_id, nickname = place.split("/", 1)
        assert collection(Device).find_one({"performer_id": performer_id, "nickname_key": nickname})
    newest = collection(Device).find().sort([("last_seen_at", -1), ("_id", -1)]).limit(len(seen))
    assert seen == [each["_id"] for each in newest]


def test_a_place_stays_though_its_row_is_heard_again(ana):
    for number in range(6):
        at = clock.now() - timedelta(minutes=number)
        device(ana.pk, f"toy {number}", toy=str(number), last_seen_at=at)
    made = plan.made(LISTED, (), now=clock.now())
    first = plan.slice_of(made, limit=3)
    assert [row["nickname"] for row in first.rows] == ["toy 0", "toy 1", "toy 2"]
    Device.objects.filter(toy_id="2").update(last_seen_at=clock.now())
    assert [row["nickname"] for row in plan.slice_of(made, after=first.older, limit=3).rows] == [
        f"toy {number}" for number in (3, 4, 5)
    ]
    assert plan.newer_than(made, plan.cursor_of(LISTED, plan.place_of(LISTED, first.rows[0]))) == 1


@pytest.mark.parametrize("place", ["none", "a/b", "x", "2026-01-03T04:15:00.000Z x/y", "never a/b"])
def test_a_place_of_no_row_begins_anew_and_says_so(ana, place):
    device(ana.pk)
    made = plan.made(LISTED, (), now=clock.now())
    cursor = signing.Signer(salt="place.devices").sign(place)
    found = plan.slice_of(made, after=cursor)
    assert (found.is_lost, len(found.rows)) == (True, 1)


def test_a_file_names_each_by_whose_it_is_and_is_recorded(staff, ana):
    device(ana.pk)
    answer = staff[Role.AUDITOR].get(f"{PAGE}/export", {"format": "jsonl"})
    text = b"".join(answer.streaming_content).decode()
    assert json.loads(text)["id"] == f"{ana.pk}/pink one"
    assert TOY not in text
    assert [each.actor for each in AuditEntry.objects.filter(action="export")] == ["a-auditor"]


# --- all together ------------------------------------------------------------------------------------------


def test_how_they_are_spread_is_counted_with_the_minute_and_shown_beside(staff, ana, carol):
    device(ana.pk, battery=100, host_id="a" * 24)
    device(ana.pk, "Old", toy="two", battery=0, firmware="made up", toy_type="virtual")
    device(ana.pk, "Gone", toy="three", removed_at=clock.now(), nickname_key="")
    device(
        carol.pk,
        "New",
        toy="four",
        toy_type="warp9",
        battery=None,
        unsupported=["Levitate"],
        host_id="a" * 24,
    )
    now = clock.now()
    minutes.keep(now=now)
    assert register.look() == {
        "devices": 3,
        "batteries": {"0": 1, "80": 1},
        "firmwares": [
            {"type": "lush", "firmware": "234", "devices": 1},
            {"type": "warp9", "firmware": "234", "devices": 1},
        ],
        "strange": [{"type": "warp9", "is_known": False, "words": ["Levitate"], "devices": 1}],
    }
    html = text(staff[Role.SUPPORT].get(PAGE))
    for said in ("<dt>80 to 100 %</dt><dd>1</dd>", "<dt>lush · 234</dt>", "warp9 · unknown type, Levitate"):
        assert said in html, said


def test_where_nobody_has_looked_nothing_is_made_up(staff, ana):
    device(ana.pk)
    assert text(staff[Role.SUPPORT].get(PAGE)).count("nobody has looked") == 3


def test_of_very_many_devices_a_look_reads_so_many_and_by_the_index(monkeypatch):
    fill(Device, row)
    monkeypatch.setattr(register, "MOST_READ", 300)
    with recorded(run=True) as plans:
        seen = register.look()
    assert scans(plans) == []
    assert seen["devices"] == 300
    assert len(seen["firmwares"]) == register.MOST_SHOWN
