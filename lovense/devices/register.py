"""Devices: what a page says about the toys it holds, normalised."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from pymongo import UpdateOne

from ground.mongodb.collections import collection
from lovense.models import Device, DeviceStatus
from lovense.rows import DeviceRow

MAX_DEVICES = 16
_CONNECTED = {1, "1", "on", "connected"}


class InvalidReport(Exception):
    """A device report breaks a rule; `field` and `rule` say which."""

    def __init__(self, field: str, rule: str) -> None:
        super().__init__(f"{field}: {rule}")
        self.field, self.rule = field, rule


def report(performer_id: str, toys: Any, *, now: datetime) -> int:
    """Records a page's report, at most MAX_DEVICES toys; how many it named."""
    if not isinstance(toys, list) or len(toys) > MAX_DEVICES:
        raise InvalidReport("toys", f"must be a list of at most {MAX_DEVICES}")
    rows = [_row(performer_id, toy, place, now) for place, toy in enumerate(toys)]
    if rows:
        updates = [UpdateOne({"_id": row["_id"]}, {"$set": row}, upsert=True) for row in rows]
        collection(Device).bulk_write(updates, ordered=False)
    return len(rows)


def _row(performer_id: str, toy: Any, place: int, now: datetime) -> DeviceRow:
    if not isinstance(toy, Mapping):
        raise InvalidReport(f"toys[{place}]", "must be an object")
    toy_id = toy.get("id")
    if not isinstance(toy_id, str) or not 1 <= len(toy_id) <= 64:
        raise InvalidReport(f"toys[{place}].id", "must be 1 to 64 characters")
    return {
        "_id": f"{performer_id}.{toy_id}",
        "performer_id": performer_id,
        "toy_id": toy_id,
        "name": str(toy.get("name") or toy_id)[:64],
        "toy_type": str(toy.get("toyType") or "")[:32],
        "status": str(status_of(toy.get("status"))),
        "battery": battery_of(toy.get("battery")),
        "last_seen_at": now,
    }


def status_of(value: Any) -> DeviceStatus:
    """The vendor writes 0/1, "0"/"1", on/off."""
    try:
        return DeviceStatus.CONNECTED if value in _CONNECTED else DeviceStatus.DISCONNECTED
    except TypeError:
        return DeviceStatus.DISCONNECTED


def battery_of(value: Any) -> int | None:
    """0 to 100, from a number or a string of one; None when it says neither."""
    try:
        return max(0, min(100, int(value)))
    except (TypeError, ValueError, OverflowError):
        return None
