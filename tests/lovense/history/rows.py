"""Rows of a history, written in bulk: what each became, when and by whom."""

from datetime import timedelta

from ground.mongodb.collections import collection
from lovense.models import Activation
from tests.factories import NOW

MINUTE = timedelta(minutes=1)


def row(n, performer_id, **more):
    """The n-th before now, played to its end."""
    at = more.pop("at", NOW - n * MINUTE)
    made = {
        "_id": f"{n:024x}.all",
        "performer_id": performer_id,
        "tip_id": f"{n:024x}",
        "event_id": f"event-{n}",
        "request_id": f"request-{n}",
        "position": 1_000_000 - n,
        "amount": 100,
        "tipper_name": "bob",
        "status": "completed",
        "reason": "",
        "gates": [],
        "item": {"itemId": "fireworks", "title": "Fireworks"},
        "menu_version": 1,
        "commands": [],
        "promised_seconds": 10,
        "delivered_seconds": 10.0,
        "stop_epoch": 0,
        "attempt": 1,
        "attempts": [{"attempt": 1, "at": at, "by": "w"}],
        "created_at": at,
        "dispatched_at": at,
        "received_at": at,
        "started_at": at,
        "finished_at": at,
    }
    return made | more


def fill(performer, count, **more):
    """So many of hers, the first of them the newest."""
    rows = [row(n, performer.pk, **more) for n in range(count)]
    collection(Activation).insert_many(rows, ordered=False)
    return [each["_id"] for each in rows]


def add(performer, n, **more):
    made = row(n, performer.pk, **more)
    collection(Activation).insert_one(made)
    return made["_id"]
