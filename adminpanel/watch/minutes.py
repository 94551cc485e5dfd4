"""The minutes of the deployment: one row each, for ninety days. Written once a minute by whichever
worker the beat meets (`adminpanel.minutes`), read by the staff's Overview and its strip.

What passed is recomputed from the rows as a whole, never incremented, and written by one guarded
statement: a minute may be counted again for ever, by however many. How things were is looked at and
kept by whoever comes first; a beat that comes late fills in what passed, and leaves open what it
could not see."""

from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import NotRequired, TypedDict

from pymongo.errors import DuplicateKeyError

from adminpanel.models import HealthMinute
from adminpanel.watch import moment, passing
from adminpanel.watch.moment import HealthLook
from adminpanel.watch.passing import FactsPassed
from ground.mongodb.collections import collection

MINUTE = timedelta(minutes=1)
KEPT = timedelta(days=90)
BACK = 60  # minutes that are filled in when they are missing
MOST_AT_ONCE = 10  # in one round; the next one fills in more
SETTLES = timedelta(seconds=60)  # rows may lag so long behind: what was counted earlier is again
LOOK_COUNTS_FOR = timedelta(seconds=90)  # a look stands for the minutes that ended so long before


class MinuteRow(TypedDict):
    _id: str
    passed: FactsPassed
    counted_at: datetime
    seen: HealthLook | None
    seen_at: datetime | None
    expires_at: NotRequired[datetime]


def floor(at: datetime) -> datetime:
    return at.replace(second=0, microsecond=0)


def key_of(minute: datetime) -> str:
    return minute.strftime("%Y-%m-%dT%H:%M")


# --- written -------------------------------------------------------------------------------------


def keep(*, now: datetime) -> int:
    """One round, newest first; how many minutes were written. Three steps: 1. which are missing, or
    were counted early; 2. one look at how things are; 3. each of them is counted and written."""
    kept = {row["_id"]: row for row in since(now - (BACK + 1) * MINUTE, fields=("counted_at",))}
    ended = [floor(now) - n * MINUTE for n in range(1, BACK + 1)]
    due = [each for each in ended if _is_due(each, kept.get(key_of(each)))][:MOST_AT_ONCE]
    seen = moment.read(now=now) if due and key_of(due[0]) not in kept else None
    length = 0
    for minute in reversed(due):  # the log is halved from where the minute before it ended
        passed = passing.between(minute, minute + MINUTE, log_length=length)
        length = passed["sequence"]
        is_near = now - (minute + MINUTE) < LOOK_COUNTS_FOR
        _write(minute, passed, seen if is_near else None, now)
    return len(due)


def _is_due(minute: datetime, row: MinuteRow | None) -> bool:
    return row is None or row["counted_at"] < minute + MINUTE + SETTLES


def _write(minute: datetime, passed: FactsPassed, seen: HealthLook | None, now: datetime) -> None:
    """Unless somebody has counted it later, with all that this has seen."""
    no_later = {"_id": key_of(minute), "counted_at": {"$not": {"$gt": now}}}
    first = {"seen": seen, "seen_at": now if seen else None, "expires_at": minute + KEPT}
    changes = {"$set": {"passed": passed, "counted_at": now}, "$setOnInsert": first}
    try:
        collection(HealthMinute).update_one(no_later, changes, upsert=True)
    except DuplicateKeyError:
        return


# --- read ----------------------------------------------------------------------------------------


def since(
    at: datetime, *, fields: Iterable[str] = ("passed", "seen", "seen_at")
) -> list[MinuteRow]:
    """From that minute on, the oldest first; as many as there are minutes."""
    wanted = {"_id": {"$gte": key_of(at)}}
    found: list[MinuteRow] = list(
        collection(HealthMinute).find(wanted, dict.fromkeys(fields, 1)).sort("_id", 1)
    )
    return found
