"""The hours of a performer, counted: what was tipped in each, what it became, how many seconds were
promised, delivered and are owed, and how long it had waited. A tip counts in the hour in which its
turn came.

An hour is recomputed as a whole from her activations, never incremented, and written by one guarded
statement: it may be counted again for ever, by however many. Nothing here is on the way of a tip.
What ends anew in an hour that was counted marks it (`mark`)."""

from collections import Counter
from collections.abc import Iterable, Iterator
from datetime import datetime, timedelta
from itertools import islice

from pymongo import UpdateOne
from pymongo.client_session import ClientSession
from pymongo.errors import DuplicateKeyError

from ground.mongodb.collections import collection
from lovense.deciding.activation import LIVE, S
from lovense.history import counting
from lovense.history.browsing import INDEX
from lovense.history.counting import HourCounts
from lovense.models import Activation, PerformerHour
from lovense.rows import PerformerHourRow, ShowTally, ShowTallyHour
from tips.models import EPOCH
from tips.rows import Statement

HOUR = timedelta(hours=1)
RECENT = timedelta(hours=3)  # an hour is looked at for so long after its end
READ_AT_ONCE = 500
NEWEST_FIRST = [("created_at", -1), ("position", -1), ("_id", -1)]


def floor(moment: datetime) -> datetime:
    return moment.replace(minute=0, second=0, microsecond=0)


def key_of(performer_id: str, hour: datetime) -> str:
    return f"{performer_id}/{hour:%Y-%m-%dT%H}"


# --- which hours ---------------------------------------------------------------------------------


def changed(performer_id: str, *, now: datetime) -> list[datetime]:
    """Of her last hours those that may hold something else than was counted: another number of
    rows, or one that was not over. What ends anew marks its hour instead."""
    since = floor(now - RECENT)
    kept = {row["hour"]: row for row in between(performer_id, since, now + HOUR)}
    there = _rows_by_hour(performer_id, since)
    return [
        hour
        for hour in sorted({*there, *kept})
        if hour not in kept or _is_due(kept[hour], there.get(hour, 0))
    ]


def _is_due(row: PerformerHourRow, there: int) -> bool:
    is_other = row.get("rows", 0) != there or bool(row.get("live", 0))
    return is_other or row.get("stale_since") is not None


def _rows_by_hour(performer_id: str, since: datetime) -> dict[datetime, int]:
    """How many of hers lie in each hour from then on: of keys alone."""
    return dict(_by_hour({"performer_id": performer_id, "created_at": {"$gte": since}}))


def _by_hour(where: Statement) -> Iterator[tuple[datetime, int]]:
    hour = {"$dateTrunc": {"date": "$created_at", "unit": "hour"}}
    stages: list[Statement] = [
        {"$match": where},
        {"$project": {"_id": 0, "created_at": 1}},
        {"$group": {"_id": hour, "n": {"$sum": 1}}},
    ]
    for row in collection(Activation).aggregate(stages, hint=INDEX):
        yield row["_id"], row["n"]


def unsettled(*, limit: int) -> list[tuple[str, datetime]]:
    """Hours of anybody that are marked, held something that was not over, or are not in their day;
    the oldest first."""
    marked = collection(PerformerHour).find({"stale_since": {"$gt": EPOCH}}, {"cells": 0})
    live = collection(PerformerHour).find({"live": {"$gt": 0}}, {"cells": 0})
    unsummed = collection(PerformerHour).find({"unsummed_since": {"$gt": EPOCH}}, {"cells": 0})
    rows = [
        *marked.sort("stale_since", 1).limit(limit).hint("performer_hour_stale"),
        *live.sort("counted_at", 1).limit(limit).hint("performer_hour_live"),
        *unsummed.sort("unsummed_since", 1).limit(limit).hint("performer_hour_unsummed"),
    ]
    return list(dict.fromkeys((row["performer_id"], row["hour"]) for row in rows))


def mark(
    moments: Iterable[tuple[str, datetime]], *, now: datetime, session: ClientSession | None = None
) -> None:
    """Something of these performers, whose turn had come at that moment, has ended anew or is owed
    differently: its hour is counted again."""
    hours = {(whose, floor(moment)) for whose, moment in moments}
    updates = [
        UpdateOne(
            {"_id": key_of(whose, hour)},
            {
                "$set": {"stale_since": now},
                "$setOnInsert": {"performer_id": whose, "hour": hour},
            },
            upsert=True,
        )
        for whose, hour in sorted(hours)
    ]
    if updates:
        collection(PerformerHour).bulk_write(updates, ordered=False, session=session)


# --- counting ------------------------------------------------------------------------------------


def count(performer_id: str, hour: datetime, *, now: datetime) -> bool:
    """Counts that hour of hers anew; whether it was marked. Three steps: 1. whether it is marked;
    2. what it holds; 3. what was counted, unless somebody has counted it later, and the mark goes
    if it is the same. That its day holds it is seen to by `daysums`."""
    key = key_of(performer_id, hour)
    before = collection(PerformerHour).find_one({"_id": key}, {"stale_since": 1}) or {}
    row = _counted(performer_id, hour)
    no_later = {"_id": key, "counted_at": {"$not": {"$gt": now}}}
    changes: Statement = {"$set": {**row, "counted_at": now, **_unheld(now)}, **_WRITTEN}
    try:
        collection(PerformerHour).update_one(no_later, changes, upsert=True)
    except DuplicateKeyError:
        return False  # it was counted later than this, with all that this has seen
    if since := before.get("stale_since"):
        seen = {"_id": key, "stale_since": since}
        collection(PerformerHour).update_one(seen, {"$unset": {"stale_since": ""}})
    return bool(since)


# Two counts at one moment are two.
_WRITTEN: Statement = {"$inc": {"revision": 1}}


def _unheld(now: datetime) -> Statement:
    """Neither its day nor that hour of all performers holds it yet."""
    return {"unsummed_since": now, "unadded_since": now}


def _counted(performer_id: str, hour: datetime) -> Statement:
    within = {"$gte": hour, "$lt": hour + HOUR}
    wanted = {"performer_id": performer_id, "created_at": within}
    found = collection(Activation).find(wanted, counting.NEEDED, batch_size=READ_AT_ONCE)
    found = found.hint(INDEX)
    counts, rows, live = HourCounts(), 0, 0
    while part := list(islice(found, READ_AT_ONCE)):
        rows, live = rows + len(part), live + sum(S(row["status"]) in LIVE for row in part)
        counts.add(part)
    told = {"cells": counts.told, "facets": counts.facets, "minutes": counts.minutes}
    kept = {"performer_id": performer_id, "hour": hour, "rows": rows, "live": live}
    return {**told, **kept, **counts.sums}


def of_span(performer_id: str, since: datetime, until: datetime, *, most: int) -> ShowTally:
    """Any span, counted as hours are, of its newest rows; an hour at its ends is cut."""
    within = {"performer_id": performer_id, "created_at": {"$gte": since, "$lt": until}}
    found = collection(Activation).find(within, counting.NEEDED)
    found = found.sort(NEWEST_FIRST).limit(most).hint(INDEX).batch_size(READ_AT_ONCE)
    counts = HourCounts()
    tokens: Counter[datetime] = Counter()
    while part := list(islice(found, READ_AT_ONCE)):
        counts.add(part)
        for row in part:
            tokens[floor(row["created_at"])] += row["amount"] if row["tip_id"] else 0
    by_hour: list[ShowTallyHour] = [{"hour": at, "tokens": tokens[at]} for at in sorted(tokens)]
    return {"cells": counts.told, "hours": by_hour}


# --- reading -------------------------------------------------------------------------------------


def between(performer_id: str, since: datetime, until: datetime) -> list[PerformerHourRow]:
    """Her hours from `since` on, those that begin before `until`; in their order."""
    first, last = key_of(performer_id, since), key_of(performer_id, until)
    found = collection(PerformerHour).find({"_id": {"$gte": first, "$lt": last}}).sort("_id", 1)
    return list(found)


def with_rows(performer_id: str, since: datetime, until: datetime) -> Iterator[datetime]:
    """The hours of hers, from then on, that hold anything or were counted: for who counts all."""
    within = {"$gte": since, "$lt": until}
    found = _by_hour({"performer_id": performer_id, "created_at": within})
    held = {hour for hour, _ in found}
    yield from sorted(held | {row["hour"] for row in between(performer_id, since, until)})
