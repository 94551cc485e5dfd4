"""No hot look-up reads a whole collection or sorts in memory: the plan of every command that the real code
sends is checked."""

import json
import uuid
from datetime import timedelta
from importlib import import_module

import pytest
from bson import ObjectId
from django.conf import settings
from django.contrib.auth import authenticate
from django.contrib.auth.models import User
from django.test import RequestFactory
from rest_framework.authentication import TokenAuthentication

from adminpanel.watch import reconciliation
from ground import clock
from ground.inbox import inbox
from ground.inbox.models import WebhookDelivery
from ground.mongodb.collections import collection
from lovense.menus import publishing
from lovense.models import Activation, PageLease, Performer
from lovense.sending import acknowledgement, dispatch, groups, leases, pages, resume
from lovense.sending.acknowledgement import Ack
from tests import factories
from tests.factories import NOW
from tests.ground.plans import recorded
from tips.intake import payloads
from tips.log import daily_heads, emission
from tips.models import (
    ChainHead,
    DailyHead,
    EventConsumer,
    FailedEmission,
    Mode,
    Priority,
    QueueRequest,
    Tip,
    TipActivated,
)
from tips.queue import claims, counts
from tips.settlement import polling, settlement

pytestmark = pytest.mark.django_db

MANY = 20_000
# One row for the whole deployment, whatever its size.
SINGLE_ROWS = {"platform_settings", "tip_activated_chain_head"}
ITEM = {"title": "Hello", "minimum": 1, "maximum": None, "pattern": "level", "intensity": 5, "durationSec": 3}


def scans(plans):
    return [plan for plan in plans if not plan.is_indexed and plan.collection not in SINGLE_ROWS]


# --- who is asking -----------------------------------------------------------------------------------------


def test_a_session_is_found_by_its_key():
    store = import_module(settings.SESSION_ENGINE).SessionStore
    made = store()
    made["a"] = 1
    made.save()
    with recorded() as plans:
        assert store(made.session_key).load() == {"a": 1}
        assert store().exists(made.session_key)
        store(made.session_key).delete()
    assert len(plans) >= 3
    assert scans(plans) == []


def test_a_user_is_found_by_name_and_by_key(ana):
    with recorded() as plans:
        assert authenticate(username="ana", password=factories.PASSWORD) == ana.user
        User.objects.get(pk=ana.user.pk)
    assert scans(plans) == []


def test_a_token_is_found_by_its_key_and_its_user_joined_alone(ana):
    request = RequestFactory().get("/", headers={"Authorization": f"Token {factories.token_of(ana.user)}"})
    with recorded() as plans:
        user, _token = TokenAuthentication().authenticate(request)
        assert Performer.objects.get(user=user) == ana
    assert len(plans) == 2
    assert scans(plans) == []


# --- the chain of facts ------------------------------------------------------------------------------------


def delivery(performer, viewer, *, now, position):
    """A proven call, as the webhook's door hands it to the inbox."""
    tip_id = str(ObjectId())
    data = {
        "tipId": tip_id,
        "totalPrice": 50,
        "tipper": {"userId": viewer.user_id},
        "recipient": {"performerId": performer.pk},
        "createdAt": clock.iso(now),
    }
    body = json.dumps({"type": "tip.succeeded", "timestamp": clock.iso(now), "data": data}).encode()
    message = payloads.parse(body)
    return tip_id, inbox.Call(
        "payments",
        tip_id,
        message.event_type,
        f"tip.succeeded/{tip_id}",
        message.fingerprint,
        body,
        position,
        now,
    )


@pytest.fixture
def show(ana, bob, now, monkeypatch):
    """ana has a menu and a page; bob has tokens; nothing is really sent."""
    monkeypatch.setattr(groups, "publish", lambda messages: None)
    publishing.publish(ana.pk, [ITEM], now)
    factories.fund(bob, 1000)
    pages.take(ana.pk, page_id="page", channel="channel", slot="web-0", now=now)


def test_the_whole_chain_uses_indexes(show, ana, bob, now):
    with recorded() as plans:
        (tip_id, call), (_, second) = (delivery(ana, bob, now=now, position=n) for n in (1, 2))
        assert inbox.accept([call, second]) == [inbox.Acceptance.NEW] * 2
        assert inbox.accept([call]) == [inbox.Acceptance.REPEAT]
        settlement.drain(now=now, limit=100)
        dispatch.drain(now=now, limit=100)
        acks = [
            Ack(ana.pk, f"{tip_id}.all", 1, stage, now, delivered_seconds=3.0)
            for stage in acknowledgement.STAGES[:3]
        ]
        for ack in acks:
            acknowledgement.acknowledge([ack])
        dispatch.drain(now=now, limit=100)
    assert Activation.objects.get(tip_id=tip_id).status == "completed"
    assert QueueRequest.objects.get(idempotency_key=tip_id).status == "completed"
    assert len(plans) > 20
    assert scans(plans) == []


def test_healing_uses_indexes(show, ana, bob, now):
    inbox.accept([delivery(ana, bob, now=now, position=1)[1]])
    settlement.drain(now=now, limit=100)
    dispatch.drain(now=now, limit=100)
    later = now + timedelta(hours=1)
    with recorded() as plans:
        resume.in_flight([ana.pk], before=later)
        leases.recover("worker-0", now=later)
        leases.expire(now=later, limit=100)
        leases.expire_offline(now=later, limit=100)
        settlement.end_grace(now=later, limit=100)
        inbox.mark_failed("payments/none", error="x", now=NOW)
        claims.release(str(uuid.uuid4()), now=later, delay_seconds=0, error="x")
    assert len(plans) > 7
    assert scans(plans) == []


def test_tokens_that_arrive_find_the_tips_that_wait_for_them(show, ana, bob, now):
    wanted = {"settlement_status": "pending", "tipper_id": {"$in": [bob.user_id, ana.pk]}}
    with recorded() as plans:
        list(collection(Tip).find(wanted).sort("created_at", 1).limit(100))
    assert scans(plans) == []


def test_leases_of_pages_use_indexes(show, ana, now):
    with recorded() as plans:
        pages.take(ana.pk, page_id="other", channel="c", slot="web-1", now=now)
        pages.renew("web-0", ["channel"], now=now)
        pages.holders(now=now)
        pages.offline_since([ana.pk], before=now)
        pages.release(ana.pk, channel="channel", now=now)
        pages.release_slot("web-0", now=now)
    assert len(plans) == 6
    assert scans(plans) == []


def test_facts_are_found_by_their_keys(db):
    with recorded() as plans:
        Tip.objects.filter(pk="507f1f77bcf86cd799439011").first()
        TipActivated.objects.filter(pk="507f1f77bcf86cd799439011").first()
        WebhookDelivery.objects.filter(pk="payments/1").first()
        QueueRequest.objects.filter(idempotency_key="507f1f77bcf86cd799439011").first()
        TipActivated.objects.filter(sequence=7).first()
        list(TipActivated.objects.filter(sequence__gt=7).order_by("sequence")[:100])
        list(TipActivated.objects.order_by("-sequence")[:1])
        list(collection(TipActivated).find().sort("sequence", 1))
    assert len(plans) == 8
    assert scans(plans) == []


# --- what it costs when there is much ----------------------------------------------------------------------


def fill(model, row, count=MANY):
    collection(model).insert_many([row(n) for n in range(count)], ordered=False)


def test_the_oldest_delivery_that_waits_is_found_among_many():
    row = {"source": "payments", "status": "processed"}
    fill(WebhookDelivery, lambda n: {"_id": f"payments/{n}", "subject": f"s{n}", "position": n} | row)
    sources = ("payments", "rest", "rrr")
    collection(WebhookDelivery).insert_many(
        [
            {
                "_id": f"w{n}{source}",
                "subject": f"w{n}{source}",
                "source": source,
                "status": "received",
                "position": n,
            }
            for n, source in enumerate(sources * 3)
        ]
    )
    with recorded(run=True) as plans:
        found = [row["_id"] for row in inbox.waiting(("payments", "rest"), now=NOW, limit=5)]
    assert found == ["w0payments", "w1rest", "w3payments", "w4rest", "w6payments"]
    assert set(plans[0].indexes) == {"delivery_waiting"}
    assert plans[0].is_indexed
    assert plans[0].examined <= 7


def in_lane(number):
    return {"lane": f"L{number:02}", "line": f"L{number:02}/10"}


def test_the_heads_of_all_lanes_cost_one_look_per_lane():
    fill(
        QueueRequest,
        lambda n: (
            {"_id": f"r{n}", "idempotency_key": n, "status": "pending", "turn": MANY - n} | in_lane(n % 50)
        ),
    )
    lanes = [f"L{n:02}" for n in range(0, 50, 2)]
    with recorded(run=True) as plans:
        heads = claims.heads(lanes)
    assert sorted(head["lane"] for head in heads) == lanes
    assert {head["turn"] for head in heads} == {50 - n for n in range(0, 50, 2)}
    assert "DISTINCT_SCAN" in plans[0].stages
    assert plans[0].indexes == ["request_claim"]
    # A lane has four lines: the head of one of them, a step to each of the others that is empty, one over a
    # lane not asked for.
    assert plans[0].examined <= 4 * len(lanes)


def test_a_claim_among_many_reads_what_it_takes(now):
    def row(n):
        status = "pending" if n % 4 else "completed"
        return {
            "_id": f"r{n}",
            "idempotency_key": n,
            "status": status,
            "turn": n,
            "available_at": now,
            "attempts": 0,
        } | in_lane(n % 50)

    fill(QueueRequest, row)
    with recorded(run=True) as plans:
        claimed = claims.claim(
            claims.fronts([f"L{n:02}" for n in range(50)]), by="worker-0", now=now, lease_seconds=10
        )
    assert len(claimed) == 50
    assert scans(plans) == []
    # An $in of the four lines of 50 lanes also touches the keys between them, whatever the depth.
    assert max(plan.examined for plan in plans) <= 200


def test_what_was_tried_is_found_behind_whatever_waits(now):
    def row(n, **more):
        waits = {"_id": f"r{n}", "idempotency_key": n, "status": "pending", "turn": n, "attempts": 0}
        return waits | {"available_at": now, "lane": "L01", "line": "L01/10"} | more

    fill(QueueRequest, row)
    tried, again = row(MANY, attempts=1), row(-1, attempts=4, attempts_before=4)
    collection(QueueRequest).insert_many([tried, again, row(-2, attempts=1, status="completed")])
    with recorded(run=True) as plans:
        assert claims.tried(["L01", "L02"]) == [tried]
        claimed = claims.claim(claims.fronts(["L01"]), by="worker-0", now=now, lease_seconds=10)
    assert [row["_id"] for row in claimed] == [tried["_id"]]
    assert plans[0].indexes == ["request_tried"]
    assert plans[0].examined <= 2
    assert scans(plans) == []


def test_leases_that_ran_out_cost_as_many_looks_as_there_are_claims(now):
    fill(
        QueueRequest,
        lambda n: {
            "_id": f"r{n}",
            "idempotency_key": n,
            "status": "completed",
            "lane": f"L{n}",
            "lease_until": None,
        },
    )
    taken = [
        {"_id": f"c{n}", "idempotency_key": f"c{n}", "status": "claimed", "lane": f"L{n}", "lease_until": now}
        for n in range(9)
    ]
    collection(QueueRequest).insert_many([claim | {"claimed_by": "worker-0/1"} for claim in taken])
    with recorded(run=True) as plans:
        assert len(claims.expired(now=now, limit=100)) == 9
        assert claims.expire_claims_of("worker-0", now=now - timedelta(1)) == 9
    assert scans(plans) == []
    assert [plan.examined for plan in plans] == [9, 9]


def test_what_waits_is_found_by_its_lane(now):
    fill(
        QueueRequest,
        lambda n: {"_id": f"r{n}", "idempotency_key": n, "status": "pending", "turn": n} | in_lane(n % 50),
    )
    with recorded(run=True) as plans:
        assert len(counts.waiting_lanes()) == 50
        counts.waiting_in("L01", before=now, limit=20)
    assert scans(plans) == []
    assert plans[0].examined == 50
    assert plans[1].examined <= MANY / 50


def test_a_performers_newest_activations_cost_as_many_as_are_shown():
    fill(
        Activation,
        lambda n: {"_id": f"{n}.all", "performer_id": f"P{n % 3}", "position": n, "status": "completed"},
    )
    with recorded(run=True) as plans:
        shown = list(collection(Activation).find({"performer_id": "P1"}).sort("position", -1).limit(20))
        list(Activation.objects.filter(performer_id="P1").order_by("-position").values_list("pk")[:20])
    assert shown[0]["position"] == MANY - 1
    assert [plan.indexes for plan in plans] == [["activation_newest"]] * 2
    assert [plan.examined for plan in plans] == [20, 20]


def test_what_a_performer_has_in_flight_does_not_cost_her_history():
    fill(
        Activation, lambda n: {"_id": f"{n}.all", "performer_id": "P1", "position": n, "status": "completed"}
    )
    collection(Activation).insert_one(
        {"_id": "x.all", "performer_id": "P1", "position": 1, "status": "activated"}
    )
    wanted = {"performer_id": {"$in": ["P1", "P2"]}, "status": {"$in": ["dispatched", "activated"]}}
    with recorded(run=True) as plans:
        assert len(list(collection(Activation).find(wanted))) == 1
        mine = Activation.objects.filter(performer_id="P1", status__in=["dispatched", "activated"])
        assert len(mine) == 1
        assert mine.order_by("position").values_list("pk", flat=True).first() == "x.all"
    assert [plan.indexes for plan in plans] == [["activation_in_flight"]] * 3
    assert [plan.examined for plan in plans] == [1, 1, 1]
    assert scans(plans) == []


def test_a_performer_who_has_nothing_in_flight_does_not_pay_for_her_history():
    fill(
        Activation, lambda n: {"_id": f"{n}.all", "performer_id": "P1", "position": n, "status": "completed"}
    )
    with recorded(run=True) as plans:
        found = (
            Activation.objects.filter(performer_id="P1", status__in=["dispatched", "activated"])
            .order_by("position")
            .first()
        )
    assert found is None
    assert plans[0].examined == 0


def test_pages_of_many_performers_cost_those_that_are_open(now):
    fill(
        PageLease,
        lambda n: {"_id": f"P{n}", "slot": "web-0", "channel": "old", "expires_at": now - timedelta(days=1)},
    )
    pages.take("open", page_id="p", channel="c", slot="web-0", now=now)
    with recorded(run=True) as plans:
        assert pages.holders(now=now) == {"open": pages.Holder("c", 1)}
    assert plans[0].examined == 1


def test_a_user_is_found_among_many():
    fill(User, lambda n: {"username": f"user{n}", "email": ""})
    with recorded(run=True) as plans:
        assert User.objects.filter(username="user7").exists()
        assert [u.username for u in User.objects.order_by("username")[:2]] == ["user0", "user1"]
    assert [plan.examined for plan in plans] == [1, 2]


def test_a_performer_is_found_by_her_user_among_many():
    users = [ObjectId() for _ in range(MANY)]
    fill(Performer, lambda n: {"_id": f"{n:024}", "user_id": users[n]})
    with recorded(run=True) as plans:
        assert (
            Performer.objects.filter(user_id=users[-1]).values_list("pk", flat=True).first()
            == f"{MANY - 1:024}"
        )
    assert plans[0].examined <= 2


def looked_at(number, **more):
    tip = {
        "_id": f"{number:024x}",
        "source_ref": f"TIP_{number}",
        "looks": None,
        "next_look_at": None,
        "created_at": factories.NOW,
    }
    return tip | {"settlement_status": "settled", "needs_reconciliation": ""} | more


def test_the_tips_to_look_at_are_found_among_many_that_are_settled():
    fill(Tip, looked_at)
    due = {"looks": 3, "next_look_at": factories.NOW, "settlement_status": "pending"}
    again = {"looks": 3, "settlement_status": "pending", "needs_reconciliation": "not_posted"}
    collection(Tip).insert_many(
        [looked_at(MANY + n, **due) for n in range(3)] + [looked_at(MANY + 9, **again)]
    )
    with recorded(run=True) as plans:
        assert len(polling._due(factories.NOW, 100)) == 3
        assert polling.look_again([f"TIP_{MANY + 9}", "TIP_1", "unknown"], now=factories.NOW) == 1
        assert [doubt.tip.source_ref for doubt in reconciliation.doubts()[0]] == [f"TIP_{MANY + 9}"]
    assert [plan.indexes[0] for plan in plans] == [
        "tip_next_look",
        "tip_looked_at_source_ref",
        "tip_reconciliation",
    ]
    assert scans(plans) == []
    assert max(plan.examined for plan in plans) <= 6


def test_consumers_of_the_event_log_read_what_is_new_and_keys_alone(show, ana, bob, now):
    fill(TipActivated, lambda n: {"_id": f"{n:024}", "sequence": n + 1, "created_at": now, "payload": {}})
    fill(
        QueueRequest, lambda n: {"_id": f"r{n}", "idempotency_key": n, "status": "completed", "lane": f"L{n}"}
    )
    collection(ChainHead).insert_one(
        {"_id": "tip_activated", "sequence": MANY, "digest": "0" * 64, "rounds": 0}
    )
    emission.drain(now=now, limit=0)  # makes the consumers' rows
    collection(EventConsumer).update_many({}, {"$set": {"position": MANY}})
    inbox.accept([delivery(ana, bob, now=now, position=n)[1] for n in range(5)])
    settlement.drain(now=now, limit=100)
    with recorded(run=True) as plans:
        assert not emission.drain(now=now)
    assert {row["position"] for row in collection(EventConsumer).find()} == {MANY + 5}
    assert scans(plans) == []
    assert max(plan.examined for plan in plans) <= 10  # an $in of keys may touch the one between two of them
    (requests,) = [plan for plan in plans if plan.collection == "queue_requests"]
    assert requests.indexes == ["_id_"]
    assert "FETCH" not in requests.stages
    (log,) = [
        plan for plan in plans if plan.collection == "tip_activated_event_log"
    ]  # three consumers, read once
    assert (log.indexes, log.examined) == (["event_sequence"], 5)


def test_dead_emissions_are_found_among_many_that_were_delivered(now):
    fill(
        FailedEmission,
        lambda n: {"_id": f"analytics/{n}", "consumer": "analytics", "sequence": n, "state": "delivered"},
    )
    collection(FailedEmission).insert_one(
        {"_id": "analytics/x", "consumer": "analytics", "sequence": 7, "state": "dead"}
    )
    with recorded(run=True) as plans:
        assert (
            len(list(emission.dead()))
            == len(list(emission.dead(tip_id="x")))
            == emission.count_dead(consumer="analytics")
            == 1
        )
    assert len(plans) == 3
    assert scans(plans) == []
    assert max(plan.examined for plan in plans) <= 4


def test_the_end_of_a_day_is_found_in_a_long_log_by_a_few_looks(now):
    fill(
        TipActivated,
        lambda n: {"_id": f"{n:024}", "sequence": n + 1, "created_at": now + timedelta(minutes=n)},
    )
    with recorded(run=True) as plans:
        assert daily_heads._last_row_before(now + timedelta(minutes=12_345), 0, MANY) == 12_345
        assert collection(DailyHead).find_one(sort=[("_id", -1)]) is None
    assert scans(plans) == []
    assert len(plans) <= 17
    assert max(plan.examined for plan in plans) == 1


def test_conflicts_are_found_among_many_deliveries():
    row = {
        "source": "payments",
        "event_type": "tip.succeeded",
        "subject": None,
        "status": "duplicate",
        "error": "",
    }
    fill(
        WebhookDelivery,
        lambda n: row | {"_id": f"payments/{n}", "repeats": f"tip.succeeded/{n}", "position": n},
    )
    conflict = {
        "_id": "payments/c",
        "status": "conflict",
        "repeats": "tip.succeeded/x",
        "position": 5,
        "received_at": factories.NOW,
    }
    collection(WebhookDelivery).insert_one(row | conflict)
    with recorded(run=True) as plans:
        assert [found.key for found in reconciliation.conflicts()[0]] == ["payments/c"]
    assert plans[0].indexes == ["delivery_conflicts"]
    assert plans[0].examined == 1
    assert scans(plans) == []


@pytest.mark.parametrize("mode", Mode)
def test_a_claim_reads_the_same_keys_at_any_depth(mode, now):
    """One lane, all four lines; in batch mode with the look at what may join."""
    examined = []
    for depth in (200, 10_000):
        collection(QueueRequest).delete_many({})
        rows = [
            {
                "_id": f"r{n}",
                "idempotency_key": n,
                "status": "pending",
                "lane": "L1",
                "line": f"L1/{Priority.values[n % 4]}",
            }
            | {"turn": n, "waiting_since": now, "available_at": now - timedelta(seconds=2), "attempts": 0}
            for n in range(depth)
        ]
        collection(QueueRequest).insert_many(rows)
        with recorded(run=True) as plans:
            (row,) = claims.claim(
                claims.fronts(["L1"]), by="worker-0", now=now, lease_seconds=10, modes={"L1": mode}
            )
            counts.waiting_in("L1", limit=99)
        assert scans(plans) == []
        examined.append([plan.examined for plan in plans])
    assert row["_id"] == ("r3" if mode is Mode.PRIORITY else "r0")
    assert examined[0] == examined[1]
