"""Devices of all performers as a list of the staff's: its keys and its columns. A toy's id is the
performer's own, and no place or file names a row by it."""

from collections.abc import Mapping, Sequence
from typing import Any

from django.urls import reverse

from adminpanel.asking import plan
from adminpanel.asking.kinds import (
    Amount,
    Key,
    Name,
    NoSuchValue,
    OneOf,
    Shaped,
    Statement,
    bounds_of,
    is_one_of,
)
from adminpanel.lists.columns import (
    EMPTY,
    Column,
    RecordList,
    Row,
    ShippedView,
    moments,
    says,
    text_of,
)
from adminpanel.lists.performers import names_of, performers_named, whose
from ground.ui.cells import ShownCell
from lovense.devices import summary
from lovense.models import Device, DeviceStatus
from lovense.repairs import finding

NAME = "devices"
PAGE, APP = "page", "app"
TONES = {"connected": "good", "disconnected": "idle", "error": "bad"}
_WORDS = {
    DeviceStatus.CONNECTED: "Connected",
    DeviceStatus.DISCONNECTED: "Not connected",
    DeviceStatus.ERROR: "Error",
}


# --- what may be asked ---------------------------------------------------------------------------


def _no_words(words: Sequence[str]) -> Statement:
    raise NoSuchValue("devices have no words to be searched")


def _batteries(values: Sequence[str]) -> Statement:
    return {"$or": [_battery(*bounds_of(value)) for value in values]}


def _battery(least: int, most: int | None) -> Statement:
    bound = {"$lte": most} if most is not None else {}
    return {"battery": {"$gte": least if least > 1 else 0, **bound}}


def _reported_by(values: Sequence[str]) -> Statement:
    """All that is not her page is an app that she paired."""
    by = [{"host_id": summary.PAGE if value == PAGE else {"$gt": summary.PAGE}} for value in values]
    return {"$or": by}


_TYPE = Shaped("[a-z0-9][a-z0-9 _-]{0,31}", ("lush", "nora"))
KEYS: tuple[Key, ...] = (
    Key(
        "performer",
        Name(150, "her name"),
        "Whose",
        lambda names: {"performer_id": {"$in": performers_named(names)}},
        "device_of_performer",
    ),
    Key("firmware", Name(32, "234"), "Its firmware", is_one_of("firmware"), "device_by_firmware"),
    Key("type", _TYPE, "Which toy", is_one_of("toy_type"), "device_by_type"),
    Key("status", OneOf(tuple(DeviceStatus.values)), "How it is", is_one_of("status")),
    Key("battery", Amount(), "Percent that are left", _batteries),
    Key("reported", OneOf((APP, PAGE)), "By an app, or by her page", _reported_by),
    *plan.TIMES,
)
LISTED = plan.Listed(
    name=NAME,
    model=Device,
    keys={key.name: key for key in KEYS},
    moment="last_seen_at",
    by_time="device_by_time",
    words=_no_words,
    leaves_out=("toy_id", "host_id", "choices", "tests", "battery_points"),
    named_by=("performer_id", "nickname_key"),
    only={"nickname_key": {"$gt": ""}},
)
OFFERED = {"type": "device_by_type", "firmware": "device_by_firmware"}


# --- what is shown -------------------------------------------------------------------------------


def _nickname(row: Row, seen: Any) -> ShownCell:
    return ShownCell(row["nickname"], href=address_of(row))


def _status(row: Row, seen: Any) -> ShownCell:
    return ShownCell(_WORDS[DeviceStatus(row["status"])], tone=TONES[row["status"]])


def _charge(row: Row, seen: Any) -> ShownCell:
    percent = row["battery"]
    if percent is None:
        return ShownCell(EMPTY)
    return ShownCell(f"{percent} %", tone="warn" if percent <= finding.LOW else "")


def _whose(row: Row, seen: Mapping[str, str]) -> ShownCell:
    return whose(row["performer_id"], seen)


def _functions(row: Row) -> str:
    return ", ".join(each["name"] for each in row["functions"])


def _unknown(row: Row) -> str:
    return ", ".join(row["unsupported"])


def _enabled(row: Row) -> str:
    return "on" if row["is_enabled"] else "off"


COLUMNS = (
    moments("last_seen_at", label="Heard"),
    Column("status", "Status", _status, text_of("status")),
    Column("nickname", "Device", _nickname, text_of("nickname")),
    says("type", "Type", text_of("toy_type")),
    Column("battery", "Battery", _charge, lambda row: row["battery"]),
    says("firmware", "Firmware", text_of("firmware")),
    Column("performer", "Performer", _whose, text_of("performer_id")),
    says("reason", "Why not", text_of("reason")),
    says("functions", "Functions", _functions, is_shown=False),
    says("unknown", "Unknown words", _unknown, is_shown=False),
    says("enabled", "Switched", _enabled, is_shown=False),
)
VIEWS = (
    ShippedView("connected", "Connected", "status:connected"),
    ShippedView("low", "Low batteries", f"status:connected battery:1-{finding.LOW}"),
    ShippedView("errors", "Errors", "status:error"),
)


def address_of(row: Row) -> str:
    """Her page, where all of hers stand."""
    return reverse("staff-performer", args=[row["performer_id"]])


RECORDS = RecordList(
    listed=LISTED,
    nouns=("device", "devices"),
    columns=COLUMNS,
    views=VIEWS,
    look_up=lambda rows: names_of(row["performer_id"] for row in rows),
    opens=address_of,
)
