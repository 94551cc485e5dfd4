"""Retries: an attempt that is known not to have played is made again, after 1, 2 and 4 seconds;
then it is a dead letter. While the vendor cannot be reached it waits, for about a quarter of an
hour.

Only for causes that pass by themselves. What a page has confirmed and may have played is never
here."""

from contextlib import suppress
from datetime import datetime, timedelta
from typing import Any

from pymongo.client_session import ClientSession
from pymongo.errors import DuplicateKeyError

from ground.mongodb.collections import collection
from lovense.deciding import batch
from lovense.deciding.activation import (
    LIVE,
    PREDECESSORS,
    STOPPED,
    TARGET,
    S,
    activation_id,
    end_requests,
    new_row,
)
from lovense.models import Activation
from lovense.rows import ActivationRow
from tips.queue import claims
from tips.rows import RequestRow, Statement

# What a run leaves on the row of an activation that is to be decided anew.
_AS_NEW = dict.fromkeys(
    [
        *(
            "received_at",
            "finished_at",
            "delivered_seconds",
            "leader",
            "members",
            "run_seconds",
            "run_delivered",
        ),
        *("cancelled_at", "cancelled_by", "cancelled_why", "cancelled_how", "stopped_at"),
        *("owes_since", "legs", "legs_began_at"),
    ]
)


# Nothing of hers is the cause, and nothing of hers ends it.
OUTAGES = frozenset({"unreachable", "too_many_requests"})
LONGEST_PAUSE = 30.0  # seconds between two attempts of one that is spared
MAX_SPARED = 35  # attempts, about as long as a tip waits for a device that is away


def refused(request: RequestRow, code: str, *, now: datetime, **guard: Any) -> bool:
    """The device said, before it started, that it cannot now. False when that is not, or no longer,
    so."""
    key, error = activation_id(request["idempotency_key"]), f"attempt {request['attempts']}: {code}"
    changes = {
        "status": S.QUEUED.value,
        "received_at": None,
        "leader": None,
        "members": None,
        "run_seconds": None,
        "legs": None,
        "legs_began_at": None,
    }
    sent = {"_id": key, "status": S.DISPATCHED.value, **guard}
    if not collection(Activation).update_one(sent, {"$set": changes}).modified_count:
        return False
    pause = claims.pause_before_retry(request)
    if code in OUTAGES and _before(request) < MAX_SPARED:
        seconds = min(LONGEST_PAUSE, 2.0 ** _before(request))
        claims.give_back([spared(request, now + timedelta(seconds=seconds), error)], now=now)
    elif pause is None:
        bury(key, code, now=now)
    else:
        claims.release(
            request["_id"],
            now=now,
            delay_seconds=pause,
            error=error,
            claim=request["claimed_by"],
        )
    return True


def _before(request: RequestRow) -> int:
    """The attempts that count as none."""
    return int(request.get("attempts_before") or 0)


def kept_back(key: str, attempt: int, *, performer_id: str, now: datetime) -> bool:
    """A stop kept this attempt from its page, or the page from its toys, so it waits, with those
    that were to play with it, as if it had not been sent. False where it may have been before: then
    it is over, as all that was under way."""
    never_left: Statement = {
        "attempt": attempt,
        "received_at": None,
        "cancelled_at": None,
        "$or": [{"stopped_at": None}, {"attempts.1": {"$exists": False}}],
    }
    mine: Statement = {"_id": key, "performer_id": performer_id, "leader": None, **never_left}
    dispatched = {"status": S.DISPATCHED.value}
    waits: Statement = {"$set": {"status": S.QUEUED.value, "reason": STOPPED, **_AS_NEW}}
    waits["$pop"] = {"attempts": 1}  # it was none: of those that are left each may have been sent
    row = collection(Activation).find_one_and_update(mine | dispatched, waits, {"members": 1})
    if row is None:
        return False
    if members := row.get("members"):
        collection(Activation).update_many({"_id": {"$in": members}, **dispatched}, waits)
    named = [key.removesuffix(f".{TARGET}")]
    requests = [*claims.of_keys(named), *claims.joined_to(named)]
    claims.give_back([spared(each, now + KEPT_BACK) for each in requests], now=now)
    return True


# While a press is not recorded the queue does not know of it, and would send it again at once.
KEPT_BACK = timedelta(seconds=1)


def spared(request: RequestRow, until: datetime, error: str = "") -> claims.GivenBack:
    """It waits in its place, and this attempt is nobody's failure. Without another cause: until she
    resumes."""
    error = error or f"attempt {request['attempts']}: stopped before it was handed over"
    claim = request["claimed_by"]
    return claims.GivenBack(request["_id"], until, error=error, claim=claim, is_spared=True)


def unconfirmed(request: RequestRow, *, now: datetime) -> bool:
    """No page confirmed it in time. It is sent again under its own id, which a page plays once.
    False: that was the last."""
    pause = claims.pause_before_retry(request)
    if pause is None:
        return False
    error = f"attempt {request['attempts']}: the page did not confirm it"
    claims.release(
        request["_id"],
        now=now,
        delay_seconds=pause,
        error=error,
        claim=request["claimed_by"],
    )
    return True


def never_sent(request: RequestRow, *, now: datetime) -> None:
    """The worker died before it handed anything over. What kills every worker that takes it must
    not do so for ever."""
    error = f"attempt {request['attempts']}: the worker died before it handed anything over"
    if claims.pause_before_retry(request) is None:
        _give_up(request, "worker_died", now=now)
    else:
        claims.release(
            request["_id"],
            now=now,
            delay_seconds=0,
            error=error,
            claim=request["claimed_by"],
        )


def _give_up(request: RequestRow, reason: str, *, now: datetime) -> None:
    """The verdict needs a row, also where nothing was ever decided."""
    with suppress(DuplicateKeyError):
        collection(Activation).insert_one(new_row(request, now))
    bury(activation_id(request["idempotency_key"]), reason, now=now)


def send_back(
    key: str,
    *,
    seen: datetime | None = None,
    line: Statement | None = None,
    session: ClientSession | None = None,
) -> int:
    """A person has sent a dead letter back into the queue: its activation waits again, under the
    stop epoch of its next start.

    `seen`: when it died, as that person saw it. `line`: what its attempts say about it from then
    on."""
    dead: Statement = {"_id": key, "status": S.DEAD.value, "requeued_at": None}
    dead |= {"finished_at": seen} if seen else {}
    changes: dict[str, Any] = {"$set": {"status": S.QUEUED.value, "reason": "", **_AS_NEW}}
    if line:
        changes["$push"] = {"attempts": line}
    return collection(Activation).update_one(dead, changes, session=session).modified_count


def is_requeued(key: str, session: ClientSession) -> bool:
    """What it owed plays as a request of its own, so it does not play as well."""
    requeued = {"_id": key, "requeued_at": {"$ne": None}}
    return collection(Activation).find_one(requeued, {"_id": 1}, session=session) is not None


def bury(key: str, reason: str, *, now: datetime) -> None:
    """A dead letter: it did not play, and only a person can send it back."""
    end(key, S.DEAD, reason, now=now)


def end_unheard(row: ActivationRow, *, now: datetime) -> None:
    """It was to end, and no page has said in time that it has, nor how much of it had played."""
    if row.get("cancelled_at") is not None:
        end(row["_id"], S.CANCELLED, "not_confirmed", now=now)
    else:
        end(row["_id"], S.FAILED, STOPPED, now=now)


def end_silent(row: ActivationRow, *, now: datetime) -> None:
    """Its page has it, and its time is over without a word. Of what was handed over to levels that
    are not ours that is no news: nobody measures it."""
    was_handed_over = row.get("is_measured") is False and row["started_at"] is not None
    if was_handed_over:
        end(row["_id"], S.COMPLETED, "", now=now)
    else:
        end(row["_id"], S.TIMEOUT, "not_finished_in_time", now=now)


def end(key: str, status: S, reason: str, *, now: datetime) -> ActivationRow | None:
    """Ends an activation that is under way; the row as it is then, None when it was over already,
    or is not to end so."""
    guard: Statement = {
        "_id": key,
        "status": {"$in": [before.value for before in PREDECESSORS[status] & LIVE]},
    }
    if status is S.DEAD:
        guard["received_at"] = None  # what a page has confirmed since we looked may be playing
    changes: dict[str, Any] = {"status": status.value, "reason": reason, "finished_at": now}
    if status is not S.EXPIRED:
        changes["owes_since"] = now
    row = collection(Activation).find_one_and_update(guard, {"$set": changes}, return_document=True)
    if row:
        batch.ended([row], now=now)
        end_requests([row], now=now)
    return row
