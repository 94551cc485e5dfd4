"""Dead letters: the requests that were given up, counted by their cause, listed and found.

Nothing is changed here: what a person decides about a letter is in `decisions.py`."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from itertools import islice
from typing import Any

from pymongo.errors import ExecutionTimeout

from ground import clock
from ground.json.errors import Refusal
from ground.mongodb.collections import collection
from lovense.deciding.activation import FINAL, S, activation_id
from lovense.lane.letter import DEAD, Letter, words
from lovense.models import Activation
from lovense.rows import ActivationRow
from tips.models import EPOCH, ArchivedQueueRequest, QueueRequest
from tips.queue import requests as queue
from tips.rows import RequestRow, Statement

SLICE = 50
LOOKED_AT = 5_000  # letters that one look groups or counts; whoever agrees to a number counts all
COUNTED_MS = 5_000  # within which they are counted
BY_CAUSE, NEWEST = "request_dead", "request_dead_newest"
UNREVIEWED: Statement = {"review": None}
_WITHOUT = {"payload.ledger": 0, "payload.settlement": 0}


class NoSuchLetter(Refusal):
    """There is no such request."""

    code, status = "not_found", 404
    words = "There is no such request."


class NoSuchPlace(Refusal):
    """A slice goes on from where the one before it ended."""

    code, status = "invalid", 400
    words = "Some fields are wrong; see details."
    details = {"after": ["Not a place of this list."]}


class NotCounted(Refusal):
    """What is done to a number of them is done to one that was counted, within COUNTED_MS."""

    code, status = "not_counted", 503
    words = (
        "They are too many to be counted in time; nothing was done. Name one cause, or try again."
    )


@dataclass(frozen=True, slots=True)
class Group:
    """The dead letters of one cause. `replayable` are those that may be sent back, None where that
    was not counted, `reviewed` those with a resolution."""

    cause: str
    count: int
    replayable: int | None
    reviewed: int
    oldest: datetime
    newest: datetime

    @property
    def words(self) -> str:
        return words(self.cause)


def groups() -> list[Group]:
    """Of the LOOKED_AT that died last, the latest cause first."""
    return _groups([{"$sort": {"finished_at": -1, "_id": -1}}, {"$limit": LOOKED_AT}], NEWEST)


def whole_groups() -> list[Group]:
    """Of all of them: `replayable` is what `count` finds. Where that takes too long those of
    `groups`, without."""
    found = groups()
    if not are_cut(found):
        return found
    try:
        return _groups([], BY_CAUSE, maxTimeMS=COUNTED_MS)
    except ExecutionTimeout:
        return _uncounted(found)


def uncounted_groups() -> list[Group]:
    """Those of `groups`, for somebody who was told the numbers already."""
    return _uncounted(groups())


def _uncounted(found: Sequence[Group]) -> list[Group]:
    return [replace(group, replayable=None) for group in found]


def _groups(which: list[Statement], index: str, **bound: Any) -> list[Group]:
    """One scan of the dead ones only."""
    settled = {"$in": [{"$ifNull": ["$review.resolution", ""]}, sorted(queue.SETTLED_OTHERWISE)]}
    counted: Statement = {
        "_id": "$cause",
        "count": {"$sum": 1},
        "replayable": {"$sum": {"$cond": [settled, 0, 1]}},
        "reviewed": {"$sum": {"$cond": [{"$ifNull": ["$review", False]}, 1, 0]}},
        "oldest": {"$min": "$finished_at"},
        "newest": {"$max": "$finished_at"},
    }
    last: Statement = {"$sort": {"newest": -1, "_id": 1}}
    steps = [{"$match": {"status": DEAD}}, *which, {"$group": counted}, last]
    found = collection(QueueRequest).aggregate(steps, hint=index, **bound)
    return [Group(row.pop("_id") or "", **row) for row in found]


def are_cut(found: Sequence[Group]) -> bool:
    """Whether there may be older ones, which were not looked at."""
    return sum(group.count for group in found) >= LOOKED_AT


@dataclass(frozen=True, slots=True)
class Matching:
    """The dead letters of a cause, or all, of the LOOKED_AT that died last: by resolution how many,
    and "" for those about which nobody has decided yet."""

    decided: Mapping[str, int]

    @property
    def total(self) -> int:
        return sum(self.decided.values())

    @property
    def is_cut(self) -> bool:
        """Whether there may be more, which were not looked at."""
        return self.total >= LOOKED_AT

    @property
    def unreviewed(self) -> int:
        return self.decided.get("", 0)

    @property
    def settled(self) -> dict[str, int]:
        """Those that stay where they are."""
        return {name: n for name, n in self.decided.items() if name in queue.SETTLED_OTHERWISE}

    @property
    def replayable(self) -> int:
        return self.total - sum(self.settled.values())


def matching(cause: str = "") -> Matching:
    counted: Statement = {"_id": "$review.resolution", "n": {"$sum": 1}}
    order: Statement = {"$sort": {"finished_at": -1, "_id": -1}}
    steps = [{"$match": _of(cause)}, order, {"$limit": LOOKED_AT}, {"$group": counted}]
    found = collection(QueueRequest).aggregate(steps, hint=_index(cause))
    return Matching({row["_id"] or "": row["n"] for row in found})


def count(*, cause: str = "") -> int:
    """How many may be sent back, all of them. Raises NotCounted."""
    return _count(_of(cause) | queue.REPLAYABLE)


def count_unreviewed(*, cause: str = "") -> int:
    """Likewise about how many nobody has decided yet."""
    return _count(_of(cause) | UNREVIEWED)


def _count(where: Statement) -> int:
    rows = collection(QueueRequest)
    try:
        return rows.count_documents(where, hint=BY_CAUSE, maxTimeMS=COUNTED_MS)
    except ExecutionTimeout:
        raise NotCounted from None


def count_since(moment: datetime, *, cause: str = "", most: int) -> int:
    """How many have died later than that, counted no further."""
    where = _of(cause) | {"finished_at": {"$gt": moment}}
    return collection(QueueRequest).count_documents(where, hint=_index(cause), limit=most)


def slice_of(*, cause: str = "", after: str = "", limit: int = SLICE) -> tuple[list[Letter], str]:
    """Those that died last come first; with the place from which the next slice goes on, empty at
    the end."""
    found = collection(QueueRequest).find(_of(cause) | _beyond(after), _WITHOUT)
    found = found.sort([("finished_at", -1), ("_id", -1)]).hint(_index(cause))
    rows = list(found.limit(limit + 1))
    if len(rows) <= limit:
        return _letters(rows), ""
    last = rows[limit - 1]
    return _letters(rows[:limit]), f"{clock.iso(last['finished_at'])}/{last['_id']}"


def replayable(*, cause: str, limit: int) -> Iterator[list[Letter]]:
    """Those that may be sent back, a slice at a time, the oldest first. Which they are is read
    once, before the first of them."""
    return _oldest(_of(cause) | queue.REPLAYABLE, cause, limit)


def unreviewed(*, cause: str, limit: int) -> Iterator[list[Letter]]:
    """Likewise those about which nobody has decided yet."""
    return _oldest(_of(cause) | UNREVIEWED, cause, limit)


def _oldest(where: Statement, cause: str, limit: int) -> Iterator[list[Letter]]:
    found = collection(QueueRequest).find(where, _WITHOUT)
    found = found.sort([("finished_at", 1), ("_id", 1)]).hint(_index(cause))
    rows = iter(list(found.limit(limit)) if limit else [])  # a limit of 0 is none to MongoDB
    while some := list(islice(rows, SLICE)):
        yield _letters(some)


@dataclass(frozen=True, slots=True)
class GroupOutlook:
    """What sending back a cause would play: how many requests, of how many performers, the seconds
    that were promised, and of how many nobody knows those. `ended`: how many ended after all, and
    stay where they are."""

    requests: int
    performers: int
    seconds: int
    unknown: int
    ended: int


def outlook(cause: str, *, limit: int) -> GroupOutlook:
    """Of the oldest that may be sent back, as many as `limit`, among the LOOKED_AT oldest. Two
    looks: 1. which they are; 2. what each was promised."""
    steps: list[Statement] = [
        {"$match": _of(cause)},
        {"$sort": {"finished_at": 1, "_id": 1}},
        {"$limit": LOOKED_AT},
        {"$match": queue.REPLAYABLE},
        {"$limit": limit},
        {"$project": {"lane": 1, "idempotency_key": 1}},
    ]
    rows = list(collection(QueueRequest).aggregate(steps, hint=_index(cause)))
    keys = [activation_id(row["idempotency_key"]) for row in rows]
    own = _runs(keys)
    plays = [(row["lane"], own.get(key)) for row, key in zip(rows, keys, strict=True)]
    plays = [(lane, run) for lane, run in plays if not _has_ended(run)]
    runs = [run for _, run in plays]
    return GroupOutlook(
        len(plays),
        len({lane for lane, _ in plays}),
        sum(run["promised_seconds"] for run in runs if run),
        runs.count(None),
        len(rows) - len(plays),
    )


def _runs(keys: Sequence[str]) -> dict[str, ActivationRow]:
    told = {"promised_seconds": 1, "status": 1, "requeued_at": 1}
    found = collection(Activation).find({"_id": {"$in": list(keys)}}, told) if keys else ()
    return {row["_id"]: row for row in found}


def _has_ended(run: ActivationRow | None) -> bool:
    """A page finished it after all, or what it owed plays by itself: it is not sent back."""
    if run is None:
        return False
    return bool(run.get("requeued_at")) or S(run["status"]) in FINAL - {S.DEAD}


def some(keys: Sequence[str]) -> list[Letter]:
    """Those of these requests that are in the queue, dead or not, the oldest first."""
    found = collection(QueueRequest).find({"_id": {"$in": list(keys)}}, _WITHOUT)
    return _letters(sorted(found, key=lambda row: (row["finished_at"] or EPOCH, row["_id"])))


def find(key: str) -> Letter:
    """By request id or tip id; dead or not, in the queue or archived. Raises NoSuchLetter."""
    for request_id in (key, queue.request_id(key)):
        for model in (QueueRequest, ArchivedQueueRequest):
            if row := collection(model).find_one({"_id": request_id}, _WITHOUT):
                return _letters([row], is_archived=model is ArchivedQueueRequest)[0]
    raise NoSuchLetter


def _of(cause: str) -> Statement:
    return {"status": DEAD, "cause": cause} if cause else {"status": DEAD}


def _index(cause: str) -> str:
    """In the order of time, of one cause or of all."""
    return BY_CAUSE if cause else NEWEST


def _beyond(after: str) -> Statement:
    if not after:
        return {}
    moment, _, key = after.partition("/")
    try:
        at = clock.parse(moment)
    except ValueError:
        raise NoSuchPlace from None
    return {"$or": [{"finished_at": {"$lt": at}}, {"finished_at": at, "_id": {"$lt": key}}]}


def _letters(rows: Sequence[RequestRow], *, is_archived: bool = False) -> list[Letter]:
    if not rows:
        return []
    keys = [activation_id(row["idempotency_key"]) for row in rows]
    found = collection(Activation).find({"_id": {"$in": keys}}, {"commands": 0})
    own = {row["_id"]: row for row in found}
    return [Letter(row, own.get(key), is_archived) for row, key in zip(rows, keys, strict=True)]
