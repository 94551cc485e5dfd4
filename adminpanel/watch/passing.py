"""What passed the six facts in a span of time, and how long it took from each to the next. Only
reads, each by an index; nothing is written on the way of a tip for it.

Two groups are looked at: the tips that settled then (facts 1 to 3), and the requests that ended
then (4 to 6). So what was stored and has not settled is not counted here: it waits, and is counted
there. What is counted is exact up to MOST_READ; beyond, facts 5 and 6 and all waits are those of so
many, and the answer says so."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from math import exp, floor, log
from typing import Any, TypedDict

from adminpanel.watch import metrics
from ground.inbox.models import WebhookDelivery
from ground.mongodb.collections import collection
from lovense import facts
from lovense.deciding import activation
from lovense.models import Activation
from tips.log import eventlog
from tips.models import QueueRequest, Tip, TipActivated
from tips.queue import counts

MOST_READ = 1000  # of each group, in one span
_BUCKET = log(1.15)  # of milliseconds: its middle is right to 8 percent

Buckets = dict[str, int]  # a bucket's number as text, and how many


class FactsPassed(TypedDict):
    """`counts`: how many passed each of the six. `waits`: from each of the first five to the next.
    `is_sampled`: more passed than were read."""

    counts: list[int]
    waits: list[Buckets]
    is_sampled: bool
    sequence: int  # how long the event log was at the end


def between(since: datetime, until: datetime, *, log_length: int = 0) -> FactsPassed:
    """After `since` and no later than `until`. `log_length`: how long the event log was before."""
    first = eventlog.length_at(since, at_least=log_length)
    last = eventlog.length_at(until, at_least=first)
    settled, ended = last - first, list(metrics.groups(since, until))
    decided = sum(group["count"] for group in ended if group["_id"]["bucket"] is not None)
    in_queue = _in_queue(ended)
    early, (runs, late) = _until_settled(first, last), _since_decided(since, until)
    share = decided / runs["read"] if runs["read"] else 1.0
    return {
        "counts": [
            *(settled, settled, settled, decided),
            *(round(share * runs[each]) for each in ("handed over", "acknowledged")),
        ],
        "waits": [*early, in_queue, *late],
        "is_sampled": settled > MOST_READ or decided > MOST_READ,
        "sequence": last,
    }


def _until_settled(first: int, last: int) -> list[Buckets]:
    """From the delivery to the tip, and from the tip to its event; of a tip whose delivery is not
    there any more, the second alone."""
    rows = collection(TipActivated).find({"sequence": {"$gt": first, "$lte": last}}, {_EVENT: 1})
    events = {row["_id"]: row[_EVENT] for row in rows.sort("sequence", 1).limit(MOST_READ)}
    tips = _by_key(Tip, events, "delivery", "created_at")
    calls = _by_key(WebhookDelivery, {row["delivery"] for row in tips.values()}, "received_at")
    stored = (
        row["created_at"] - calls[row["delivery"]]["received_at"]
        for row in tips.values()
        if row["delivery"] in calls
    )
    return [bucketed(stored), bucketed(events[key] - tips[key]["created_at"] for key in tips)]


_EVENT = facts.SIX[2].moment


def _by_key(model: Any, keys: Iterable[str], *fields: str) -> dict[str, Mapping[str, Any]]:
    wanted = list(keys)
    if not wanted:
        return {}
    found = collection(model).find({"_id": {"$in": wanted}}, dict.fromkeys(fields, 1))
    return {row["_id"]: row for row in found}


def _in_queue(ended: Sequence[Mapping[str, Any]]) -> Buckets:
    found: Counter[str] = Counter()
    for group in ended:
        if (bucket := group["_id"]["bucket"]) is not None:
            found[_bucket_of(metrics.milliseconds_of(bucket))] += group["count"]
    return dict(found)


_RUN = ("created_at", "dispatched_at", "finished_at", "status", "reason")


def _since_decided(since: datetime, until: datetime) -> tuple[Counter[str], list[Buckets]]:
    """Of those that ended: how many were read, handed over and acknowledged; and from the decision
    to the page, and from there to the end, which holds what played."""
    within = {"finished_at": {"$gt": since, "$lte": until}, "claimed_at": {"$ne": None}}
    asked = collection(QueueRequest).find(within, {"idempotency_key": 1}).hint(counts.FINISHED)
    keys = [activation.activation_id(row["idempotency_key"]) for row in asked.limit(MOST_READ)]
    runs = list(_by_key(Activation, keys, *_RUN).values())
    moments = [[fact.at(run) for fact in facts.SIX[3:]] for run in runs]
    handed = [to - at for at, to, _ in moments if at and to]
    ended = [end - to for _, to, end in moments if to and end]
    read = Counter({"read": len(keys), "handed over": len(handed), "acknowledged": len(ended)})
    return read, [bucketed(handed), bucketed(ended)]


# --- waits in buckets ----------------------------------------------------------------------------


def bucketed(waits: Iterable[timedelta]) -> Buckets:
    return dict(Counter(_bucket_of(wait / timedelta(milliseconds=1)) for wait in waits))


def _bucket_of(milliseconds: float) -> str:
    return str(floor(log(max(milliseconds, 1)) / _BUCKET))


def percentile(waits: Iterable[Mapping[str, int]], share: float) -> float | None:
    """Seconds, of all of these together; None where nothing passed. What took less than the
    smallest bucket took no time."""
    together: Counter[int] = Counter()
    for buckets in waits:
        together.update({int(bucket): count for bucket, count in buckets.items()})
    wanted, seen = share * together.total(), 0
    for bucket in sorted(together):
        seen += together[bucket]
        if seen >= wanted:
            return exp((bucket + 0.5) * _BUCKET) / 1000 if bucket else 0.0
    return None
