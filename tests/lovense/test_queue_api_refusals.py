"""`/api/performance-queue/*`: who may, and that nothing which is sent is answered with a 500."""

import json

import pytest
from django.test import Client
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from ground.audit.models import AuditEntry
from ground.mongodb.collections import collection
from lovense.models import Activation, Performer
from lovense.sending import pages
from tests import hostile
from tests.lovense.callers import (
    NOBODYS,
    ROOT,
    TEST,
    Caller,
    _nobody_is_woken,
    admin,
    auditor,
    chain,
    hers,
    nobody,
    playing,
    strangers,
    submitted,
    support,
    tip,
)
from tests.lovense.conftest import in_collection
from tips.intake import platforms
from tips.models import QueueRequest

__all__ = ["_nobody_is_woken", "admin", "auditor", "chain", "hers", "nobody", "strangers", "support"]
pytestmark = pytest.mark.django_db


# --- who may -----------------------------------------------------------------------------------------------

OF_A_REQUEST = [
    *(("get", "/status/{}"), ("delete", "/cancel/{}")),
    *(("post", "/move-up/{}"), ("post", "/next/{}")),
]
OF_A_LANE = [
    ("post", "/submit", TEST),
    ("post", "/pause", {}),
    ("post", "/resume", {}),
    ("post", "/skip", {}),
    ("post", "/clear", {"expected": 1}),
    ("post", "/mode", {"mode": "batch"}),
]


def everything():
    return [
        list(collection(model).find().sort("_id", 1))
        for model in (QueueRequest, Performer, AuditEntry, Activation)
    ]


@pytest.mark.parametrize(("method", "path"), OF_A_REQUEST)
def test_another_performers_request_is_one_that_does_not_exist(strangers, hers, chain, bob, method, path):
    theirs = tip(chain, bob)
    before = everything()
    answers = [strangers(method, path.format(key)) for key in (theirs, NOBODYS, "x", "%00")]
    assert [answer.status_code for answer in answers] == [404] * 4
    assert len({answer.content for answer in answers}) == 1
    assert everything() == before


@pytest.mark.parametrize(("method", "path", "body"), OF_A_LANE)
def test_another_performers_lane_does_not_exist_either(strangers, chain, bob, method, path, body):
    tip(chain, bob)
    before = everything()
    assert strangers(method, path, body | {"performerId": chain.performer_id}).status_code == 404
    assert everything() == before
    assert strangers("get", f"?performerId={chain.performer_id}").status_code == 404


@pytest.mark.parametrize(("method", "path", "body"), OF_A_LANE)
def test_an_administrator_names_the_lane_and_others_may_not_touch_it(
    admin, auditor, nobody, chain, bob, method, path, body
):
    playing(chain, tip(chain, bob))
    tip(chain, bob)
    named = body | {"performerId": chain.performer_id}
    before = everything()
    assert [who(method, path, named).status_code for who in (auditor, nobody)] == [403, 401]
    assert Caller(token=platforms.enrol(name="stage"))(method, path, named).status_code == 403
    missing = admin(method, path, body)
    assert (missing.status_code, missing.json()["error"]["details"]["field"]) == (400, "performerId")
    assert admin(method, path, body | {"performerId": "0" * 24}).status_code == 404
    assert everything() == before
    assert admin(method, path, named).status_code in (200, 201, 202)


def test_staff_may_look_and_only_an_administrator_may_cancel(admin, support, chain, bob):
    waits = tip(chain, bob)
    assert support("get", f"/status/{waits}").status_code == 200
    assert support("get", f"?performerId={chain.performer_id}").json()["waitingCount"] == 1
    assert support("get", "").status_code == 400
    assert [support(method, path.format(waits)).status_code for method, path in OF_A_REQUEST[1:]] == [403] * 3
    assert admin("delete", f"/cancel/{waits}").status_code == 200


def test_a_session_needs_its_csrf_token(ana):
    browser = Client(enforce_csrf_checks=True)
    browser.force_login(ana.user)
    body = {"data": json.dumps(TEST), "content_type": "application/json"}
    assert browser.post(f"{ROOT}/submit", **body).status_code == 403
    browser.get("/")
    token = browser.cookies["csrftoken"].value
    assert browser.post(f"{ROOT}/submit", headers={"X-CSRFToken": token}, **body).status_code == 201
    assert browser.get(ROOT).status_code == 200


# --- nothing that is sent is our fault ---------------------------------------------------------------------


@pytest.fixture
def post(ana):
    client, headers = Client(raise_request_exception=True), Caller(ana.user).headers

    def raw(path, content, kind="application/json"):
        return client.post(ROOT + path, content, content_type=kind, headers=headers)

    return raw


FIELDS = [
    "type",
    "amount",
    "item",
    "priority",
    "idempotencyKey",
    "performerId",
    "until",
    "why",
    "expected",
    "mode",
    "requestId",
]


@hypothesis_settings(
    max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(
    st.sampled_from([path for _, path, _ in OF_A_LANE]),
    hostile.bodies(hostile.mutated(TEST, FIELDS), hostile.mutated({}, FIELDS)),
)
def test_whatever_is_sent_is_answered_and_never_with_a_500(post, path, content):
    answer = post(path, content)
    assert answer.status_code in (200, 201, 202, 400, 404, 409, 413, 422, 429)
    json.loads(answer.content)


@pytest.mark.parametrize(
    "kind", ["multipart/form-data; boundary=x", "application/x-www-form-urlencoded", "text/plain", ""]
)
def test_another_type_of_body_is_refused(post, kind):
    assert post("/submit", b"type=lovense.test", kind).status_code == 415


def test_too_long_a_body_is_refused(post, settings):
    settings.WEBHOOK_MAX_BODY_BYTES = 1024
    assert post("/submit", b" " * 1025).status_code == 413


def test_when_the_database_does_not_answer_it_says_so(hers, chain, fail_command):
    fail_command("insert", errorCode=8000, **in_collection(QueueRequest))
    answer = hers("post", "/submit", TEST)
    assert (answer.status_code, answer.json()["error"]["code"]) == (503, "unavailable")


def test_the_page_holder_is_not_needed_to_submit(hers, chain):
    pages.release(chain.performer_id, channel="channel-1", now=chain.now)
    assert hers("get", f"/status/{submitted(hers)}").json()["status"] == "pending"
