"""What staff do about what needs a look: take it, note something, close it. Each once for what was
seen, with its entry in the audit log in the transaction of the change. Nothing here decides about
money, and nothing of what it is about is changed."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from pymongo.client_session import ClientSession

from adminpanel.doubt.keeping import BY_THEMSELVES, DoubtState
from adminpanel.models import ReconciliationItem
from adminpanel.people.deeds import Deed, DeedChange, DeedTarget, Outdated, recorded
from ground import clock
from ground.mongodb import transactions
from ground.mongodb.collections import collection

TAKE, NOTE, CLOSE = "assign", "note", "close"
Item = Mapping[str, Any]


def target(key: str) -> DeedTarget:
    return DeedTarget("reconciliation", key)


def find(key: str) -> dict[str, Any] | None:
    return collection(ReconciliationItem).find_one({"_id": key})


def may_take(row: Item, by: str) -> bool:
    return bool(row["state"] == DoubtState.OPEN and row["assigned_to"] != by)


def may_close(row: Item) -> bool:
    """What says by itself when it is so no more is closed by nobody."""
    return bool(row["state"] == DoubtState.OPEN and row["kind"] not in BY_THEMSELVES)


def take(key: str, *, seen: int, deed: Deed) -> None:
    """It is whose hand that is, whoever had it before."""
    _change(key, TAKE, {"assigned_to": deed.by}, seen=seen, deed=deed)


def note(key: str, *, seen: int, deed: Deed) -> None:
    """What is said stands in place of what was noted before; the log keeps that."""
    _change(key, NOTE, {"note": deed.why, "noted_by": deed.by}, seen=seen, deed=deed)


def close(key: str, *, seen: int, deed: Deed) -> None:
    changes = {"state": DoubtState.SOLVED.value, "solved_at": deed.now, "closed_by": deed.by}
    _change(key, CLOSE, changes, seen=seen, deed=deed)


def _change(key: str, action: str, changes: Item, *, seen: int, deed: Deed) -> None:
    """Raises Outdated where it is not as it was seen, or cannot be done to what it is."""

    def body(session: ClientSession) -> None:
        rows = collection(ReconciliationItem)
        row = rows.find_one({"_id": key}, session=session)
        if row is None or row["version"] != seen or not _may(row, action, deed.by):
            raise Outdated(_as_it_is(row), row and row["version"])
        where = {"_id": key, "version": seen}
        rows.update_one(where, {"$set": changes, "$inc": {"version": 1}}, session=session)
        told = DeedChange(_told(row, changes), _told(changes, changes))
        recorded(deed, action, target(key), session, told)

    transactions.run(body)


def _may(row: Item, action: str, by: str) -> bool:
    return {TAKE: may_take(row, by), CLOSE: may_close(row)}.get(action, True)


def _as_it_is(row: Item | None) -> str:
    if row is None:
        return "It is not there any more."
    whose = f"{row['assigned_to']} has it" if row["assigned_to"] else "nobody has it"
    said = f", and {row['noted_by']} noted: {row['note']}" if row["note"] else ""
    return f"It has changed meanwhile. It is {row['state']}, {whose}{said}."


def _told(row: Item, changes: Item) -> dict[str, Any]:
    return {name: _text(row[name]) for name in changes}


def _text(value: Any) -> Any:
    return clock.iso(value) if isinstance(value, datetime) else value
