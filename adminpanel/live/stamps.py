"""What the news of staff is made of: where each topic stands, as one short stamp.

A stamp is of no use but to be compared with the one before: it follows from the newest row of a
kind, how many there are, a version, and nobody can tell these from it. All topics are looked at by
one command, each part of it by an index; nothing is written.

This room is the staff's socket from the inside. Nothing here waits for a socket, and no datum
leaves it."""

from collections.abc import Mapping, Sequence
from hashlib import blake2b
from typing import Any, NamedTuple

from django.conf import settings
from django.db.models import Model

from adminpanel import access
from adminpanel.models import HealthMinute, ReconciliationItem
from adminpanel.watch import moment
from ground.audit.models import AuditEntry
from ground.journal import journal
from ground.journal.models import JournalState
from ground.mongodb.collections import collection
from ground.people import Role
from lovense.deciding import platform
from lovense.models import Device, DeviceStatus, PlatformSettings, Repair
from tips.models import EPOCH, EventConsumer, QueueRequest

Stamps = dict[str, str]  # by topic
Stage = dict[str, Any]

# Of more than these one is heard of every second anyway: each writes that it is there every ten.
DEVICES_COUNTED = 100
_OPEN = {"performer_id": {"$gt": ""}, "open_key": {"$gt": ""}}


class Gauge(NamedTuple):
    """One thing that moves, as the field `at` of what these stages find."""

    model: type[Model]
    stages: Sequence[Stage]


def _newest(model: type[Model], wanted: Stage, by: str, at: Any) -> Gauge:
    told: list[Stage] = [{"$limit": 1}, {"$project": {"_id": 0, "at": at}}]
    return Gauge(model, [{"$match": wanted}, {"$sort": {by: -1}}, *told])


def _count(model: type[Model], wanted: Stage, most: int) -> Gauge:
    return Gauge(model, [{"$match": wanted}, {"$limit": most}, {"$count": "at"}])


def _row(model: type[Model], key: str, field: str) -> Gauge:
    return Gauge(model, [{"$match": {"_id": key}}, {"$project": {"_id": 0, "at": f"${field}"}}])


_CONNECTED = {"status": DeviceStatus.CONNECTED.value, "last_seen_at": {"$gt": EPOCH}}
GAUGES = {
    # Whatever tips, queues and their controls do to the rows moves it.
    "journal": _row(JournalState, journal.UNFOLDED, "number"),
    "consumers": Gauge(
        EventConsumer,
        [
            {"$match": {"_id": {"$gt": ""}}},
            {"$project": {"_id": 0, "at": ["$_id", "$position", {"$size": "$errors"}]}},
        ],
    ),
    # A page's word that a run is over needs no entry of the journal.
    "ended": _newest(QueueRequest, {"finished_at": {"$gt": EPOCH}}, "finished_at", "$finished_at"),
    "minute": _newest(
        HealthMinute, {"_id": {"$gt": ""}}, "_id", ["$_id", "$counted_at", "$seen_at"]
    ),
    "heard": _newest(Device, _CONNECTED, "last_seen_at", "$last_seen_at"),
    "connected": _count(Device, _CONNECTED, DEVICES_COUNTED),
    "entry": _newest(AuditEntry, {"at": {"$gt": EPOCH}}, "at", ["$at", "$_id"]),
    "open": _count(Repair, _OPEN, moment.REPAIRS_READ),
    "closed": _newest(Repair, {"expires_at": {"$gt": EPOCH}}, "expires_at", "$expires_at"),
    "found": _newest(ReconciliationItem, {"found_at": {"$gt": EPOCH}}, "found_at", "$found_at"),
    "version": _row(PlatformSettings, platform.ROW, "version"),
}


class Topic(NamedTuple):
    """`gauges`: what moves it; `shown`: the routes of the pages that show something of it."""

    gauges: tuple[str, ...]
    shown: tuple[str, ...]


TOPICS = {
    "health": Topic(("minute",), ("staff", "staff-strip", "api-health")),
    "queue": Topic(("journal", "ended"), ("staff-queue", "staff-dead-letters", "staff")),
    "devices": Topic(("heard", "connected"), ("staff-devices", "api-staff-devices")),
    "tips": Topic(
        ("journal", "consumers"), ("staff-tips", "staff-deliveries", "staff-emissions", "staff")
    ),
    "audit": Topic(("entry",), ("staff-audit",)),
    "repairs": Topic(("open", "closed", "found"), ("staff", "staff-strip", "staff-reconciliation")),
    "settings": Topic(("version",), ("staff-settings", "staff-strip")),
}


def topics_of(role: Role) -> set[str]:
    """Those of which this role may read a page."""
    return {
        name
        for name, topic in TOPICS.items()
        if any(access.may(role, route, "GET") for route in topic.shown)
    }


def look() -> Stamps:
    """Where every topic stands; one command."""
    found = _found()
    return {name: _stamp(name, topic, found) for name, topic in TOPICS.items()}


def _found() -> dict[str, list[Any]]:
    parts = [
        (gauge.model, [*gauge.stages, {"$addFields": {"gauge": name}}])
        for name, gauge in GAUGES.items()
    ]
    (model, stages), *others = parts
    joined = [
        {"$unionWith": {"coll": each._meta.db_table, "pipeline": pipeline}}
        for each, pipeline in others
    ]
    found: dict[str, list[Any]] = {}
    for row in collection(model).aggregate([*stages, *joined]):
        found.setdefault(row["gauge"], []).append(row["at"])
    return found


def _stamp(name: str, topic: Topic, found: Mapping[str, list[Any]]) -> str:
    said = repr([name, *(sorted(map(repr, found.get(gauge, []))) for gauge in topic.gauges)])
    key = settings.SECRET_KEY.encode()[:64]
    return blake2b(said.encode(), digest_size=8, key=key).hexdigest()
