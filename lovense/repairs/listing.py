"""Repairs as they are read: by their performer, hers only. Nothing is decided here."""

from datetime import datetime

from ground.mongodb.collections import collection
from lovense.models import Repair, RepairWeight
from lovense.rows import RepairRow

SLICE = 50
_WEIGHTS = [RepairWeight.URGENT.value, RepairWeight.SERIOUS.value, RepairWeight.MILD.value]


def shown(performer_id: str, *, now: datetime) -> list[RepairRow]:
    """What is open and has stayed so for long enough: the heaviest first, then the oldest."""
    wanted = {"performer_id": performer_id, "open_key": {"$gt": ""}}
    found = [row for row in collection(Repair).find(wanted) if row["shown_at"] <= now]
    found.sort(key=lambda row: (_WEIGHTS.index(row["weight"]), row["since"], row["_id"]))
    return found


def closed(performer_id: str) -> list[RepairRow]:
    """Those that were shown, the last closed first; at most SLICE."""
    wanted = {
        "performer_id": performer_id,
        "closed_at": {"$ne": None},
        "$expr": {"$gt": ["$closed_at", "$shown_at"]},
    }
    return list(collection(Repair).find(wanted).sort("closed_at", -1).limit(SLICE))
