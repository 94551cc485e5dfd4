"""What an activation owes: how much, why, and what may become of it. Pure: no database, no clock.

Seconds count in whole tenths, and of every activation that has ended, promised = delivered + owed +
requeued + waived. What is requeued is an activation of its own, which may owe in its turn."""

import hashlib
from collections.abc import Sequence
from datetime import datetime

from lovense.deciding.activation import OWED_KEY, STOPPED, S
from lovense.deciding.shortfall import TENTHS, lacking, promise, tenths
from lovense.models import OwedCause, OwedPolicy, OwedState
from lovense.rows import ActivationRow, Item, LegRow, OwedRow
from tips.models import Priority, RequestType
from tips.queue import requests as queue
from tips.rows import RequestRow

State, Cause = OwedState, OwedCause

# To which state it may move, and from where. `docs/states.md` shows the same table. What is
# requeued stays so: whatever its first run says later is not believed.
PREDECESSORS: dict[OwedState, frozenset[OwedState]] = {
    State.REQUEUED: frozenset({State.OPEN}),
    State.WAIVED: frozenset({State.OPEN}),
    State.DELIVERED: frozenset({State.OPEN, State.WAIVED}),
}
LEAST_REQUEUED = 2 * TENTHS  # no device runs for less
# How much of these has played is not known, so they are never requeued without a person's word.
UNSURE = frozenset({Cause.UNKNOWN, Cause.TIMEOUT})
ROUNDING = "less than a second of it"
NOT_CONFIRMED = "not_confirmed"  # the reason of a cancelled one whose page has said nothing
BY_PREFERENCE = "by preference"
LONGEST_KEY = 64


def froms(to: OwedState) -> list[str]:
    """For the filter of a guarded move to this state."""
    return [state.value for state in PREDECESSORS[to]]


def cause_of(row: ActivationRow) -> OwedCause:
    """Why an activation that is over delivered less than it had promised."""
    status = S(row["status"])
    if status is S.TIMEOUT:
        return Cause.TIMEOUT
    if status is S.DEAD:
        return Cause.DISCONNECT
    if row["delivered_seconds"] is None and _may_have_played(row):
        return Cause.UNKNOWN
    if status is S.COMPLETED and (legs := row.get("legs")):
        return _cause_of_legs(legs)
    if status is S.CANCELLED:
        return Cause.SKIP if row.get("cancelled_how") == "skip" else Cause.CANCEL
    return Cause.STOP if row["reason"] == STOPPED else Cause.DISCONNECT


def _cause_of_legs(legs: Sequence[LegRow]) -> OwedCause:
    """Of what was told in slices: why the device that played longest fell short. What may have been
    played counts more than what was not."""
    longest = max(legs, key=lambda leg: leg["delivered"] or 0.0)
    # A page says in one word what the server keeps of each slice.
    words = {longest.get("code"), *(each["state"] for each in longest["slices"])}
    if "unknown" in words:
        return Cause.UNKNOWN
    return Cause.MISSED if "missed" in words else Cause.DISCONNECT


def _may_have_played(row: ActivationRow) -> bool:
    """Not what its page refused, and what was taken out while it waited to be tried again. Whatever
    else ended without seconds may have."""
    has_failed = row["status"] == S.FAILED and row["reason"] != STOPPED
    if has_failed:
        return row["started_at"] is not None
    is_taken_out = row["status"] == S.CANCELLED and row["reason"] != NOT_CONFIRMED
    return not is_taken_out or row["received_at"] is not None or row["started_at"] is not None


def row_of(row: ActivationRow, policy: str, *, now: datetime) -> OwedRow:
    """What is kept of an activation that owes something."""
    item = row["item"] or {}
    return {
        "_id": row["_id"],
        "performer_id": row["performer_id"],
        "tip_id": row["tip_id"],
        "request_id": row["request_id"],
        "title": item.get("title", ""),
        "tipper_name": row["tipper_name"],
        "promised": promise(row),
        "owed": lacking(row),
        "requeued": 0,
        "waived": 0,
        "cause": cause_of(row).value,
        "state": State.OPEN.value,
        "policy": policy,
        "requeued_as": "",
        "why": "",
        "by": "",
        "ended_at": row["finished_at"] or now,
        "created_at": now,
        "settled_at": None,
    }


def is_requeued_by_itself(row: OwedRow) -> bool:
    """Her policy is not asked where it would play a second time what may have played, nor for less
    than a device can run."""
    return (
        row["policy"] == OwedPolicy.REQUEUE
        and row["owed"] >= LEAST_REQUEUED
        and OwedCause(row["cause"]) not in UNSURE
    )


# --- the request ---------------------------------------------------------------------------------


def key_of(activation_id: str) -> str:
    """The request's unique key. One that was owed by an owed one, and so on, has a digest instead
    of all their names."""
    key = f"{OWED_KEY}{activation_id}"
    if len(key) <= LONGEST_KEY:
        return key
    return f"{OWED_KEY}{hashlib.sha256(activation_id.encode()).hexdigest()[:32]}"


def whole_seconds(owed: int) -> int:
    """Of so many tenths; what is left is waived as rounding."""
    return owed // TENTHS


def request_of(row: ActivationRow, seconds: int, *, position: int, now: datetime) -> RequestRow:
    """The same item, for the seconds that it owes. It moves no tokens."""
    item: Item = dict(row["item"] or {})
    payload = {
        "amount": 0,
        "tipper": {"username": row["tipper_name"]},
        "userId": "",
        "item": item | {"durationSec": seconds},
        "owedBy": row["_id"],
    }
    return queue.new_row(
        key_of(row["_id"]),
        RequestType.OWED,
        payload,
        lane=row["performer_id"],
        position=position,
        priority=Priority.HIGH,
        now=now,
    )


def sentence(row: OwedRow) -> str:
    """The equation of one row, as staff read it."""
    parts = {name: row[name] for name in ("owed", "requeued", "waived")}
    delivered = row["promised"] - sum(parts.values())
    told = [f"{_words(delivered)} delivered"]
    told += [f"{_words(tenths)} {name}" for name, tenths in parts.items() if tenths]
    return f"promised {_words(row['promised'])} s = {' + '.join(told)} ({row['cause']})"


def _words(tenths: int) -> str:
    return f"{tenths / TENTHS:g}"


# --- the proof -----------------------------------------------------------------------------------


def difference(row: ActivationRow, owed: OwedRow | None) -> str:
    """What does not add up, of an activation that has ended and whose row is kept; empty when it
    does."""
    delivered = min(promise(row), tenths(row["delivered_seconds"]))
    parts = (owed["owed"], owed["requeued"], owed["waived"]) if owed else (0, 0, 0)
    if promise(row) == delivered + sum(parts):
        return ""
    said = (promise(row), delivered, *parts)
    promised, *rest = (_words(tenth) for tenth in said)
    names = ("delivered", "owed", "requeued", "waived")
    told = " + ".join(f"{value} {name}" for value, name in zip(rest, names, strict=True))
    return f"{row['_id']}: promised {promised} s, and {told}"
