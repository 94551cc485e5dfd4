"""Recounting: once a minute the last hours of all performers who may have had something are looked
at, and those that hold something else than was counted are counted anew.

Who that is, tips and pages say: what was tipped in the last hours, and who has held devices. It
lies here because both are known here. A round is bounded in time, and the next one goes on from
where it stopped."""

import time
from collections.abc import Callable, Iterator
from datetime import datetime
from itertools import groupby
from operator import itemgetter

from adminpanel.models import PerformerTipHour
from ground.mongodb.collections import collection
from lovense.history import daysums, hours
from lovense.history.hours import RECENT
from lovense.models import PageLease
from lovense.shows import sums

MOST_SECONDS = 20.0
MOST_PERFORMERS = 20_000  # looked at in one round


class Recounter:
    """Remembers how far this process has come; who begins anew only looks twice."""

    def __init__(self, seconds: Callable[[], float] = time.monotonic) -> None:
        self._seconds, self._after = seconds, ""

    def run(self, *, now: datetime, limit: int) -> bool:
        """Whether it has come to the end. Two steps: 1. what is marked, was under way or is not in
        its day, and the shows that what was marked is of; 2. the last hours of who is active, from
        where the last round stopped."""
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
