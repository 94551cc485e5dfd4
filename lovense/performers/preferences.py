"""Preferences: a performer's own limits and habits. A limit may only be stricter than the
platform's; what she has not chosen is the platform's.

Written in one transaction with its entry in the audit log; no process goes on with what it
remembers of her lane."""

from collections.abc import Callable
from datetime import datetime
from typing import Any, cast

from django.conf import settings
from pymongo.client_session import ClientSession

from ground.audit import log as audit_log
from ground.journal import journal
from ground.json.errors import Refusal
from ground.json.fields import MAX_AMOUNT, Fields
from ground.mongodb.collections import collection
from lovense.menus.vibration import LONGEST_ITEM_SECONDS, MAXIMUM_LEVEL, SHORTEST_RUN_SECONDS
from lovense.models import OwedPolicy, Performer
from lovense.rows import Json, PerformerRow
from tips.models import Mode
from tips.rows import Statement

LEAST_CONTINUOUS_SECONDS = 10


class NoSuchPerformer(Refusal):
    """Preferences are a performer's."""

    code, status, words = "not_found", 404, "There is no such performer."


def _or_platforms(read: Callable[[Fields, str], Any]) -> Callable[[Fields, str], Any]:
    """Null: the platform's, or none where the platform has none."""
    return lambda body, name: None if body.is_null(name) else read(body, name)


def _whole(lowest: int, highest: int) -> Callable[[Fields, str], int]:
    return lambda body, name: body.integer(name, minimum=lowest, maximum=highest)


def _one_of(names: tuple[str, ...]) -> Callable[[Fields, str], str]:
    return lambda body, name: body.choice(name, names, "")


def _allowed_bridge(body: Fields, name: str) -> str:
    return body.choice(name, tuple(settings.LOVENSE_BRIDGES), "")


# By their names at the wire: the field of her row, and how a value is read.
FIELDS: dict[str, tuple[str, Callable[[Fields, str], Any]]] = {
    "bridge": ("bridge", _allowed_bridge),
    "maximumIntensity": ("maximum_intensity", _whole(1, MAXIMUM_LEVEL)),
    "maximumSeconds": (
        "maximum_seconds",
        # Below the vendor's shortest run no menu item could ever play.
        _or_platforms(_whole(SHORTEST_RUN_SECONDS, LONGEST_ITEM_SECONDS)),
    ),
    "maximumContinuousSeconds": (
        "maximum_continuous_seconds",
        _or_platforms(_whole(LEAST_CONTINUOUS_SECONDS, LONGEST_ITEM_SECONDS)),
    ),
    "restSeconds": ("rest_seconds", _or_platforms(_whole(1, LONGEST_ITEM_SECONDS))),
    "minimumTip": ("minimum_tip", _or_platforms(_whole(1, MAX_AMOUNT))),
    "queueMode": (
        "queue_mode",
        _or_platforms(_one_of(tuple(Mode.values))),
    ),
    "owedPolicy": ("owed_policy", _one_of(tuple(OwedPolicy.values))),
    "autoConnect": ("auto_connect", _or_platforms(lambda body, name: body.flag(name))),
}


def parse(body: Fields) -> Statement:
    """Her row's fields that a call changes; what it does not name stays. Raises Malformed."""
    body.only(*FIELDS)
    return {
        field: read(body, name)
        for name, (field, read) in FIELDS.items()
        if body.has(name) or body.is_null(name)
    }


def told(row: PerformerRow) -> Json:
    """As the wire has them."""
    values: Json = dict(row)
    values.setdefault("owed_policy", OwedPolicy.REPORT.value)
    return {name: values.get(field) for name, (field, _) in FIELDS.items()}


def of(performer_id: str) -> PerformerRow:
    row: PerformerRow | None = collection(Performer).find_one({"_id": performer_id})
    if row is None:
        raise NoSuchPerformer
    return row


def for_page(performer_id: str) -> Json:
    """What her page is told of them, where it differs from what all pages are told."""
    chosen = of(performer_id).get("auto_connect")
    return {} if chosen is None else {"autoConnect": chosen}


Within = Callable[[PerformerRow, ClientSession], Statement]


def _nothing(row: PerformerRow, session: ClientSession) -> Statement:
    return {}


def change(
    *,
    performer_id: str,
    changes: Statement,
    by: str,
    now: datetime,
    within: Within = _nothing,
) -> PerformerRow:
    """Her row as it is now. What is so already is left as it is. `within`: what else her row must
    say then, asked in the transaction that changes it."""

    def body(session: ClientSession) -> PerformerRow:
        row = collection(Performer).find_one({"_id": performer_id}, session=session)
        if row is None:
            raise NoSuchPerformer
        before = {name: row.get(name) for name in changes}
        after = cast(PerformerRow, {**row, **changes})
        if before != changes:
            _write(performer_id, before, changes, by=by, now=now, session=session)
            if follows := within(after, session):
                wanted = {"_id": performer_id}
                collection(Performer).update_one(wanted, {"$set": follows}, session=session)
        return after

    return journal.run(body, touched=journal.of_lane(performer_id), now=now)


def _write(
    performer_id: str,
    before: Statement,
    after: Statement,
    *,
    by: str,
    now: datetime,
    session: ClientSession,
) -> None:
    collection(Performer).update_one({"_id": performer_id}, {"$set": after}, session=session)
    audit_log.record(
        kind="performer",
        action="set_preferences",
        by=by,
        target=performer_id,
        lane=performer_id,
        before={name: value for name, value in before.items() if value != after[name]},
        after={name: value for name, value in after.items() if value != before[name]},
        now=now,
        session=session,
    )
