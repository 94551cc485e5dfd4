"""No hot look-up of callers, tips and their log reads a whole collection or sorts in memory: the plan of
every command that the real code sends is checked."""

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

from adminpanel.doubt import keeping
from ground import clock
from ground.inbox import inbox
from ground.inbox.models import WebhookDelivery
from ground.mongodb.collections import collection
from lovense.menus import publishing
from lovense.models import Activation, Performer
from lovense.sending import acknowledgement, dispatch, groups, leases, pages, resume
from lovense.sending.acknowledgement import Ack
from tests import factories
from tests.factories import NOW
from tests.ground.plans import MANY, fill, recorded, scans
from tips.intake import payloads
from tips.log import daily_heads, emission
from tips.models import ChainHead, DailyHead, EventConsumer, FailedEmission, QueueRequest, Tip, TipActivated
from tips.queue import claims
from tips.settlement import polling, settlement

pytestmark = pytest.mark.django_db

ITEM = {"title": "Hello", "minimum": 1, "maximum": None, "pattern": "level", "intensity": 5, "durationSec": 3}


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
        assert [doubt.code for doubt in keeping.tips()] == ["not_posted"]
    assert [plan.indexes[0] for plan in plans] == [
        "tip_next_look",
        "tip_looked_at_source_ref",
        "tip_in_doubt",
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
        assert daily_heads._last_row_before(now + timedelta(minutes=2345), 0, MANY) == 2345
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
        assert [found["_id"] for found in inbox.conflicts(limit=9)] == ["payments/c"]
    assert plans[0].indexes == ["delivery_conflicts"]
    assert plans[0].examined == 1
    assert scans(plans) == []
