"""Dispatch: facts 4 and 5. Claims the next request of every free lane whose devices have a page, decides, and sends.

The activation is durable before anything is sent. An attempt that the page has not confirmed is sent again under the same
activation id, and the page plays an id once; after `received` the outcome is the page's to tell, and is never repeated.
"""

import logging
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from pymongo import UpdateOne
from pymongo.errors import BulkWriteError, PyMongoError

from ledger.database import collection
from lovense import envelope, groups, pages
from lovense.activation import FINAL, LIVE, PREDECESSORS, Row, Rules, S, activation_id, decide, end_requests, froms
from lovense.models import Activation, Performer
from tips import queue
from tips.models import QueueRequest

log = logging.getLogger(__name__)

DUPLICATE_KEY = 11000


Deliver = Callable[[Iterable[tuple[str, dict[str, Any]]]], None]


def drain(*, now: datetime, limit: int) -> bool:
    """One round over the free lanes, at most `limit` of them; True when there may be a next request to start."""
    holders = pages.holders(now=now)
    claimed = _claim(list(holders), now, limit=limit) if holders else []
    return _start(claimed, holders, now, groups.publish) or len(claimed) == limit


def drain_freed(performer_ids: Iterable[str], *, now: datetime, deliver: Deliver) -> bool:
    """The same round for lanes that an acknowledgement has just freed, by the process that holds their pages.

    Who holds the devices is asked again: this process may have stood still. `deliver` takes what `groups.publish` takes.
    """
    holders = pages.holders(now=now, among=performer_ids)
    claimed = _claim(list(holders), now, limit=len(holders), are_free=True) if holders else []
    return _start(claimed, holders, now, deliver)


def _claim(lanes: list[str], now: datetime, *, limit: int, are_free: bool = False) -> list[Row]:
    lease = settings.RECEIVED_WINDOW_SECONDS
    return queue.claim(lanes, by=settings.STACK_SLOT, now=now, lease_seconds=lease, limit=limit, are_free=are_free)


def _start(claimed: list[Row], holders: dict[str, str], now: datetime, deliver: Deliver) -> bool:
    """Decides, records and sends; True when a tip ended without playing, so that its lane has a next one."""
    if not claimed:
        return False
    rules = Rules.read({request["lane"] for request in claimed})
    sent = _recorded(claimed, rules, now)
    deliver(_messages(sent, rules, holders))
    groups.news.mark({request["lane"] for request in claimed}, "queue")
    return len(sent) < len(claimed)


def _recorded(claimed: Sequence[Row], rules: Rules, now: datetime) -> list[tuple[Row, Row]]:
    """The requests that are to be sent now, with their activations. One that cannot be decided holds up its own lane only."""
    try:
        rows = record(claimed, rules, now=now)
    except PyMongoError:
        raise
    except Exception as error:
        if len(claimed) == 1:
            log.error("dispatch_failed", extra={"error_code": type(error).__name__}, exc_info=error)
            return []
        return [pair for request in claimed for pair in _recorded([request], rules, now)]
    return [(request, row) for request, row in zip(claimed, rows, strict=True) if row is not None]


def record(claimed: Sequence[Row], rules: Rules, *, now: datetime) -> list[Row | None]:
    """Makes the decisions durable; for each request its activation if it is to be sent now, else None."""
    retried = [activation_id(request["idempotency_key"]) for request in claimed if request["attempts"] > 1]
    existing = {row["_id"]: row for row in collection(Activation).find({"_id": {"$in": retried}})} if retried else {}
    rows = [
        existing.get(activation_id(request["idempotency_key"])) or decide(request, rules, is_online=True, now=now)
        for request in claimed
    ]
    fresh = [row for row in rows if row["_id"] not in existing]
    stored = _insert(fresh)
    _attempt_again([(request, row) for request, row in zip(claimed, rows, strict=True) if row["_id"] in existing], now)
    known = stored | existing.keys()  # what another worker decided meanwhile is not ours to end or to send
    over = [row for row in rows if S(row["status"]) in FINAL and row["_id"] in known]
    if over:
        end_requests(over, now=now)
    return [row if row["_id"] in known and _is_unconfirmed(row) else None for row in rows]


def _is_unconfirmed(row: Row) -> bool:
    return row["status"] == S.DISPATCHED and row["received_at"] is None


def _insert(rows: list[Row]) -> set[str]:
    """Inserts new activations; returns those that are ours. A clash means that another worker decided this tip."""
    if not rows:
        return set()
    ids = {row["_id"] for row in rows}
    try:
        collection(Activation).insert_many(rows, ordered=False)
    except BulkWriteError as error:
        failures = error.details["writeErrors"]
        if any(failure["code"] != DUPLICATE_KEY for failure in failures):
            raise
        return ids - {rows[failure["index"]]["_id"] for failure in failures}
    return ids


def _attempt_again(pairs: Iterable[tuple[Row, Row]], now: datetime) -> None:
    """Counts a further attempt on activations that no page has confirmed yet."""
    updates = []
    for request, row in pairs:
        if not _is_unconfirmed(row):
            continue
        attempt = {"attempt": request["attempts"], "at": now, "by": request["claimed_by"]}
        row.update(attempt=request["attempts"], dispatched_at=now)
        guard = {"_id": row["_id"], "status": froms(S.DISPATCHED), "attempt": {"$lt": request["attempts"]}}
        changes = {"attempt": request["attempts"], "dispatched_at": now}
        updates.append(UpdateOne(guard, {"$set": changes, "$push": {"attempts": attempt}}))
    if updates:
        collection(Activation).bulk_write(updates, ordered=False)


def _messages(pairs: Iterable[tuple[Row, Row]], rules: Rules, holders: dict[str, str]) -> Iterator[tuple[str, dict[str, Any]]]:
    for request, row in pairs:
        performer = rules.performers[row["performer_id"]]
        text = envelope.text(row, request, performer)
        yield holders[row["performer_id"]], groups.activate(row["_id"], row["attempt"], text)


@dataclass(frozen=True, slots=True)
class Command:
    """The `lovense.activate` of what is in flight. `is_overdue`: the page has it, and has not said that it ended."""

    performer_id: str
    activation_id: str
    attempt: int
    text: str
    is_overdue: bool


def resume(performer_id: str, *, now: datetime) -> list[Command]:
    """What a page that has just taken the devices is told again.

    Before that ends the claim whose activation is over: whoever recorded that end may have died before it freed the lane.
    """
    claim = queue.claimed(performer_id)
    row = collection(Activation).find_one({"_id": activation_id(claim["idempotency_key"])}) if claim else None
    if row and S(row["status"]) in FINAL:
        end_requests([row], now=now)
    return in_flight([performer_id], before=now)


def in_flight(performer_ids: Iterable[str], *, before: datetime) -> list[Command]:
    """What was dispatched to these performers before that moment and has not ended.

    Asked when a page connects and once a second for the pages of a process: what was lost on its way is found here.
    """
    wanted = {"performer_id": {"$in": list(performer_ids)}, "status": {"$in": [S.DISPATCHED.value, S.ACTIVATED.value]}}
    rows = list(collection(Activation).find(wanted | {"dispatched_at": {"$lte": before}}))
    if not rows:
        return []
    requests = {r["_id"]: r for r in collection(QueueRequest).find({"_id": {"$in": [row["request_id"] for row in rows]}})}
    performers = {p["_id"]: p for p in collection(Performer).find({"_id": {"$in": [row["performer_id"] for row in rows]}})}
    return [
        Command(
            row["performer_id"],
            row["_id"],
            row["attempt"],
            _text_again(row, requests[row["request_id"]], performers[row["performer_id"]]),
            is_overdue=_should_have_ended(row, before),
        )
        for row in rows
    ]


def _text_again(row: Row, request: Row, performer: Row) -> str:
    """What one page has confirmed may have been taken over by another, which must not play it a second time."""
    is_confirmed = row["received_at"] is not None or row["status"] == S.ACTIVATED
    return envelope.text(row, request, performer, is_confirmed=is_confirmed)


def _should_have_ended(row: Row, before: datetime) -> bool:
    began = row["started_at"] or row["received_at"]
    return began is not None and began + timedelta(seconds=row["promised_seconds"]) <= before


# --- healing -------------------------------------------------------------------------------------------------------------


def expire(*, now: datetime, limit: int) -> int:
    """Looks at every claim whose lease ran out; each ends, goes back to its lane, or gets the time it still has."""
    claims = queue.expired(now=now, limit=limit)
    if not claims:
        return 0
    ids = [activation_id(request["idempotency_key"]) for request in claims]
    activations = {row["_id"]: row for row in collection(Activation).find({"_id": {"$in": ids}})}
    for request in claims:
        _heal(request, activations.get(activation_id(request["idempotency_key"])), now)
    groups.news.mark({request["lane"] for request in claims}, "queue")
    return len(claims)


def _heal(request: Row, row: Row | None, now: datetime) -> None:
    if row is not None and S(row["status"]) in FINAL:
        end_requests([row], now=now)
    elif row is not None and not _is_unconfirmed(row):
        _heal_received(request, row, now)
    elif row is None or row["attempt"] < request["attempts"]:
        queue.release(request["_id"], now=now, delay_seconds=0, error="the worker died before it sent anything")
    else:
        _heal_unconfirmed(request, row, now)


def _heal_received(request: Row, row: Row, now: datetime) -> None:
    """The page has it, so its outcome is unknown to us: wait out the promised time, then say so. Never again."""
    began = row["started_at"] or row["received_at"]
    until = began + timedelta(seconds=row["promised_seconds"] + settings.FINISH_GRACE_SECONDS)
    if until > now:
        queue.extend(request["_id"], until=until)
    else:
        _end(row, S.TIMEOUT, "not_finished_in_time", now)


def _heal_unconfirmed(request: Row, row: Row, now: datetime) -> None:
    until = row["dispatched_at"] + timedelta(seconds=settings.RECEIVED_WINDOW_SECONDS)
    if until > now:
        queue.extend(request["_id"], until=until)
    elif request["attempts"] < queue.MAX_ATTEMPTS:
        delay = queue.BACKOFF_SECONDS[request["attempts"] - 1]
        queue.release(
            request["_id"], now=now, delay_seconds=delay, error=f"attempt {request['attempts']}: the page did not confirm it"
        )
    else:
        _end(row, S.DEAD, "not_received", now)


def _end(row: Row, status: S, reason: str, now: datetime) -> None:
    guard = {"_id": row["_id"], "status": {"$in": [s.value for s in PREDECESSORS[status] & LIVE]}}
    changes: dict[str, Any] = {"status": status.value, "reason": reason, "finished_at": now}
    moved = collection(Activation).update_one(guard, {"$set": changes}).modified_count
    if moved:
        end_requests([row | changes], now=now)


def expire_offline(*, now: datetime, limit: int) -> int:
    """A tip does not wait for ever: without a page for the freshness window, its verdict is `expired`, device offline."""
    before = now - timedelta(seconds=settings.TIP_FRESH_SECONDS)
    offline = pages.offline_since(queue.waiting_lanes(), before=before)
    requests = [request for lane in sorted(offline)[:limit] for request in queue.waiting_since(lane, before=before, limit=limit)]
    if not requests:
        return 0
    rules = Rules.read(offline)
    rows = [decide(request, rules, is_online=False, now=now) for request in requests]
    stored = _insert(rows)
    end_requests([row for row in rows if row["_id"] in stored], now=now)
    _give_up([row["_id"] for row in rows if row["_id"] not in stored], before=before, now=now)
    groups.news.mark(offline, "queue")
    return len(rows)


def _give_up(activation_ids: list[str], *, before: datetime, now: datetime) -> None:
    """Sent before the page went for good: what it never confirmed did not play, of what it confirmed the end is not known."""
    for row in collection(Activation).find({"_id": {"$in": activation_ids}}):
        if S(row["status"]) in FINAL:
            end_requests([row], now=now)
        elif row["dispatched_at"] > before:
            continue  # her page is back, and this was sent to it just now
        elif _is_unconfirmed(row):
            _end(row, S.DEAD, "not_received", now)
        else:
            _end(row, S.TIMEOUT, "not_finished_in_time", now)


def recover(slot: str, *, now: datetime) -> int:
    """Called when a worker starts: what its predecessor in this slot held is looked at at once."""
    return queue.expire_claims_of(slot, now=now)
