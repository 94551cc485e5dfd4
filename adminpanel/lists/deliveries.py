"""Deliveries as a list of the staff's, of all sources: its keys and its columns. Their bodies are
never part of it."""

from collections.abc import Sequence
from typing import Any

from django.urls import reverse

from adminpanel.asking import plan
from adminpanel.asking.kinds import Key, Name, NoSuchValue, OneOf, Shaped, Statement
from adminpanel.lists.columns import Column, RecordList, Row, ShippedView, ShownCell
from ground import clock
from ground.inbox.models import DeliveryStatus, WebhookDelivery
from tips.intake import payloads

NAME = "deliveries"
EMPTY = "\u2013"
# By source: what has proved that a delivery came from whom it names.
PROVED_BY = {
    payloads.PAYMENTS: "Signature, Standard Webhooks 1.0",
    payloads.REST: "Token of a platform client",
    "rrr": "Signature of the ledger",
}
TONES = {"processed": "good", "received": "info", "conflict": "bad", "set_aside": "bad"}
_STATES = tuple(status.value for status in DeliveryStatus)


# --- what may be asked ---------------------------------------------------------------------------


def _is_one_of(field: str) -> Any:
    def where(values: Sequence[Any]) -> Statement:
        return {field: values[0] if len(values) == 1 else {"$in": list(values)}}

    return where


def _words(words: Sequence[str]) -> Statement:
    raise NoSuchValue("bodies are not searched")


_ERROR = Name(200, "KeyError")
_TYPE = Shaped("[a-z][a-z0-9._]{0,39}", ("tip.succeeded", "tokens.purchased"))
KEYS: tuple[Key, ...] = (
    Key("error", _ERROR, "What failed in it", _is_one_of("error"), "delivery_by_error"),
    Key(
        "status",
        OneOf(_STATES),
        "What became of it",
        _is_one_of("status"),
        "delivery_by_status",
        only=frozenset(_STATES) - {DeliveryStatus.PROCESSED.value},
    ),
    Key("source", OneOf(tuple(PROVED_BY)), "Who sent it", _is_one_of("source")),
    Key("type", _TYPE, "What it tells", _is_one_of("event_type")),
    *plan.TIMES,
)
LISTED = plan.Listed(
    name=NAME,
    model=WebhookDelivery,
    keys={key.name: key for key in KEYS},
    moment="received_at",
    by_time="delivery_by_time",
    words=_words,
    key_of=str,
    leaves_out=("body",),
)
OFFERED = {"error": "delivery_by_error"}


# --- what is shown -------------------------------------------------------------------------------


def _when(row: Row, seen: Any) -> ShownCell:
    return ShownCell(f"{row['received_at']:%Y-%m-%d %H:%M:%S}", moment=row["received_at"])


def _what(row: Row, seen: Any) -> ShownCell:
    return ShownCell(row["event_type"], href=address_of(row))


def _status(row: Row, seen: Any) -> ShownCell:
    words = row["status"].replace("_", " ").capitalize()
    return ShownCell(words, tone=TONES.get(row["status"], "idle"))


def failed_words(row: Row) -> str:
    """Type and place of the last error."""
    return " at ".join(filter(None, (row["error"], row.get("error_place"))))


def _about(row: Row) -> str:
    """The tip, the purchase or the notice that it tells of."""
    return str(row.get("subject") or row.get("repeats") or "").rpartition("/")[2]


def _plain(words: Any, *, is_code: bool = False) -> Any:
    return lambda row, seen: ShownCell(words(row) or EMPTY, is_code=is_code)


def _copied(words: Any) -> Any:
    return lambda row, seen: ShownCell(words(row) or EMPTY, copies=words(row), is_code=True)


def _text(field: str) -> Any:
    return lambda row: str(row.get(field) or "")


def _processed(row: Row) -> str:
    return clock.iso(row["processed_at"]) if row.get("processed_at") else ""


COLUMNS = (
    Column("at", "When (UTC)", _when, lambda row: clock.iso(row["received_at"]), is_sorted=True),
    Column("status", "Status", _status, _text("status")),
    Column("type", "Type", _what, _text("event_type")),
    Column("about", "About", _copied(_about), _about),
    Column("attempts", "Failed", _plain(_text("attempts")), _text("attempts")),
    Column("error", "Error", _plain(failed_words), failed_words),
    Column("source", "Source", _plain(_text("source")), _text("source")),
    Column("key", "Key", _copied(_text("_id")), _text("_id"), is_shown=False),
    Column("processed", "Processed", _plain(_processed), _processed, is_shown=False),
    Column("repeats", "Repeats", _plain(_text("repeats")), _text("repeats"), is_shown=False),
)
VIEWS = (
    ShippedView("today", "Today", "on:today"),
    ShippedView("aside", "Set aside", "status:set_aside archive:yes"),
    ShippedView("conflicts", "Conflicts", "status:conflict archive:yes"),
    ShippedView("waiting", "Waiting", "status:received"),
)


def address_of(row: Row) -> str:
    return reverse("staff-delivery", args=[row["_id"]])


RECORDS = RecordList(
    listed=LISTED,
    nouns=("delivery", "deliveries"),
    columns=COLUMNS,
    views=VIEWS,
    look_up=lambda rows: None,
    opens=address_of,
    change=lambda row: row["_id"],
)
