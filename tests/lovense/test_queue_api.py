"""`/api/performance-queue/*`: what is submitted, shown and changed by her whose queue it is."""

from datetime import timedelta

import pytest

from ground import clock
from ground.audit.models import AuditEntry
from ground.mongodb.collections import collection
from lovense.lane import submissions
from lovense.models import Performer
from tests.lovense.callers import TEST, _nobody_is_woken, chain, hers, playing, submitted, tip
from tips.queue import requests as queue

__all__ = ["_nobody_is_woken", "chain", "hers"]
pytestmark = pytest.mark.django_db


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


def test_one_is_placed_in_the_order_that_was_seen(hers, chain, bob):
    order = [tip(chain, bob) for _ in range(3)]
    first, second, third = order
    assert hers("post", f"/place/{third}", {"before": first, "order": order}).json()["place"] == 1
    changed = hers("post", f"/place/{second}", {"order": order})
    assert (changed.status_code, changed.json()["error"]["details"]) == (
        409,
        {"order": [third, first, second]},
    )
    assert hers("post", f"/next/{second}").json()["place"] == 1
    for bad in ({}, {"order": "x"}, {"order": [1]}, {"order": [first]}, {"order": [second, second]}):
        answer = hers("post", f"/place/{second}", bad)
        assert (answer.status_code, answer.json()["error"]["details"]["field"]) == (400, "order")


def test_while_paused_one_is_let_through(hers, chain, bob):
    first = tip(chain, bob)
    assert hers("post", "/play-one", {}).json()["error"]["code"] == "not_paused"
    hers("post", "/pause", {"when": "now"})
    assert hers("post", "/pause", {"when": "soon"}).json()["error"]["details"]["field"] == "when"
    assert hers("post", "/play-one", {"requestId": first}).json() == {"requestId": first}
    assert hers("post", "/play-one", {}).json() == {"requestId": first}


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
