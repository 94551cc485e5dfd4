"""Days of a performer, summed from her hours: so that three months are read as ninety rows. A day
here is one of UTC; how much was tipped in each of its hours stands in it, so it can be read in any
zone of whole hours."""

from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime, timedelta
from heapq import nsmallest
from itertools import groupby

from lovense.history import counting, facets, hours, latencies, summing
from lovense.models import PerformerDay, PerformerHour
from lovense.rows import (
    BusyMinute,
    DayHour,
    HourCell,
    PerformerHourRow,
    PlatformHourRow,
    SummedFacets,
)
from tips.rows import Statement

DAY = timedelta(days=1)
BUSIEST = 10  # minutes that are kept of a day
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
    """False: others were at it, and the hours stay unsummed."""
    return summing.keep(
        PerformerDay,
        key_of(performer_id, day),
        read=lambda: hours.between(performer_id, day, day + DAY),
        summed=lambda rows: _summed(performer_id, day, rows),
        settle=lambda rows: summing.settle(PerformerHour, "unsummed_since", rows),
    )


# --- sums: pure ----------------------------------------------------------------------------------


def _summed(performer_id: str, day: datetime, rows: Sequence[PerformerHourRow]) -> Statement:
    cells = [cell for row in rows for cell in row.get("cells", ())]
    tokens = [0] * 24
    for row in rows:
        tokens[row["hour"].hour] = tokens_of(row)
    return {
        "performer_id": performer_id,
        "day": day,
        "cells": added(cells),
        "outcomes": added({**cell, "item": "", "title": ""} for cell in cells),
        "tokens": tokens,
        **faceted(rows),
        **counting.ranked(cells),
    }


def faceted(rows: Sequence[PerformerHourRow] | Sequence[PlatformHourRow]) -> SummedFacets:
    """What a day keeps of its hours beside the items."""
    return {
        "facets": facets.added(cell for row in rows for cell in row.get("facets") or ()),
        "by_hour": [found for row in rows if (found := of_hour(row))],
        "busiest": busiest(each for row in rows for each in minutes_of(row)),
    }


def of_hour(row: PerformerHourRow | PlatformHourRow) -> DayHour | None:
    """None: it holds nothing."""
    cells = row.get("facets") or ()
    if not cells:
        return None
    sums = [sum(cell["sums"][n] for cell in cells) for n in range(2)]
    sent = latencies.together(cell.get("sent", b"") for cell in cells)
    return {
        "hour": row["hour"].hour,
        "tips": sums[0],
        "tokens": sums[1],
        "sent": latencies.kept(sent),
    }


def minutes_of(row: PerformerHourRow | PlatformHourRow) -> Iterator[BusyMinute]:
    for minute, tips in counting.each_of(row.get("minutes") or ()):
        yield {"at": row["hour"] + timedelta(minutes=minute), "tips": tips}


def busiest(minutes: Iterable[BusyMinute]) -> list[BusyMinute]:
    """Each minute lies in one hour and one day: those of a longer time are among those of its
    parts."""
    return nsmallest(BUSIEST, minutes, key=lambda each: (-each["tips"], each["at"]))


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
