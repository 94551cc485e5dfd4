"""What the queue did in a period: how many requests came and how they ended, and how long they had
waited. Only reads.

One walk over the keys of `request_finished`, without a document: waits are grouped into buckets of
one percent, so the memory is the same whatever the number, and a percentile is right to one
percent."""

import re
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from math import exp, log
from typing import Any

from pymongo.errors import ExecutionTimeout

from ground.json.errors import Refusal
from ground.json.fields import Malformed
from ground.mongodb.collections import collection
from tips.log import eventlog
from tips.models import QueueRequest, RequestStatus
from tips.queue import counts

SHORTEST, LONGEST = timedelta(minutes=1), timedelta(days=90)  # older ones are in the archive
MOST_SECONDS = 15  # then the period is too long for this deployment
ENDS = (RequestStatus.COMPLETED, RequestStatus.FAILED, RequestStatus.DEAD, RequestStatus.CANCELLED)
PERCENTILES = {"p50": 0.5, "p95": 0.95, "p99": 0.99}
_PERIOD = re.compile(r"([1-9][0-9]{0,5})([mhd])")
_UNITS = {"m": timedelta(minutes=1), "h": timedelta(hours=1), "d": timedelta(days=1)}
_BUCKET = log(1.02)  # two percent wide: its middle is right to one


class InvalidPeriod(Malformed):
    """A period is a number of minutes, hours or days, from a minute to 90 days."""


class PeriodTooLong(Refusal):
    """What ended in a period is counted within MOST_SECONDS."""

    code, status = "too_long", 503
    words = "Too much ended in this period; ask about a shorter one."


@dataclass(frozen=True, slots=True)
class Waits:
    """Seconds from the settlement (or submission) to the start; of what was tried again, to its
    last start."""

    count: int
    mean: float | None
    percentiles: Mapping[str, float | None]


@dataclass(frozen=True, slots=True)
class Metrics:
    since: datetime
    until: datetime
    submitted: int
    ended: Mapping[RequestStatus, int]
    waits: Waits

    @property
    def success_rate(self) -> float | None:
        """Of what was to be played or answered; what somebody cancelled is neither."""
        good = self.ended[RequestStatus.COMPLETED]
        tried = good + self.ended[RequestStatus.FAILED] + self.ended[RequestStatus.DEAD]
        return good / tried if tried else None

    def per_hour(self, count: int) -> float:
        return count / ((self.until - self.since) / timedelta(hours=1))


def period(text: str) -> timedelta:
    found = _PERIOD.fullmatch(text)
    length = int(found[1]) * _UNITS[found[2]] if found else timedelta()
    if not SHORTEST <= length <= LONGEST:
        raise InvalidPeriod(
            "period",
            "must be a number of minutes, hours or days, as 30m, 24h or 7d, from 1m to 90d",
        )
    return length


def read(length: timedelta, *, now: datetime) -> Metrics:
    """Raises PeriodTooLong."""
    since = now - length
    try:
        found = list(groups(since, now))
    except ExecutionTimeout:
        raise PeriodTooLong from None
    ended: Counter[RequestStatus] = Counter()
    for group in found:
        ended[RequestStatus(group["_id"]["status"])] += group["count"]
    submitted = eventlog.length() - eventlog.length_at(since) + counts.by_people(since=since)
    return Metrics(since, now, submitted, ended, _waits(found))


def groups(since: datetime, until: datetime) -> Iterator[dict[str, Any]]:
    """What ended after `since` and no later than `until`, by its status and by how long it had
    waited: a bucket (`milliseconds_of`), or None where its turn never came."""
    wait = {"$subtract": ["$claimed_at", "$created_at"]}  # null where its turn never came
    bucket = {"$floor": {"$divide": [{"$ln": {"$max": ["$wait", 1]}}, _BUCKET]}}
    waited = {"$cond": [{"$eq": ["$wait", None]}, None, bucket]}
    yield from collection(QueueRequest).aggregate(
        [
            {"$match": {"finished_at": {"$gt": since, "$lte": until}}},
            {"$project": {"_id": 0, "status": 1, "wait": wait}},
            {
                "$group": {
                    "_id": {"status": "$status", "bucket": waited},
                    "count": {"$sum": 1},
                    "milliseconds": {"$sum": "$wait"},
                }
            },
        ],
        hint=counts.FINISHED,
        maxTimeMS=MOST_SECONDS * 1000,
    )


def _waits(groups: list[dict[str, Any]]) -> Waits:
    buckets: Counter[float] = Counter()
    for group in groups:
        if group["_id"]["bucket"] is not None:
            buckets[group["_id"]["bucket"]] += group["count"]
    count = buckets.total()
    mean = sum(group["milliseconds"] for group in groups) / count / 1000 if count else None
    return Waits(
        count,
        mean,
        {name: _percentile(buckets, count, share) for name, share in PERCENTILES.items()},
    )


def _percentile(buckets: Counter[float], count: int, share: float) -> float | None:
    seen = 0
    for bucket in sorted(buckets):
        seen += buckets[bucket]
        if seen >= share * count:
            return round(milliseconds_of(bucket) / 1000, 3)
    return None


def milliseconds_of(bucket: float) -> float:
    return exp((bucket + 0.5) * _BUCKET)
