"""Dead letters over REST and at the shell."""

import json
from datetime import timedelta

import pytest
from django.core.management import CommandError, call_command
from pymongo.errors import PyMongoError
from rest_framework.test import APIClient

from adminpanel.management.commands import dead_letters
from ground.audit.models import AuditEntry
from ground.mongodb.collections import client, collection
from lovense.deciding.activation import activation_id
from lovense.lane import deadletters, decisions, letter
from lovense.models import Activation
from tests.adminpanel.letters import API, admin, api, dead, request_of
from tests.factories import NOW, UserFactory, token_of
from tests.ground.plans import recorded
from tips.models import QueueRequest
from tips.queue import requests as queue

__all__ = ["admin", "api", "dead"]
pytestmark = pytest.mark.django_db


# --- the API -----------------------------------------------------------------------------------------------


def test_the_api_lists_groups_and_letters_in_pages(api, dead):
    made = {dead("busy"), dead("busy"), dead()}
    first = api.get(API, {"limit": 2}).json()
    assert {group["cause"]: group["replayable"] for group in first["groups"]} == {
        "busy": 2,
        "not_received": 1,
    }
    second = api.get(API, {"limit": 2, "after": first["next"]}).json()
    assert second["next"] is None
    assert {group["cause"]: group["replayable"] for group in second["groups"]} == {
        "busy": None,
        "not_received": None,
    }
    assert {item["tipId"] for page in (first, second) for item in page["items"]} == made
    (item,) = api.get(API, {"cause": "not_received"}).json()["items"]
    assert (item["status"], item["amount"], item["mayBeReplayed"], item["whyNot"]) == ("dead", 100, True, "")
    assert [told["text"] for told in item["history"]] == [
        "attempt 1: handed over to the page",
        "dead: not received",
    ]
    assert api.get(API, {"after": "yesterday"}).status_code == 400
    assert api.get(API, {"limit": 0}).status_code == 400


def test_the_api_reviews_and_sends_back(api, dead):
    tip_id, other = dead(), dead()
    key = request_of(tip_id)["_id"]
    answer = api.post(f"{API}/{key}/review", {"resolution": "waived", "note": "asked"}, format="json")
    assert answer.json()["review"] | {"at": ""} == {
        "resolution": "waived",
        "note": "asked",
        "by": "dina",
        "at": "",
    }
    refused = api.post(f"{API}/{key}/replay")
    assert (refused.status_code, refused.json()["error"]["code"]) == (409, "settled_otherwise")
    assert api.post(f"{API}/{other}/replay").json()["status"] == "pending"
    again = api.post(f"{API}/{other}/replay")
    assert (again.status_code, again.json()["error"]["code"]) == (409, "not_dead")
    assert api.post(f"{API}/nothing/replay").json()["error"]["code"] == "not_found"
    assert api.post(f"{API}/{key}/review", {"resolution": "burnt"}, format="json").status_code == 400


def test_the_api_sends_back_a_group_whose_count_is_known(api, dead):
    made = [dead("busy") for _ in range(2)]
    refused = api.post(f"{API}/replay", {"cause": "busy", "expect": 1}, format="json")
    assert refused.status_code == 409
    assert refused.json()["error"] == {
        "code": "count_changed",
        "message": "There are 2 now; nothing was sent back.",
        "details": {"actual": 2},
    }
    assert api.post(f"{API}/replay", {"cause": "busy", "expect": 2}, format="json").json() == {
        "replayed": 2,
        "left": 0,
    }
    assert {request_of(tip_id)["status"] for tip_id in made} == {"pending"}
    assert api.post(f"{API}/replay", {"cause": "busy"}, format="json").status_code == 400


def test_a_group_of_very_many_tells_the_number_that_its_replay_wants(api, dead, monkeypatch):
    monkeypatch.setattr(deadletters, "LOOKED_AT", 2)
    for _ in range(4):
        dead("busy")
    (busy,) = api.get(API).json()["groups"]
    assert (busy["count"], busy["replayable"]) == (4, 4)
    expect = {"cause": "busy", "expect": busy["replayable"]}
    assert api.post(f"{API}/replay", expect, format="json").json() == {"replayed": 4, "left": 0}


def test_only_the_first_slice_counts_all_of_them(api, dead, monkeypatch):
    monkeypatch.setattr(deadletters, "LOOKED_AT", 2)
    for _ in range(4):
        dead("busy")
    said = {"limit": 2, "after": api.get(API, {"limit": 2}).json()["next"]}
    with recorded(run=True) as plans:
        (busy,) = api.get(API, said).json()["groups"]
    assert (busy["count"], busy["replayable"]) == (2, None)
    used = [index for plan in plans if plan.collection == "queue_requests" for index in plan.indexes]
    assert set(used) == {deadletters.NEWEST}  # not that of causes, by which they are counted


def test_the_api_is_for_staff_and_deciding_for_those_who_may(ana, dina, dead):
    tip_id = dead()
    calls = [
        ("get", API),
        ("post", f"{API}/{tip_id}/replay"),
        ("post", f"{API}/{tip_id}/review"),
        ("post", f"{API}/replay"),
    ]
    for method, path in calls:
        assert getattr(APIClient(), method)(path).status_code == 401
        for user in (ana.user, UserFactory.create()):
            client = APIClient()
            client.credentials(HTTP_AUTHORIZATION=f"Token {token_of(user)}")
            assert getattr(client, method)(path).status_code == 403
        client = APIClient()
        client.credentials(HTTP_AUTHORIZATION=f"Token {token_of(dina)}")
        assert getattr(client, method)(path).status_code == (200 if method == "get" else 403)
    assert request_of(tip_id)["status"] == "dead"


# --- the command -------------------------------------------------------------------------------------------


@pytest.fixture
def run(capsys):
    def called(*words):
        capsys.readouterr()
        call_command("dead_letters", *words)
        return capsys.readouterr().out

    return called


def refused(*words):
    with pytest.raises(CommandError) as error:
        call_command("dead_letters", *words)
    return str(error.value), error.value.returncode


def test_the_command_lists_and_shows(run, dead):
    assert run("list") == "no dead letters\n"
    busy, silent = dead("busy"), dead()
    listed = run("list")
    assert "1 busy, 1 may be sent back, 2026-01-03T04:15:00.000Z to 2026-01-03T04:15:00.000Z" in listed
    assert all(f"tip {tip_id}, 100 tokens" in listed for tip_id in (busy, silent))
    assert silent not in run("list", "--cause", "busy")
    told = run("show", busy)
    assert "attempt 1: handed over to the page" in told
    assert "gate menu_match: passed" in told
    found = json.loads(run("list", "--json"))
    assert ({group["cause"] for group in found["groups"]}, len(found["items"])) == (
        {"busy", "not_received"},
        2,
    )
    assert json.loads(run("show", busy, "--json"))["tipId"] == busy
    assert refused("show", "nothing") == ("There is no such request.", 1)


def test_the_command_reviews_and_sends_back_one(run, dead):
    tip_id = dead()
    assert "reviewed as other by eve" in run(
        "review", tip_id, "--resolution", "other", "--note", "hm", "--by", "eve"
    )
    assert f"pending: tip {tip_id}" in run("replay", tip_id)
    words, code = refused("replay", tip_id)
    assert (words, code) == ("It is waiting in the queue already.", 1)


def test_the_command_sends_back_a_group_in_parts_when_the_count_is_known(run, dead, monkeypatch):
    monkeypatch.setattr(decisions, "MOST_AT_ONCE", 2)
    made = [dead("busy") for _ in range(3)]
    dead()
    assert refused("replay", "--all", "--cause", "busy") == (
        "There are 3. Say --expect 3 to send them back.",
        2,
    )
    assert refused("replay", "--all", "--cause", "busy", "--expect", "5") == (
        "There are 3 now; nothing was sent back.",
        1,
    )
    assert run("replay", "--all", "--cause", "busy", "--expect", "3") == "3 sent back, 0 left\n"
    assert {request_of(tip_id)["status"] for tip_id in made} == {"pending"}
    assert json.loads(run("replay", "--all", "--expect", "1", "--json")) == {"replayed": 1, "left": 0}
    assert run("replay", "--all", "--expect", "0") == "0 sent back, 0 left\n"


REVIEW_ALL = ("review", "--all", "--resolution", "waived", "--note", "an outage")


def test_the_command_reviews_a_group_in_parts_each_with_its_entry(run, dead, monkeypatch):
    monkeypatch.setattr(decisions, "MOST_AT_ONCE", 2)
    made, other = [dead("busy") for _ in range(5)], dead()
    decisions.review(made[0], resolution=letter.Resolution.OTHER, by="eve", now=NOW)
    busy = (*REVIEW_ALL, "--cause", "busy")
    assert refused(*busy) == ("There are 4. Say --expect 4 to review them.", 2)
    assert refused(*busy, "--expect", "5") == ("There are 4 now; nothing was decided.", 1)
    assert run(*busy, "--expect", "4", "--by", "eve") == "4 reviewed, 0 left\n"
    said = [request_of(tip_id)["review"]["resolution"] for tip_id in made]
    assert said == ["other", *4 * ["waived"]]
    assert request_of(other).get("review") is None
    told = AuditEntry.objects.filter(action="review", why="an outage", actor="eve")
    assert told.count() == 4
    assert json.loads(run(*REVIEW_ALL, "--expect", "1", "--json")) == {"reviewed": 1, "left": 0}


@pytest.mark.parametrize(("words", "done"), [(("replay", "--all"), "sent back"), (REVIEW_ALL, "reviewed")])
def test_what_dies_while_the_command_works_is_not_of_what_was_agreed_to(run, dead, monkeypatch, words, done):
    monkeypatch.setattr(decisions, "MOST_AT_ONCE", 2)
    made, late = [dead("busy") for _ in range(3)], [dead("busy") for _ in range(2)]
    change, progress = collection(QueueRequest).update_one, dead_letters.tqdm.update
    for tip_id in late:
        change({"idempotency_key": tip_id}, {"$set": {"status": "dispatched"}})
    alive = iter(late)

    def one_dies(bar, letters):
        died = {"status": "dead", "finished_at": NOW + timedelta(hours=1)}
        change({"idempotency_key": next(alive)}, {"$set": died})
        return progress(bar, letters)

    monkeypatch.setattr(dead_letters.tqdm, "update", one_dies)
    assert run(*words, "--expect", "3") == f"3 {done}, 2 left: 2 more died meanwhile\n"
    keys = {request_of(tip_id)["_id"] for tip_id in made}
    assert {entry.target for entry in AuditEntry.objects.filter(action=words[0])} == keys
    assert {request_of(tip_id)["status"] for tip_id in late} == {"dead"}


@pytest.fixture
def database_fails_after_one_entry(dead):
    """Of the audit log; `over()` ends it."""
    point = {"configureFailPoint": "failCommand"}
    name = f"{collection(AuditEntry).database.name}.audit_entries"
    data = {"failCommands": ["insert"], "namespace": name, "errorCode": 8000}
    client().admin.command(point | {"mode": {"skip": 1}, "data": data})

    def over():
        client().admin.command(point | {"mode": "off"})

    yield over
    over()


def test_a_review_of_a_group_that_was_broken_off_goes_on(run, dead, request):
    for _ in range(3):
        dead("busy")
    over = request.getfixturevalue("database_fails_after_one_entry")
    with pytest.raises(PyMongoError):
        run(*REVIEW_ALL, "--expect", "3")
    over()
    assert refused(*REVIEW_ALL, "--expect", "3") == ("There are 2 now; nothing was decided.", 1)
    assert run(*REVIEW_ALL, "--expect", "2") == "2 reviewed, 0 left\n"
    assert AuditEntry.objects.filter(action="review").count() == 3


def test_the_command_is_refused_where_they_are_too_many_to_count(dead, request):
    dead("busy")
    request.getfixturevalue("time_is_up")
    said = "They are too many to be counted in time; nothing was done. Name one cause, or try again."
    assert refused(*REVIEW_ALL, "--expect", "1") == (said, 1)
    assert refused("replay", "--all", "--expect", "1") == (said, 1)


@pytest.mark.parametrize("note", ["", "no", "x" * 201])
def test_a_review_of_a_group_says_why(dead, note):
    tip_id = dead()
    words = ("review", "--all", "--resolution", "waived", "--note", note, "--expect", "1")
    assert refused(*words) == ("--note: Say why, in 3 to 200 characters.", 2)
    assert request_of(tip_id).get("review") is None


def test_the_command_ends_where_those_that_are_left_play_in_another_way(dead):
    tip_id = dead()
    changes = {"$set": {"requeued_at": NOW}}
    collection(Activation).update_one({"_id": activation_id(tip_id)}, changes)
    words, code = refused("replay", "--all", "--expect", "1")
    assert (words, code) == (
        "1 were not sent back: somebody else decided about them, or they ended after all.",
        1,
    )


@pytest.mark.parametrize("words", [(), ("x", "--all")])
@pytest.mark.parametrize("action", [("replay",), ("review", "--resolution", "other")])
def test_the_command_wants_one_or_all(action, words):
    assert refused(*action, *words) == ("Say either an ID or --all.", 2)


def test_every_cause_that_the_code_gives_has_its_words():
    from lovense.sending.acknowledgement import TEMPORARY

    assert set(letter.CAUSES) == TEMPORARY | {"not_received", "worker_died", "undecidable"}
    assert letter.words("strange_code") == "Strange code"
    assert {one.value for one in letter.Resolution} > queue.SETTLED_OTHERWISE
