"""Days of a performer, summed from her hours: so that three months are read as ninety rows. A day
here is one of UTC; how much was tipped in each of its hours stands in it, so it can be read in any
zone of whole hours.

A day is recomputed as a whole from the rows of its hours, never incremented. An hour that was
counted says so until its day has been written since (`unsummed_since`): whoever dies in between
loses nothing. Two that sum one day at once: the second to write reads anew."""

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from itertools import groupby

from pymongo import UpdateOne

from ground.mongodb import unique
from ground.mongodb.collections import collection
from lovense.history import hours
from lovense.models import PerformerDay, PerformerHour
from lovense.rows import HourCell, PerformerDayRow, PerformerHourRow
from tips.rows import Statement

DAY = timedelta(days=1)
TRIES = 5  # with so many at it at once, the next round goes on
SUMMED = ("tips", "tokens", "net", "promised", "delivered", "owed", "waits", "waited_ms")


def floor(moment: datetime) -> datetime:
    return moment.replace(hour=0, minute=0, second=0, microsecond=0)


def key_of(performer_id: str, day: datetime) -> str:
    return f"{performer_id}/{day:%Y-%m-%d}"


def count(performer_id: str, which: Iterable[datetime], *, now: datetime) -> list[datetime]:
    """Counts those hours of hers anew; those that something had ended anew in. Two steps: 1. each
    hour; 2. each of their days."""
    which = sorted(which)
    marked = [hour for hour in which if hours.count(performer_id, hour, now=now)]
    for day, _ in groupby(which, key=floor):
        keep(performer_id, day)
    return marked


def keep(performer_id: str, day: datetime) -> bool:
    """False: others were at it, and the hours stay unsummed. Three steps: 1. what its hours hold;
    2. the day, unless it was written since; 3. of these hours, that their day holds them."""
    for _ in range(TRIES):
        before = collection(PerformerDay).find_one(
            {"_id": key_of(performer_id, day)}, {"revision": 1}
        )
        rows = hours.between(performer_id, day, day + DAY)
        if _written(_summed(performer_id, day, rows), before["revision"] if before else 0):
            _settle(rows)
            return True
    return False


def _written(row: PerformerDayRow, seen: int) -> bool:
    if not seen:
        return not unique.insert(PerformerDay, [row])
    changes: Statement = {"$set": {name: said for name, said in row.items() if name != "_id"}}
    changes["$set"]["revision"] = seen + 1
    unchanged = {"_id": row["_id"], "revision": seen}
    return bool(collection(PerformerDay).update_one(unchanged, changes).modified_count)


def _settle(rows: Iterable[PerformerHourRow]) -> None:
    updates = [
        UpdateOne({"_id": row["_id"], "unsummed_since": since}, {"$unset": {"unsummed_since": ""}})
        for row in rows
        if (since := row.get("unsummed_since")) is not None
    ]
    if updates:
        collection(PerformerHour).bulk_write(updates, ordered=False)


# --- sums: pure ----------------------------------------------------------------------------------


def _summed(performer_id: str, day: datetime, rows: Sequence[PerformerHourRow]) -> PerformerDayRow:
    cells = [cell for row in rows for cell in row.get("cells", ())]
    tokens = [0] * 24
    for row in rows:
        tokens[row["hour"].hour] = tokens_of(row)
    return {
        "_id": key_of(performer_id, day),
        "performer_id": performer_id,
        "day": day,
        "cells": added(cells),
        "outcomes": added({**cell, "item": "", "title": ""} for cell in cells),
        "tokens": tokens,
        "revision": 1,
    }


def tokens_of(row: PerformerHourRow) -> int:
    return sum(cell["tokens"] for cell in row.get("cells", ()))


def added(cells: Iterable[HourCell]) -> list[HourCell]:
    """Those of one item and outcome as one, by the title that it had last."""
    found: dict[tuple[str, str], HourCell] = {}
    for cell in cells:
        key = (cell["item"], cell["outcome"])
        if key not in found:
            found[key] = {**cell}
            continue
        sums = found[key]
        sums["title"] = cell["title"] or sums["title"]
        for name in SUMMED:
            sums[name] += cell[name]  # type: ignore[literal-required]
    return [found[key] for key in sorted(found)]
