"""`/api/lovense/devices/pair` and `/api/lovense/pairings/*`: opened, looked at, shown, cancelled, and by
whom."""

import json
import logging

import pytest
from django.conf import settings as product
from django.test import Client
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings

from config.logging import AllowListFormatter
from ground import clock
from ground.audit.models import AuditEntry
from ground.mongodb.collections import collection
from lovense import tasks
from lovense.devices import pairing
from lovense.models import Pairing, Performer
from lovense.models import PairingStatus as P
from lovense.sending import groups
from tests import hostile
from tests.config.test_openapi import SCHEMA, breaches, json_of
from tests.factories import UserFactory, token_of
from tests.lovense.conftest import Wire
from tests.lovense.devices.clouds import CODE, JPEG, PNG
from tests.lovense.devices.pairings import host, rogue, simulated, statuses
from tests.vendor import Door
from tips.intake import platforms

__all__ = ["rogue", "simulated"]
pytestmark = pytest.mark.django_db

PAIR = "/api/lovense/devices/pair"
ONE = "/api/lovense/pairings/{pairing_id}"
NOBODYS = "0" * 24


class PairingCaller:
    """Somebody with a token. Each answer is checked against the API's description."""

    def __init__(self, user=None, token=""):
        self.headers = {"Authorization": f"Token {token or token_of(user)}"} if user or token else {}

    def __call__(self, method, path, body=None, **more):
        content = b"" if body is None else json.dumps(body).encode()
        answer = Client().generic(
            method.upper(), path, content, "application/json", headers=self.headers | more
        )
        response = SCHEMA["paths"][described(path)][method]["responses"][str(answer.status_code)]
        if answer.headers.get("Content-Type") == "application/json":
            assert breaches(json_of(response)["schema"], answer.json()) == []
        else:
            assert not answer.content or answer.headers["Content-Type"] in response["content"]
        return answer

    def pair(self, key=None, **body):
        more = {} if key is None else {"Idempotency-Key": key}
        return self("post", PAIR, body, **more)

    def open(self):
        return self.pair().json()["pairingId"]


def described(path):
    return path if path == PAIR else ONE + ("/qr" if path.endswith("/qr") else "")


def one(pairing_id):
    return ONE.replace("{pairing_id}", pairing_id)


@pytest.fixture
def hers(ana):
    return PairingCaller(ana.user)


@pytest.fixture
def strangers(carol):
    return PairingCaller(carol.user)


def refused(answer):
    """Status, code and details of a refusal."""
    error = answer.json()["error"]
    return answer.status_code, error["code"], error["details"]


# --- opened and shown --------------------------------------------------------------------------------------


def test_a_pairing_is_a_code_and_a_picture_of_ours(hers, simulated):
    before = clock.now()
    answer = hers.pair()
    body = answer.json()
    assert answer.status_code == 201
    assert (body["step"], body["toys"], len(body["code"])) == ("waiting", 0, 6)
    assert body["qrImage"] == f"/api/lovense/pairings/{body['pairingId']}/qr"
    assert 890 < (clock.parse(body["expiresAt"]) - before).total_seconds() < 910
    assert hers("get", one(body["pairingId"])).json() == body


def test_what_is_scanned_is_what_was_shown(hers, simulated):
    with Door() as door:
        simulated.sim("manners", {"callbackTo": door.url})
        simulated.sim("scan", {"code": hers.pair().json()["code"]})
        assert door.next()["uid"] == collection(Pairing).find_one()["uid"]


def test_the_same_key_is_answered_with_the_same_pairing(hers, rogue):
    first, again = hers.pair("k 1"), hers.pair("k 1")
    assert (first.status_code, again.status_code) == (201, 200)
    assert first.json() == again.json()
    assert hers.pair("k 2").json()["pairingId"] != first.json()["pairingId"]
    assert hers.pair().status_code == hers.pair().status_code == 201
    assert len(rogue.asked) == 4


@pytest.mark.parametrize("key", ["", "x" * 65, "é", "a\tb"])
def test_a_key_is_printable_and_short(hers, rogue, key):
    assert refused(hers.pair(key))[2]["field"] == "Idempotency-Key"
    assert (rogue.asked, statuses()) == ([], [])


def test_a_host_of_hers_is_paired_again_and_no_other(hers, ana, carol, rogue):
    host(ana, 1), host(carol, 2)
    assert hers.pair(hostId=f"{1:024x}").status_code == 201
    assert refused(hers.pair(hostId=f"{2:024x}"))[:2] == (404, "not_found")
    assert refused(hers.pair("k", hostId="x"))[2]["field"] == "hostId"
    assert refused(hers.pair(host="x"))[:2] == (400, "malformed")


def test_a_fifth_app_and_a_key_of_another_are_refused(hers, ana, rogue):
    for number in range(1, 5):
        host(ana, number)
    assert refused(hers.pair())[:2] == (409, "too_many_hosts")
    hers.pair("k", hostId=f"{1:024x}")
    assert refused(hers.pair("k", hostId=f"{2:024x}"))[:2] == (422, "idempotency_key_reused")


# --- the picture -------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("body", "kind"), [(PNG, "image/png"), (JPEG, "image/jpeg"), (None, "image/svg+xml")]
)
def test_the_picture_is_served_as_what_it_is_and_kept_by_nobody(hers, rogue, body, kind):
    if body:
        rogue.introduces(f"{rogue.url}/qr.png")
        rogue.shows(body, kind)
    answer = hers("get", hers.pair().json()["qrImage"])
    assert answer.content == (body or collection(Pairing).find_one()["image"])
    assert answer.headers["Content-Type"] == kind
    assert answer.headers["Cache-Control"] == "no-store"
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert answer.headers["Content-Security-Policy"] == "default-src 'none'; style-src 'unsafe-inline'"


def test_what_has_ended_has_neither_code_nor_picture(hers, rogue):
    pairing_id = hers.open()
    pairing.advance(pairing_id, P.CONNECTED, now=clock.now(), toys_count=2)
    body = hers("get", one(pairing_id)).json()
    assert (body["step"], body["toys"], body["code"], body["qrImage"]) == ("connected", 2, None, None)
    assert hers("get", f"{one(pairing_id)}/qr").status_code == 404


def test_scanned_without_a_toy_is_a_step_of_its_own(hers, rogue):
    pairing_id = hers.open()
    pairing.advance(pairing_id, P.SCANNED, now=clock.now())
    body = hers("get", one(pairing_id)).json()
    assert (body["step"], body["toys"], body["code"]) == ("scanned", 0, CODE)


# --- ending ------------------------------------------------------------------------------------------------


def test_cancelling_it_twice_is_cancelling_it(hers, rogue):
    pairing_id = hers.open()
    answers = [hers("delete", one(pairing_id)) for _ in range(2)]
    assert [(answer.status_code, answer.content) for answer in answers] == [(204, b"")] * 2
    assert hers("get", one(pairing_id)).json()["step"] == "cancelled"
    assert collection(AuditEntry).count_documents({"action": "cancel"}) == 1


def test_what_is_over_its_time_is_ended_by_the_beat(hers, rogue, settings):
    settings.LOVENSE_PAIRING_SECONDS = 0
    pairing_id = hers.open()
    tasks.end_pairings()
    assert hers("get", one(pairing_id)).json()["step"] == "expired"


def test_each_step_is_news_to_her_pages(hers, ana, rogue, settings):
    settings.LOVENSE_PAIRING_SECONDS = 0
    wire = Wire(groups._layer_group(groups.performer_group(ana.pk)))

    def told():
        groups.news.soon.done().result(5)
        return len(wire.raw())

    pairing_id = hers.open()
    assert told() == 1
    tasks.end_pairings()
    assert told() == 1
    tasks.end_pairings()
    assert told() == 0
    hers("delete", one(pairing_id))
    assert told() == 1
    rogue.says(500)
    assert hers.pair().status_code == 503
    assert told() == 1, "it replaced another one"
    wire.close()


# --- what the vendor does ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("fault", "status", "code", "seconds"),
    [
        ("http:429", 503, "try_later", "60"),
        ("http:502", 503, "try_later", "10"),
        ("drop-before", 503, "try_later", "10"),
        ("slow:20", 503, "try_later", "10"),
        ("code:501", 503, "operator_fault", None),
        ("code:502", 503, "operator_fault", None),
        ("html", 502, "vendor_answer", None),
        ("empty", 502, "vendor_answer", None),
    ],
)
def test_a_fault_of_the_vendors_leaves_the_pairing_open(
    hers, simulated, settings, fault, status, code, seconds
):
    settings.LOVENSE_READ_TIMEOUT_SECONDS = 0.1
    simulated.sim("faults", {"faults": [f"qr/{fault}"]})
    answer = hers.pair("k")
    (row,) = collection(Pairing).find()
    assert refused(answer) == (status, code, {"pairingId": row["_id"], "code": None})
    assert answer.headers.get("Retry-After") == seconds
    assert hers("get", one(row["_id"])).json()["step"] == "waiting"
    settings.LOVENSE_READ_TIMEOUT_SECONDS = 5
    again = hers.pair("k")
    assert (again.status_code, again.json()["pairingId"]) == (200, row["_id"])
    assert again.json()["code"]


def test_a_picture_that_cannot_be_shown_leaves_the_code(hers, simulated):
    simulated.sim("faults", {"faults": ["image/html"]})
    status, code, details = refused(hers.pair("k"))
    assert (status, code, len(details["code"])) == (502, "vendor_answer", 6)
    body = hers.pair("k").json()
    assert (body["pairingId"], body["code"], body["qrImage"]) == (
        details["pairingId"],
        details["code"],
        None,
    )
    assert hers("get", f"{one(body['pairingId'])}/qr").status_code == 404


# --- who may -----------------------------------------------------------------------------------------------

OF_ONE = [("get", ""), ("get", "/qr"), ("delete", "")]


@pytest.mark.parametrize(("method", "tail"), OF_ONE)
def test_another_performers_pairing_is_one_that_does_not_exist(hers, strangers, rogue, method, tail):
    pairing_id = hers.open()
    before = list(collection(Pairing).find())
    answers = [strangers(method, one(key) + tail) for key in (pairing_id, NOBODYS, "x", "%00")]
    assert [answer.status_code for answer in answers] == [404] * 4
    assert len({answer.content for answer in answers}) == 1
    assert list(collection(Pairing).find()) == before


def test_pairing_is_the_performers_alone(hers, dina, rogue):
    pairing_id = hers.open()
    admin = UserFactory.create(username="erin", is_staff=True, is_superuser=True)
    for user in (
        PairingCaller(dina),
        PairingCaller(admin),
        PairingCaller(token=platforms.enrol(name="stage")),
    ):
        assert user.pair().status_code == 403
        assert [user(method, one(pairing_id) + tail).status_code for method, tail in OF_ONE] == [403] * 3
    nobody = PairingCaller()
    assert nobody.pair().status_code == 401
    assert [nobody(method, one(pairing_id) + tail).status_code for method, tail in OF_ONE] == [401] * 3
    assert statuses() == ["shown"]


def test_a_session_needs_its_csrf_token(ana, rogue):
    browser = Client(enforce_csrf_checks=True)
    browser.force_login(ana.user)
    assert browser.post(PAIR, "{}", content_type="application/json").status_code == 403
    browser.get("/")
    token = {"X-CSRFToken": browser.cookies["csrftoken"].value}
    made = browser.post(PAIR, "{}", content_type="application/json", headers=token)
    assert made.status_code == 201
    address = one(made.json()["pairingId"])
    assert browser.get(f"{address}/qr").status_code == 200
    assert browser.delete(address).status_code == 403
    assert browser.delete(address, headers=token).status_code == 204


@hypothesis_settings(
    max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(hostile.bodies(hostile.mutated({}, ["hostId", "Idempotency-Key"])))
def test_whatever_is_sent_is_answered_and_never_with_a_500(hers, rogue, content):
    answer = Client().post(PAIR, content, content_type="application/json", headers=hers.headers)
    assert answer.status_code in (201, 400, 404, 413)
    json.loads(answer.content)


# --- secrets -----------------------------------------------------------------------------------------------


def test_what_proves_a_call_is_nowhere_but_with_the_vendor(hers, ana, simulated, settings, caplog):
    """Neither uid nor utoken nor the developer token: in no answer, line, audit entry or other row."""
    caplog.set_level(logging.DEBUG)
    caplog.handler.setFormatter(AllowListFormatter())
    settings.LOVENSE_READ_TIMEOUT_SECONDS = 0.5
    secrets, said = {product.LOVENSE_DEVELOPER_TOKEN}, []
    with Door() as door:
        simulated.sim("manners", {"callbackTo": door.url})
        for fault in ("code:501", "http:429", "slow:20", "html", "image/html", "drop-before", ""):
            place = fault if "/" in fault else f"qr/{fault}"
            simulated.sim("faults", {"faults": [place] if fault else []})
            answer = hers.pair()
            row = collection(Pairing).find_one({"open_for": ana.pk})
            secrets |= {row["uid"], row["utoken_hash"]}
            if row["code"]:
                simulated.sim("scan", {"code": row["code"]})
                secrets.add(door.next()["utoken"])
            said += [answer.content.decode(), repr(answer.headers)]
            said += [hers(*call).content.decode(errors="replace") for call in calls(row["_id"])]
    said += [repr(entry) for entry in collection(AuditEntry).find()]
    said += [repr(entry) for entry in collection(Performer).find()]
    said.append(caplog.text)
    assert len(secrets) > 15
    assert "lovense_operator_fault" in caplog.text
    assert [text for text in said for secret in secrets if secret in text] == []
    kept = repr(list(collection(Pairing).find()))
    assert [each for each in secrets if each in kept] == [
        each for each in secrets if each in (row["uid"], row["utoken_hash"])
    ]


def calls(pairing_id):
    return [("get", one(pairing_id)), ("get", f"{one(pairing_id)}/qr")]
