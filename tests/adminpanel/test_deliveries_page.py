"""The staff's inbox: deliveries of all sources, the body as far as a role may see it, and the way back of one
that lies aside."""

import json
import re
from datetime import timedelta

import pytest
from django.core import signing
from django.test import Client

from adminpanel.asking import grammar, plan
from adminpanel.handling import bodies
from adminpanel.handling import deliveries as handling
from adminpanel.lists.deliveries import LISTED
from adminpanel.people.deeds import Deed, Outdated
from adminpanel.staff import enrol
from ground import clock
from ground.audit.models import AuditEntry
from ground.hops import doorbell
from ground.inbox import inbox
from ground.inbox.models import WebhookDelivery
from ground.mongodb.collections import collection
from ground.people import Role
from tests.adminpanel.people.at_once import together
from tests.factories import NOW
from tests.ground.plans import fill, recorded, scans
from tests.pages import inline_code, unlabelled_fields
from tests.tips import calls

pytestmark = pytest.mark.django_db
PAGE, WHY = "/staff/deliveries", "she wrote to us"


@pytest.fixture
def staff(db):
    made = {role: Client() for role in Role}
    for role, client in made.items():
        client.force_login(enrol(username=f"a-{role}", role=role, password="").user)
    return made


@pytest.fixture
def told(db):
    """A delivery that says whatever may be said; its key."""
    tipper = {"userId": calls.BOB, "username": "Canary Bob"}
    more = {"tipper": tipper, "context": {"customMessage": "canary of all"}}
    calls.send("tip.succeeded", calls.tip() | more)
    return collection(WebhookDelivery).find_one({})["_id"]


@pytest.fixture
def aside(told):
    """The same, which cannot be processed; what it said."""
    good = bytes(inbox.find(told)["body"])
    collection(WebhookDelivery).update_one({}, {"$set": {"body": b"{"}})
    for number in range(inbox.MAX_ATTEMPTS):
        calls.settle(NOW + number * timedelta(minutes=5))
    assert inbox.find(told)["status"] == "set_aside"
    return good


def text(answer, status=200):
    assert answer.status_code == status
    return " ".join(answer.content.decode().split())


def entries(action):
    found = AuditEntry.objects.filter(action=action).order_by("at", "entry_id")
    return [(each.actor, each.why, each.success, each.target) for each in found]


def again(client, key, **said):
    return client.post(f"/staff/delivery-again/{key}", {"reason": WHY, "seen": "8", **said})


def look(client, key, reason=WHY):
    return client.post(f"/staff/delivery-body/{key}", {"reason": reason})


# --- the list ----------------------------------------------------------------------------------------------


def test_a_delivery_is_listed_with_its_state_and_its_error_with_the_place(staff, told, aside):
    html = text(staff[Role.SUPPORT].get(PAGE, {"q": "archive:yes"}))
    for said in ("Set aside", "tip.succeeded", "payments", calls.tip_id(1)):
        assert said in html, said
    assert re.search(r"Malformed at \w+(\.\w+)+:\w+:\d+", html)
    assert "canary" not in html.lower()
    assert (inline_code(html), unlabelled_fields(html)) == ([], set())


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("status:received", 1),
        ("status:processed", 0),
        ("status:set_aside,received", 1),
        ("source:payments", 1),
        ("source:rrr", 0),
        ("type:tip.succeeded status:received", 1),
        ("error:KeyError", 0),
        ("-source:payments", 0),
    ],
)
def test_what_is_asked_is_found(staff, told, query, found):
    html = text(staff[Role.SUPPORT].get(PAGE, {"q": f"{query} archive:yes"}))
    assert html.count("data-record=") == found


@pytest.mark.parametrize("query", ["status:gone", "source:$where", '"body"', "type:<b>", "error:"])
def test_what_is_no_question_is_marked(staff, query):
    assert "Not understood" in text(staff[Role.ADMIN].get(PAGE, {"q": query}))


def row(number):
    status = ("processed", "processed", "processed", "duplicate", "set_aside")[number % 5]
    return {
        "_id": f"payments/{number}",
        "source": "payments" if number % 2 else "rest",
        "event_type": "tip.succeeded",
        "subject": f"tip.succeeded/{number}",
        "body": b"x" * 100,
        "status": status,
        "error": "KeyError" if status == "set_aside" else "",
        "position": number,
        "received_at": clock.now() - timedelta(seconds=number),
    }


@pytest.mark.parametrize(
    ("query", "index"),
    [
        ("", "delivery_by_time"),
        ("status:processed", "delivery_by_time"),
        ("status:set_aside", "delivery_by_status"),
        ("status:set_aside,duplicate", "delivery_by_status"),
        ("-status:processed", "delivery_by_status"),
        ("-status:processed source:rest", "delivery_by_status"),
        ("-status:set_aside", "delivery_by_time"),
        ("error:KeyError", "delivery_by_error"),
        ("error:KeyError,ValueError source:rest", "delivery_by_error"),
        ("source:rest type:tip.succeeded", "delivery_by_time"),
    ],
)
def test_each_question_is_answered_by_its_index_without_a_sort_or_a_body(query, index):
    fill(WebhookDelivery, row)
    made = plan.made(LISTED, grammar.parse(query, LISTED.keys), now=clock.now())
    assert made.index == index
    with recorded(run=True) as plans:
        found = plan.slice_of(made)
        plan.slice_of(made, after=found.older)
        plan.count(made)
    assert scans(plans) == []
    assert max(each.documents for each in plans) <= 3 * len(found.rows) + 200
    assert all("body" not in each for each in found.rows)
    assert "body" not in next(iter(plan.every(made, most=9)))


def test_a_page_costs_a_bounded_number_of_commands(staff, told):
    text(staff[Role.ADMIN].get(PAGE))
    for address in (PAGE, f"{PAGE}/{told}"):
        with recorded() as plans:
            text(staff[Role.ADMIN].get(address))
        assert scans(plans) == []
        assert len(plans) <= 20


def test_a_file_has_no_body(staff, told):
    answer = staff[Role.AUDITOR].get(f"{PAGE}/export", {"q": "archive:yes", "format": "jsonl"})
    text = b"".join(answer.streaming_content).decode()
    assert json.loads(text)["key"] == told
    assert "canary" not in text.lower()
    assert entries("export")[0][0] == "a-auditor"


# --- one of them -------------------------------------------------------------------------------------------


def test_its_page_says_what_it_is_and_leads_to_its_tip(staff, told):
    html = text(staff[Role.SUPPORT].get(f"{PAGE}/{told}"))
    for said in (
        "Waiting to be processed",
        "Signature, Standard Webhooks 1.0",
        f"/staff/tips/{calls.tip_id(1)}",
    ):
        assert said in html, said
    assert (inline_code(html), unlabelled_fields(html)) == ([], set())
    assert staff[Role.SUPPORT].get(f"{PAGE}/payments/unknown").status_code == 404


def test_support_sees_no_body_and_has_no_way_to_it(staff, told):
    permit = bodies.permit(key=told, account=str(staff[Role.SUPPORT].session["_auth_user_id"]))
    for query in ({}, {"permit": permit}):
        html = text(staff[Role.SUPPORT].get(f"{PAGE}/{told}", query))
        assert ("canary" in html.lower(), "Show the body" in html, "tip__body" in html) == (False,) * 3
    assert look(staff[Role.SUPPORT], told).status_code == 403


def test_an_auditor_sees_ids_and_amounts_without_words_of_people(staff, told):
    html = text(staff[Role.AUDITOR].get(f"{PAGE}/{told}"))
    assert "canary" not in html.lower()
    for said in (calls.BOB, calls.ANA, "&quot;totalPrice&quot;: 100", "(10 characters)", calls.AT):
        assert said in html, said
    assert look(staff[Role.AUDITOR], told).status_code == 403


def test_an_admin_sees_the_whole_body_after_saying_why_and_it_is_recorded(staff, told):
    assert "canary" not in text(staff[Role.ADMIN].get(f"{PAGE}/{told}")).lower()
    answer = staff[Role.ADMIN].get(look(staff[Role.ADMIN], told)["Location"])
    assert "Canary Bob" in text(answer)
    assert answer["Refresh"] == f"300; url={PAGE}/{told}"
    assert entries("look_into_body") == [("a-admin", WHY, True, told)]


def test_without_a_reason_there_is_no_body(staff, told):
    for reason in ("", "ab", "x" * 201):
        answer = look(staff[Role.ADMIN], told, reason)
        assert "canary" not in text(answer, 422).lower()
    assert {success for *_, success, _ in entries("look_into_body")} == {False}


def test_a_permit_is_one_persons_for_one_delivery_and_for_five_minutes(staff, told, monkeypatch):
    own = str(staff[Role.ADMIN].session["_auth_user_id"])
    good = bodies.permit(key=told, account=own)
    others = [bodies.permit(key=told, account="x"), bodies.permit(key="payments/x", account=own), "x", ""]
    for said in (*others, good[:-1]):
        assert "canary" not in text(staff[Role.ADMIN].get(f"{PAGE}/{told}", {"permit": said})).lower()
    assert "canary" in text(staff[Role.ADMIN].get(f"{PAGE}/{told}", {"permit": good})).lower()
    later = signing.time.time() + 301
    monkeypatch.setattr(signing.time, "time", lambda: later)
    assert not bodies.is_permitted(good, key=told, account=own)


@pytest.mark.parametrize(
    "body",
    [b"{", b"\xff", b"null", b'"words"', b'{"a": {"secret words": ["x", {"b": "canary"}]}}', b"[" * 9000],
)
def test_whatever_a_body_is_its_words_are_left_out(body):
    shown = bodies.redacted(body)
    assert not {"canary", "secret", "words"} & set(re.findall(r"\w+", shown))


def test_deep_bodies_and_long_ones_are_cut(db):
    deep = b'{"a":' * 40 + b'"canary"' + b"}" * 40
    assert "canary" not in bodies.redacted(deep)
    assert len(bodies.whole(b"x" * 100_000)) == bodies.LONGEST_SHOWN


# --- processed again ---------------------------------------------------------------------------------------


def test_one_that_lies_aside_is_processed_again_once(staff, told, aside, monkeypatch):
    rung = []
    monkeypatch.setattr(doorbell, "ring_soon", rung.append)
    collection(WebhookDelivery).update_one({}, {"$set": {"body": aside}})
    assert 'name="seen" value="8"' in text(staff[Role.ADMIN].get(f"{PAGE}/{told}"))
    assert again(staff[Role.ADMIN], told).status_code == 302
    assert rung == ["tips.settle"]
    calls.settle()
    assert calls.found()["total"] == 100
    answer = again(staff[Role.ADMIN], told)
    assert "It does not lie aside any more." in text(answer, 409)
    assert [each[2] for each in entries("process_again")] == [True, False]
    assert rung == ["tips.settle"]


def test_of_many_at_once_one_hands_it_out(told, aside):
    row = inbox.find(told)

    def work(place):
        handling.process_again(row, seen=8, deed=Deed("", f"s-{place}", WHY, NOW))

    found = together(4, work)
    assert [type(each) for each in found if each is not None] == [Outdated] * 3
    assert len(entries("process_again")) == 1


@pytest.mark.parametrize(
    ("said", "status"), [({"reason": ""}, 422), ({"seen": "7"}, 409), ({"seen": "x"}, 409)]
)
def test_without_a_reason_or_with_an_old_state_it_stays_aside(staff, told, aside, said, status):
    assert again(staff[Role.ADMIN], told, **said).status_code == status
    assert inbox.find(told)["status"] == "set_aside"
    assert [each[2] for each in entries("process_again")] == [False]


def test_only_an_admin_has_it_processed_again(staff, told, aside):
    for role in (Role.SUPPORT, Role.AUDITOR):
        assert "Process again" not in text(staff[role].get(f"{PAGE}/{told}"))
        assert again(staff[role], told).status_code == 403
    assert again(staff[Role.ADMIN], "payments/unknown").status_code == 404
    assert inbox.find(told)["status"] == "set_aside"
