"""Rebuilding the queue: the event log says which tips were settled, their activations say what is
left to do.

For the day on which `queue_requests` is gone. What is unfinished gets its request again, in its old
place; what is over, or archived, gets none. Every row is inserted only where it is missing, so a
rebuild may be killed, repeated and run beside working processes. What people had submitted, and had
not begun, is in no log and is not restored."""

import logging
import uuid
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import datetime
from itertools import islice

from ground.mongodb.collections import collection
from lovense.deciding.activation import FINAL, OWED_KEY, TARGET, S, activation_id, end_requests
from lovense.lane import decisions
from lovense.models import Activation, Owed, OwedState
from lovense.owed import owing
from lovense.rows import ActivationRow, AttemptRow, OwedRow
from tips.log import eventlog
from tips.models import Priority, RequestStatus, RequestType
from tips.queue import lost
from tips.queue import requests as queue
from tips.rows import AttemptError, EventRow, RequestRow

log = logging.getLogger(__name__)

PAGE = 1000  # tips in memory at a time; whole rows only of those that lack a request
CLAIMED, JOINED, PENDING, DEAD = (
    status.value
    for status in (
        RequestStatus.CLAIMED,
        RequestStatus.JOINED,
        RequestStatus.PENDING,
        RequestStatus.DEAD,
    )
)
_OVER = FINAL - {S.DEAD}  # a dead letter is over for the device and not for people
_NEEDED = [status.value for status in set(S) - _OVER]

Progress = Callable[[int], object]


def size() -> int:
    """How many events a rebuild reads."""
    return eventlog.length()


def run(
    *, now: datetime, is_dry: bool = False, progress: Progress = lambda events: None
) -> Counter[str]:
    """Restores what is missing; how many of each status. A dry run only counts."""
    if not is_dry:
        lost.make_indexes(now=now)
    restored: Counter[str] = Counter()
    for tip_ids in _tips(progress):
        restored += _restored(_requests(tip_ids, now), now, is_dry=is_dry)
    for owed in _owed():
        restored += _restored(_of_owed(owed, now), now, is_dry=is_dry)
    for activations in _not_tips():
        restored += _restored([_of_activation(row, now) for row in activations], now, is_dry=is_dry)
    if restored and not is_dry:
        log.warning("queue_rebuilt", extra={"count": restored.total()})
    return restored


def _tips(progress: Progress) -> Iterator[list[str]]:
    """The settled tips in the order of the log, wherever their events lie."""
    end = eventlog.length()
    for start in range(0, end, PAGE):
        rows = eventlog.after(start, limit=min(PAGE, end - start), parts=("tipId",))
        yield [row["_id"] for row in rows]
        progress(len(rows))


def _requests(tip_ids: Sequence[str], now: datetime) -> list[RequestRow]:
    """The requests that these tips lack."""
    missing = lost.absent(tip_ids)
    if not missing:
        return []
    found = collection(Activation).find(
        {"_id": {"$in": [activation_id(tip_id) for tip_id in missing]}}, _SHOWN
    )
    activations = {row["tip_id"]: row for row in found}
    unfinished = [
        tip_id
        for tip_id in missing
        if tip_id not in activations or activations[tip_id]["status"] in _NEEDED
    ]
    events, tipped = eventlog.of(unfinished), lost.tipped_at(unfinished)
    return [
        _of_event(events[tip_id], activations.get(tip_id), now) | {"tipped_at": tipped.get(tip_id)}
        for tip_id in unfinished
    ]


_SHOWN = {"commands": 0, "item": 0, "gates": 0}


def _of_event(event: EventRow, activation: ActivationRow | None, now: datetime) -> RequestRow:
    """The time of the event, so that it is as old as it was, for ageing and for what waits too
    long."""
    row = queue.of_event(event, event["created_at"])
    return _with_review(_standing(row, activation, now)) if activation else row


def _with_review(row: RequestRow) -> RequestRow:
    """A viewer who got the tokens back must not get the run as well: the audit log knows what was
    decided."""
    return row | {"review": decisions.last_review(row["_id"])} if row["status"] == DEAD else row


def _owed() -> Iterator[list[OwedRow]]:
    """What was requeued, and has not begun: what is owed knows of it."""
    wanted = {"state": OwedState.REQUEUED.value}
    rows = collection(Owed).find(wanted, batch_size=PAGE)
    while some := list(islice(rows, PAGE)):
        keys = {owing.key_of(row["_id"]): row for row in some}
        lacking = lost.absent(keys)
        begun = {"_id": {"$in": [activation_id(key) for key in lacking]}}
        known = {row["_id"] for row in collection(Activation).find(begun, {"_id": 1})}
        yield [keys[key] for key in lacking if activation_id(key) not in known]


def _of_owed(rows: Sequence[OwedRow], now: datetime) -> list[RequestRow]:
    ids = {"_id": {"$in": [row["_id"] for row in rows]}}
    owing_them = {row["_id"]: row for row in collection(Activation).find(ids)} if rows else {}
    return [
        owing.request_of(
            owing_them[row["_id"]],
            owing.whole_seconds(row["requeued"]),
            position=owing_them[row["_id"]]["position"],
            now=row["settled_at"] or now,
        )
        | {"submitted_by": row["by"]}
        for row in rows
        if row["_id"] in owing_them
    ]


def _not_tips() -> Iterator[list[ActivationRow]]:
    """Activations of tests, and of what was played by hand, that lack their request: they have no
    event."""
    rows = collection(Activation).find(
        {"tip_id": None, "status": {"$in": _NEEDED}}, {"commands": 0}, batch_size=PAGE
    )
    while some := list(islice(rows, PAGE)):
        keys = {_key(row): row for row in some}
        yield [keys[key] for key in lost.absent(keys)]


def _of_activation(row: ActivationRow, now: datetime) -> RequestRow:
    payload = {
        "amount": row["amount"],
        "item": row["item"],
        "tipper": {"username": row["tipper_name"]},
        "userId": "",
    }
    made = queue.new_row(
        _key(row),
        RequestType.OWED if _key(row).startswith(OWED_KEY) else RequestType.MANUAL,
        payload,
        lane=row["performer_id"],
        position=row["position"],
        priority=Priority.NORMAL,
        now=row["created_at"],
    )
    by = next((gate["saw"] for gate in row["gates"] if gate["gate"] == "submitted"), "")
    made["submitted_by"] = by
    return _with_review(_standing(made, row, now))


def _key(row: ActivationRow) -> str:
    return str(row["_id"]).removesuffix(f".{TARGET}")


def _standing(made: RequestRow, row: ActivationRow, now: datetime) -> RequestRow:
    """Where the request of this activation stood: waiting, under way, or dead.

    What is under way holds its lane as a claim whose lease is over: the next look at it decides how
    long it may still take."""
    again = [one for one in row["attempts"] if one.get("is_replay")]
    made["attempts"] = max([row["attempt"], 1, *(one["attempt"] for one in again)])
    made["errors"] = list(_errors(row["attempts"]))
    made["claimed_at"] = row["dispatched_at"]
    if again:
        made["replays"], made["attempts_before"] = len(again), again[-1]["attempt"]
    if row["status"] == S.DEAD:
        made["status"], made["cause"], made["finished_at"] = DEAD, row["reason"], row["finished_at"]
        return made
    made["available_at"] = now
    if row["status"] == S.QUEUED:
        return made
    made["claimed_by"] = f"rebuild/{uuid.uuid4().hex[:12]}"
    if leader := row.get("leader"):
        made["status"], made["leader"] = JOINED, leader.removesuffix(f".{TARGET}")
    else:
        made["status"], made["lease_until"] = CLAIMED, now
    return made


def _errors(attempts: Iterable[AttemptRow]) -> Iterator[AttemptError]:
    for one in attempts:
        told = (
            f"sent back into the queue by {one['by']}"
            if one.get("is_replay")
            else f"attempt {one['attempt']}: did not play"
        )
        yield {"at": one["at"], "error": told}


def _restored(rows: list[RequestRow], now: datetime, *, is_dry: bool) -> Counter[str]:
    """Puts them in; what ended in the moment between is ended here too."""
    if rows and not is_dry:
        lost.put_in(rows)
        ids = [activation_id(row["idempotency_key"]) for row in rows]
        over = {"_id": {"$in": ids}, "status": {"$in": [status.value for status in FINAL]}}
        end_requests(collection(Activation).find(over, _SHOWN), now=now)
    return Counter(row["status"] for row in rows)
