"""The doors of what is owed: the list, requeue and waive over REST, hers alone; and her preference."""

import pytest

from ground import clock
from ground.audit import log as audit_log
from ground.mongodb.collections import collection
from lovense.deciding.activation import activation_id
from lovense.models import Owed, OwedState
from lovense.owed import listing
from tests.lovense.callers import Caller, _nobody_is_woken, chain
from tests.lovense.owed.rest import request_for, shortened

__all__ = ["_nobody_is_woken", "chain"]
pytestmark = pytest.mark.django_db

ROOT = "/api/lovense"
NOBODYS = "507f1f77bcf86cd799439011.all"


@pytest.fixture
def hers(ana):
    return Caller(ana.user, root=ROOT)


@pytest.fixture
def strangers(carol):
    return Caller(carol.user, root=ROOT)


@pytest.fixture
def short(chain, bob):
    """Ends of ana's that are short: makes one, and gives its activation."""

    def run(delivered=3.2):
        chain.now = clock.now()
        return activation_id(shortened(chain, bob, delivered, createdAt=clock.iso(chain.now)))

    return run


def listed(caller, query=""):
    return caller("get", f"/owed{query}").json()


def test_what_has_just_ended_is_listed_with_what_it_owes(hers, short):
    key = short()
    (row,) = listed(hers)["owed"]
    assert {name: row[name] for name in ("activationId", "seconds", "cause", "state")} == {
        "activationId": key,
        "seconds": 6.8,
        "cause": "disconnect",
        "state": "open",
    }
    assert (row["promisedSeconds"], row["deliveredSeconds"], row["owedSeconds"]) == (10.0, 3.2, 6.8)
    assert (row["tipId"], row["tipper"], row["itemName"]) == (key[:24], "bob", "Fireworks")
    assert (row["policy"], row["requestId"], row["decidedAt"]) == ("report", None, None)


def test_the_list_is_paged_by_its_cursor_and_filtered_by_state(hers, short, monkeypatch):
    monkeypatch.setattr(listing.newest, "__kwdefaults__", {"after": "", "state": "", "limit": 2})
    keys = [short() for _ in range(5)]
    hers("post", f"/owed/{keys[1]}/waive", {"why": "agreed"})
    seen, after = [], ""
    for _ in range(3):
        part = listed(hers, f"?after={after}" if after else "")
        seen += [row["activationId"] for row in part["owed"]]
        after = part["next"]
    assert (seen, after) == (keys[::-1], None)
    assert [row["activationId"] for row in listed(hers, "?state=waived")["owed"]] == [keys[1]]
    for wrong in ("?after=x", "?state=lost"):
        assert hers("get", f"/owed{wrong}").status_code == 400


def test_requeued_it_waits_in_her_queue_and_again_it_is_the_same(hers, short):
    key = short()
    first = hers("post", f"/owed/{key}/requeue")
    again = hers("post", f"/owed/{key}/requeue", {})
    assert (first.status_code, again.status_code, again.json() == first.json()) == (201, 200, True)
    assert (first.json()["requeuedSeconds"], first.json()["waivedSeconds"]) == (6.0, 0.8)
    request = request_for(key.removesuffix(".all"))
    assert (request["_id"], request["submitted_by"]) == (first.json()["requestId"], "ana")


def test_the_queues_doors_show_it_as_what_it_is(ana, hers, short):
    key = short()
    wanted = hers("post", f"/owed/{key}/requeue").json()["requestId"]
    queue = Caller(ana.user)
    status = queue("get", f"/status/{wanted}").json()
    assert (status["type"], status["amount"], status["tipId"]) == ("lovense.owed", 0, None)
    assert queue("post", "/submit", {"type": "lovense.owed", "amount": 5}).status_code == 400


@pytest.mark.parametrize(("delivered", "code"), [(8.1, "too_short"), (None, "unknown_outcome")])
def test_what_cannot_be_requeued_is_refused(hers, short, delivered, code):
    key = short(delivered)
    answer = hers("post", f"/owed/{key}/requeue")
    assert (answer.status_code, answer.json()["error"]["code"]) == (409, code)
    assert request_for(key.removesuffix(".all")) is None


def test_what_may_have_played_plays_when_she_confirms_it(hers, short):
    key = short(None)
    assert hers("post", f"/owed/{key}/requeue", {"isConfirmed": False}).status_code == 409
    assert hers("post", f"/owed/{key}/requeue", {"isConfirmed": True}).status_code == 201


def test_waived_it_keeps_its_first_reason(hers, short):
    key = short()
    for why in ("agreed in the chat", "another"):
        answer = hers("post", f"/owed/{key}/waive", {"why": why})
        assert (answer.status_code, answer.json()["why"]) == (200, "agreed in the chat")
    refused = hers("post", f"/owed/{key}/requeue")
    assert (refused.status_code, refused.json()["error"]["code"]) == (409, "already_decided")
    (entry,) = audit_log.of(key, limit=9)
    assert (entry["actor"], entry["why"], bool(entry["hashed_ip"])) == ("ana", "agreed in the chat", True)


@pytest.mark.parametrize(
    "body", [None, {}, {"why": " "}, {"why": 5}, {"why": "x" * 201}, {"why": "a", "b": 1}]
)
def test_a_waive_says_why(hers, short, body):
    key = short()
    assert hers("post", f"/owed/{key}/waive", body).status_code == 400
    assert [row["state"] for row in listed(hers)["owed"]] == ["open"]


def test_a_field_that_a_requeue_does_not_have_is_refused(hers, short):
    key = short()
    for body in ({"seconds": 60}, {"isConfirmed": "yes"}):
        assert hers("post", f"/owed/{key}/requeue", body).status_code == 400


def test_anothers_is_not_found_and_not_listed(hers, strangers, short):
    key = short()
    listed(hers)
    assert listed(strangers)["owed"] == []
    for action, body in (("requeue", {}), ("waive", {"why": "mine"})):
        for caller, named in ((strangers, key), (hers, NOBODYS), (hers, "x")):
            assert caller("post", f"/owed/{named}/{action}", body).status_code == 404
    assert collection(Owed).find_one({"_id": key})["state"] == OwedState.OPEN


def test_it_is_hers_alone(dina, short):
    key = short()
    calls = (("get", "/owed", None), ("post", f"/owed/{key}/requeue", {}), ("post", f"/owed/{key}/waive", {}))
    for method, path, body in calls:
        assert Caller(root=ROOT)(method, path, body).status_code == 401
        assert Caller(dina, root=ROOT)(method, path, body).status_code == 403


@pytest.mark.parametrize("policy", ["requeue", "waive"])
def test_her_preference_is_followed_from_then_on(hers, short, policy):
    before = short()
    listed(hers)
    assert hers("put", "/preferences", {"owedPolicy": policy}).json()["owedPolicy"] == policy
    after = short()
    states = {row["activationId"]: row["state"] for row in listed(hers)["owed"]}
    assert states == {before: "open", after: f"{policy}d"}
    for wrong in (None, "ignore", 5):
        assert hers("put", "/preferences", {"owedPolicy": wrong}).status_code == 400
