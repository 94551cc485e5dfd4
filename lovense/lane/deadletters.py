"""Dead letters: requests that were given up. What they died of, what a person decided about them,
and their way back.

Only `dead` goes back into the queue: it is known not to have played. A `failed` one may have
played, or its device has said no for good. A letter goes back in one transaction: its activation,
its request and its entry in the audit log, each guarded by the death that was seen. So of many
who try one does it, and a process that dies has done all of it or nothing."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from itertools import islice
from typing import Any

from pymongo.client_session import ClientSession

from ground import clock
from ground.audit import log as audit_log
from ground.journal import journal
from ground.json.errors import Refusal
from ground.mongodb.collections import collection
from lovense.deciding.activation import FINAL, S, activation_id, end_requests
from lovense.models import Activation
from lovense.rows import ActivationRow, GateRow
from lovense.sending import groups as channels
from lovense.sending import retries
from tips.models import ArchivedQueueRequest, QueueRequest, RequestStatus, RequestType
from tips.queue import claims
from tips.queue import requests as queue
from tips.rows import RequestRow, Review, Statement

SLICE = 50
MOST_AT_ONCE = 500  # of a group, by one call
NOTE_LENGTH = audit_log.LONGEST_WHY
REVIEW, REPLAY = "review", "replay"  # actions of the audit log
ENTRIES_READ = 20
BY_CAUSE = "request_dead"
DEAD = RequestStatus.DEAD.value
_WITHOUT = {"payload.ledger": 0, "payload.settlement": 0}


class Resolution(StrEnum):
    """What a person decided about a dead letter."""

    REPLAYED = "replayed"  # it played in another way: by hand, at another time
    REFUNDED = "refunded"
    WAIVED = "waived"
    DUPLICATE = "duplicate"
    OTHER = "other"


class NoSuchLetter(Refusal):
    """There is no such request."""

    code, status = "not_found", 404
    words = "There is no such request."


class NotDead(Refusal):
    """Only what is known not to have played goes back."""

    code, status = "not_dead", 409

    def __init__(self, status: str) -> None:
        super().__init__(_WHY_NOT.get(status, f"It is {status}."))


class Archived(Refusal):
    """The archive's rows are what their manifests say, for ever."""

    code, status = "archived", 409

    def __init__(self) -> None:
        super().__init__(
            "It ended more than 90 days ago and is in the archive: there it can be read, and "
            "nothing can be changed."
        )


class SettledOtherwise(Refusal):
    """A viewer who was given the tokens back is not given the run as well."""

    code, status = "settled_otherwise", 409

    def __init__(self, review: Mapping[str, Any]) -> None:
        told = (
            f"{review['by']} has reviewed it as {review['resolution']}, so it does not play "
            f"any more."
        )
        super().__init__(f"{told} To send it back, review it as {Resolution.OTHER} first.")


class GroupCountChanged(Refusal):
    """A group is sent back by somebody who knows how many they are."""

    code, status = "count_changed", 409

    def __init__(self, actual: int) -> None:
        super().__init__(f"There are {actual} now; nothing was sent back.")
        self.actual = actual
        self.details = {"actual": actual}


_WHY_NOT = {
    "failed": "It failed: the device said so, or fell silent after it had begun. It may have "
    "played, so it is never sent again.",
    "pending": "It is waiting in the queue already.",
    "claimed": "It is under way already.",
    "joined": "It is under way already, as part of another one's run.",
    "completed": "It has completed: a page finished it after all.",
    "cancelled": "It was cancelled.",
}


# What they died of, as a person reads it.
CAUSES = {
    "not_received": "No page confirmed it",
    "busy": "The device was busy",
    "not_connected": "The device was not connected",
    "app_offline": "The device's app was offline",
    "too_many_requests": "The device's vendor had too many requests",
    "worker_died": "Its worker died, every time",
    "undecidable": "It could not be decided: a defect",
}


def words(cause: str) -> str:
    """A code that is new here speaks for itself."""
    return CAUSES.get(cause) or cause.replace("_", " ").capitalize() or "No cause was recorded"


# --- looking -------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Group:
    """The dead letters of one cause. `replayable` are those that may be sent back, `reviewed` those
    with a resolution."""

    cause: str
    count: int
    replayable: int
    reviewed: int
    oldest: datetime
    newest: datetime

    @property
    def words(self) -> str:
        return words(self.cause)


@dataclass(frozen=True, slots=True)
class HistoryLine:
    """One line of a letter's history."""

    at: datetime
    text: str


@dataclass(frozen=True, slots=True)
class Letter:
    """A dead request with its activation, as both are stored."""

    request: RequestRow
    activation: ActivationRow | None = None
    is_archived: bool = False
    history: Sequence[HistoryLine] = field(default=())

    @property
    def request_id(self) -> str:
        return str(self.request["_id"])

    @property
    def status(self) -> str:
        return str(self.request["status"])

    @property
    def cause(self) -> str:
        return self.request.get("cause") or ""

    @property
    def words(self) -> str:
        return words(self.cause)

    @property
    def tip_id(self) -> str:
        """Empty for a test, or what was played by hand."""
        return (
            str(self.request["idempotency_key"]) if self.request["type"] == RequestType.TIP else ""
        )

    @property
    def amount(self) -> int:
        return int(self.request["payload"].get("amount") or 0)

    @property
    def who(self) -> str:
        return (self.request["payload"].get("tipper") or {}).get("username") or "Anonymous"

    @property
    def replays(self) -> int:
        return self.request.get("replays") or 0

    @property
    def review(self) -> Review | None:
        return self.request.get("review")

    @property
    def gates(self) -> list[GateRow]:
        return self.activation["gates"] if self.activation else []

    @property
    def refusal(self) -> Refusal | None:
        """Why it cannot be sent back; None when it can."""
        if self.is_archived:
            return Archived()
        if self.status != DEAD:
            return NotDead(self.status)
        review = self.review
        return (
            SettledOtherwise(review)
            if review and review["resolution"] in queue.SETTLED_OTHERWISE
            else None
        )


def groups() -> list[Group]:
    """Those that died last come first. One scan of the dead ones only."""
    settled = {"$in": [{"$ifNull": ["$review.resolution", ""]}, sorted(queue.SETTLED_OTHERWISE)]}
    counted: Statement = {
        "_id": "$cause",
        "count": {"$sum": 1},
        "replayable": {"$sum": {"$cond": [settled, 0, 1]}},
        "reviewed": {"$sum": {"$cond": [{"$ifNull": ["$review", False]}, 1, 0]}},
        "oldest": {"$min": "$finished_at"},
        "newest": {"$max": "$finished_at"},
    }
    steps: list[Statement] = [
        {"$match": {"status": DEAD}},
        {"$group": counted},
        {"$sort": {"newest": -1, "_id": 1}},
    ]
    return [
        Group(row.pop("_id") or "", **row)
        for row in collection(QueueRequest).aggregate(steps, hint=BY_CAUSE)
    ]


def count(*, cause: str = "") -> int:
    """How many may be sent back."""
    return collection(QueueRequest).count_documents(_of(cause) | queue.REPLAYABLE, hint=BY_CAUSE)


def slice_of(*, cause: str = "", after: str = "", limit: int = SLICE) -> tuple[list[Letter], str]:
    """Those that died last come first; with the place from which the next slice goes on, empty at
    the end."""
    wanted = _of(cause) | _beyond(after)
    found = (
        collection(QueueRequest)
        .find(wanted, _WITHOUT)
        .hint(BY_CAUSE)
        .sort([("finished_at", -1), ("_id", -1)])
    )
    rows = list(found.limit(limit + 1))
    more = (
        f"{clock.iso(rows[limit - 1]['finished_at'])}/{rows[limit - 1]['_id']}"
        if len(rows) > limit
        else ""
    )
    return _letters(rows[:limit]), more


def _of(cause: str) -> Statement:
    return {"status": DEAD, "cause": cause} if cause else {"status": DEAD}


class NoSuchPlace(Refusal):
    """A slice goes on from where the one before it ended."""

    code, status = "invalid", 400
    words = "Some fields are wrong; see details."
    details = {"after": ["Not a place of this list."]}


def _beyond(after: str) -> Statement:
    if not after:
        return {}
    moment, _, key = after.partition("/")
    try:
        at = clock.parse(moment)
    except ValueError:
        raise NoSuchPlace from None
    return {"$or": [{"finished_at": {"$lt": at}}, {"finished_at": at, "_id": {"$lt": key}}]}


def find(key: str) -> Letter:
    """By request id or tip id; dead or not, in the queue or archived. Raises NoSuchLetter."""
    for request_id in (key, queue.request_id(key)):
        for model in (QueueRequest, ArchivedQueueRequest):
            if row := collection(model).find_one({"_id": request_id}, _WITHOUT):
                return _letters([row], is_archived=model is ArchivedQueueRequest)[0]
    raise NoSuchLetter


def _letters(rows: Sequence[RequestRow], *, is_archived: bool = False) -> list[Letter]:
    keys = [activation_id(row["idempotency_key"]) for row in rows]
    found = (
        {
            row["_id"]: row
            for row in collection(Activation).find({"_id": {"$in": keys}}, {"commands": 0})
        }
        if keys
        else {}
    )
    activations = [found.get(key) for key in keys]
    return [
        Letter(row, own, is_archived, _history(row, own))
        for row, own in zip(rows, activations, strict=True)
    ]


def _history(row: RequestRow, activation: ActivationRow | None) -> list[HistoryLine]:
    """The attempts of the activation and the errors of the request, in the order in which they
    happened."""
    attempts = activation.get("attempts", []) if activation else []
    lines = [
        HistoryLine(one["at"], f"attempt {one['attempt']}: handed over to the page")
        for one in attempts
        if not one.get("is_replay")
    ]
    lines += [HistoryLine(one["at"], one["error"]) for one in row["errors"]]
    if row["finished_at"]:
        lines.append(
            HistoryLine(
                row["finished_at"],
                f"{row['status']}: {(row.get('cause') or '').replace('_', ' ')}".rstrip(": "),
            )
        )
    return sorted(lines, key=lambda line: line.at)


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


# --- deciding ------------------------------------------------------------------------------------


def review(key: str, *, resolution: Resolution, note: str = "", by: str, now: datetime) -> Letter:
    """What a person decided about it; deciding again replaces it."""
    letter = find(key)
    if letter.is_archived:
        raise Archived
    decided = {
        "resolution": resolution.value,
        "note": note.strip()[:NOTE_LENGTH],
        "by": by,
        "at": now,
    }
    dead = {"_id": letter.request_id, "status": DEAD}

    def body(session: ClientSession) -> None:
        if (
            not collection(QueueRequest)
            .update_one(dead, {"$set": {"review": decided}}, session=session)
            .matched_count
        ):
            raise _Overtaken
        before = letter.review.get("resolution") if letter.review else None
        told: Statement = {
            "before": {"resolution": before},
            "after": {"resolution": resolution.value},
            "why": decided["note"],
        }
        audit_log.record(action=REVIEW, **_about(letter, by, now), **told, session=session)

    if not _committed(body, now):
        raise NotDead(find(key).status)
    return find(key)


def replay(key: str, *, by: str, why: str = "", now: datetime) -> Letter:
    """Sends it back to its place in the queue, once, whoever else tries."""
    letter = find(key)
    if letter.refusal:
        raise letter.refusal
    if not _send_back(letter, by, now, why=why):
        raise find(key).refusal or NotDead(RequestStatus.PENDING)
    channels.news.mark([letter.request["lane"]], "queue")
    return find(key)


def replay_group(
    *,
    cause: str = "",
    expect: int,
    by: str,
    now: datetime,
    progress: Callable[[int], object] = lambda letters: None,
) -> tuple[int, int]:
    """Sends back all of a cause, or all; how many went, and how many are left: one call sends
    MOST_AT_ONCE, the oldest first.

    `expect` is the number that the person was shown: with another one nothing happens.
    """
    actual = count(cause=cause)
    if actual != expect:
        raise GroupCountChanged(actual)
    wanted = (
        collection(QueueRequest)
        .find(_of(cause) | queue.REPLAYABLE, _WITHOUT)
        .hint(BY_CAUSE)
        .sort("finished_at", 1)
    )
    rows, gone = iter(list(wanted.limit(MOST_AT_ONCE))), 0
    while some := list(islice(rows, SLICE)):
        gone += sum(
            _send_back(letter, by, now, why=f"all {actual} of {cause or 'every cause'}")
            for letter in _letters(some)
        )
        channels.news.mark({row["lane"] for row in some}, "queue")
        progress(len(some))
    return gone, count(cause=cause)


class _Overtaken(Exception):
    """Somebody else was first: what this one would change is not as it was seen."""


def _send_back(letter: Letter, by: str, now: datetime, *, why: str = "") -> bool:
    """Whether it was this call that put it back. `finished_at` is which death was seen: one of
    later is another person's."""
    request, row = letter.request, letter.activation
    if row is not None and S(row["status"]) in FINAL - {S.DEAD}:
        end_requests(
            [row], now=now
        )  # a page finished it after all, and whoever recorded that died before this
        return False
    line = {"attempt": request["attempts"], "at": now, "by": by, "is_replay": True}

    def body(session: ClientSession) -> None:
        if row is not None:
            retries.send_back(row["_id"], seen=row["finished_at"], line=line, session=session)
        if not claims.send_back(
            request["_id"], now=now, by=by, seen=request["finished_at"], session=session
        ):
            raise _Overtaken
        told: Statement = {
            "before": {"status": DEAD, "cause": letter.cause},
            "after": {"status": RequestStatus.PENDING.value},
            "why": why,
        }
        audit_log.record(action=REPLAY, **_about(letter, by, now), **told, session=session)

    return _committed(body, now)


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
