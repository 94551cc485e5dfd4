"""Daily heads: for every day (UTC) that has ended, where the hash chain ended then. Written once,
never changed.

A hash chain shows a changed row, but somebody who may write everything can rewrite its whole end
with it. These rows are what such a chain contradicts, and what an operator may note elsewhere."""

from bisect import bisect_left
from collections.abc import Iterator
from datetime import UTC, date, datetime, time, timedelta

from pymongo.errors import DuplicateKeyError

from ground.mongodb.collections import collection
from tips.log import eventlog
from tips.models import DailyHead
from tips.rows import DailyHeadRow

DAY = timedelta(days=1)
# A settlement takes the time as it begins and may commit seconds later: only then is it certain
# which rows are a day's.
CERTAIN_AFTER = timedelta(minutes=5)
DAYS_AT_ONCE = 400


class Contradiction(Exception):
    """Two digests were noted for one row; only one can be right."""


def keep(*, now: datetime) -> int:
    """Writes the heads of the days that have ended and have none yet, at most DAYS_AT_ONCE; how
    many those were."""
    length, last = eventlog.length(), _last()
    today = (now - CERTAIN_AFTER).astimezone(UTC).date()
    if not length or (last and date.fromisoformat(last["_id"]) + DAY >= today):
        return 0
    first = date.fromisoformat(last["_id"]) + DAY if last else eventlog.row(1)["created_at"].date()
    sequence, count = last["sequence"] if last else 0, 0
    for day in _days(first, today):
        sequence = _last_row_before(datetime.combine(day + DAY, time.min, UTC), sequence, length)
        count += _insert(day, sequence, now)
    return count


def _last() -> DailyHeadRow | None:
    return collection(DailyHead).find_one(sort=[("_id", -1)])


def _days(first: date, end: date) -> Iterator[date]:
    for number in range(min((end - first).days, DAYS_AT_ONCE)):
        yield first + number * DAY


def _last_row_before(moment: datetime, after: int, length: int) -> int:
    """Rows are in the order of their times but for a few seconds, so some twenty looks find it,
    however long the log is."""
    rows = range(after + 1, length + 1)
    return after + bisect_left(rows, moment, key=lambda number: eventlog.row(number)["created_at"])


def _insert(day: date, sequence: int, now: datetime) -> int:
    head = {"sequence": sequence, "digest": eventlog.digest_of(sequence)}
    try:
        collection(DailyHead).insert_one({"_id": day.isoformat(), **head, "created_at": now})
    except DuplicateKeyError:
        return 0
    return 1


def kept(*noted: tuple[int, str]) -> dict[int, str]:
    """The digest that a row must have, by its number: all daily heads, and what an operator has
    noted of earlier ends."""
    found: dict[int, str] = {}
    rows = collection(DailyHead).find({}, {"_id": 0, "sequence": 1, "digest": 1})
    for sequence, digest in (*((row["sequence"], row["digest"]) for row in rows), *noted):
        if found.setdefault(sequence, digest) != digest:
            raise Contradiction(f"row {sequence} has been noted with two digests")
    return found


def count() -> int:
    return collection(DailyHead).estimated_document_count()
