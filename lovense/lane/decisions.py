"""Decisions about dead letters: what a person says of one, and its way back into the queue.

Either is one transaction with its entry in the audit log, guarded by the death that was seen: a
letter goes back with its activation and its request. So of many who try one does it, and a process
that dies has done all of it or nothing."""

from collections.abc import Callable, Sequence
from datetime import datetime

from pymongo.client_session import ClientSession

from ground.audit import log as audit_log
from ground.journal import journal
from ground.json.errors import Refusal
from ground.mongodb.collections import collection
from lovense.deciding.activation import FINAL, S, end_requests
from lovense.lane import deadletters
from lovense.lane.deadletters import NotCounted
from lovense.lane.letter import (
    DEAD,
    Archived,
    Letter,
    NotDead,
    Resolution,
    ReviewedMeanwhile,
)
from lovense.sending import groups, retries
from tips.models import QueueRequest, RequestStatus
from tips.queue import claims
from tips.rows import Review, Statement

MOST_AT_ONCE = 500  # of a group, by one call
NOTE_LENGTH = audit_log.LONGEST_WHY
REVIEW, REPLAY = "review", "replay"  # actions of the audit log
ENTRIES_READ = 20

Progress = Callable[[int], object]  # is told of so many letters more


def unseen(letters: int) -> None:
    """Nobody looks at how far it is."""


class GroupCountChanged(Refusal):
    """A group is sent back by somebody who knows how many they are."""

    code, status = "count_changed", 409

    def __init__(self, actual: int, nothing: str = "nothing was sent back") -> None:
        super().__init__(f"There are {actual} now; {nothing}.")
        self.actual = actual
        self.details = {"actual": actual}


def review(key: str, *, resolution: Resolution, note: str = "", by: str, now: datetime) -> Letter:
    """What a person decided about it; deciding again replaces it. Of two at once one is told that
    it is not as it was."""
    letter = deadletters.find(key)
    if letter.is_archived:
        raise Archived
    why = note.strip()[:NOTE_LENGTH]
    if not _review(letter, resolution, why, by, now):
        present = deadletters.find(key)
        raise ReviewedMeanwhile if present.status == DEAD else NotDead(present.status)
    return deadletters.find(key)


def review_some(
    letters: Sequence[Letter], *, resolution: Resolution, note: str, by: str, now: datetime
) -> int:
    """Each for itself, as it was read; how many of them it was."""
    return sum(_review(letter, resolution, note, by, now) for letter in letters)


def review_group(
    *,
    cause: str = "",
    expect: int,
    most: int | None = None,
    resolution: Resolution,
    note: str,
    by: str,
    now: datetime,
    progress: Progress = unseen,
) -> tuple[int, int]:
    """All of a cause, or all, that nobody has decided about; how many it was, and how many are
    left: one call does MOST_AT_ONCE, the oldest first. `expect` and `most` as of `replay_group`."""
    actual = deadletters.count_unreviewed(cause=cause)
    if actual != expect:
        raise GroupCountChanged(actual, "nothing was decided")
    limit = min(MOST_AT_ONCE, _agreed(expect, most))
    said: Statement = {"resolution": resolution, "note": note, "by": by, "now": now}
    done = 0
    for letters in deadletters.unreviewed(cause=cause, limit=limit):
        done += review_some(letters, **said)
        progress(len(letters))
    return done, _left(deadletters.count_unreviewed, cause, actual - done)


def _review(letter: Letter, resolution: Resolution, why: str, by: str, now: datetime) -> bool:
    """Whether it was this one: somebody else may have decided since it was read."""
    decided = {"resolution": resolution.value, "note": why, "by": by, "at": now}
    as_read = {"finished_at": letter.request["finished_at"], "review.at": letter.reviewed_at}
    dead = {"_id": letter.request_id, "status": DEAD, **as_read}

    def body(session: ClientSession) -> None:
        changes = {"$set": {"review": decided}}
        found = collection(QueueRequest).update_one(dead, changes, session=session)
        if not found.matched_count:
            raise _Overtaken
        before = letter.review.get("resolution") if letter.review else None
        told: Statement = {
            "before": {"resolution": before},
            "after": {"resolution": resolution.value},
            "why": why,
        }
        audit_log.record(action=REVIEW, **_about(letter, by, now), **told, session=session)

    return _committed(body, now)


def last_review(request_id: str) -> Review | None:
    """What the audit log says was decided about this death; None when nothing was."""
    for told in audit_log.of(request_id, limit=ENTRIES_READ):
        if told["action"] == REPLAY:
            return None
        if told["action"] == REVIEW:
            return {
                "resolution": told["after"]["resolution"],
                "note": told["why"],
                "by": told["actor"],
                "at": told["at"],
            }
    return None


# --- the way back --------------------------------------------------------------------------------


def replay(key: str, *, by: str, why: str = "", now: datetime) -> Letter:
    """Sends it back to its place in the queue, once, whoever else tries."""
    letter = deadletters.find(key)
    if letter.refusal:
        raise letter.refusal
    if not _send_back(letter, by, now, why=why):
        raise deadletters.find(key).refusal or NotDead(RequestStatus.PENDING)
    groups.news.mark([letter.request["lane"]], "queue")
    return deadletters.find(key)


def replay_some(letters: Sequence[Letter], *, by: str, why: str = "", now: datetime) -> int:
    """Each for itself, as it was read, where it may be; how many it was that went."""
    able = [letter for letter in letters if letter.refusal is None]
    gone = sum(_send_back(letter, by, now, why=why) for letter in able)
    groups.news.mark({letter.request["lane"] for letter in able}, "queue")
    return gone


def replay_group(
    *,
    cause: str = "",
    expect: int,
    most: int | None = None,
    by: str,
    why: str = "",
    now: datetime,
    progress: Progress = unseen,
) -> tuple[int, int]:
    """Sends back all of a cause, or all; how many went, and how many are left: one call sends
    MOST_AT_ONCE, the oldest first.

    `expect` is the number that the person was shown: with another one nothing happens. Never more
    go than that, or than `most`: what dies after the count is the newest, and not among them.
    """
    actual = deadletters.count(cause=cause)
    if actual != expect:
        raise GroupCountChanged(actual)
    agreed = _agreed(expect, most)
    gone, why = 0, why or f"all {agreed} of {cause or 'every cause'}"
    for letters in deadletters.replayable(cause=cause, limit=min(MOST_AT_ONCE, agreed)):
        gone += replay_some(letters, by=by, why=why, now=now)
        progress(len(letters))
    return gone, _left(deadletters.count, cause, actual - gone)


def _agreed(expect: int, most: int | None) -> int:
    return expect if most is None else min(expect, most)


def _left(counted: Callable[..., int], cause: str, otherwise: int) -> int:
    """What was done is told, also where they could not be counted once more."""
    try:
        return counted(cause=cause)
    except NotCounted:
        return otherwise


def _send_back(letter: Letter, by: str, now: datetime, *, why: str = "") -> bool:
    """Whether it was this call that put it back. `finished_at` is which death was seen: one of
    later is another person's."""
    request, row = letter.request, letter.activation
    if row is not None and row.get("requeued_at"):
        return False
    if row is not None and S(row["status"]) in FINAL - {S.DEAD}:
        # A page finished it after all, and whoever recorded that died before this.
        end_requests([row], now=now)
        return False
    line = {"attempt": request["attempts"], "at": now, "by": by, "is_replay": True}

    def body(session: ClientSession) -> None:
        if row is not None:
            gone = retries.send_back(
                row["_id"], seen=row["finished_at"], line=line, session=session
            )
            if not gone and retries.is_requeued(row["_id"], session):
                raise _Overtaken
        seen = {"seen": request["finished_at"], "reviewed_at": letter.reviewed_at}
        if not claims.send_back(request["_id"], now=now, by=by, **seen, session=session):
            raise _Overtaken
        told: Statement = {
            "before": {"status": DEAD, "cause": letter.cause},
            "after": {"status": RequestStatus.PENDING.value},
            "why": why,
        }
        audit_log.record(action=REPLAY, **_about(letter, by, now), **told, session=session)

    return _committed(body, now)


# --- one transaction -----------------------------------------------------------------------------


class _Overtaken(Exception):
    """Somebody else was first: what this one would change is not as it was seen."""


def _committed(body: Callable[[ClientSession], None], now: datetime) -> bool:
    try:
        journal.run(body, touched=journal.LANES, now=now)
    except _Overtaken:
        return False
    return True


def _about(letter: Letter, by: str, now: datetime) -> Statement:
    return {
        "kind": "request",
        "target": letter.request_id,
        "lane": letter.request["lane"],
        "by": by,
        "now": now,
    }
