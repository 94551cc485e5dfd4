"""Idempotency keys of the REST door: the first call runs, its answer is kept and given again, byte
for byte.

A key belongs to one client and to one body. While its call runs, others wait; when the process of
that call died, its lock ends and the next call takes over. The work itself must bear being run
again: here it does, because a tip id is unique."""

import contextlib
import uuid
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

from pymongo.errors import DuplicateKeyError, PyMongoError

from ground.json.errors import Refusal
from ground.mongodb.collections import collection
from tips.models import IdempotencyKey, KeyState
from tips.rows import KeyRow

HEADER = "Idempotency-Key"
KEPT = timedelta(days=30)
# Longer than any call takes: a transaction gives up after ten seconds.
LOCKED = timedelta(seconds=30)
LOOKS = 3  # a key may vanish between two looks; more often than this it is busy

RUNNING, DONE = KeyState.RUNNING.value, KeyState.DONE.value


@dataclass(frozen=True, slots=True)
class KeptAnswer:
    """What the client receives. `is_hit`: it was kept from an earlier call."""

    status: int
    body: bytes
    is_hit: bool = False


class IdempotencyKeyReused(Refusal):
    """The key was used with another body."""

    code, status = "idempotency_key_reused", 422
    words = f"This {HEADER} was used with another body."


class StillRunning(Refusal):
    """The first call with this key has not ended."""

    code, status = "in_progress", 409
    words = f"The first call with this {HEADER} has not ended; try again."
    retry_after = 1


def once(
    key: str, *, fingerprint: str, now: datetime, work: Callable[[], KeptAnswer]
) -> KeptAnswer:
    """Runs the work unless the key has its answer. Raises IdempotencyKeyReused or StillRunning.

    A failure of the work keeps no answer: the client may try again at once.
    """
    holder = uuid.uuid4().hex
    kept = _begin(key, fingerprint, holder, now)
    if kept is not None:
        return kept
    try:
        answer = work()
        is_ours = _finish(key, holder, answer)
    except Exception:
        with contextlib.suppress(PyMongoError):  # then the lock ends by itself
            collection(IdempotencyKey).delete_one({"_id": key, "state": RUNNING, "holder": holder})
        raise
    return answer if is_ours else _kept(_found(key), fingerprint)


def _begin(key: str, fingerprint: str, holder: str, now: datetime) -> KeptAnswer | None:
    """The kept answer; None when the key is now ours to run."""
    for _ in range(LOOKS):
        if _insert(key, fingerprint, holder, now):
            return None
        row = _found(key)
        if row is None:
            continue
        if (
            row["fingerprint"] == fingerprint
            and row["state"] == RUNNING
            and _take_over(row, holder, now)
        ):
            return None
        return _kept(row, fingerprint)
    raise StillRunning


def _insert(key: str, fingerprint: str, holder: str, now: datetime) -> bool:
    row = {
        "_id": key,
        "fingerprint": fingerprint,
        "state": RUNNING,
        "holder": holder,
        "lock_until": now + LOCKED,
        "answer_status": None,
        "answer_body": None,
        "created_at": now,
        "expires_at": now + KEPT,
    }
    try:
        collection(IdempotencyKey).insert_one(row)
    except DuplicateKeyError:
        return False
    return True


def _take_over(row: KeyRow, holder: str, now: datetime) -> bool:
    """A lock that has run out is another call's to take; of several, the first gets it."""
    if row["lock_until"] > now:
        return False
    stale = {"_id": row["_id"], "state": RUNNING, "holder": row["holder"]}
    taken = {"$set": {"holder": holder, "lock_until": now + LOCKED}}
    return collection(IdempotencyKey).update_one(stale, taken).modified_count == 1


def _finish(key: str, holder: str, answer: KeptAnswer) -> bool:
    """False: our lock had run out and another call took over; what that one answers counts."""
    ours = {"_id": key, "state": RUNNING, "holder": holder}
    done = {"$set": {"state": DONE, "answer_status": answer.status, "answer_body": answer.body}}
    return collection(IdempotencyKey).update_one(ours, done).modified_count == 1


def _found(key: str) -> KeyRow | None:
    found: KeyRow | None = collection(IdempotencyKey).find_one({"_id": key})
    return found


def _kept(row: KeyRow | None, fingerprint: str) -> KeptAnswer:
    if row is None:
        raise StillRunning
    if row["fingerprint"] != fingerprint:
        raise IdempotencyKeyReused
    if row["state"] != DONE:
        raise StillRunning
    return KeptAnswer(row["answer_status"] or 0, bytes(row["answer_body"] or b""), is_hit=True)
