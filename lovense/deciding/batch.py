"""Batches: waiting requests for the same item by the same tipper play as one longer run, and each
keeps its own record.

The leader is the request whose turn it is; the others join it. What the leader's activation names
as its `members` never changes once it is written: the page knows that run by the leader's id,
remembers its members with it, and so whatever is sent again is that same run. When the run has
ended, what it delivered is dealt out in the order of the turns."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import NamedTuple

from pymongo import UpdateOne

from ground.mongodb.collections import collection
from lovense.deciding import devicetest
from lovense.deciding.activation import FINAL, S, activation_id, end_requests, froms, insert
from lovense.deciding.promises import compiled
from lovense.deciding.rules import Rules
from lovense.deciding.shortfall import has_owed, is_short
from lovense.menus.matching import may_be_closed
from lovense.models import Activation
from lovense.rows import ActivationRow
from tips.models import Mode, RequestStatus
from tips.queue import claims, counts, ordering
from tips.rows import RequestRow, Statement

# --- gathering -----------------------------------------------------------------------------------


class Member(NamedTuple):
    """One that may play in a leader's run: the request as it waits, and its activation."""

    request: RequestRow
    row: ActivationRow


class BatchRun(NamedTuple):
    """A leader and those that may play with it."""

    leader: RequestRow
    row: ActivationRow
    members: Sequence[Member]


def windows(claimed: Iterable[RequestRow], rules: Rules) -> dict[str, list[RequestRow]]:
    """By lane: what waits behind the claimed one, in the order of the turns; with it no more than a
    batch. Only where it may lead a run: of a later attempt than its first the page may remember
    another run."""
    return {
        request["lane"]: counts.waiting_in(request["lane"], limit=ordering.BATCH_SIZE - 1)
        for request in claimed
        if request["attempts"] == 1 and rules.mode_of(request["lane"]) is Mode.BATCH
    }


def mates(leader: RequestRow, window: Iterable[RequestRow]) -> list[RequestRow]:
    """Pure. Those that may play with it: what came before the second in which it was claimed."""
    at = leader["claimed_at"]
    assert at is not None
    return alike(leader, [row for row in window if ordering.is_ready(row, Mode.BATCH, at)])


def alike(leader: RequestRow, waiting: Iterable[RequestRow]) -> list[RequestRow]:
    """Those of the same tipper that nobody has tried."""
    return [row for row in waiting if not row["attempts"] and _who(row) == _who(leader)]


def fitting(
    row: ActivationRow, decided: Iterable[tuple[RequestRow, ActivationRow]], rules: Rules
) -> list[Member]:
    """Pure. Of these requests with their activations, those that may join the leader's: they play,
    the same item, which always answers, and all their promised seconds are within the cap."""
    found: list[Member] = []
    if row["item"] is None or may_be_closed(row["item"]):
        return found  # each run of it counts
    left = rules.caps_of_item(row["performer_id"], row["item"]).seconds - row["promised_seconds"]
    for request, other in decided:
        plays = other["status"] == S.DISPATCHED and other["item"] == row["item"]
        if plays and other["promised_seconds"] <= left:
            left -= other["promised_seconds"]
            found.append(Member(request, other | {"leader": row["_id"]}))
    return found


def _who(request: RequestRow) -> tuple[str, str]:
    """For what people submit it is the account; the test of a device plays alone."""
    if devicetest.is_one(request["payload"]):
        return request["type"], request["_id"]
    return request["type"], request["payload"].get("userId") or request.get(
        "submitted_by"
    ) or request["_id"]


def gather(runs: Iterable[BatchRun], rules: Rules) -> list[ActivationRow]:
    """Takes the members into their runs: each leader's row with the seconds and the names of those
    that were ours to take.

    Their own rows are written before the leader's, so a stored leader has them all; a joined
    request that no stored leader names is `lost`."""
    joined = [(run, _joined(run)) for run in runs]
    stored = insert([row for _, rows in joined for row in rows])
    return [
        _lengthened(run.row, [row for row in rows if row["_id"] in stored], rules)
        for run, rows in joined  # a row that is not ours has just been cancelled
    ]


def _joined(run: BatchRun) -> list[ActivationRow]:
    if not run.members:
        return []
    joined = claims.join(run.leader, [member.request for member in run.members])
    ours = {request["_id"] for request in joined}
    return [member.row for member in run.members if member.request["_id"] in ours]


def _lengthened(
    row: ActivationRow, members: Sequence[ActivationRow], rules: Rules
) -> ActivationRow:
    if not members:
        return row
    item = row["item"]
    assert item is not None
    seconds = row["promised_seconds"] + sum(member["promised_seconds"] for member in members)
    whole = {name: value for name, value in item.items() if name != "loops"}
    caps = rules.caps_of_item(row["performer_id"], item)
    commands, run_seconds = compiled(whole | {"durationSec": seconds}, caps)
    names = [member["_id"] for member in members]
    return row | {"commands": commands, "run_seconds": run_seconds, "members": names}


# --- following the leader ------------------------------------------------------------------------


def started(leaders: Iterable[ActivationRow]) -> None:
    """These runs have started, and so have their members."""
    for row in leaders:
        if row.get("members"):
            changes = {"status": S.ACTIVATED.value, "started_at": row["started_at"]}
            members = {"_id": {"$in": row["members"]}, "status": froms(S.ACTIVATED)}
            collection(Activation).update_many(members, {"$set": changes})


def ended(leaders: Iterable[ActivationRow], *, now: datetime) -> None:
    """Deals out what the runs of these leaders, which are over, delivered; and ends their members'
    requests.

    May be done again: the shares follow from the leader's row alone, and its own is written last.
    """
    runs = [row for row in leaders if row.get("members")]
    if not runs:
        return
    found = collection(Activation).find(
        {"_id": {"$in": [member for row in runs for member in row["members"] or ()]}}
    )
    members = {row["_id"]: row for row in found}
    updates = [update for row in runs for update in _dealt(row, members, now)]
    collection(Activation).bulk_write(updates, ordered=True)
    over = collection(Activation).find({"_id": {"$in": list(members)}})
    end_requests([row for row in over if S(row["status"]) in FINAL], now=now)


def _dealt(
    leader: ActivationRow, members: Mapping[str, ActivationRow], now: datetime
) -> list[UpdateOne]:
    delivered = (
        leader["delivered_seconds"]
        if leader.get("run_delivered") is None
        else leader["run_delivered"]
    )
    left = None if delivered is None else max(0.0, delivered - leader["promised_seconds"])
    updates = []
    for key in leader["members"] or ():
        row = members[key]
        share = None if left is None else min(float(row["promised_seconds"]), left)
        left = None if left is None or share is None else left - share
        status = S.COMPLETED if share == row["promised_seconds"] else S(leader["status"])
        changes: Statement = {
            "status": status.value,
            "finished_at": now,
            "delivered_seconds": share,
        }
        changes["reason"] = "" if status is S.COMPLETED else leader["reason"]
        if is_short(row["promised_seconds"], share) or has_owed(row):
            changes["owes_since"] = now
        guard = {"_id": key, "status": froms(status), "requeued_at": None}
        updates.append(UpdateOne(guard, {"$set": changes}))
    own = None if delivered is None else min(float(leader["promised_seconds"]), delivered)
    dealt: Statement = {"delivered_seconds": own, "run_delivered": delivered}
    if is_short(leader["promised_seconds"], own):
        dealt["owes_since"] = now
    updates.append(UpdateOne({"_id": leader["_id"]}, {"$set": dealt}))
    return updates


def heal(*, now: datetime, limit: int) -> int:
    """Members whose leader has ended, or whose run was not sent, by a process that died before it
    told them."""
    members = claims.joined(limit=limit)
    if not members:
        return 0
    keys = {row["leader"] or "" for row in members}
    leaders = {
        row["_id"]: row
        for row in collection(Activation).find(
            {"_id": {"$in": [activation_id(key) for key in keys]}}
        )
    }
    ended([row for row in leaders.values() if S(row["status"]) in FINAL], now=now)
    claimed = {
        row["idempotency_key"]
        for row in claims.of_keys(keys)
        if row["status"] == RequestStatus.CLAIMED
    }
    return _disband(
        [
            row
            for row in members
            if _is_lost(
                row,
                leaders.get(activation_id(row["leader"] or "")),
                is_claimed=row["leader"] in claimed,
            )
        ],
        now,
    )


def _is_lost(member: RequestRow, leader: ActivationRow | None, *, is_claimed: bool) -> bool:
    """A leader that is claimed and has no row is being decided; the row of one that was refused
    names nobody any more."""
    if leader is None:
        return not is_claimed
    return activation_id(member["idempotency_key"]) not in (leader.get("members") or ())


def _disband(lost: Sequence[RequestRow], now: datetime) -> int:
    """The run was not played with them, and will not be: they wait again, each in its own place."""
    ids = [activation_id(row["idempotency_key"]) for row in lost]
    sent = {"_id": {"$in": ids}, "status": S.DISPATCHED.value, "leader": {"$ne": None}}
    collection(Activation).update_many(sent, {"$set": {"status": S.QUEUED.value, "leader": None}})
    over = list(
        collection(Activation).find(
            {"_id": {"$in": ids}, "status": {"$in": [status.value for status in FINAL]}}
        )
    )
    end_requests(over, now=now)
    error = "the run it was part of was not played"
    waiting = [
        row
        for row in lost
        if activation_id(row["idempotency_key"]) not in {each["_id"] for each in over}
    ]
    return len(over) + sum(
        claims.release(row["_id"], now=now, delay_seconds=0, error=error, claim=row["claimed_by"])
        for row in waiting
    )
