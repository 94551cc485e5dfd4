"""Her history as it is browsed: what her tips and her tests became, newest first, a slice at a
time. Nothing is counted and nothing skipped over: a slice goes on from a row of hers.

What the index does not answer is a search: it reads at most READ_AT_MOST rows, and says how far it
got. Reads only."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, NamedTuple

from ground.mongodb.collections import collection
from ground.mongodb.documents import as_model
from lovense.deciding.activation import FINAL, OWED_KEY
from lovense.models import Activation, ActivationStatus, Owed, OwedState
from tips.rows import Statement

PAGE = 25
READ_AT_MOST = 20_000
READ_AT_ONCE = 1000
INDEX = "activation_history"
PLAYED, NOT_PLAYED, OWES, TESTS = "played", "not-played", "owed", "tests"
OUTCOMES = (PLAYED, NOT_PLAYED, OWES, TESTS)
NEWEST, OLDEST = -1, 1
# No page shows them.
_LEFT_OUT = {"commands": 0, "attempts": 0}


@dataclass(frozen=True, slots=True)
class HistoryFilter:
    """Which of hers. `since` is the first moment, `until` the first one after it; an empty value
    asks for nothing. `name`: any part of a viewer's, however it is written."""

    outcome: str = ""
    item: str = ""
    since: datetime | None = None
    until: datetime | None = None
    at_least: int = 0
    name: str = ""

    @property
    def is_search(self) -> bool:
        """Rows have to be read to know."""
        return bool(self.outcome or self.item or self.at_least or self.name)


class HistoryPlace(NamedTuple):
    """Where a row of hers stands among them."""

    created_at: datetime
    position: int
    activation_id: str


@dataclass(frozen=True, slots=True)
class HistorySlice:
    """Newest first. `newer` and `older` are the rows from which the slices beside it go on, empty
    at an end; `gave_up` is the last row that a search read, where it may have missed some."""

    rows: list[Activation]
    newer: str = ""
    older: str = ""
    gave_up: HistoryPlace | None = None


# --- slices --------------------------------------------------------------------------------------


def slice_of(
    performer_id: str, wanted: HistoryFilter, *, after: str = "", before: str = ""
) -> HistorySlice:
    """The newest ones, or those that follow the row `after`, or that come before the row `before`.
    What names no row of hers begins anew."""
    place = _place(performer_id, after or before)
    if place is not None and not after:
        newer = _found(performer_id, wanted, place, way=OLDEST)
        if len(newer) > PAGE:
            rows = newer[:PAGE][::-1]
            return HistorySlice(rows, rows[0].pk, rows[-1].pk)
        place = None  # they are the newest, and perhaps not as many as a slice has
    rows = _found(performer_id, wanted, place, way=NEWEST)
    newest = rows[0].pk if rows and place else ""
    if len(rows) > PAGE:
        return HistorySlice(rows[:PAGE], newest, rows[PAGE - 1].pk)
    gave_up = _end(performer_id, wanted, place) if wanted.is_search else None
    return HistorySlice(rows, newest, gave_up=gave_up)


def every(performer_id: str, wanted: HistoryFilter, *, most: int) -> Iterator[Activation]:
    """What the newest so many rows hold: for a file, which takes its time and no memory."""
    stages = _ordered(_within(performer_id, wanted, None, NEWEST), NEWEST)
    stages += [{"$limit": most}, *_search(wanted), {"$project": _LEFT_OUT}]
    found = collection(Activation).aggregate(stages, hint=INDEX, batchSize=READ_AT_ONCE)
    return map(of_row, found)


def has_more(performer_id: str, wanted: HistoryFilter, *, most: int) -> bool:
    """Whether there are more rows than that in its days; whatever a search finds among them."""
    where = _within(performer_id, wanted, None, NEWEST)
    return collection(Activation).count_documents(where, hint=INDEX, limit=most + 1) > most


def owned(performer_id: str, activation_id: str) -> Activation | None:
    """None where there is none, or it is another performer's."""
    wanted = {"_id": activation_id, "performer_id": performer_id}
    row = collection(Activation).find_one(wanted)
    return of_row(row) if row is not None else None


def of_row(row: Mapping[str, Any]) -> Activation:
    """As those read it that say what became of it; a key that is not written has its default."""
    return as_model(Activation, row)


# --- the statements ------------------------------------------------------------------------------


def _place(performer_id: str, activation_id: str) -> HistoryPlace | None:
    if not activation_id:
        return None
    key = {"_id": activation_id, "performer_id": performer_id}
    row = collection(Activation).find_one(key, {"created_at": 1, "position": 1})
    return _place_of(row) if row is not None else None


def _place_of(row: Mapping[str, Any]) -> HistoryPlace:
    return HistoryPlace(row["created_at"], row["position"], row["_id"])


def _found(
    performer_id: str, wanted: HistoryFilter, place: HistoryPlace | None, *, way: int
) -> list[Activation]:
    stages = _ordered(_within(performer_id, wanted, place, way), way)
    if wanted.is_search:
        stages += [{"$limit": READ_AT_MOST}, *_search(wanted)]
    stages += [{"$limit": PAGE + 1}, {"$project": _LEFT_OUT}]
    return [of_row(row) for row in collection(Activation).aggregate(stages, hint=INDEX)]


def _end(
    performer_id: str, wanted: HistoryFilter, place: HistoryPlace | None
) -> HistoryPlace | None:
    """The last row that the search read, if it was not the last that there is. Of keys alone."""
    stages = _ordered(_within(performer_id, wanted, place, NEWEST), NEWEST)
    last = {name: {"$last": f"${name}"} for name in ("created_at", "position")}
    stages += [
        {"$limit": READ_AT_MOST},
        {"$project": {"created_at": 1, "position": 1}},
        {"$group": {"_id": None, "count": {"$sum": 1}, "key": {"$last": "$_id"}, **last}},
    ]
    [read] = list(collection(Activation).aggregate(stages, hint=INDEX)) or [{"count": 0}]
    return _place_of({**read, "_id": read["key"]}) if read["count"] == READ_AT_MOST else None


def _within(
    performer_id: str, wanted: HistoryFilter, place: HistoryPlace | None, way: int
) -> Statement:
    """What the index answers: hers, from when to when, beyond the place."""
    moments: Statement = {}
    if wanted.since:
        moments["$gte"] = wanted.since
    if wanted.until:
        moments["$lt"] = wanted.until
    found: list[Statement] = [{"performer_id": performer_id}]
    if moments:
        found.append({"created_at": moments})
    if place is not None:
        found += _beyond(place, "$lt" if way == NEWEST else "$gt")
    return {"$and": found}


def _beyond(place: HistoryPlace, than: str) -> list[Statement]:
    """Of the rows of that very moment those behind it: the index is entered at the moment."""
    at, position, key = place
    later = [
        {"created_at": {than: at}},
        {"position": {than: position}},
        {"position": position, "_id": {than: key}},
    ]
    return [{"created_at": {f"{than}e": at}}, {"$or": later}]


def _ordered(where: Statement, way: int) -> list[Statement]:
    order = {"created_at": way, "position": way, "_id": way}
    return [{"$match": where}, {"$sort": order}]


def _search(wanted: HistoryFilter) -> list[Statement]:
    asked: list[Statement] = []
    if wanted.item:
        asked.append({"item.itemId": wanted.item})
    if wanted.at_least:
        asked.append({"amount": {"$gte": wanted.at_least}})
    if wanted.name:
        asked.append({"tipper_name": {"$regex": re.escape(wanted.name), "$options": "i"}})
    if wanted.outcome:
        asked.append(_OUTCOMES[wanted.outcome])
    stages: list[Statement] = [{"$match": {"$and": asked}}] if asked else []
    return stages + (_OWED if wanted.outcome == OWES else [])


# --- what counts as what -------------------------------------------------------------------------

_ENDED = [status.value for status in FINAL]
_HAS_PLAYED: Statement = {
    "$or": [
        {"status": ActivationStatus.COMPLETED.value},
        {"status": {"$in": _ENDED}, "delivered_seconds": {"$gt": 0}},
    ]
}
# What no tip set off, and is not owed by one either.
_TEST: Statement = {"tip_id": None, "_id": {"$not": re.compile(f"^{OWED_KEY}")}}
_OUTCOMES: dict[str, Statement] = {
    PLAYED: {"$and": [_HAS_PLAYED, {"$nor": [_TEST]}]},
    NOT_PLAYED: {"status": {"$in": _ENDED}, "$nor": [_HAS_PLAYED, _TEST]},
    OWES: {
        "status": {"$in": _ENDED},
        "promised_seconds": {"$gt": 0},
        "$expr": {"$lt": [{"$ifNull": ["$delivered_seconds", 0]}, "$promised_seconds"]},
    },
    TESTS: _TEST,
}
_OWED: list[Statement] = [
    {
        "$lookup": {
            "from": Owed._meta.db_table,
            "localField": "_id",
            "foreignField": "_id",
            "as": "owes",
        }
    },
    {"$match": {"owes.state": OwedState.OPEN.value}},
    {"$unset": "owes"},
]
