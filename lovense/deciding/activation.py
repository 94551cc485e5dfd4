"""Activations: which gates a settled tip passed on its way to a device, what it became, and how it
ended.

One activation per (tip, target): its key is `<idempotency key>.<target>`. Every settled tip gets
one, also the tip that does nothing, so that every tip ends with one verdict that a person can read.
"""

from collections.abc import Collection, Iterable, Sequence
from datetime import datetime, timedelta

from pymongo import UpdateOne

from ground.mongodb import unique
from ground.mongodb.collections import collection
from lovense.models import Activation, ActivationStatus
from lovense.rows import ActivationRow
from tips.models import RequestStatus
from tips.queue import claims
from tips.queue import requests as queue
from tips.rows import RequestRow

S = ActivationStatus
TARGET = "all"
OWED_KEY = "owed-"  # so begins the key of what plays seconds that were owed

# To which status an activation may move, and from where. `docs/states.md` shows the same table. A
# late acknowledgement is believed (timeout, dead -> completed); nothing that may have played is
# ever played again. `queued` is an activation that is being decided; it is stored only where the
# device has refused it, or a person has sent a dead one back into the queue.
PREDECESSORS: dict[S, frozenset[S]] = {
    S.QUEUED: frozenset({S.DISPATCHED, S.DEAD}),
    S.DISPATCHED: frozenset({S.QUEUED, S.DISPATCHED}),
    S.ACTIVATED: frozenset({S.DISPATCHED}),
    S.COMPLETED: frozenset({S.QUEUED, S.DISPATCHED, S.ACTIVATED, S.TIMEOUT, S.DEAD}),
    S.FAILED: frozenset({S.DISPATCHED, S.ACTIVATED}),
    S.TIMEOUT: frozenset({S.DISPATCHED, S.ACTIVATED}),
    S.SKIPPED: frozenset({S.QUEUED}),
    S.EXPIRED: frozenset({S.QUEUED}),
    S.CANCELLED: frozenset({S.QUEUED, S.DISPATCHED, S.ACTIVATED}),
    S.DEAD: frozenset({S.QUEUED, S.DISPATCHED}),
}
LIVE = frozenset({S.QUEUED, S.DISPATCHED, S.ACTIVATED})
FINAL = frozenset(S) - LIVE
IN_FLIGHT = [S.DISPATCHED.value, S.ACTIVATED.value]
# The reason of what a stop ended, and of what waits because of one; also what a page says of a
# command from before it.
STOPPED = "stopped"


def activation_id(idempotency_key: str) -> str:
    return f"{idempotency_key}.{TARGET}"


def froms(to: S) -> dict[str, list[str]]:
    """The filter of a guarded move to this status."""
    return {"$in": [status.value for status in PREDECESSORS[to]]}


# --- deciding ------------------------------------------------------------------------------------


def new_row(request: RequestRow, now: datetime) -> ActivationRow:
    event = request["payload"]
    row: ActivationRow = {
        "_id": activation_id(request["idempotency_key"]),
        "performer_id": request["lane"],
        "tip_id": event.get("tipId"),
        "event_id": event.get("eventId"),
        "request_id": request["_id"],
        "position": request["position"],
        "amount": event.get("amount") or 0,
        "tipper_name": (event.get("tipper") or {}).get("username") or "Anonymous",
        "status": S.QUEUED.value,
        "reason": "",
        "gates": [],
        "item": None,
        "menu_version": 0,
        "commands": [],
        "promised_seconds": 0,
        "delivered_seconds": None,
        "stop_epoch": 0,
        "attempt": 0,
        "attempts": [],
        "created_at": now,
        "dispatched_at": None,
        "received_at": None,
        "started_at": None,
        "finished_at": None,
    }
    if event.get("rehearsal"):
        row["is_rehearsal"] = True
    return row


def undecidable(
    request: RequestRow, error: Exception, *, before: ActivationRow | None, now: datetime
) -> ActivationRow | claims.GivenBack:
    """A defect, or a row that nobody foresaw. It must neither be lost nor hold its lane for ever:
    it is tried again, and then it is a dead letter."""
    pause = claims.pause_before_retry(request)
    if pause is not None:
        said = f"attempt {request['attempts']}: {type(error).__name__}"
        return claims.GivenBack(
            request["_id"], now + timedelta(seconds=pause), error=said, claim=request["claimed_by"]
        )
    return given_up(request, before=before, now=now)


def given_up(request: RequestRow, *, before: ActivationRow | None, now: datetime) -> ActivationRow:
    """A dead letter, since nothing can be decided about it."""
    row = before.copy() if before else new_row(request, now)
    row["status"], row["reason"], row["finished_at"] = S.DEAD.value, "undecidable", now
    row["owes_since"] = now
    return row


# --- keeping -------------------------------------------------------------------------------------


def earlier(claimed: Iterable[RequestRow]) -> dict[str, ActivationRow]:
    """What was decided about these requests in an earlier attempt, by activation id."""
    retried = [
        activation_id(request["idempotency_key"]) for request in claimed if request["attempts"] > 1
    ]
    return _found(retried) if retried else {}


def _found(activation_ids: Iterable[str]) -> dict[str, ActivationRow]:
    found = collection(Activation).find({"_id": {"$in": list(activation_ids)}})
    return {row["_id"]: row for row in found}


def keep(
    rows: Sequence[ActivationRow],
    again: Sequence[tuple[RequestRow, ActivationRow]],
    *,
    anew: Collection[str],
    now: datetime,
) -> dict[str, ActivationRow]:
    """Writes the decisions of a round, and ends the requests of those that are over; by id the
    activations as they are then, without those that another worker has decided first.

    `rows`: decided now, those named in `anew` not for the first time; `again`: requests whose
    activation is only sent again."""
    stored = insert([row for row in rows if row["_id"] not in anew])
    stored |= _replace([row for row in rows if row["_id"] in anew])
    kept = {row["_id"]: row for row in rows if row["_id"] in stored}
    kept |= _attempt_again(again, now)
    over = [row for row in kept.values() if S(row["status"]) in FINAL]
    if over:
        end_requests(over, now=now)
    return kept


def insert(rows: Sequence[ActivationRow]) -> set[str]:
    """Inserts new activations; returns those that are ours. A clash means that another worker
    decided this tip."""
    known = {rows[clash.place]["_id"] for clash in unique.insert(Activation, rows)}
    return {row["_id"] for row in rows} - known


def _replace(rows: Iterable[ActivationRow]) -> set[str]:
    """Those that still waited to be decided anew, and not under a later stop than they were
    decided under."""
    return {row["_id"] for row in rows if _replace_one(row)}


def _replace_one(row: ActivationRow) -> bool:
    no_later = {"$not": {"$gt": row["stop_epoch"]}}
    waits = {"_id": row["_id"], "status": S.QUEUED.value, "stop_epoch": no_later}
    return bool(collection(Activation).replace_one(waits, row).modified_count)


def _attempt_again(
    pairs: Sequence[tuple[RequestRow, ActivationRow]], now: datetime
) -> dict[str, ActivationRow]:
    """Counts a further attempt on those of these activations that no page has confirmed yet; all of
    them, as they are then."""
    rows = {row["_id"]: row for _, row in pairs}
    unconfirmed = [(request, row) for request, row in pairs if is_unconfirmed(row)]
    if not unconfirmed:
        return rows
    updates = [_attempt(request, row["_id"], now) for request, row in unconfirmed]
    written = collection(Activation).bulk_write(updates, ordered=False).modified_count
    for request, row in unconfirmed:
        rows[row["_id"]] = row | {"attempt": request["attempts"], "dispatched_at": now}
    if written == len(updates):
        return rows
    # some were confirmed, refused or ended since we looked
    return rows | _found([row["_id"] for _, row in unconfirmed])


def _attempt(request: RequestRow, key: str, now: datetime) -> UpdateOne:
    attempt = {"attempt": request["attempts"], "at": now, "by": request["claimed_by"]}
    guard = {
        "_id": key,
        "status": S.DISPATCHED.value,
        "received_at": None,
        "attempt": {"$lt": request["attempts"]},
    }
    changes = {"attempt": request["attempts"], "dispatched_at": now}
    return UpdateOne(guard, {"$set": changes, "$push": {"attempts": attempt}})


def may_wait(before: ActivationRow | None) -> bool:
    """Of a request that is to be tried: no page has said that it plays, and it has not ended."""
    return before is None or before["status"] == S.QUEUED or is_unconfirmed(before)


def is_unconfirmed(row: ActivationRow) -> bool:
    return row["status"] == S.DISPATCHED and row["received_at"] is None


# --- ending --------------------------------------------------------------------------------------


def end_requests(activations: Iterable[ActivationRow], *, now: datetime) -> None:
    """Moves the requests of finished activations to the status that their verdict means."""
    groups: dict[tuple[RequestStatus, str], list[str]] = {}
    for row in activations:
        status = REQUEST_STATUS.get(S(row["status"]), RequestStatus.COMPLETED)
        cause = row["reason"] if status in WITH_A_CAUSE else ""
        groups.setdefault((status, cause), []).append(row["request_id"])
    for (status, cause), request_ids in groups.items():
        queue.advance(request_ids, status, now=now, cause=cause)


# A skipped or expired tip is a request that has been answered: completed. Only what went wrong is
# not.
REQUEST_STATUS = {
    S.FAILED: RequestStatus.FAILED,
    S.TIMEOUT: RequestStatus.FAILED,
    S.DEAD: RequestStatus.DEAD,
    S.CANCELLED: RequestStatus.CANCELLED,
}
WITH_A_CAUSE = frozenset({RequestStatus.FAILED, RequestStatus.DEAD})


def run_seconds(row: ActivationRow) -> int:
    """How long its run takes on the device: its own seconds, and those of the activations that are
    part of it."""
    return int(row.get("run_seconds") or row["promised_seconds"])
