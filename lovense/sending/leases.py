"""Leases that ran out: each claim ends, goes back to its lane, or gets the time it still has. What
may have played is never repeated."""

import logging
from collections.abc import Iterable
from datetime import datetime, timedelta

from django.conf import settings
from django.db import DatabaseError
from pymongo.errors import PyMongoError

from ground.mongodb.collections import collection
from lovense.deciding import batch
from lovense.deciding.activation import (
    FINAL,
    S,
    activation_id,
    end_requests,
    insert,
    is_unconfirmed,
    run_seconds,
)
from lovense.deciding.gates import decide
from lovense.deciding.rules import Rules
from lovense.models import Activation, Performer
from lovense.rows import ActivationRow
from lovense.sending import groups, pages, retries
from lovense.sending.messages import is_marked
from tips.queue import claims, counts
from tips.rows import RequestRow

log = logging.getLogger(__name__)

POSTPONED = timedelta(minutes=1)


def expire(*, now: datetime, limit: int) -> int:
    """Looks at every claim whose lease ran out; each ends, goes back to its lane, or gets the time
    it still has."""
    ran_out = claims.expired(now=now, limit=limit)
    if not ran_out:
        return 0
    ids = [activation_id(request["idempotency_key"]) for request in ran_out]
    activations = {row["_id"]: row for row in collection(Activation).find({"_id": {"$in": ids}})}
    for request in ran_out:
        _heal_alone(request, activations.get(activation_id(request["idempotency_key"])), now)
    groups.news.mark({request["lane"] for request in ran_out}, "queue")
    return len(ran_out)


def _heal_alone(request: RequestRow, row: ActivationRow | None, now: datetime) -> None:
    """One that cannot be healed must not hold up the others: it is looked at again later, behind
    them."""
    try:
        _heal(request, row, now)
    except (DatabaseError, PyMongoError):
        raise  # the database, not a claim: all of them wait for the next round
    except Exception as error:
        told = {"tip_id": request["idempotency_key"], "error_code": type(error).__name__}
        log.error("claim_not_healed", extra=told, exc_info=error)
        claims.extend(request["_id"], until=now + POSTPONED)


def _heal(request: RequestRow, row: ActivationRow | None, now: datetime) -> None:
    if row is not None and S(row["status"]) in FINAL:
        batch.ended([row], now=now)
        end_requests([row], now=now)
    elif row is not None and is_marked(row) and is_unconfirmed(row):
        retries.end_unheard(row, now=now)
    elif row is None or row["status"] == S.QUEUED:
        retries.never_sent(request, now=now)
    elif not is_unconfirmed(row):
        _heal_received(request, row, now)
    elif row["attempt"] < request["attempts"]:
        retries.never_sent(request, now=now)
    else:
        _heal_unconfirmed(request, row, now)


def _heal_received(request: RequestRow, row: ActivationRow, now: datetime) -> None:
    """The page has it, so its outcome is unknown to us: wait out the promised time, then say so.
    Never again."""
    began = row["started_at"] or row["received_at"]
    assert began is not None
    until = began + timedelta(seconds=run_seconds(row) + settings.FINISH_GRACE_SECONDS)
    if until > now:
        claims.extend(request["_id"], until=until)
    elif is_marked(row):
        retries.end_unheard(row, now=now)
    else:
        retries.end_silent(row, now=now)


def _heal_unconfirmed(request: RequestRow, row: ActivationRow, now: datetime) -> None:
    sent = row["dispatched_at"]
    assert sent is not None
    until = sent + timedelta(seconds=settings.RECEIVED_WINDOW_SECONDS)
    if until > now:
        claims.extend(request["_id"], until=until)
    elif not retries.unconfirmed(request, now=now):
        retries.bury(row["_id"], "not_received", now=now)


# Pages need a moment to come back, and so long nobody is called offline: after a start of the
# process that heals, and after a standstill of it, during which they may have found nobody.
TIME_TO_RETURN = timedelta(seconds=60)
STANDSTILL = timedelta(seconds=15)


class Healing:
    """Whether healing has gone on for so long that a page which is not here is away. In memory: a
    new process begins anew."""

    def __init__(self) -> None:
        self._since: datetime | None = None
        self._last: datetime | None = None

    def has_lasted(self, now: datetime) -> bool:
        """Asked in each round of healing."""
        if self._since is None or self._last is None or now - self._last > STANDSTILL:
            self._since = now
        self._last = now
        return now - self._since >= TIME_TO_RETURN


def expire_offline(*, now: datetime, limit: int) -> int:
    """A tip does not wait for ever: without a page, or without a device that can play, for the
    freshness window, its verdict is `expired`, device offline."""
    before = now - timedelta(seconds=settings.TIP_FRESH_SECONDS)
    waiting = counts.waiting_lanes()
    offline = pages.offline_since(waiting, before=before)
    away = _away_since(waiting, before) - offline
    requests = [
        request
        for lane in sorted(offline | away)[:limit]
        for request in counts.waiting_in(lane, before=before, limit=limit)
    ]
    if not requests:
        return 0
    rules = Rules.read(offline | away)
    rows = [
        decide(request, rules, is_online=request["lane"] in away, now=now) for request in requests
    ]
    stored = insert(rows)
    end_requests([row for row in rows if row["_id"] in stored], now=now)
    _give_up([row["_id"] for row in rows if row["_id"] not in stored], before=before, now=now)
    groups.news.mark(offline | away, "queue")
    return len(rows)


def _away_since(lanes: Iterable[str], before: datetime) -> set[str]:
    """Those of these performers none of whose devices could play since before that moment."""
    away = {"_id": {"$in": list(lanes)}, "devices_away_at": {"$lte": before}}
    return {row["_id"] for row in collection(Performer).find(away, {"_id": 1})}


def _give_up(activation_ids: list[str], *, before: datetime, now: datetime) -> None:
    """Sent before the page went for good: what it never confirmed did not play, of what it
    confirmed the end is not known."""
    for row in collection(Activation).find({"_id": {"$in": activation_ids}}):
        if S(row["status"]) in FINAL:
            end_requests([row], now=now)
        elif row["status"] == S.QUEUED:
            retries.end(row["_id"], S.EXPIRED, "device_offline", now=now)
        elif is_marked(row):
            retries.end_unheard(row, now=now)
        elif row["dispatched_at"] > before:
            continue  # her page is back, and this was sent to it just now
        elif is_unconfirmed(row):
            retries.bury(row["_id"], "not_received", now=now)
        else:
            retries.end_silent(row, now=now)


def recover(slot: str, *, now: datetime) -> int:
    """Called when a worker starts: what its predecessor in this slot held is looked at at once."""
    return claims.expire_claims_of(slot, now=now)
