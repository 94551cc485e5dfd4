"""Tips as a list of the staff's: its keys, its columns, and of each row the verdict in words."""

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
    Truth,
    bounds_of,
    is_one_of,
)
from adminpanel.lists.columns import (
    Column,
    RecordList,
    Row,
    ShippedView,
    copied,
    moments,
    says,
    shows,
    text_of,
)
from adminpanel.lists.performers import names_of, performers_named, whose
from adminpanel.tip import verdict
from adminpanel.tip.story import Story
from ground.mongodb.collections import collection
from ground.mongodb.documents import as_model
from ground.ui.cells import ShownCell
from lovense.deciding.activation import activation_id
from lovense.models import Activation
from lovense.page import outcome
from tips.log import events
from tips.models import QueueRequest, SettlementStatus, Tip
from tips.queue import requests as queue

NAME = "tips"
UNSETTLED = ("pending", "cancelled", "failed")
_STATES = tuple(state.value for state in SettlementStatus if state != SettlementStatus.PROCESSING)


# --- what may be asked ---------------------------------------------------------------------------


def _reasons(codes: Sequence[str]) -> Statement:
    """Why it was not settled; only such tips have one."""
    return {"settlement_status": {"$in": list(UNSETTLED)}, "failure_reason": {"$in": list(codes)}}


def _doubts(codes: Sequence[str]) -> Statement:
    if "yes" in codes:
        return {"needs_reconciliation": {"$gt": ""}}
    return {"needs_reconciliation": {"$in": list(codes)}}


def _amounts(values: Sequence[str]) -> Statement:
    return {"$or": [_amount(*bounds_of(value)) for value in values]}


def _amount(least: int, most: int | None) -> Statement:
    if least == most:
        return {"total": least}
    return {"total": {"$gte": least, **({"$lte": most} if most is not None else {})}}


def _words(words: Sequence[str]) -> Statement:
    raise NoSuchValue("tips have no words to be searched")


_CODE = Shaped("[a-z][a-z0-9_]{0,59}", ("insufficient_funds", "by_platform"))
_DOUBT = Shaped("[a-z][a-z0-9_]{0,59}", ("yes", "not_posted", "reversed"))
KEYS: tuple[Key, ...] = (
    Key("doubt", _DOUBT, "What needs a look", _doubts, "tip_in_doubt", may_be_negated=False),
    Key(
        "reason",
        _CODE,
        "Why it was not settled",
        _reasons,
        "tip_unsettled",
        apart=tuple({"settlement_status": state} for state in UNSETTLED),
    ),
    Key(
        "status",
        OneOf(_STATES),
        "Whether it was settled",
        is_one_of("settlement_status"),
        "tip_unsettled",
        only=frozenset(UNSETTLED),
    ),
    Key(
        "performer",
        Name(150, "her name"),
        "Who was tipped",
        lambda names: {"performer_id": {"$in": performers_named(names)}},
        "tip_by_performer",
    ),
    Key("amount", Amount(), "How many tokens", _amounts),
    Key(
        "anonymous",
        Truth(),
        "Without a name",
        lambda values: {"is_anonymous": values[0]},
        is_single=True,
    ),
    *plan.TIMES,
)
LISTED = plan.Listed(
    name=NAME,
    model=Tip,
    keys={key.name: key for key in KEYS},
    moment="created_at",
    by_time="tip_by_time",
    words=_words,
    key_of=str,
)


# --- what is shown -------------------------------------------------------------------------------

Seen = Mapping[str, Mapping[str, Any]]


def _look_up(rows: Sequence[Row]) -> Seen:
    """Of a slice: what became of each tip, and what the performers are called."""
    ids = [row["_id"] for row in rows]
    keys = [activation_id(tip_id) for tip_id in ids]
    told = collection(Activation).find({"_id": {"$in": keys}}, {"attempts": 0, "commands": 0})
    activations = {run.tip_id: run for run in (as_model(Activation, row) for row in told)}
    left = [queue.request_id(tip_id) for tip_id in ids if tip_id not in activations]
    waiting = {
        row["_id"]: row
        for row in collection(QueueRequest).find({"_id": {"$in": left}}, {"status": 1, "errors": 1})
    }
    found = {
        row["_id"]: Story(
            row["_id"],
            as_model(Tip, row),
            (),
            request=waiting.get(queue.request_id(row["_id"])),
            activations=[activations[row["_id"]]] if row["_id"] in activations else (),
        )
        for row in rows
    }
    return {"stories": found, "names": names_of(row["performer_id"] for row in rows)}


def _verdict(row: Row, seen: Seen) -> ShownCell:
    found = seen["stories"].get(row["_id"])
    return ShownCell(verdict.of(found).text if found else "", href=address_of(row))


def _briefly(row: Row) -> str:
    return str(row["failure_reason"] or row["settlement_status"])


def _became(row: Row, seen: Seen) -> ShownCell:
    found = seen["stories"].get(row["_id"])
    if found is None:
        return ShownCell("")
    judged = verdict.of(found)
    word = outcome.of(found.activation).word if found.activation else judged.status.capitalize()
    return ShownCell(word, tone=verdict.tone(found, judged))


def _whose(row: Row, seen: Seen) -> ShownCell:
    return whose(row["performer_id"], seen["names"])


def _viewer(row: Row) -> str:
    name = events.tipper_name(
        {"is_anonymous": row["is_anonymous"], "tipper_username": row["tipper_username"]}
    )
    return name or "a viewer"


COLUMNS = (
    moments("created_at"),
    Column("outcome", "Outcome", _became, text_of("status")),
    Column("verdict", "Verdict", _verdict, _briefly),
    Column("amount", "Tokens", shows(text_of("total")), lambda row: row["total"]),
    Column("performer", "Performer", _whose, text_of("performer_id")),
    Column("tip", "Tip", copied(text_of("_id")), text_of("_id")),
    says("viewer", "Viewer", _viewer, is_shown=False),
    says("settled", "Settlement", text_of("settlement_status"), is_shown=False),
    says("reason", "Reason", text_of("failure_reason"), is_shown=False),
    says("doubt", "Doubt", text_of("needs_reconciliation"), is_shown=False),
)
VIEWS = (
    ShippedView("today", "Today", "on:today"),
    ShippedView("waiting", "Waiting", "status:pending"),
    ShippedView("failed", "Not paid", "status:failed"),
    ShippedView("doubt", "In doubt", "doubt:yes archive:yes"),
)


def address_of(row: Row) -> str:
    return reverse("staff-tip", args=[row["_id"]])


RECORDS = RecordList(
    listed=LISTED,
    nouns=("tip", "tips"),
    columns=COLUMNS,
    views=VIEWS,
    look_up=_look_up,
    opens=address_of,
)
