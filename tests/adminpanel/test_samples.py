"""Samples: what a payment system sends, sent by an admin of a test deployment; and nothing brings them beside
real money."""

import re
from html import unescape

import httpx
import pytest
from django.conf import settings as its
from django.core.checks import run_checks
from django.test import Client

from adminpanel.handling import deployment
from adminpanel.handling.samples import SampleKind
from adminpanel.models import DeploymentMark
from adminpanel.staff import enrol
from config import commandline
from ground.audit.models import AuditEntry
from ground.inbox.models import WebhookDelivery
from ground.people import Role
from tests.factories import NOW
from tests.live import server
from tests.tips import calls

PAGE, SEND, WHY = "/staff/samples", "/staff/samples/send", "does it answer"
OTHER_SECRET = "whsec_dGhlLXByb2R1Y3Rpb24tc2VjcmV0LW9mLWEtdGVzdA=="
REAL = (
    {"DEBUG": False},
    {"PAYMENT_WEBHOOK_SECRETS": [OTHER_SECRET]},
    {"PAYMENT_WEBHOOK_SECRETS": [its.PAYMENT_DEVELOPMENT_SECRET, OTHER_SECRET]},
    {"LEDGER_GATEWAY": "rrr"},
)


@pytest.fixture
def as_test(settings):
    settings.TEST_DEPLOYMENT = True


def of(role):
    made = Client()
    made.force_login(enrol(username=f"a-{role}", role=role, password="").user)
    return made


def said(ana, kind="tip", **more):
    return {"kind": kind, "performer": ana.pk, "amount": "25", "reason": WHY, **more}


# --- where samples may be sent -----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("values", "found"),
    [
        ({}, set()),
        ({"LEDGER_GATEWAY": "rrr"}, {"adminpanel.E001"}),
        ({"LEDGER_PLACES_TIPS": False}, {"adminpanel.E001"}),
        ({"RRR_API_BASE_URL": "https://rewards.example.com"}, {"adminpanel.E002"}),
        ({"RRR_API_BASE_URL": ""}, set()),
    ],
)
def test_a_process_that_could_hear_of_real_money_does_not_start_as_a_test(settings, values, found):
    for name, value in values.items():
        setattr(settings, name, value)
    assert not [each for each in run_checks(tags=["settings"]) if each.id.startswith("adminpanel")]
    settings.TEST_DEPLOYMENT = True
    ids = {each.id for each in run_checks(tags=["settings"]) if each.id.startswith("adminpanel")}
    assert ids == found
    if found:
        with pytest.raises(SystemExit, match=found.pop()):
            commandline.check_combinations()


@pytest.mark.django_db
def test_an_empty_database_is_marked_once(as_test):
    deployment.settle(now=NOW)
    calls.send("tip.succeeded", calls.tip())
    deployment.settle(now=NOW + calls.TICK)
    assert (deployment.kind(), DeploymentMark.objects.get().at) == ("test", NOW)
    assert deployment.why_not() == ""


@pytest.mark.django_db
def test_a_database_in_which_anything_arrived_is_never_marked_as_a_tests(as_test):
    calls.send("tip.succeeded", calls.tip())
    deployment.settle(now=NOW)
    assert deployment.kind() == ""
    assert "arrived in this database before" in deployment.why_not()
    assert "empty database: another name in MONGODB_URI" in deployment.why_not()


@pytest.mark.django_db
@pytest.mark.parametrize("real", REAL)
def test_who_may_hear_of_real_money_ends_a_test_for_ever(settings, real):
    settings.DEBUG = settings.TEST_DEPLOYMENT = True
    deployment.settle(now=NOW)
    before = {name: getattr(settings, name) for name in real}
    for name, value in ({"TEST_DEPLOYMENT": False} | real).items():
        setattr(settings, name, value)
    deployment.settle(now=NOW)
    for name, value in ({"TEST_DEPLOYMENT": True} | before).items():
        setattr(settings, name, value)
    deployment.settle(now=NOW)
    assert deployment.kind() == "live"
    assert "may have heard of real money" in deployment.why_not()
    assert "empty database: another name in MONGODB_URI" in deployment.why_not()


@pytest.mark.django_db
def test_a_process_of_development_leaves_the_mark_alone(settings):
    settings.DEBUG = settings.TEST_DEPLOYMENT = True
    deployment.settle(now=NOW)
    settings.TEST_DEPLOYMENT = False
    deployment.settle(now=NOW)
    assert deployment.kind() == "test"
    assert "TEST_DEPLOYMENT is not set" in deployment.why_not()


# --- the page ----------------------------------------------------------------------------------------------


@pytest.mark.django_db
def test_the_list_leads_there_in_a_test_deployment_and_an_admin_alone(settings):
    admin, support = of(Role.ADMIN), of(Role.SUPPORT)
    assert PAGE not in admin.get("/staff/deliveries").content.decode()
    settings.TEST_DEPLOYMENT = True
    assert f'href="{PAGE}"' in admin.get("/staff/deliveries").content.decode()
    assert PAGE not in support.get("/staff/deliveries").content.decode()


@pytest.mark.django_db
def test_where_none_is_sent_the_page_says_why_and_a_button_does_nothing(ana):
    admin = of(Role.ADMIN)
    assert "TEST_DEPLOYMENT is not set here" in admin.get(PAGE).content.decode()
    assert admin.post(SEND, said(ana)).status_code == 409
    assert not WebhookDelivery.objects.exists()
    entry = AuditEntry.objects.get()
    assert (entry.action, entry.success, entry.after) == (
        "send_sample",
        False,
        {"refused": "no_test_deployment"},
    )


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("wrong", "field"),
    [
        ({"kind": "refund"}, "kind"),
        ({"performer": "nobody"}, "performer"),
        ({"performer": ""}, "performer"),
        ({"performer": "\x00"}, "performer"),
        ({"amount": "0"}, "amount"),
        ({"amount": "10001"}, "amount"),
        ({"amount": "1e3"}, "amount"),
        ({"amount": "²"}, "amount"),
        ({"reason": "so"}, "reason"),
    ],
)
def test_what_is_wrong_stands_beside_its_field_and_nothing_is_sent(as_test, ana, wrong, field):
    deployment.settle(now=NOW)
    answer = of(Role.ADMIN).post(SEND, said(ana, **wrong))
    assert answer.status_code == 422
    assert f'id="{field}-send-sample"' in answer.content.decode()
    assert AuditEntry.objects.get().after == {"refused": "invalid"}
    assert not WebhookDelivery.objects.exists()


@pytest.mark.django_db
def test_so_many_are_sent_in_a_minute(as_test, ana):
    """Nobody listens where the test's client comes in: that is said, too."""
    deployment.settle(now=NOW)
    admin = of(Role.ADMIN)
    admin.defaults |= {"SERVER_NAME": "127.0.0.1", "SERVER_PORT": "1"}
    tries = [admin.post(SEND, said(ana, "purchase")) for _ in range(deployment.MOST_A_MINUTE + 1)]
    more = 0 if tries[-1].status_code == 429 else deployment.MOST_A_MINUTE  # a minute began between them
    tries += [admin.post(SEND, said(ana, "purchase")) for _ in range(more)]
    last = [each for each in tries if each.status_code != 429][-1]
    assert "No answer" in admin.get(last["Location"]).content.decode()
    assert tries[-1].status_code == 429
    assert 1 <= int(tries[-1]["Retry-After"]) <= 60


# --- what is answered --------------------------------------------------------------------------------------


@pytest.fixture
def served(db, written_elsewhere, ana):
    """An admin at a server of its own, and what she reads there."""
    cookie = of(Role.ADMIN).cookies[its.SESSION_COOKIE_NAME].value
    with server(TEST_DEPLOYMENT="true") as live:
        session = {its.SESSION_COOKIE_NAME: cookie}
        with httpx.Client(base_url=live.url, cookies=session, timeout=20, follow_redirects=True) as client:
            form = re.search(r'name="csrfmiddlewaretoken" value="(\w+)"', client.get(PAGE).text)
            client.send_one = lambda kind: client.post(
                SEND, data=said(ana, kind, csrfmiddlewaretoken=form[1])
            )
            yield client


def test_each_kind_gets_the_doors_own_answer(served, ana):
    answered = {kind: unescape(served.send_one(kind.value).text) for kind in SampleKind}
    codes = {kind: re.findall(r'"ui-badge"[^>]*>(\d+)<', text) for kind, text in answered.items()}
    assert codes == {
        SampleKind.TIP: ["202", "202"],
        SampleKind.PURCHASE: ["202"],
        SampleKind.WRONG_SIGNATURE: ["401"],
        SampleKind.DUPLICATE: ["202", "202", "200"],
        SampleKind.CONFLICT: ["202", "202", "409"],
    }
    bodies = {kind: re.findall(r'"Body of [^>]*>([^<]*)<', text) for kind, text in answered.items()}
    assert bodies[SampleKind.DUPLICATE][1] == bodies[SampleKind.DUPLICATE][2]
    assert '"bad_signature"' in bodies[SampleKind.WRONG_SIGNATURE][0]
    assert "Nothing was kept of it" in answered[SampleKind.WRONG_SIGNATURE]
    kept = {key: row.status for key, row in WebhookDelivery.objects.in_bulk().items()}
    assert sorted(kept.values()).count("duplicate") == 1
    assert sorted(kept.values()).count("conflict") == 1
    led = {key for text in answered.values() for key in re.findall(r'"/staff/deliveries/([^"]+)"', text)}
    assert led == set(kept)
    assert not any(secret in text for text in answered.values() for secret in its.PAYMENT_WEBHOOK_SECRETS)
    entries = AuditEntry.objects.filter(action="send_sample", success=True)
    assert [entry.after["kind"] for entry in entries.order_by("pk")] == [kind.value for kind in SampleKind]
    assert {entry.why for entry in entries} == {WHY}


def test_the_page_of_an_answer_is_loaded_again_and_sends_nothing_again(served):
    shown = served.send_one("tip")
    assert (shown.history[0].status_code, shown.request.method) == (302, "GET")
    kept = WebhookDelivery.objects.count()
    again = served.get(shown.url).text
    calls = [re.findall(r'"Body of [^>]*>([^<]*)<', text) for text in (shown.text, again)]
    assert calls[0] == calls[1] != []
    assert re.findall(r'"/staff/tips/\w+"', shown.text) == re.findall(r'"/staff/tips/\w+"', again)
    assert 'value="25"' in again
    assert (WebhookDelivery.objects.count(), AuditEntry.objects.count()) == (kept, 1)
    served.send_one("purchase")
    assert "not kept any more" in served.get(shown.url).text
    assert "Body of answer" not in served.get(PAGE).text
