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
from pymongo.errors import PyMongoError

from ledger.database import collection
from lovense import batch, envelope, groups, pace, pages, retries
from lovense.activation import FINAL, Row, Rules, S, activation_id, decide, end_requests, insert, run_seconds
from lovense.models import Activation, Performer
from tips import queue
from tips.models import QueueRequest, RequestStatus

log = logging.getLogger(__name__)

Deliver = Callable[[Iterable[tuple[str, dict[str, Any]]]], None]


def drain(*, now: datetime, limit: int) -> bool:
    """One round over the free lanes, at most `limit` of them; True when there may be a next request to start."""
    holders = pages.holders(now=now)
    fronts = queue.fronts(holders) if holders else {}
    return _start(fronts, holders, now, groups.publish, limit)


def drain_freed(performer_ids: Iterable[str], *, now: datetime, deliver: Deliver) -> bool:
    """The same round for lanes that an acknowledgement has just freed, by the process that holds their pages.

    Who holds the devices is asked again: this process may have stood still. `deliver` takes what `groups.publish` takes.
    """
    holders = pages.holders(now=now, among=performer_ids)
    fronts = queue.fronts(holders, are_free=True) if holders else {}
    return _start(fronts, holders, now, deliver, len(holders))


def _start(fronts: dict[str, list[Row]], holders: dict[str, str], now: datetime, deliver: Deliver, limit: int) -> bool:
    """Claims, decides, records and sends; True when there may be a next request to start: a tip ended without playing, or
    there were more lanes than the limit."""
    if not fronts:
        return False
    rules = Rules.read(fronts)
    claimed = _claim({lane: heads for lane, heads in fronts.items() if not rules.is_held(lane, now)}, rules, now, limit)
    if not claimed:
        return False
    rules.paces = pace.read((row["lane"] for row in claimed), limit=rules.platform["rate_limit_per_minute"], now=now)
    sent = _recorded(claimed, rules, now)
    deliver(_messages(sent, rules, holders))
    groups.news.mark({request["lane"] for request in claimed}, "queue")
    return len(sent) < len(claimed) or len(claimed) == limit


def _claim(fronts: dict[str, list[Row]], rules: Rules, now: datetime, limit: int) -> list[Row]:
    modes = {lane: rules.mode_of(lane) for lane in fronts}
    lease = settings.RECEIVED_WINDOW_SECONDS
    return queue.claim(fronts, by=settings.STACK_SLOT, now=now, lease_seconds=lease, limit=limit, modes=modes)


def _recorded(claimed: Sequence[Row], rules: Rules, now: datetime) -> list[tuple[Row, Row]]:
    """The requests that are to be sent now, with their activations. One that cannot be decided holds up its own lane only."""
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
    """Makes the decisions durable; for each request its activation if it is to be sent now, else None."""
    existing = _existing(claimed)
    pairs = [(request, existing.get(activation_id(request["idempotency_key"]))) for request in claimed]
    decided = [
        (request, decide(request, rules, is_online=True, now=now, before=before))
        for request, before in pairs
        if before is None or before["status"] == S.QUEUED
    ]
    _delay([(request, row) for request, row in decided if row["status"] == S.QUEUED], rules)
    to_send = [(request, row) for request, row in decided if row["status"] == S.DISPATCHED]
    pace.count((row["performer_id"] for _, row in to_send), limit=rules.platform["rate_limit_per_minute"], now=now)
    for request, row in to_send:
        batch.gather(request, row, rules, now=now)
    stored = _store([row for _, row in decided if row["status"] != S.QUEUED], existing)
    again = [(request, row) for request, row in pairs if row is not None and row["status"] != S.QUEUED]
    _attempt_again(again, now)
    known = {row["_id"]: row for _, row in decided if row["_id"] in stored} | {row["_id"]: row for _, row in again}
    over = [row for row in known.values() if S(row["status"]) in FINAL]
    if over:
        end_requests(over, now=now)
    found = [known.get(activation_id(request["idempotency_key"])) for request in claimed]
    return [row if row is not None and _is_unconfirmed(row) else None for row in found]


def _existing(claimed: Sequence[Row]) -> dict[str, Row]:
    retried = [activation_id(request["idempotency_key"]) for request in claimed if request["attempts"] > 1]
    return {row["_id"]: row for row in collection(Activation).find({"_id": {"$in": retried}})} if retried else {}


def _delay(pairs: Iterable[tuple[Row, Row]], rules: Rules) -> None:
    for request, row in pairs:
        queue.delay(request["_id"], until=rules.paces[row["performer_id"]].opens_at, by=row["reason"])


def _is_unconfirmed(row: Row) -> bool:
    return row["status"] == S.DISPATCHED and row["received_at"] is None


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
        if not _is_unconfirmed(row):
            continue
        attempt = {"attempt": request["attempts"], "at": now, "by": request["claimed_by"]}
        row.update(attempt=request["attempts"], dispatched_at=now)
        guard = {"_id": row["_id"], "status": S.DISPATCHED.value, "received_at": None, "attempt": {"$lt": request["attempts"]}}
        changes = {"attempt": request["attempts"], "dispatched_at": now}
        updates.append(UpdateOne(guard, {"$set": changes, "$push": {"attempts": attempt}}))
        rows[row["_id"]] = row
    if updates and collection(Activation).bulk_write(updates, ordered=False).modified_count < len(updates):
        for found in collection(Activation).find({"_id": {"$in": list(rows)}}):  # confirmed, refused or ended since we looked
            rows[found["_id"]].update(found)


def _messages(pairs: Iterable[tuple[Row, Row]], rules: Rules, holders: dict[str, str]) -> Iterator[tuple[str, dict[str, Any]]]:
    for request, row in pairs:
        performer = rules.performers[row["performer_id"]]
        if _is_cancelled(row):
            message = groups.stop(envelope.stop(row, performer, is_confirmed=False))
        else:
            message = groups.activate(row["_id"], row["attempt"], envelope.text(row, request, performer))
        yield holders[row["performer_id"]], message


@dataclass(frozen=True, slots=True)
class Command:
    """What the page is told again of what is in flight: its `lovense.activate`, or the `lovense.stop` of what was cancelled.

    `is_overdue`: the page has it, and has not said that it ended.
    """

    performer_id: str
    activation_id: str
    attempt: int
    text: str
    is_overdue: bool
    is_stop: bool


def resume(performer_id: str, *, now: datetime) -> list[Command]:
    """What a page that has just taken the devices is told again.

    Before that ends the claim whose activation is over: whoever recorded that end may have died before it freed the lane.
    """
    claim = queue.claimed(performer_id)
    row = collection(Activation).find_one({"_id": activation_id(claim["idempotency_key"])}) if claim else None
    if row and S(row["status"]) in FINAL:
        batch.ended([row], now=now)
        end_requests([row], now=now)
    return in_flight([performer_id], before=now)


def in_flight(performer_ids: Iterable[str], *, before: datetime) -> list[Command]:
    """What was dispatched to these performers before that moment and has not ended; what waits for its next attempt only if
    it was cancelled.

    Asked when a page connects and once a second for the pages of a process: what was lost on its way is found here.
    """
    wanted = {"performer_id": {"$in": list(performer_ids)}, "status": {"$in": [S.DISPATCHED.value, S.ACTIVATED.value]}}
    alone_or_leading = {"dispatched_at": {"$lte": before}, "leader": None}
    rows = list(collection(Activation).find(wanted | alone_or_leading))
    if not rows:
        return []
    claims = {"_id": {"$in": [row["request_id"] for row in rows]}, "status": RequestStatus.CLAIMED.value}
    requests = {request["_id"]: request for request in collection(QueueRequest).find(claims)}
    performers = {p["_id"]: p for p in collection(Performer).find({"_id": {"$in": [row["performer_id"] for row in rows]}})}
    return [
        Command(
            row["performer_id"],
            row["_id"],
            row["attempt"],
            _text_again(row, requests.get(row["request_id"]), performers[row["performer_id"]]),
            is_overdue=_should_have_ended(row, before),
            is_stop=_is_cancelled(row),
        )
        for row in rows
        if row["request_id"] in requests or _is_cancelled(row)  # else it was given back, or the queue is being rebuilt
    ]


def _text_again(row: Row, request: Row | None, performer: Row) -> str:
    """What one page has confirmed may have been taken over by another, which must not play it a second time."""
    is_confirmed = row["received_at"] is not None or row["status"] == S.ACTIVATED
    if request is None or _is_cancelled(row):
        return envelope.stop(row, performer, is_confirmed=is_confirmed)
    return envelope.text(row, request, performer, is_confirmed=is_confirmed)


def _is_cancelled(row: Row) -> bool:
    """Somebody wants it ended, and no page has said yet that it has."""
    return row.get("cancelled_at") is not None


def stop_on_pages(performer_ids: Iterable[str], *, now: datetime) -> None:
    """Tells the pages of these performers to end what was cancelled. It is told again every second until they answer."""
    holders = pages.holders(now=now, among=performer_ids)
    stops = [command for command in in_flight(holders, before=now) if command.is_stop]
    groups.publish((holders[command.performer_id], groups.stop(command.text)) for command in stops)


def _should_have_ended(row: Row, before: datetime) -> bool:
    began = row["started_at"] or row["received_at"]
    return began is not None and began + timedelta(seconds=run_seconds(row)) <= before


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
        batch.ended([row], now=now)
        end_requests([row], now=now)
    elif row is not None and _is_cancelled(row) and _is_unconfirmed(row):
        retries.end(row["_id"], S.CANCELLED, "not_confirmed", now=now)
    elif row is None or row["status"] == S.QUEUED:
        retries.never_sent(request, now=now)
    elif not _is_unconfirmed(row):
        _heal_received(request, row, now)
    elif row["attempt"] < request["attempts"]:
        retries.never_sent(request, now=now)
    else:
        _heal_unconfirmed(request, row, now)


def _heal_received(request: Row, row: Row, now: datetime) -> None:
    """The page has it, so its outcome is unknown to us: wait out the promised time, then say so. Never again."""
    began = row["started_at"] or row["received_at"]
    until = began + timedelta(seconds=run_seconds(row) + settings.FINISH_GRACE_SECONDS)
    if until > now:
        queue.extend(request["_id"], until=until)
    elif _is_cancelled(row):
        retries.end(row["_id"], S.CANCELLED, "not_confirmed", now=now)
    else:
        retries.end(row["_id"], S.TIMEOUT, "not_finished_in_time", now=now)


def _heal_unconfirmed(request: Row, row: Row, now: datetime) -> None:
    until = row["dispatched_at"] + timedelta(seconds=settings.RECEIVED_WINDOW_SECONDS)
    if until > now:
        queue.extend(request["_id"], until=until)
    elif not retries.unconfirmed(request, now=now):
        retries.bury(row["_id"], "not_received", now=now)


def expire_offline(*, now: datetime, limit: int) -> int:
    """A tip does not wait for ever: without a page for the freshness window, its verdict is `expired`, device offline."""
    before = now - timedelta(seconds=settings.TIP_FRESH_SECONDS)
    offline = pages.offline_since(queue.waiting_lanes(), before=before)
    requests = [request for lane in sorted(offline)[:limit] for request in queue.waiting_in(lane, before=before, limit=limit)]
    if not requests:
        return 0
    rules = Rules.read(offline)
    rows = [decide(request, rules, is_online=False, now=now) for request in requests]
    stored = insert(rows)
    end_requests([row for row in rows if row["_id"] in stored], now=now)
    _give_up([row["_id"] for row in rows if row["_id"] not in stored], before=before, now=now)
    groups.news.mark(offline, "queue")
    return len(rows)


def _give_up(activation_ids: list[str], *, before: datetime, now: datetime) -> None:
    """Sent before the page went for good: what it never confirmed did not play, of what it confirmed the end is not known."""
    for row in collection(Activation).find({"_id": {"$in": activation_ids}}):
        if S(row["status"]) in FINAL:
            end_requests([row], now=now)
        elif row["status"] == S.QUEUED:
            retries.end(row["_id"], S.EXPIRED, "device_offline", now=now)
        elif _is_cancelled(row):
            retries.end(row["_id"], S.CANCELLED, "not_confirmed", now=now)
        elif row["dispatched_at"] > before:
            continue  # her page is back, and this was sent to it just now
        elif _is_unconfirmed(row):
            retries.bury(row["_id"], "not_received", now=now)
        else:
            retries.end(row["_id"], S.TIMEOUT, "not_finished_in_time", now=now)


def recover(slot: str, *, now: datetime) -> int:
    """Called when a worker starts: what its predecessor in this slot held is looked at at once."""
    return queue.expire_claims_of(slot, now=now)
