"""Hours and days of all performers together, by facet: an hour is summed from the hours of
performers, a day from its hours. Nothing here is on the way of a tip."""

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from datetime import datetime
from itertools import groupby

from django.db.models import Model

from ground.mongodb.collections import collection
from lovense.history import counting, daysums, facets, summing
from lovense.history.daysums import DAY
from lovense.models import ActivationDay, ActivationHour, PerformerHour
from lovense.rows import PerformerHourRow, PlatformHourRow
from tips.models import EPOCH
from tips.rows import Statement

UNADDED, UNSUMMED = "unadded_since", "unsummed_since"  # marks of an hour of hers, and of all
HELD = dict.fromkeys(("facets", "minutes", UNADDED, "revision"), 1)


def key_of(hour: datetime) -> str:
    return f"{hour:%Y-%m-%dT%H}"


def key_of_day(day: datetime) -> str:
    return f"{day:%Y-%m-%d}"


def run(*, now: datetime, limit: int, is_over: Callable[[], bool] = lambda: False) -> bool:
    """One round; whether it came to its end. Two steps: 1. hours in which somebody's was counted;
    2. days of which an hour was. `is_over` is asked before each: there is no more time."""
    for hour in unadded(limit):
        if is_over():
            return False
        keep_hour(hour, now=now)
    for day in sorted(set(map(daysums.floor, unsummed(limit)))):
        if is_over():
            return False
        keep_day(day)
    return True


def unadded(limit: int) -> list[datetime]:
    return _marked(PerformerHour, UNADDED, "performer_hour_unadded", limit)


def unsummed(limit: int) -> list[datetime]:
    return _marked(ActivationHour, UNSUMMED, "activation_hour_unsummed", limit)


def _marked(model: type[Model], mark: str, index: str, limit: int) -> list[datetime]:
    stages: list[Statement] = [
        {"$match": {mark: {"$gt": EPOCH}}},
        {"$group": {"_id": "$hour"}},
        {"$limit": limit},
    ]
    return sorted(row["_id"] for row in collection(model).aggregate(stages, hint=index))


def keep_hour(hour: datetime, *, now: datetime) -> bool:
    """False: others were at it, and the hours of performers stay marked."""
    return summing.keep(
        ActivationHour,
        key_of(hour),
        read=lambda: held(hour),
        summed=lambda rows: {"hour": hour, UNSUMMED: now, **_added(rows)},
        settle=lambda rows: summing.settle(PerformerHour, UNADDED, rows),
    )


def keep_day(day: datetime) -> bool:
    """False: others were at it, and its hours stay marked."""
    return summing.keep(
        ActivationDay,
        key_of_day(day),
        read=lambda: between(day, day + DAY),
        summed=lambda rows: {"day": day, **daysums.faceted(rows)},
        settle=lambda rows: summing.settle(ActivationHour, UNSUMMED, rows),
    )


def held(hour: datetime) -> list[PerformerHourRow]:
    return list(collection(PerformerHour).find({"hour": hour}, HELD).hint("performer_hour_ranked"))


def _added(rows: Sequence[PerformerHourRow]) -> Statement:
    """Pure."""
    minutes: Counter[int] = Counter()
    for row in rows:
        minutes.update(dict(counting.each_of(row.get("minutes") or ())))
    return {
        "facets": facets.added(cell for row in rows for cell in row.get("facets") or ()),
        "minutes": [n for minute in sorted(minutes) for n in (minute, minutes[minute])],
    }


def between(since: datetime, until: datetime) -> list[PlatformHourRow]:
    """The hours that begin from `since` on and before `until`; in their order."""
    keys = {"$gte": key_of(since), "$lt": key_of(until)}
    return list(collection(ActivationHour).find({"_id": keys}).sort("_id", 1))


def recount(hours: Iterable[datetime], *, now: datetime) -> None:
    """Sums those anew, and their days, whatever is marked; in their order."""
    for day, of_day in groupby(hours, key=daysums.floor):
        for hour in of_day:
            keep_hour(hour, now=now)
        keep_day(day)
