"""How everything is at this moment, as far as a look from outside tells: the queue's health, who is
on air, devices, repairs, the ledger. Prometheus is told it (`adminpanel/watch/exposition.py`), and
once a minute it is kept (`adminpanel/watch/minutes.py`). Only reads, each bounded, each by an
index."""

from datetime import datetime
from typing import Any, NotRequired, TypedDict

from django.conf import settings

from adminpanel.watch import health, register
from adminpanel.watch.register import RegisterSeen
from ground import clock
from ground.mongodb.collections import collection
from ledger import gateway
from lovense.models import Device, DeviceStatus, PageLease, Performer, Repair, RepairWeight
from lovense.repairs import finding
from tips.models import EPOCH
from tips.queue import counts

COUNTED_AT_MOST = 100_000
DEVICES_READ, REPAIRS_READ = 20_000, 1000
_WEIGHTS = [weight.value for weight in RepairWeight]


class HopSeen(TypedDict):
    name: str
    depth: int
    lag: float | None  # seconds


class LedgerSeen(TypedDict):
    gateway: str
    answers: bool
    circuit: NotRequired[str]  # of the process that looked, where the ledger has one


class RepairsSeen(TypedDict):
    """`worst`: the heaviest, and of these the oldest."""

    open: int
    kinds: dict[str, int]
    worst: dict[str, Any] | None  # {kind, weight, since, performer_id}


class HealthLook(TypedDict):
    """As it is kept: JSON, times as text."""

    status: str
    hops: list[HopSeen]
    saw: dict[str, int]  # by the code of a measure of adminpanel/watch/health.py
    consumers: dict[str, int]  # how late each is, in seconds
    running: int
    online: int
    paused: int
    connected: int
    low: int
    repairs: RepairsSeen
    ledger: LedgerSeen
    register: NotRequired[RegisterSeen]  # none: a minute of an older release


def read(*, now: datetime, found: health.Health | None = None) -> HealthLook:
    """`found`: the queue's health, where it was read already."""
    found = found or health.read(now=now)
    connected, low = devices()
    return {
        "status": found.status.value,
        "hops": [hop_seen(hop) for hop in found.hops],
        "saw": {reading.measure.code: reading.saw for reading in found.readings},
        "consumers": {each.standing.name: each.lag_seconds for each in health.consumers(now=now)},
        "running": counts.running(limit=COUNTED_AT_MOST),
        "online": online(now),
        "paused": paused(now),
        "connected": connected,
        "low": low,
        "repairs": repairs(),
        "ledger": ledger(),
        "register": register.look(),
    }


def hop_seen(hop: health.Backlog) -> HopSeen:
    return {"name": hop.name, "depth": hop.depth, "lag": hop.lag_seconds}


def online(now: datetime) -> int:
    """Performers whose devices somebody holds."""
    return collection(PageLease).count_documents(
        {"expires_at": {"$gt": now}}, hint="lease_open", limit=COUNTED_AT_MOST
    )


def paused(now: datetime) -> int:
    still = {"$or": [{"paused_until": None}, {"paused_until": {"$gt": now}}]}
    wanted = {"paused_at": {"$gt": EPOCH}, **still}
    return collection(Performer).count_documents(
        wanted, hint="performer_paused", limit=COUNTED_AT_MOST
    )


def devices() -> tuple[int, int]:
    """How many are connected, and how many of these have little battery left."""
    is_low = {"$and": [{"$gt": ["$battery", None]}, {"$lte": ["$battery", finding.LOW]}]}
    stages: list[dict[str, Any]] = [
        {"$match": {"status": DeviceStatus.CONNECTED.value}},
        {"$limit": DEVICES_READ},
        {"$group": {"_id": None, "n": {"$sum": 1}, "low": {"$sum": {"$cond": [is_low, 1, 0]}}}},
    ]
    row = next(iter(collection(Device).aggregate(stages, hint="device_unheard")), None)
    return (row["n"], row["low"]) if row else (0, 0)


def repairs() -> RepairsSeen:
    """What is open, of all performers."""
    told = {"_id": 0, "kind": 1, "weight": 1, "since": 1, "performer_id": 1}
    found = collection(Repair).find({"open_key": {"$gt": ""}}, told).hint("repair_open")
    rows = list(found.limit(REPAIRS_READ))
    kinds: dict[str, int] = {}
    for row in rows:
        kinds[row["kind"]] = kinds.get(row["kind"], 0) + 1
    worst = min(rows, key=lambda row: (-_WEIGHTS.index(row["weight"]), row["since"]), default=None)
    said = {**worst, "since": clock.iso(worst["since"])} if worst else None
    return {"open": len(rows), "kinds": kinds, "worst": said}


def ledger() -> LedgerSeen:
    asked = gateway.current()
    seen: LedgerSeen = {"gateway": settings.LEDGER_GATEWAY, "answers": asked.health()}
    if circuit := getattr(asked, "circuit", ""):
        seen["circuit"] = circuit
    return seen
