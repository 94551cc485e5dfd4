"""The feed: each event once and in order, also from the archive, for platforms and staff alone."""

import json
from datetime import timedelta

import pytest
from bson import ObjectId
from django.test import Client

from ground import clock
from ground.mongodb.collections import collection
from tests.factories import token_of
from tests.ground.plans import recorded
from tests.tips import calls
from tests.tips.calls import ANA, bought, event, settle, succeeded, tip, tip_id
from tests.tips.placing import post, queued, token, told
from tips.api import MOST_EVENTS
from tips.log import archive, eventlog
from tips.models import ChainHead, RequestStatus, TipActivated
from tips.queue import claims
from tips.queue import requests as queue

__all__ = ["post", "queued", "token"]
pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("proven", "queued")]

FEED = "/api/tips/events"


@pytest.fixture
def feed(token):
    """The raw answer to a query; to another token if one is given."""

    def ask(query="", token=token):
        return Client().get(f"{FEED}?{query}", headers={"Authorization": f"Token {token}"})

    return ask


@pytest.fixture
def five():
    bought(10_000)
    for number in (5, 3, 4, 1, 2):
        succeeded(number)
    settle()


def numbers(answer):
    assert answer.status_code == 200
    return [int(row["data"]["tipId"], 16) for row in answer.json()["events"]]


def test_the_feed_is_every_event_in_the_order_of_the_log(feed, five):
    answer = feed().json()
    assert [row["sequence"] for row in answer["events"]] == [1, 2, 3, 4, 5]
    assert numbers(feed()) == [5, 3, 4, 1, 2]
    assert answer["next"] == 5
    assert answer["events"][0]["data"] == event(5)["payload"]


def test_a_page_goes_on_where_the_one_before_ended(feed, five):
    after, seen = 0, []
    while page := feed(f"after={after}&limit=2").json()["events"]:
        seen += [row["sequence"] for row in page]
        after = page[-1]["sequence"]
    assert seen == [1, 2, 3, 4, 5]
    assert feed("after=5").json() == {"events": [], "next": 5}
    assert feed("after=900").json() == {"events": [], "next": 900}
    bought(1000)
    succeeded(9)
    settle()
    assert numbers(feed("after=5")) == [9]
    assert numbers(feed("after=0&limit=2")) == [5, 3]


def test_both_projections(feed, five):
    from tips.log import events as rules

    payload = event(5)["payload"]
    assert feed("projection=ledger&limit=1").json()["events"][0]["data"] == rules.as_ledger_spec(payload)
    assert feed("projection=queue&limit=1").json()["events"][0]["data"] == rules.as_queue_spec(payload)


def test_the_queues_projection_says_how_far_it_got(feed, five, now):
    ids = {number: queue.request_id(tip_id(number)) for number in (5, 3, 4)}
    claims.claim(claims.fronts([ANA]), by="w", now=clock.now(), lease_seconds=9)
    queue.advance([ids[5]], RequestStatus.COMPLETED, now=now)
    queue.advance([ids[3]], RequestStatus.FAILED, now=now, error="device_error")
    queue.advance([ids[4]], RequestStatus.DEAD, now=now)
    rows = [row["data"] for row in feed("projection=queue").json()["events"]]
    flags = [{name: row[name] for name in row if name.startswith("process")} for row in rows]
    assert flags[:4] == [
        {"processed": True, "processedAt": clock.iso(now)},
        {"processed": False, "processingError": "device_error"},
        {"processed": False, "processingError": "dead"},
        {"processed": False},
    ]


def test_the_feed_and_a_repeated_call_reach_into_the_archive(feed, post, five):
    whole = [feed(f"projection={name}&limit=4").json() for name in ("queue", "ledger")]
    claims.claim(claims.fronts([ANA]), by="w", now=clock.now(), lease_seconds=9)
    queue.advance([queue.request_id(tip_id(5))], RequestStatus.COMPLETED, now=calls.NOW)
    before = calls.NOW + timedelta(days=1)
    assert archive.run(before=before).moved == {"events": 5, "requests": 1}
    assert feed("projection=ledger&limit=4").json() == whole[1]
    rows = feed("projection=queue&limit=4").json()["events"]
    assert rows[0]["data"] == whole[0]["events"][0]["data"] | {
        "processed": True,
        "processedAt": clock.iso(calls.NOW),
    }
    assert rows[1:] == whole[0]["events"][1:]
    assert told(post(tip(5)))[:2] == (
        200,
        {
            "tipId": tip_id(5),
            "status": "success",
            "settlementStatus": "settled",
            "failureReason": "",
            "eventId": eventlog.find(tip_id(5)).event_id,
        },
    )


@pytest.mark.parametrize(
    ("query", "field"),
    [
        *(("after=-1", "after"), ("after=x", "after"), ("after=1.5", "after"), (f"after={2**63}", "after")),
        *(("limit=0", "limit"), (f"limit={MOST_EVENTS + 1}", "limit"), ("projection=other", "projection")),
    ],
)
def test_a_wrong_parameter_is_400_and_named(feed, query, field):
    answer = feed(query)
    assert answer.status_code == 400
    assert list(answer.json()["error"]["details"]) == [field]


def test_the_feed_is_for_platforms_and_staff(feed, dina, ana, client):
    assert feed(token=token_of(dina)).status_code == 200
    assert feed(token=token_of(ana.user)).status_code == 403
    assert feed(token="no").status_code == 401
    assert client.get(FEED).status_code == 401
    client.force_login(dina)
    assert client.get(FEED).status_code == 200


@pytest.mark.parametrize("projection", ["", "projection=queue", "projection=ledger"])
def test_a_page_in_a_long_log_costs_what_it_shows(feed, projection):
    def row(number):
        payload = event_payload | {"tipId": f"{number:024x}"}
        return {"_id": f"{number:024x}", "sequence": number, "payload": payload}

    bought(500)
    succeeded()
    settle()
    event_payload = event()["payload"]
    log = collection(TipActivated)
    saved = list(log.find())
    log.delete_many({})
    log.insert_many([row(number) for number in range(1, 5001)])
    head = collection(ChainHead)
    head.update_one({}, {"$set": {"sequence": 5000}})
    with recorded(run=True) as plans:
        assert len(feed(f"after=2500&limit=100&{projection}").json()["events"]) == 100
    log.delete_many({})
    log.insert_many(saved)
    head.update_one({}, {"$set": {"sequence": 1}})
    mine = [plan for plan in plans if plan.collection in ("tip_activated_event_log", "queue_requests")]
    assert len(mine) == (2 if "queue" in projection else 1)
    assert all(plan.is_indexed and plan.examined <= 101 for plan in mine)
    assert mine[0].indexes == ["event_sequence"]


def test_an_unknown_tip_is_not_taken_for_the_feed(client, token):
    assert (
        client.get(f"/api/tips/{ObjectId()}", headers={"Authorization": f"Token {token}"}).status_code == 404
    )


@pytest.mark.parametrize("projection", ["", "&projection=queue", "&projection=ledger"])
def test_staff_read_the_feed_without_the_id_of_an_anonymous_viewer(client, dina, token, projection):
    bought(500)
    for number, is_anonymous in ((1, True), (2, False)):
        succeeded(number, 100, isAnonymous=is_anonymous)
    calls.settle()
    address = f"/api/tips/events?after=0{projection}"
    client.force_login(dina)
    hidden, named = client.get(address).json()["events"]
    assert calls.BOB not in json.dumps(hidden)
    assert "0" * 24 in json.dumps(hidden)
    assert calls.BOB in json.dumps(named)
    given = Client().get(address, headers={"authorization": f"Token {token}"}).json()["events"]
    assert all(calls.BOB in json.dumps(each) for each in given)


def test_an_anonymous_tip_has_no_name_in_the_answer_or_the_feed(post, feed):
    bought(500)
    assert "bob" not in post(tip(isAnonymous=True)).content.decode()
    assert "bob" not in feed().content.decode()
