"""Stop: the latch that only the performer lifts, and the epoch that fences off all from before it.

A press tells her pages first (`lovense/stopping/halts.py`), so they are still while the database is
away. Then it is one transaction with its entry in the audit log, as is a resume: a process that
dies has done all of it or nothing. A command carries the epoch under which it was decided; an older
one is forwarded by no process and refused by every page."""

from collections.abc import Callable, Collection
from dataclasses import dataclass
from datetime import datetime

from pymongo.client_session import ClientSession
from pymongo.errors import BulkWriteError, DuplicateKeyError

from ground import clock
from ground.audit import log as audit_log
from ground.journal import journal
from ground.mongodb.collections import collection
from lovense.deciding.rules import is_paused
from lovense.models import Performer, StopPress
from lovense.performers.preferences import NoSuchPerformer
from lovense.rows import Json, PerformerRow, StopPressRow
from lovense.sending import groups
from lovense.stopping import halts, presses, underway
from tips.models import EPOCH
from tips.rows import Statement

# How often a worker may insert what we were about to insert before we believe that something else
# is wrong.
DECIDED_MEANWHILE = 5


@dataclass(frozen=True, slots=True)
class StopState:
    """`stopped_at` None: she has resumed, or never pressed."""

    epoch: int
    stopped_at: datetime | None


@dataclass(frozen=True, slots=True)
class Press:
    """Who pressed, why, and through which door: api, page, socket or command."""

    performer_id: str
    by: str
    why: str
    through: str
    now: datetime


def press(*, performer_id: str, by: str, why: str, through: str, now: datetime) -> StopState:
    """Pressed again, it does all of it again. Whoever calls repeats it until it returns."""
    halts.tell([performer_id], at=now)
    return record(performer_id=performer_id, by=by, why=why, through=through, now=now)


def record(*, performer_id: str, by: str, why: str, through: str, now: datetime) -> StopState:
    """A press of which her pages have been told."""
    pressed = Press(performer_id, by[:64], why[: audit_log.LONGEST_WHY], through, now)
    state = _in_turn(performer_id, lambda session: _pressed(pressed, session), now)
    halts.tell([performer_id], at=now, epoch=state.epoch)
    _say_news(performer_id)
    return state


def resume(*, performer_id: str, by: str, now: datetime) -> StopState:
    """Lifts the latch and the pause and raises nothing: what waited plays on. Where neither holds
    it changes nothing. Doors ring `lovense.dispatch` afterwards."""
    state = _in_turn(performer_id, lambda session: _resumed(performer_id, by, now, session), now)
    _say_news(performer_id)
    return state


def _say_news(performer_id: str) -> None:
    for topic in ("queue", "devices"):
        groups.news.at_once([performer_id], topic)


def _in_turn(
    performer_id: str, body: Callable[[ClientSession], StopState], now: datetime
) -> StopState:
    """Again when a worker has just decided what we were about to take back from it."""
    for _ in range(DECIDED_MEANWHILE):
        try:
            return journal.run(body, touched=journal.of_lane(performer_id), now=now)
        except (DuplicateKeyError, BulkWriteError) as error:
            last = error
    raise last


def _pressed(pressed: Press, session: ClientSession) -> StopState:
    """1. The epoch rises, the latch holds, the queue is paused without an end. 2. What is under way
    is over, or goes back. 3. The press is kept."""
    row = _performer(pressed.performer_id, session)
    now, by, why = pressed.now, pressed.by, pressed.why
    latch: Statement = {"stopped_at": now, "stopped_by": by, "stopped_why": why}
    pause: Statement = {"paused_until": None, "paused_by": by, "paused_why": why}
    pause["paused_at"] = row["paused_at"] if is_paused(row, now) else now
    if row.get("plays_one"):
        pause["plays_one"] = None  # nothing is let through any more
    epoch = row["stop_epoch"] + 1
    _change(row, "stop", {"stop_epoch": epoch, **latch, **pause}, pressed, session)
    underway.end(pressed.performer_id, epoch, now=now, session=session)
    collection(StopPress).insert_one(_press_row(pressed, epoch), session=session)
    return StopState(epoch, now)


def _press_row(pressed: Press, epoch: int) -> StopPressRow:
    return {
        "_id": presses.press_key(pressed.performer_id, epoch),
        "performer_id": pressed.performer_id,
        "epoch": epoch,
        "at": pressed.now,
        "by": pressed.by,
        "why": pressed.why,
        "through": pressed.through,
        "answers": [],
    }


def _resumed(performer_id: str, by: str, now: datetime, session: ClientSession) -> StopState:
    """A worker that has stood still since before the press may be deciding something under the
    older epoch yet; nobody can be from now on."""
    row = _performer(performer_id, session)
    if row.get("stopped_at") is None and row["paused_at"] is None:
        return StopState(row["stop_epoch"], None)
    latch: Statement = {"stopped_at": None, "stopped_by": "", "stopped_why": ""}
    pause: Statement = {"paused_at": None, "paused_until": None, "paused_by": "", "paused_why": ""}
    if row.get("plays_one"):
        pause["plays_one"] = None
    if row.get("stopped_at") is not None:
        underway.end(performer_id, row["stop_epoch"], now=now, session=session)
    pressed = Press(performer_id, by, "", "", now)
    _change(row, "resume", latch | pause, pressed, session)
    return StopState(row["stop_epoch"], None)


def _performer(performer_id: str, session: ClientSession) -> PerformerRow:
    row: PerformerRow | None = collection(Performer).find_one(
        {"_id": performer_id}, session=session
    )
    if row is None:
        raise NoSuchPerformer
    return row


def _change(
    row: PerformerRow, action: str, after: Statement, pressed: Press, session: ClientSession
) -> None:
    collection(Performer).update_one({"_id": row["_id"]}, {"$set": after}, session=session)
    was: Json = {name: row.get(name) for name in after}
    place: Statement = {"kind": "performer", "target": row["_id"], "lane": row["_id"]}
    told: Statement = {"by": pressed.by, "why": pressed.why, "now": pressed.now}
    audit_log.record(
        action=action, before=_told(was), after=_told(after), session=session, **place, **told
    )


def _told(changes: Json) -> Json:
    return {
        key: clock.iso(value) if isinstance(value, datetime) else value
        for key, value in changes.items()
    }


# --- what pages must know ------------------------------------------------------------------------


def state_of(performer_id: str) -> StopState:
    """What a page must know before it runs anything."""
    row = collection(Performer).find_one({"_id": performer_id}, {"stop_epoch": 1, "stopped_at": 1})
    return _state(row) if row else StopState(0, None)


def stopped_among(performer_ids: Collection[str]) -> dict[str, StopState]:
    """Those of these performers who have pressed stop and not resumed: one look, which costs by
    their number and not by that of all who ever pressed."""
    wanted = {"_id": {"$in": list(performer_ids)}, "stopped_at": {"$gt": EPOCH}}
    found = collection(Performer).find(wanted, {"stop_epoch": 1, "stopped_at": 1}).hint("_id_")
    return {row["_id"]: _state(row) for row in found}


def _state(row: PerformerRow) -> StopState:
    return StopState(row["stop_epoch"], row.get("stopped_at"))
