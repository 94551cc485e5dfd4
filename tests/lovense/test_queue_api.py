"""`/api/performance-queue/*`: who may, what is answered, and that the description of the API says the
same."""

import json
from datetime import timedelta

import pytest
from django.test import Client
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from ground import clock
from ground.audit.models import AuditEntry
from ground.mongodb.collections import collection
from lovense import tasks
from lovense.lane import submissions
from lovense.models import Activation, Performer
from lovense.sending import pages
from tests import hostile
from tests.chain import Chain
from tests.config.test_openapi import SCHEMA, breaches, json_of
from tests.factories import UserFactory, fund, token_of
from tests.lovense.conftest import in_collection
from tips import signals
from tips.intake import platforms
from tips.models import QueueRequest
from tips.queue import requests as queue

pytestmark = pytest.mark.django_db

ROOT = "/api/performance-queue"
TEST = {"type": "lovense.test", "item": {"pattern": "pulse", "intensity": 8, "durationSec": 5}}
NOBODYS = "0f3b9f5e-2c56-5e5b-9d0a-3c1e8a5f7b21"


class Caller:
    """Somebody with a token. Each answer is checked against the API's description."""

    def __init__(self, user=None, token=""):
        self.headers = {"Authorization": f"Token {token or token_of(user)}"} if user or token else {}

    def __call__(self, method, path, body=None, **more):
        content = b"" if body is None else json.dumps(body).encode()
        answer = Client().generic(
            method.upper(), ROOT + path, content, "application/json", headers=self.headers | more
        )
        described = SCHEMA["paths"][ROOT + template(path)][method]["responses"][str(answer.status_code)]
        assert breaches(json_of(described)["schema"], answer.json()) == []
        return answer


def template(path):
    """`/status/<id>?x=1` as the description writes it."""
    path = path.partition("?")[0]
    first, _, rest = path.removeprefix("/").partition("/")
    return f"/{first}/{{request_id}}" if rest else path


@pytest.fixture(autouse=True)
def _nobody_is_woken():
    signals.requests_queued.disconnect(tasks.requests_queued)
    yield
    signals.requests_queued.connect(tasks.requests_queued)


@pytest.fixture
def chain(ana, bob):
    """Ana's queue at this very time: the doors have their own clock."""
    chain = Chain(ana, now=clock.now())
    chain.publish_menu()
    chain.hold()
    fund(bob, 10_000)
    return chain


@pytest.fixture
def hers(ana):
    return Caller(ana.user)


@pytest.fixture
def strangers(carol):
    return Caller(carol.user)


@pytest.fixture
def support(dina):
    """Staff that looks and does not touch."""
    return Caller(dina)


@pytest.fixture
def admin(db):
    return Caller(UserFactory.create(username="erin", is_staff=True, is_superuser=True))


@pytest.fixture
def nobody():
    return Caller()


def submitted(caller, **body):
    return caller("post", "/submit", TEST | body).json()["requestId"]


def tip(chain, bob, amount=100):
    return queue.request_id(chain.settled(bob, amount, createdAt=clock.iso(chain.now)))


def playing(chain, request_id):
    """It has its turn, and the page says that it has started."""
    chain.now = clock.now()
    chain.dispatch()
    key = queue.find(request_id)["idempotency_key"]
    chain.acknowledge(key, "received")
    chain.acknowledge(key, "started")


# --- submit, status ----------------------------------------------------------------------------------------


def test_a_test_is_submitted_waits_plays_and_says_so(hers, chain):
    made = hers("post", "/submit", TEST)
    assert made.status_code == 201
    request_id = made.json()["requestId"]
    assert (made.json()["status"], made.json()["place"], made.json()["submittedBy"]) == ("pending", 1, "ana")
    assert 0 < made.json()["eta"]["seconds"] < 1
    playing(chain, request_id)
    now = hers("get", f"/status/{request_id}").json()
    assert (now["status"], now["place"], now["activation"]["status"]) == ("claimed", None, "activated")
    assert now["eta"] is None
    chain.acknowledge(queue.find(request_id)["idempotency_key"], "finished", delivered_seconds=5)
    over = hers("get", f"/status/{request_id}").json()
    assert (over["status"], over["activation"]["text"]) == ("completed", "“Test” played for 5 s.")


def test_the_same_key_again_is_answered_with_the_request_as_it_is_now(hers, chain):
    body = TEST | {"idempotencyKey": "k"}
    first, again = hers("post", "/submit", body), hers("post", "/submit", body)
    assert (first.status_code, again.status_code) == (201, 200)
    assert [answer.json() | {"eta": None} for answer in (first, again)] == [first.json() | {"eta": None}] * 2
    refused = hers("post", "/submit", body | {"priority": "LOW"})
    assert (refused.status_code, refused.json()["error"]["code"]) == (422, "idempotency_key_reused")


def test_without_a_key_a_call_repeated_under_its_request_id_is_one_and_others_are_others(hers, chain):
    calls = [hers("post", "/submit", TEST, **{"X-Request-ID": name}) for name in ("one", "one", "two")]
    assert [answer.status_code for answer in calls] == [201, 200, 201]
    other = hers("post", "/submit", TEST | {"priority": "LOW"}, **{"X-Request-ID": "one"})
    assert other.status_code == 201, "other content under one id is no repeat"


def test_a_refusal_names_the_field_and_the_rule(hers, ana):
    answer = hers("post", "/submit", {"type": "lovense.test", "item": TEST["item"] | {"intensity": 21}})
    assert answer.status_code == 400
    assert answer.json()["error"]["details"] == {
        "field": "item.intensity",
        "rule": "must be a whole number from 1 to 20",
    }


def test_too_many_a_minute_are_told_when_to_come_again(hers, chain, monkeypatch):
    monkeypatch.setattr(submissions, "LIMIT", 2)
    began = clock.now()
    for _ in range(2):
        submitted(hers)
    answer = hers("post", "/submit", TEST)
    assert (answer.status_code, answer.json()["error"]["code"]) == (429, "too_many_requests")
    resets = clock.parse(answer.json()["error"]["details"]["resetAt"])
    assert timedelta(0) <= resets - began - timedelta(seconds=60) < timedelta(seconds=5)
    assert 55 <= int(answer["Retry-After"]) <= 61


def test_a_full_queue_is_a_503_for_people_and_nothing_to_a_tip(hers, chain, bob, monkeypatch):
    monkeypatch.setattr(submissions, "DEPTH", 1)
    tip(chain, bob)
    answer = hers("post", "/submit", TEST)
    assert (answer.status_code, answer.json()["error"]["code"]) == (503, "QUEUE_FULL")
    assert hers("get", f"/status/{tip(chain, bob)}").json()["status"] == "pending"


# --- the lane ----------------------------------------------------------------------------------------------


def test_the_lane_shows_what_plays_and_what_waits_in_its_order(hers, chain, bob):
    first, second = tip(chain, bob), tip(chain, bob, 50)
    test = submitted(hers, priority="CRITICAL")
    playing(chain, first)
    found = hers("get", "").json()
    assert [row["requestId"] for row in found["running"]] == [first]
    assert [row["requestId"] for row in found["waiting"]] == [second, test]
    assert [row["eta"]["why"] for row in found["waiting"]] == ["", ""]
    assert found["waiting"][0]["eta"]["seconds"] < found["waiting"][1]["eta"]["seconds"]
    assert (found["waitingCount"], found["isCountedOut"], found["mode"], found["paused"]) == (
        2,
        True,
        "fifo",
        None,
    )
    hers("post", "/mode", {"mode": "priority"})
    assert [row["requestId"] for row in hers("get", "").json()["waiting"]] == [test, second]
    assert hers("get", f"/status/{second}").json()["place"] == 2
    assert [row["requestId"] for row in hers("get", "?limit=1").json()["waiting"]] == [test]


def test_an_empty_lane(hers, ana):
    assert hers("get", "").json()["running"] == []


def test_an_anonymous_tip_stays_so(hers, chain, bob):
    chain.settled(bob, 100, isAnonymous=True)
    answer = hers("get", "")
    assert answer.json()["waiting"][0]["tipper"] == "Anonymous"
    assert "bob" not in answer.content.decode()


@pytest.mark.parametrize("query", ["?limit=0", "?limit=101", "?limit=x"])
def test_a_limit_out_of_bounds_is_refused(hers, ana, query):
    assert hers("get", query).status_code == 400


# --- controls ----------------------------------------------------------------------------------------------


def test_cancelling_what_waits_what_plays_and_what_is_over(hers, chain, bob):
    plays, waits = tip(chain, bob), tip(chain, bob)
    playing(chain, plays)
    answer = hers("delete", f"/cancel/{waits}?why=no")
    assert (answer.status_code, answer.json()["status"]) == (200, "cancelled")
    answer = hers("delete", f"/cancel/{plays}")
    assert (answer.status_code, answer.json()["activation"]["isCancelling"]) == (202, True)
    chain.acknowledge(queue.find(plays)["idempotency_key"], "finished", delivered_seconds=3)
    assert hers("get", f"/status/{plays}").json()["status"] == "cancelled"
    over = tip(chain, bob, 5)
    chain.dispatch()
    answer = hers("delete", f"/cancel/{over}")
    assert answer.status_code == 409
    assert answer.json()["error"]["code"] == "already_over"
    assert answer.json()["error"]["details"] == {"status": "skipped"}


def test_a_batch_is_one_run_of_which_no_part_is_cancelled(hers, chain):
    hers("post", "/mode", {"mode": "batch"})
    first, second = (submitted(hers, type="lovense.manual") for _ in range(2))
    chain.dispatch(later=timedelta(seconds=2))
    assert len(hers("get", "").json()["running"]) == 2
    answer = hers("delete", f"/cancel/{second}")
    assert answer.status_code == 409
    assert answer.json()["error"]["details"] == {"leader": first}


def test_pausing_for_a_while_and_resuming(hers, chain, bob):
    until = clock.iso(clock.now() + timedelta(minutes=5))
    paused = hers("post", "/pause", {"until": until, "why": "a break"}).json()["paused"]
    assert (paused["until"], paused["by"], paused["why"]) == (until, "ana", "a break")
    waits = tip(chain, bob)
    chain.dispatch()
    assert hers("get", f"/status/{waits}").json()["status"] == "pending"
    assert hers("post", "/resume").json()["paused"] is None
    chain.dispatch()
    assert hers("get", f"/status/{waits}").json()["status"] == "claimed"
    assert (
        hers("post", "/pause", {"until": "9999-12-31T23:59:59.999Z"}).json()["error"]["details"]["field"]
        == "until"
    )
    assert Performer.objects.get().paused_until is None
    assert (
        hers("post", "/pause", {"until": "2026-01-03T04:15:00.000Z"}).json()["error"]["details"]["field"]
        == "until"
    )


def test_skipping_ends_what_plays_and_only_what_was_meant(hers, chain, bob):
    assert hers("post", "/skip", {}).json()["error"]["code"] == "nothing_plays"
    plays, waits = tip(chain, bob), tip(chain, bob)
    playing(chain, plays)
    assert hers("post", "/skip", {"requestId": waits}).status_code == 409
    answer = hers("post", "/skip", {"requestId": plays, "why": "too strong"})
    assert (answer.status_code, answer.json()["requestId"]) == (202, plays)


def test_clearing_wants_the_count_first(hers, chain, bob):
    waiting = [tip(chain, bob) for _ in range(3)]
    assert hers("post", "/clear", {}).json()["error"]["details"]["field"] == "expected"
    refused = hers("post", "/clear", {"expected": 2})
    assert (refused.status_code, refused.json()["error"]["details"]) == (409, {"waiting": 3})
    assert hers("post", "/clear", {"expected": 3}).json() == {"cleared": 3}
    assert {hers("get", f"/status/{request_id}").json()["status"] for request_id in waiting} == {"cancelled"}


def test_a_mode_of_her_own_and_the_platforms_again(hers, ana):
    own = hers("post", "/mode", {"mode": "batch"}).json()
    assert (own["mode"], own["isPlatformMode"]) == ("batch", False)
    platforms_own = hers("post", "/mode", {"mode": None}).json()
    assert (platforms_own["mode"], platforms_own["isPlatformMode"]) == ("fifo", True)
    for bad in ({}, {"mode": "lifo"}, {"mode": 1}):
        assert hers("post", "/mode", bad).json()["error"]["details"]["field"] == "mode"


def test_moving_up_changes_places_with_the_one_before(hers, chain, bob):
    first, second = tip(chain, bob), tip(chain, bob)
    assert hers("post", f"/move-up/{second}").json()["place"] == 1
    assert hers("get", f"/status/{first}").json()["place"] == 2
    assert hers("post", f"/move-up/{second}").json()["error"]["code"] == "already_first"
    playing(chain, second)
    assert hers("post", f"/move-up/{second}").json()["error"]["details"] == {"status": "claimed"}


def test_every_change_leaves_an_entry_with_who_and_why(hers, chain, bob):
    hers("post", "/pause", {"why": "a break"})
    hers("delete", f"/cancel/{tip(chain, bob)}?why=no")
    entries = list(
        collection(AuditEntry).find({}, {"_id": 0, "actor": 1, "why": 1, "hashed_ip": 1, "lane": 1})
    )
    assert [(row["actor"], row["why"], row["lane"]) for row in entries] == [
        ("ana", "a break", chain.performer_id),
        ("ana", "no", chain.performer_id),
    ]
    assert all(len(row["hashed_ip"]) == 64 for row in entries)


# --- who may -----------------------------------------------------------------------------------------------

OF_A_REQUEST = [("get", "/status/{}"), ("delete", "/cancel/{}"), ("post", "/move-up/{}")]
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
    admin, support, nobody, chain, bob, method, path, body
):
    playing(chain, tip(chain, bob))
    tip(chain, bob)
    named = body | {"performerId": chain.performer_id}
    before = everything()
    assert [who(method, path, named).status_code for who in (support, nobody)] == [403, 401]
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
    assert [support(method, path.format(waits)).status_code for method, path in OF_A_REQUEST[1:]] == [
        403,
        403,
    ]
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
