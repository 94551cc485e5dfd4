"""Dispatch: facts 4 and 5. Claims the next request of every free lane whose devices have a page,
decides, and sends.

The activation is durable before anything is sent. An attempt that the page has not confirmed is
sent again under the same activation id, and the page plays an id once; after `received` the outcome
is the page's to tell, and is never repeated."""

import logging
from collections.abc import Iterable, Sequence
from datetime import datetime

from django.conf import settings
from pymongo import UpdateOne
from pymongo.errors import PyMongoError

from ground.mongodb.collections import collection
from lovense.deciding import batch, pace
from lovense.deciding.activation import (
    FINAL,
    Row,
    S,
    activation_id,
    end_requests,
    insert,
)
from lovense.deciding.gates import decide
from lovense.deciding.rules import Rules
from lovense.models import Activation
from lovense.sending import groups, pages, retries
from lovense.sending.messages import Deliver, is_unconfirmed, messages
from tips.queue import claims

log = logging.getLogger(__name__)


def drain(*, now: datetime, limit: int) -> bool:
    """One round over the free lanes, at most `limit` of them; True when there may be a next request
    to start."""
    holders = pages.holders(now=now)
    fronts = claims.fronts(holders) if holders else {}
    return _start(fronts, holders, now, groups.publish, limit)


def drain_freed(performer_ids: Iterable[str], *, now: datetime, deliver: Deliver) -> bool:
    """The same round for lanes that an acknowledgement has just freed, by the process that holds
    their pages.

    Who holds the devices is asked again: this process may have stood still. `deliver` takes what
    `groups.publish` takes."""
    holders = pages.holders(now=now, among=performer_ids)
    fronts = claims.fronts(holders, are_free=True) if holders else {}
    return _start(fronts, holders, now, deliver, len(holders))


def _start(
    fronts: dict[str, list[Row]],
    holders: dict[str, str],
    now: datetime,
    deliver: Deliver,
    limit: int,
) -> bool:
    """Claims, decides, records and sends; True when there may be a next request to start: a tip
    ended without playing, or there were more lanes than the limit."""
    if not fronts:
        return False
    rules = Rules.read(fronts)
    claimed = _claim(
        {lane: heads for lane, heads in fronts.items() if not rules.is_held(lane, now)},
        rules,
        now,
        limit,
    )
    if not claimed:
        return False
    rules.paces = pace.read(
        (row["lane"] for row in claimed), limit=rules.platform["rate_limit_per_minute"], now=now
    )
    sent = _recorded(claimed, rules, now)
    deliver(messages(sent, rules, holders))
    groups.news.mark({request["lane"] for request in claimed}, "queue")
    return len(sent) < len(claimed) or len(claimed) == limit


def _claim(fronts: dict[str, list[Row]], rules: Rules, now: datetime, limit: int) -> list[Row]:
    modes = {lane: rules.mode_of(lane) for lane in fronts}
    lease = settings.RECEIVED_WINDOW_SECONDS
    return claims.claim(
        fronts, by=settings.STACK_SLOT, now=now, lease_seconds=lease, limit=limit, modes=modes
    )


def _recorded(claimed: Sequence[Row], rules: Rules, now: datetime) -> list[tuple[Row, Row]]:
    """The requests that are to be sent now, with their activations. One that cannot be decided
    holds up its own lane only."""
    try:
        rows = record(claimed, rules, now=now)
    except PyMongoError:
        raise
    except Exception as error:
        if len(claimed) == 1:
            retries.undecidable(claimed[0], error, now=now)
            return []
        return [pair for request in claimed for pair in _recorded([request], rules, now)]
    return [(request, row) for request, row in zip(claimed, rows, strict=True) if row is not None]


def record(claimed: Sequence[Row], rules: Rules, *, now: datetime) -> list[Row | None]:
    """Makes the decisions durable; for each request its activation if it is to be sent now, else
    None."""
    existing = _existing(claimed)
    pairs = [
        (request, existing.get(activation_id(request["idempotency_key"]))) for request in claimed
    ]
    decided = [
        (request, decide(request, rules, is_online=True, now=now, before=before))
        for request, before in pairs
        if before is None or before["status"] == S.QUEUED
    ]
    _delay([(request, row) for request, row in decided if row["status"] == S.QUEUED], rules)
    to_send = [(request, row) for request, row in decided if row["status"] == S.DISPATCHED]
    pace.count(
        (row["performer_id"] for _, row in to_send),
        limit=rules.platform["rate_limit_per_minute"],
        now=now,
    )
    for request, row in to_send:
        batch.gather(request, row, rules, now=now)
    stored = _store([row for _, row in decided if row["status"] != S.QUEUED], existing)
    again = [
        (request, row) for request, row in pairs if row is not None and row["status"] != S.QUEUED
    ]
    _attempt_again(again, now)
    known = {row["_id"]: row for _, row in decided if row["_id"] in stored} | {
        row["_id"]: row for _, row in again
    }
    over = [row for row in known.values() if S(row["status"]) in FINAL]
    if over:
        end_requests(over, now=now)
    found = [known.get(activation_id(request["idempotency_key"])) for request in claimed]
    return [row if row is not None and is_unconfirmed(row) else None for row in found]


def _existing(claimed: Sequence[Row]) -> dict[str, Row]:
    retried = [
        activation_id(request["idempotency_key"]) for request in claimed if request["attempts"] > 1
    ]
    return (
        {row["_id"]: row for row in collection(Activation).find({"_id": {"$in": retried}})}
        if retried
        else {}
    )


def _delay(pairs: Iterable[tuple[Row, Row]], rules: Rules) -> None:
    for request, row in pairs:
        claims.delay(
            request["_id"], until=rules.paces[row["performer_id"]].opens_at, by=row["reason"]
        )


def _store(rows: Sequence[Row], existing: dict[str, Row]) -> set[str]:
    """Writes decisions; returns those that are ours."""
    again = [row for row in rows if row["_id"] in existing]
    stored = insert([row for row in rows if row["_id"] not in existing])
    for row in again:
        guard = {"_id": row["_id"], "status": S.QUEUED.value}
        if collection(Activation).replace_one(guard, row).modified_count:
            stored.add(row["_id"])
    return stored


def _attempt_again(pairs: Iterable[tuple[Row, Row]], now: datetime) -> None:
    """Counts a further attempt on activations that no page has confirmed yet."""
    updates, rows = [], {}
    for request, row in pairs:
        if not is_unconfirmed(row):
            continue
        attempt = {"attempt": request["attempts"], "at": now, "by": request["claimed_by"]}
        row.update(attempt=request["attempts"], dispatched_at=now)
        guard = {
            "_id": row["_id"],
            "status": S.DISPATCHED.value,
            "received_at": None,
            "attempt": {"$lt": request["attempts"]},
        }
        changes = {"attempt": request["attempts"], "dispatched_at": now}
        updates.append(UpdateOne(guard, {"$set": changes, "$push": {"attempts": attempt}}))
        rows[row["_id"]] = row
    if updates and collection(Activation).bulk_write(updates, ordered=False).modified_count < len(
        updates
    ):
        for found in collection(Activation).find(
            {"_id": {"$in": list(rows)}}
        ):  # confirmed, refused or ended since we looked
            rows[found["_id"]].update(found)


# --- healing -------------------------------------------------------------------------------------
