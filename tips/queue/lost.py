"""Requests that are missing although their tips were settled: somebody dropped them. Found, and put
back in.

A row is inserted only where there is none, so whoever comes second changes nothing. What it should
say is the caller's to know."""

from collections.abc import Callable, Collection, Iterable, Sequence
from datetime import datetime

from django.db import connection
from pymongo.client_session import ClientSession
from pymongo.errors import DuplicateKeyError

from ground.mongodb import unique
from ground.mongodb.collections import collection
from tips.log import eventlog
from tips.models import ArchivedQueueRequest, QueueRequest, Tip
from tips.queue import claims
from tips.queue import requests as queue
from tips.rows import RequestRow

INDEX_ATTEMPTS = 20  # each parts claims that two workers made meanwhile


def absent(idempotency_keys: Iterable[str], session: ClientSession | None = None) -> list[str]:
    """Those without a request. Reads keys only; the archive is asked for what is not in the
    queue."""
    missing = {queue.request_id(key): key for key in idempotency_keys}
    for model in (QueueRequest, ArchivedQueueRequest):
        if missing:
            for row in collection(model).find(
                {"_id": {"$in": list(missing)}}, {"_id": 1}, session=session
            ):
                del missing[row["_id"]]
    return list(missing.values())


def ensure(
    tip_ids: Sequence[str],
    *,
    over: Callable[[Sequence[str]], Collection[str]],
    now: datetime,
    session: ClientSession,
) -> list[str]:
    """Gives each of these settled tips the request that it has lost; which ones that were.

    A request that is there, ended or archived, stays as it is. `over` says which tips have their
    verdict already, whatever became of their request: those never come back."""
    missing = absent(tip_ids, session)
    ended = over(missing) if missing else ()
    lost = [tip_id for tip_id in missing if tip_id not in ended]
    if lost:
        rows = eventlog.of(lost)
        queue.submit_tips(
            [rows[tip_id] for tip_id in lost],
            tipped_at=tipped_at(lost, session),
            now=now,
            session=session,
        )
    return lost


def tipped_at(tip_ids: Sequence[str], session: ClientSession | None = None) -> dict[str, datetime]:
    """When the viewers of these tips tipped, by tip id."""
    wanted = dict.fromkeys(("tipped_at", "happened_at", "created_at"), 1)
    found = collection(Tip).find({"_id": {"$in": list(tip_ids)}}, wanted, session=session)
    return {row["_id"]: queue.tipped_at(row) for row in found}


def put_in(rows: Sequence[RequestRow]) -> int:
    """Inserts rows that are missing; how many are there by this call.

    One that has come back meanwhile stays as it is. A claim of a lane that has another one by now
    waits for its turn."""
    known = unique.insert(QueueRequest, rows)
    second_claims = [rows[clash.place] for clash in known if "lane" in clash.fields]
    waiting = [
        row | {"status": queue.PENDING, "claimed_by": "", "lease_until": None}
        for row in second_claims
    ]
    again = unique.insert(QueueRequest, waiting)
    return len(rows) - len(known) + len(waiting) - len(again)


def make_indexes(*, now: datetime) -> None:
    """The indexes of the models, where the collection was dropped. They are what "once" and "one at
    a time" mean, so they come before any row; a lane in which two were claimed meanwhile keeps the
    one that was first."""
    for _ in range(INDEX_ATTEMPTS):
        try:
            return _make_indexes()
        except DuplicateKeyError:
            _part_claims(now)
    _make_indexes()


def _make_indexes() -> None:
    with connection.schema_editor() as editor:
        for constraint in QueueRequest._meta.constraints:
            editor.add_constraint(QueueRequest, constraint)
        for index in QueueRequest._meta.indexes:
            editor.add_index(QueueRequest, index)


def _part_claims(now: datetime) -> None:
    per_lane: dict[str, list[str]] = {}
    for row in (
        collection(QueueRequest).find({"status": queue.CLAIMED}, {"lane": 1}).sort("claimed_at", 1)
    ):
        per_lane.setdefault(row["lane"], []).append(row["_id"])
    for later in (ids[1:] for ids in per_lane.values()):
        for row_id in later:
            claims.release(
                row_id,
                now=now,
                delay_seconds=0,
                error="two of its lane were claimed while the queue had no indexes",
            )
