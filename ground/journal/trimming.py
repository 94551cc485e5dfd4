"""Trimming: of an entry that is a day old and unfolded, only what "once" needs is kept: its number,
who wrote it and when, its keys, and what it touched.

Whatever else it said is in the rows. Entries are trimmed in the order of their numbers, and a mark
moves behind each batch, so a run may die anywhere and the next one goes on from there; a batch that
is trimmed again is the same. Calls of the inbox, whose rows are keys alone, stay as they are."""

from datetime import datetime, timedelta

from pymongo.errors import DuplicateKeyError

from ground.journal import journal
from ground.journal.models import JournalEntry, JournalState
from ground.mongodb.collections import Document, collection

AGE = timedelta(days=1)  # what an entry said is there for so long, for a proof or a person
EVERY = timedelta(days=1)
LEASE = timedelta(minutes=1)  # of a run, which takes seconds
AT_ONCE, BATCHES = 500, 20  # entries of a batch, and batches of a run: a worker has other work
TRIMMED = "trimmed"
_KEPT: Document = {name: 1 for name in journal.KEPT if name != "_id"}


def trim(*, now: datetime) -> int:
    """How many entries were trimmed; 0 when today's are done, or another run is at it.

    1. Begins, unless one has; 2. trims batch by batch; 3. says when the next run begins: at once
    where something is left."""
    if not _begin(now):
        return 0
    done = 0
    for _ in range(BATCHES):
        count = _trim_batch(now - AGE)
        done += count
        if count < AT_ONCE:
            _end(now + EVERY)
            return done
    _end(now)
    return done


def _begin(now: datetime) -> bool:
    """One run at a time; one that died is followed when its lease is over."""
    due = {"_id": TRIMMED, "until": {"$lte": now}}
    changes = {"$set": {"until": now + LEASE}, "$setOnInsert": {"number": 0}}
    try:
        collection(JournalState).update_one(due, changes, upsert=True)
    except DuplicateKeyError:
        return False
    return True


def _end(following: datetime) -> None:
    collection(JournalState).update_one({"_id": TRIMMED}, {"$set": {"until": following}})


def _trim_batch(before: datetime) -> int:
    first = mark() + 1
    last = min(first + AT_ONCE - 1, journal.unfolded())
    numbers = {"_id": {"$gte": first, "$lte": last}}
    younger = collection(JournalEntry).find_one(
        {**numbers, "at": {"$gte": before}}, {"_id": 1}, sort=[("_id", 1)]
    )
    if younger:
        last = younger["_id"] - 1
    if last < first:
        return 0
    numbers = {"_id": {"$gte": first, "$lte": last}}
    collection(JournalEntry).update_many(numbers, [{"$project": _KEPT}])
    _move_mark(last)
    return int(last - first + 1)


def mark() -> int:
    """The number up to which entries are trimmed."""
    row = collection(JournalState).find_one({"_id": TRIMMED}, {"number": 1})
    return int(row["number"]) if row else 0


def _move_mark(number: int) -> None:
    collection(JournalState).update_one({"_id": TRIMMED}, {"$max": {"number": number}})
