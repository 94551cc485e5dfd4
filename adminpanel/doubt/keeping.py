"""What needs a person's look, as rows that stay: opened when it is found, solved when it is so no
more. Run once a minute by the beat (`adminpanel.doubts`), by however many at once: a row's key is
made of what it is about. Nothing is decided about money here."""

import hashlib
import re
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from enum import StrEnum
from itertools import islice
from typing import Any, NamedTuple

from django.db.models import Model

from adminpanel.models import ReconciliationItem
from ground.inbox import inbox
from ground.inbox.models import DeliveryRow, DeliveryStatus, WebhookDelivery
from ground.journal import journal
from ground.journal.models import JournalRefusal
from ground.mongodb import unique
from ground.mongodb.collections import collection
from tips.intake import payloads
from tips.models import Tip

# Of each kind in a round. Of what solves itself the rest follows when these are solved; conflicts,
# which stay, are gone through from round to round.
AT_MOST = 1_000
LONGEST_CODE = 100
_TIP_ID = re.compile(r"[0-9a-f]{24}")


class DoubtKind(StrEnum):
    TIP = "tip"
    ASIDE = "aside"
    CONFLICT = "conflict"
    ROW = "row"


class DoubtState(StrEnum):
    OPEN = "open"
    SOLVED = "solved"


# What these are about says by itself when it is so no more; a conflict a person closes.
BY_THEMSELVES: Mapping[str, tuple[type[Model], dict[str, Any]]] = {
    DoubtKind.TIP: (Tip, {"needs_reconciliation": {"$gt": ""}}),
    DoubtKind.ASIDE: (WebhookDelivery, {"status": DeliveryStatus.SET_ASIDE.value}),
    DoubtKind.ROW: (JournalRefusal, {}),
}


class FoundDoubt(NamedTuple):
    """Something that needs a look now."""

    kind: DoubtKind
    about: str
    code: str
    tip_id: str
    since: datetime

    @property
    def key(self) -> str:
        return hashlib.sha256(f"{self.kind}/{self.about}".encode()).hexdigest()[:24]


class DoubtRounds:
    """Remembers how far among conflicts this process has come; who begins anew only looks twice."""

    def __init__(self) -> None:
        self._after = -1

    def keep(self, *, now: datetime) -> int:
        """One round; how many rows it wrote. Two steps: 1. what is found has a row that is open and
        says what was found; 2. what is open and is so no more is solved."""
        conflicts = inbox.conflicts(limit=AT_MOST, after=self._after)
        found = {item.key: item for item in _found(conflicts)}
        written = _opened(found, now) + _solved(now)
        is_full = len(conflicts) == AT_MOST
        self._after = conflicts[-1]["position"] if is_full else -1
        return written


def keep(*, now: datetime) -> int:
    """A first round."""
    return DoubtRounds().keep(now=now)


# --- found ---------------------------------------------------------------------------------------


def _found(conflicts: Iterable[DeliveryRow]) -> Iterable[FoundDoubt]:
    yield from tips()
    for row in inbox.set_aside(limit=AT_MOST):
        yield _delivery(DoubtKind.ASIDE, row)
    for against in conflicts:
        yield _delivery(DoubtKind.CONFLICT, against)
    for left in journal.refusals(limit=AT_MOST):
        name = left["_id"].partition("/")[0]
        yield FoundDoubt(DoubtKind.ROW, left["_id"], name, "", left["at"])


def tips() -> list[FoundDoubt]:
    """The oldest first."""
    doubted = {"needs_reconciliation": {"$gt": ""}}
    told = {"needs_reconciliation": 1, "created_at": 1}
    found = collection(Tip).find(doubted, told).sort([("created_at", 1), ("_id", 1)])
    return [
        FoundDoubt(
            DoubtKind.TIP, row["_id"], row["needs_reconciliation"], row["_id"], row["created_at"]
        )
        for row in found.hint("tip_in_doubt").limit(AT_MOST)
    ]


def _delivery(kind: DoubtKind, row: Any) -> FoundDoubt:
    type_, _, key = str(row["repeats"] or row["subject"] or "").partition("/")
    tip_id = key if type_ in payloads.TIP_TYPES and _TIP_ID.fullmatch(key) else ""
    return FoundDoubt(kind, row["_id"], row["error"][:LONGEST_CODE], tip_id, row["received_at"])


# --- written -------------------------------------------------------------------------------------


def _opened(found: dict[str, FoundDoubt], now: datetime) -> int:
    rows = collection(ReconciliationItem)
    told = {"state": 1, "code": 1, "version": 1}
    known = {row["_id"]: row for row in rows.find({"_id": {"$in": [*found]}}, told)}
    new = [_row(item, now) for key, item in found.items() if key not in known]
    written = len(new) - len(unique.insert(ReconciliationItem, new))
    for key, row in known.items():
        item = found[key]
        is_other = row["code"] != item.code  # nobody has seen what it is now
        opens = row["state"] == DoubtState.SOLVED and (is_other or item.kind in BY_THEMSELVES)
        if opens or is_other:
            written += _again(item, row["version"], now, opens=opens)
    return written


def _row(item: FoundDoubt, now: datetime) -> dict[str, Any]:
    return {
        "_id": item.key,
        **item._asdict(),
        "found_at": now,
        "state": DoubtState.OPEN,
        "solved_at": None,
        **dict.fromkeys(("closed_by", "assigned_to", "note", "noted_by"), ""),
        "version": 1,
    }


def _again(item: FoundDoubt, version: int, now: datetime, *, opens: bool) -> int:
    """Who had it and what was noted stays."""
    changes: dict[str, Any] = {"code": item.code}
    if opens:
        changes |= {"state": DoubtState.OPEN, "solved_at": None, "found_at": now}
    where = {"_id": item.key, "version": version}
    change = {"$set": changes, "$inc": {"version": 1}}
    return collection(ReconciliationItem).update_one(where, change).modified_count


def _solved(now: datetime) -> int:
    """All that are open, a slice at a time."""
    rows = collection(ReconciliationItem)
    where = {"state": DoubtState.OPEN, "kind": {"$in": [*BY_THEMSELVES]}}
    found = iter(list(rows.find(where, {"kind": 1, "about": 1}).hint("item_by_state")))
    written = 0
    while part := list(islice(found, AT_MOST)):
        written += _solve(part, now)
    return written


def _solve(open_: Sequence[dict[str, Any]], now: datetime) -> int:
    rows = collection(ReconciliationItem)
    still = {pair for kind in BY_THEMSELVES for pair in _still(kind, open_)}
    gone = [row["_id"] for row in open_ if (row["kind"], row["about"]) not in still]
    if not gone:
        return 0
    solved = {"$set": {"state": DoubtState.SOLVED, "solved_at": now}, "$inc": {"version": 1}}
    where = {"_id": {"$in": gone}, "state": DoubtState.OPEN}
    return rows.update_many(where, solved).modified_count


def _still(kind: str, open_: Sequence[dict[str, Any]]) -> set[tuple[str, str]]:
    """Those of this kind that need a look as before."""
    model, needs = BY_THEMSELVES[kind]
    keys = [row["about"] for row in open_ if row["kind"] == kind]
    found = collection(model).find({"_id": {"$in": keys}, **needs}, {"_id": 1})
    return {(str(kind), row["_id"]) for row in found}
