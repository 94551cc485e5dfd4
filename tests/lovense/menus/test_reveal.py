"""The secret of a version is told once, when nothing can be drawn with it any more; then anybody can check
every draw, and before that nobody can know it."""

import io
import json
import re
from datetime import timedelta

import pytest
from django.contrib.admin.utils import quote
from django.core.management import CommandError, call_command
from django.test import Client
from django.urls import get_resolver
from pymongo.errors import PyMongoError

from adminpanel.staff import enrol
from ground.mongodb.collections import collection
from ground.people import Role
from lovense import tasks
from lovense.deciding import revealing
from lovense.lane import eta
from lovense.menus import seals
from lovense.menus.seals import WAIT
from lovense.models import Activation, MenuSeal
from lovense.page import drawspage
from tests.factories import NOW
from tests.ground.conftest import fail_command, in_threads
from tests.ground.plans import fill, recorded, scans
from tests.lovense.conftest import activation_of, in_collection
from tests.lovense.menus.chancing import expected, menu_of, publish, seal_of
from tests.lovense.test_webhooks import lines
from tips.models import QueueRequest

__all__ = ["fail_command", "in_threads", "lines"]
pytestmark = pytest.mark.django_db
SECOND, FRESH = timedelta(seconds=1), timedelta(seconds=900)


@pytest.fixture(autouse=True)
def _nobody_has_looked(monkeypatch):
    monkeypatch.setattr(drawspage, "LOOKS", drawspage.CallRate(drawspage.PER_SOURCE))


@pytest.fixture
def version(chain, bob):
    """Three tips got something of it, and another version has taken its place."""
    key = publish(chain)
    chain.tips = [chain.played(bob, 100, seconds=1) for _ in range(3)]
    publish(chain)
    return key


def retired_at(key):
    return menu_of(key)["retired_at"]


def drain(now):
    return revealing.drain(now=now, limit=100)


def over(chain, key):
    """When it is: a day after the last of its draws and of its time."""
    ends = [activation_of(tip_id)["finished_at"] for tip_id in chain.tips]
    return max(retired_at(key), *ends) + WAIT + SECOND


def is_told(key):
    return key in seals.revealed([key])


# --- when --------------------------------------------------------------------------------------------------


def test_a_version_in_force_is_never_looked_at(chain):
    key = publish(chain)
    assert drain(NOW + timedelta(days=400)) == 0
    assert not is_told(key)


def test_a_day_after_it_was_retired_and_its_last_tip_has_ended_it_is_told(chain, version):
    assert drain(retired_at(version) + WAIT - SECOND) == 0
    drain(over(chain, version))
    assert is_told(version)


def test_a_tip_that_waits_from_its_time_holds_it_however_long_it_does(chain, bob):
    key = publish(chain)
    chain.settled(bob, 100)
    publish(chain)
    late = retired_at(key) + timedelta(days=9)
    assert drain(late) == 1
    assert not is_told(key)
    assert seal_of(key)["look_at"] == late + revealing.LOOK_AGAIN


def test_a_draw_that_is_under_way_holds_it_and_a_day_goes_by_after_its_end(chain, version):
    activations = collection(Activation)
    key = {"tip_id": chain.tips[0]}
    activations.update_one(key, {"$set": {"status": "activated", "finished_at": None}})
    drain(retired_at(version) + timedelta(days=3))
    assert not is_told(version)
    ended = retired_at(version) + timedelta(days=4)
    activations.update_one(key, {"$set": {"status": "completed", "finished_at": ended}})
    drain(ended + SECOND)
    assert (is_told(version), seal_of(version)["look_at"]) == (False, ended + WAIT)
    drain(ended + WAIT)
    assert is_told(version)


def test_where_a_tip_may_be_settled_later_than_a_day_the_time_for_that_goes_by(chain, version, settings):
    settings.TIP_FRESH_SECONDS = 7 * 86_400
    drain(over(chain, version))
    assert not is_told(version)
    assert seal_of(version)["look_at"] == retired_at(version) + timedelta(days=7)


# --- once, repeated, concurrent, crashed -------------------------------------------------------------------


def test_told_again_it_keeps_its_moment_and_its_secret(chain, version):
    at = over(chain, version)
    drain(at)
    told = seals.revealed([version])
    assert drain(at + timedelta(days=1)) == 0
    assert not seals.reveal(version, at + timedelta(days=2))
    assert seals.revealed([version]) == told


def test_of_many_rounds_at_once_one_tells_it(chain, version, in_threads):
    at = over(chain, version)
    found = in_threads(lambda: seals.reveal(version, at), times=6, workers=6)
    assert sorted(found) == [False] * 5 + [True]


def test_a_round_that_dies_before_its_write_is_done_again(chain, version, fail_command):
    at = over(chain, version)
    fail_command("update", errorCode=8000, **in_collection(MenuSeal))
    with pytest.raises(PyMongoError):
        drain(at)
    assert not is_told(version)
    drain(at + SECOND)
    assert seals.revealed([version])[version].at == at + SECOND


def test_a_round_that_dies_after_its_write_has_told_it(chain, version, fail_command):
    at = over(chain, version)
    timeout = {"errmsg": "the answer was lost", "code": 64, "codeName": "WriteConcernFailed"}
    fail_command("update", writeConcernError=timeout, **in_collection(MenuSeal))
    with pytest.raises(PyMongoError):
        drain(at)
    assert is_told(version)
    assert drain(at + SECOND) == 0
    assert seals.revealed([version])[version].at == at


def test_a_round_is_bounded_and_the_longest_waiting_is_first(chain):
    keys = [publish(chain, at=chain.now + n * SECOND) for n in range(4)]
    at = NOW + timedelta(days=3)
    assert revealing.drain(now=at, limit=2) == 2
    assert [is_told(key) for key in keys] == [True, True, False, False]


def test_the_beat_has_the_round():
    tasks.reveal_draws()


# --- checked -----------------------------------------------------------------------------------------------


def verify(key):
    said = io.StringIO()
    try:
        call_command("verify_draws", key, stdout=said)
    except CommandError as why:
        return said.getvalue(), str(why)
    return said.getvalue(), ""


def test_every_draw_is_checked_before_and_after_it_is_told(chain, version):
    assert verify(version) == (f"3 draws of {version} checked, 0 altered\n", "")
    drain(over(chain, version))
    assert verify(version)[1] == ""


@pytest.mark.parametrize("field", ["intensity", "durationSec", "pattern"])
def test_one_altered_value_is_found_and_named(chain, version, field):
    tip_id = chain.tips[1]
    wrong = {"intensity": 3, "durationSec": 2, "pattern": "fireworks"}[field]
    collection(Activation).update_one({"tip_id": tip_id}, {"$set": {f"item.{field}": wrong}})
    said, why = verify(version)
    named, summary = said.splitlines()
    assert (why, summary) == ("Some draws were altered.", f"3 draws of {version} checked, 1 altered")
    assert named == f"{tip_id}: 'Lucky' got {field} {wrong!r}, not {expected(version, tip_id)[field]!r}"


@pytest.mark.parametrize("secret", ["ab" * 32, "no secret"])
def test_an_altered_secret_is_found(version, secret):
    collection(MenuSeal).update_one({"_id": version}, {"$set": {"secret": secret}})
    said, why = verify(version)
    assert said == f"{version}: the secret is not the one of the commitment\n"
    assert "altered" in why


def test_there_is_nothing_to_check_of_a_version_that_draws_nothing(chain):
    assert "no such version" in verify(f"{chain.performer_id}.1")[1]


# --- for anybody -------------------------------------------------------------------------------------------


def asked(key, **query):
    return Client().get(f"/api/public/draws/{key}", query)


def page(key, **query):
    answer = Client().get(f"/draws/{key}", query)
    return answer, re.sub(r"<[^>]+>", " ", answer.content.decode())


def test_before_it_is_told_anybody_sees_the_commitment_and_what_it_waits_for(chain, version):
    told = asked(f"{chain.performer_id}.3").json()
    assert (told["commitment"], told["waitsFor"]) == (menu_of(told["menu"])["commitment"], "retired")
    assert (told["secret"], told["draws"], told["revealedAt"]) == (None, [], None)
    assert "not yet revealed" in page(told["menu"])[1]


def test_then_anybody_sees_the_secret_and_each_draw_and_nothing_of_who_tipped(chain, version, bob):
    drain(over(chain, version))
    told = asked(version).json()
    assert (told["secret"], told["isKept"]) == (seal_of(version)["secret"], True)
    assert [each["tip"] for each in told["draws"]] == sorted(chain.tips)
    for each in told["draws"]:
        assert each["got"] == each["expected"] == expected(version, each["tip"])
        assert each["isRight"]
    assert set(told["draws"][0]) == {"tip", "item", "title", "random", "got", "expected", "isRight"}
    answer, text = page(version)
    for each in (json.dumps(told), text):
        assert bob.username not in each
    assert answer.status_code == 200
    assert all(tip_id in text for tip_id in chain.tips)
    assert "Altered" not in text


def test_what_was_altered_is_seen_by_anybody(chain, version):
    drain(over(chain, version))
    collection(Activation).update_one({"tip_id": chain.tips[0]}, {"$set": {"item.intensity": 3}})
    assert [each["isRight"] for each in asked(version).json()["draws"]].count(False) == 1
    assert "It had to get" in page(version)[1]


def test_draws_are_told_a_slice_at_a_time(chain, version, monkeypatch):
    drain(over(chain, version))
    monkeypatch.setattr(drawspage, "AT_ONCE", 2)
    first = asked(version).json()
    rest = asked(version, after=first["next"]).json()
    assert [each["tip"] for each in first["draws"] + rest["draws"]] == sorted(chain.tips)
    assert rest["next"] is None
    assert first["next"] in page(version)[0].content.decode()


@pytest.mark.parametrize("key", ["x", "1.1", "a" * 300, "…"])
def test_of_what_is_not_there_nothing_is_said(chain, key):
    assert asked(key).status_code == page(key)[0].status_code == 404
    assert asked(f"{chain.performer_id}.1").status_code == 404, "it draws nothing"


def test_a_question_that_makes_no_sense_is_answered_as_such(version):
    assert asked(version, after="x" * 100).status_code == 400
    assert page(version, after="\n")[0].status_code == 404


def test_one_address_looks_so_often_in_a_minute_and_no_more(version):
    for _ in range(drawspage.PER_SOURCE):
        assert asked(version).status_code == 200
    late = asked(version)
    assert (late.status_code, late.json()["error"]["code"]) == (429, "too_many_requests")
    assert int(late["Retry-After"]) > 0
    assert page(version)[0].status_code == 429


# --- the canary --------------------------------------------------------------------------------------------


def test_before_it_is_told_the_secret_is_in_no_answer_page_export_or_line_of_the_log(chain, bob, lines):
    key = publish(chain)
    chain.settled(bob, 100)
    chain.played(bob, 100, seconds=1)
    eta.of_lane(chain.performer_id, now=chain.now)
    secret = seal_of(key)["secret"]
    texts = [str(lines)]
    herself, chief = Client(raise_request_exception=False), Client(raise_request_exception=False)
    herself.force_login(chain.performer.user)
    chief.force_login(enrol(username="eve", role=Role.ADMIN, password="").user)
    named = {"menu": key, "version": str(menu_of(key)["version"]), "performer_id": chain.performer_id}
    for pattern in get_resolver().url_patterns:
        path = re.sub(r"<\w+:(\w+)>", lambda name: named.get(name[1], "unknown"), str(pattern.pattern))
        for client in (herself, chief):
            texts.append(client.get(f"/{path}").getvalue().decode(errors="replace"))
    kept = "/admin/lovense/menuseal/"
    for path in (kept, f"{kept}{quote(str(MenuSeal.objects.get().pk))}/change/"):
        texts.append(chief.get(path).content.decode())
    for kind in ("json", "csv", "text"):
        texts.append(herself.get(f"/api/lovense/tip-menu/export?format={kind}").content.decode())
    assert any(menu_of(key)["commitment"] in text for text in texts), "or nothing was looked at"
    forms = (secret, secret.upper(), str(bytes.fromhex(secret)))
    assert not [text[:200] for text in texts if any(form in text for form in forms)]


# --- how it is found ---------------------------------------------------------------------------------------


def test_what_is_due_what_is_under_way_and_what_was_drawn_is_found_by_an_index(chain, version):
    def seal(n):
        row = {"_id": f"{n:024x}.1", "performer_id": f"{n:024x}", "secret": "", "retired_at": NOW}
        return row | {"look_at": None, "revealed_at": NOW}

    fill(MenuSeal, seal)
    fill(Activation, lambda n: {"_id": f"{n:024x}.all", "status": "completed", "finished_at": NOW})
    at = over(chain, version)
    with recorded() as plans:
        drain(at)
        revealing.checked(revealing.of(version), after=chain.tips[0], limit=10)
        revealing.count(version)
    of_mine = [plan for plan in plans if plan.collection in ("menu_seals", "activations", "queue_requests")]
    assert len(of_mine) >= 8
    assert scans(of_mine) == []
    assert collection(QueueRequest).count_documents({}) == 3
