"""The staff's list of performers: names whole or by their beginning, each key by its index, and how each
stands now."""

from datetime import timedelta

import pytest
from django.test import Client

from adminpanel.asking import grammar, plan
from adminpanel.lists.performers import performers_named
from adminpanel.performer.listing import LISTED, MOST_BEGIN_SO
from adminpanel.staff import enrol
from ground import clock
from ground.audit.models import AuditEntry
from ground.mongodb.collections import collection
from ground.people import Role
from lovense.lane import controls
from lovense.models import Performer
from lovense.performers import overrides
from lovense.performers.overrides import OverrideWish
from lovense.sending import pages
from tests.ground.plans import fill, recorded, scans
from tests.pages import inline_code, unlabelled_fields

pytestmark = pytest.mark.django_db
PAGE = "/staff/performers"


@pytest.fixture
def browser(db):
    made = Client()
    made.force_login(enrol(username="sue", role=Role.SUPPORT, password="").user)
    return made


def shown(browser, query="", **more):
    answer = browser.get(PAGE, {"q": query, **more})
    assert answer.status_code == 200
    return " ".join(answer.content.decode().split())


def change(performer, **fields):
    collection(Performer).update_one({"_id": performer.pk}, {"$set": fields})


def test_each_is_told_with_how_she_stands_now(browser, ana, carol):
    pages.take(ana.pk, page_id="page-1", channel="specific.a!b", slot="web-0", now=clock.now())
    controls.pause(performer_id=carol.pk, by="dina", why="", now=clock.now())
    wish = OverrideWish({"maximumSeconds": 9}, clock.now() + timedelta(days=1))
    overrides.change(performer_id=ana.pk, wish=wish, seen=0, by="ada", why="a test", now=clock.now())
    html = shown(browser)
    for said in (
        "On air",
        "Off air",
        "Paused",
        "Open",
        f"{wish.until:%Y-%m-%d %H:%M:%S} UTC",
        "2 performers",
    ):
        assert said in html, said
    assert f'<a data-opens href="/staff/performers/{ana.pk}">Ana</a>' in html
    assert (inline_code(html), unlabelled_fields(html)) == ([], set())


def test_one_enrolled_long_ago_is_listed_without_being_asked_for(browser, ana):
    change(ana, created_at=clock.now() - timedelta(days=900))
    assert shown(browser).count("data-record=") == 1
    assert shown(browser, "since:90d").count("data-record=") == 0


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("name:Ana", 1),
        ("name:An*", 1),
        ("name:ana", 0),
        ("name:*", 2),
        ("name:Ana,Ca*", 2),
        ("-name:Ana", 1),
        ("name:An", 0),
        ("name:nobody*", 0),
        ("name:.*", 0),
        ("name:$ne", 0),
        ('name:"<b>"', 0),
        ("paused:yes", 1),
        ("stopped:yes", 0),
        ("menu:none", 2),
        ("bridge:simulator", 2),
        ("bridge:extension", 0),
        ("bridge:simulator paused:yes", 1),
        ("-bridge:simulator", 0),
    ],
)
def test_what_is_asked_is_found(browser, ana, carol, query, found):
    controls.pause(performer_id=carol.pk, by="dina", why="", now=clock.now())
    assert shown(browser, query).count("data-record=") == found


def test_a_pause_that_is_over_is_none(browser, ana):
    change(ana, paused_at=clock.now() - timedelta(hours=1), paused_until=clock.now() - timedelta(minutes=1))
    assert shown(browser, "paused:yes").count("data-record=") == 0


@pytest.mark.parametrize(
    "query",
    [
        "name:",
        "paused:no",
        "-paused:yes",
        "paused:yes,yes",
        "menu:5",
        "bridge:$gt",
        '"ana"',
        "tip:x",
        "name:" + "a" * 70,
    ],
)
def test_what_is_no_question_is_marked_and_nothing_is_searched(browser, ana, query):
    assert "Not understood, so nothing was searched." in shown(browser, query)


def row(number):
    return {
        "_id": f"{number:024x}",
        "user_id": number,
        "display_name": f"{'abcdefghij'[number % 10]}-{number}",
        "bridge": ("SIMULATOR", "EXTENSION", "STANDARD_SERVER")[number % 3],
        "menu_version": number % 4,
        "paused_at": clock.now() if number % 50 == 0 else None,
        "paused_until": None,
        "stopped_at": clock.now() if number % 70 == 0 else None,
        "created_at": clock.now() - timedelta(hours=number),
    }


@pytest.mark.parametrize(
    ("query", "index"),
    [
        ("", "performer_by_time"),
        ("since:9d", "performer_by_time"),
        ("name:a-10", "performer_by_name"),
        ("name:a-10,b-1*", "performer_by_name"),
        ("stopped:yes", "performer_by_stop"),
        ("paused:yes", "performer_by_pause"),
        ("menu:none", "performer_menu"),
        ("bridge:extension", "performer_bridge"),
        ("bridge:extension,simulator", "performer_bridge"),
        ("menu:none bridge:extension paused:yes", "performer_by_pause"),
    ],
)
def test_each_question_is_answered_by_its_index_and_without_a_sort(db, query, index):
    fill(Performer, row, 400)
    with recorded(run=True) as plans:
        made = plan.made(LISTED, grammar.parse(query, LISTED.keys), now=clock.now())
        found = plan.slice_of(made)
        plan.count(made)
        if found.older:
            plan.slice_of(made, after=found.older)
    assert made.index == index
    assert scans(plans) == []
    assert max(each.documents for each in plans) <= 3 * max(len(found.rows), 1) + 200
    assert found.rows == sorted(found.rows, key=lambda each: each["created_at"], reverse=True)


def test_a_beginning_of_too_many_names_is_not_looked_for(browser):
    fill(Performer, row, 10 * MOST_BEGIN_SO + 10)
    assert f"more than {MOST_BEGIN_SO} names begin so" in shown(browser, "name:a*")
    assert f"more than {MOST_BEGIN_SO} names begin so" in shown(
        browser, "name:a-1*,b-1*,c-1*,d-1*,e-1*,f-1*,g*"
    )


def test_a_page_of_fifty_costs_no_more_commands_than_one_of_five_but_the_count(browser):
    """Where the page shows them all, it knows how many there are."""
    counts = []
    shown(browser)
    for number in (5, 60):
        collection(Performer).delete_many({})
        fill(Performer, row, number)
        with recorded() as plans:
            shown(browser)
        assert scans(plans) == []
        counts.append(len(plans))
    assert counts[0] + 1 == counts[1] <= 20


def test_who_is_meant_by_the_name_of_an_account_or_an_id_is_told_by_keys(ana):
    fill(Performer, row, 60)
    with recorded() as plans:
        assert performers_named(["ana", f"{7:024x}"]) == sorted([ana.pk, f"{7:024x}"])
    assert scans(plans) == []


def test_a_file_has_what_is_kept_and_leaves_an_entry(browser, ana):
    change(ana, page_choices={"noticeEmail": "ana@example.org"})
    answer = browser.get(f"{PAGE}/export", {"q": "name:An*"})
    head, line = b"".join(answer.streaming_content).decode().splitlines()
    assert head == "id,name,devices,menu,bridge,performer,at"
    assert line.startswith(f"{ana.pk},Ana,")
    assert "example.org" not in line
    entry = AuditEntry.objects.get()
    assert (entry.action, entry.target, entry.after["rows"]) == ("export", "performers", 1)


def test_her_name_leads_to_her_page_from_other_lists(browser, ana):
    controls.pause(performer_id=ana.pk, by="dina", why="", now=clock.now())
    for address in ("/staff/audit", "/staff/queue"):
        assert f'href="/staff/performers/{ana.pk}"' in browser.get(address).content.decode(), address
    assert browser.get("/staff/find", {"q": "ana"})["Location"] == f"/staff/performers/{ana.pk}"
