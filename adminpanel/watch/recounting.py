"""Recounting: once a minute the last hours of all performers who may have had something are looked
at, and those that hold something else than was counted are counted anew.

Who that is, tips and pages say: what was tipped in the last hours, and who has held devices. It
lies here because both are known here. A round is bounded in time, and the next one goes on from
where it stopped."""

import time
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from itertools import groupby
from operator import itemgetter
from typing import NamedTuple

from adminpanel.models import Heartbeat, PerformerTipHour
from ground.mongodb.collections import collection
from lovense.history import daysums, hours, platform
from lovense.history.hours import RECENT
from lovense.models import PageLease
from lovense.shows import sums
from tips.models import EPOCH

MOST_SECONDS = 20.0
MARK = "statistics"  # among the heartbeats
LATE = timedelta(minutes=3)  # three rounds
MOST_PERFORMERS = 20_000  # looked at in one round


class Recounter:
    """Remembers how far this process has come; who begins anew only looks twice."""

    def __init__(self, seconds: Callable[[], float] = time.monotonic) -> None:
        self._seconds, self._after = seconds, ""
        self._began = EPOCH  # when it last set out from the first of them

    def run(self, *, now: datetime, limit: int) -> bool:
        """Whether it has come to the end. Three steps: 1. what is marked, was under way or is not
        in its day, and the shows that what was marked is of; 2. the last hours of who is active,
        from where the last round stopped; 3. those hours of all of them together."""
        is_whole = self._count(now=now, limit=limit)
        until = self._seconds() + MOST_SECONDS
        is_whole &= platform.run(now=now, limit=limit, is_over=lambda: self._seconds() > until)
        if is_whole:
            _note(self._began)
        return is_whole

    def _count(self, *, now: datetime, limit: int) -> bool:
        self._began = self._began if self._after else now
        until = self._seconds() + MOST_SECONDS
        for performer_id, found in groupby(sorted(hours.unsettled(limit=limit)), key=itemgetter(0)):
            which = [hour for _, hour in found]
            for hour in daysums.count(performer_id, which, now=now):
                sums.look_again(performer_id, hour, now=now)
        for performer_id in active(now=now, after=self._after):
            if self._seconds() > until:
                return False
            daysums.count(performer_id, hours.changed(performer_id, now=now), now=now)
            self._after = performer_id
        self._after = ""
        return True


# --- how fresh it is -----------------------------------------------------------------------------


class Freshness(NamedTuple):
    """`at`: all that was so then is counted; None: nobody has counted yet."""

    at: datetime | None

    def is_late(self, now: datetime) -> bool:
        return self.at is None or now - self.at > LATE


def _note(at: datetime) -> None:
    collection(Heartbeat).update_one({"_id": MARK}, {"$max": {"at": at}}, upsert=True)


def freshness() -> Freshness:
    found = collection(Heartbeat).find_one({"_id": MARK}, {"at": 1})
    return Freshness(found["at"] if found else None)


def active(*, now: datetime, after: str = "") -> Iterator[str]:
    """Who was tipped, or held devices, within RECENT; in the order of their ids."""
    since = now - RECENT
    tipped = collection(PerformerTipHour).find(
        {"hour": {"$gte": hours.floor(since)}}, {"performer_id": 1}
    )
    held = collection(PageLease).find({"expires_at": {"$gt": since}}, {"_id": 1})
    found = {row["performer_id"] for row in tipped.limit(MOST_PERFORMERS)}
    found |= {row["_id"] for row in held.limit(MOST_PERFORMERS)}
    yield from (each for each in sorted(found) if each > after)
