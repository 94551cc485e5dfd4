"""Deliveries as a list of the staff's, of all sources: its keys and its columns. Their bodies are
never part of it."""

from collections.abc import Sequence
from typing import Any

from django.urls import reverse

from adminpanel.asking import plan
from adminpanel.asking.kinds import Key, Name, NoSuchValue, OneOf, Shaped, Statement, is_one_of
from adminpanel.lists.columns import (
    Column,
    RecordList,
    Row,
    ShippedView,
    copied,
    moments,
    says,
    text_of,
    when,
    when_text,
)
from ground.inbox.models import DeliveryStatus, WebhookDelivery
from ground.ui.cells import ShownCell
from tips.intake import payloads

NAME = "deliveries"
# By source: what has proved that a delivery came from whom it names.
PROVED_BY = {
    payloads.PAYMENTS: "Signature, Standard Webhooks 1.0",
    payloads.REST: "Token of a platform client",
    "rrr": "Signature of the ledger",
}
TONES = {"processed": "good", "received": "info", "conflict": "bad", "set_aside": "bad"}
_STATES = tuple(status.value for status in DeliveryStatus)


# --- what may be asked ---------------------------------------------------------------------------


def _words(words: Sequence[str]) -> Statement:
    raise NoSuchValue("bodies are not searched")


_ERROR = Name(200, "KeyError")
_TYPE = Shaped("[a-z][a-z0-9._]{0,39}", ("tip.succeeded", "tokens.purchased"))
KEYS: tuple[Key, ...] = (
    Key("error", _ERROR, "What failed in it", is_one_of("error"), "delivery_by_error"),
    Key(
        "status",
        OneOf(_STATES),
        "What became of it",
        is_one_of("status"),
        "delivery_by_status",
        only=frozenset(_STATES) - {DeliveryStatus.PROCESSED.value},
    ),
    Key("source", OneOf(tuple(PROVED_BY)), "Who sent it", is_one_of("source")),
    Key("type", _TYPE, "What it tells", is_one_of("event_type")),
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


COLUMNS = (
    moments("received_at"),
    Column("status", "Status", _status, text_of("status")),
    Column("type", "Type", _what, text_of("event_type")),
    Column("about", "About", copied(_about), _about),
    says("attempts", "Failed", text_of("attempts")),
    says("error", "Error", failed_words),
    says("source", "Source", text_of("source")),
    Column("key", "Key", copied(text_of("_id")), text_of("_id"), is_shown=False),
    Column(
        "processed",
        "Processed",
        when("processed_at"),
        when_text("processed_at"),
        is_shown=False,
    ),
    says("repeats", "Repeats", text_of("repeats"), is_shown=False),
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
)
