"""Cancelling: a request that a person does not want to play any more, wherever it is on its way.

What has not been sent is cancelled here and now: its activation is inserted as `cancelled`, and the
activation's key decides against a worker that is deciding it at this moment. What was sent is the
page's: the activation is marked, the page is told to end it, and says what it had played. Without
an answer the sweep ends it, once the page's time is over.

Each change is one transaction, with its entry in the audit log; so a process that dies has done
all of it or nothing."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import TypeVar

from django.conf import settings
from pymongo.client_session import ClientSession
from pymongo.errors import BulkWriteError, DuplicateKeyError

from ground.audit import log as audit_log
from ground.journal import journal
from ground.json.errors import Refusal
from ground.mongodb.collections import collection
from lovense.deciding.activation import FINAL, IN_FLIGHT, S, activation_id, new_row
from lovense.models import Activation
from lovense.rows import ActivationRow
from lovense.sending import groups, resume, retries
from tips.models import EPOCH, QueueRequest, RequestStatus
from tips.queue import ordering
from tips.queue import requests as queue
from tips.rows import RequestRow, Statement

T = TypeVar("T")
CLEARED_AT_ONCE = 200  # requests of one transaction
DECIDED_MEANWHILE = (
    5  # how often a worker may be faster before we believe that something else is wrong
)
REASON = "cancelled"
SKIP = "skip"


class NoSuchRequest(Refusal):
    """There is no such request; or it is another performer's, which is told to nobody."""

    code, status = "not_found", 404
    words = "Not found."


class AlreadyOver(Refusal):
    """What has ended cannot be cancelled. `ended_as` says how it ended."""

    code, status = "already_over", 409

    def __init__(self, ended_as: str) -> None:
        super().__init__(f"It is over: {ended_as}.")
        self.ended_as = str(ended_as)
        self.details = {"status": self.ended_as}


class PartOfRun(Refusal):
    """It plays as part of one run with others, which nobody has cancelled; skipping ends the whole
    run. `leader`: the request that the run belongs to."""

    code, status = "part_of_run", 409

    def __init__(self, leader: str) -> None:
        super().__init__(
            "It is part of one run with others; only the whole run can be ended, by skipping it."
        )
        self.leader = leader
        self.details = {"leader": leader}


class NothingPlays(Refusal):
    """There is nothing to skip: no request of this performer has its turn now."""

    code, status = "nothing_plays", 409


class CountChanged(Refusal):
    """Clearing removes what was counted; now another number waits."""

    code, status = "count_changed", 409

    def __init__(self, actual: int) -> None:
        super().__init__(f"{actual} wait now.")
        self.actual = actual
        self.details = {"waiting": actual}


@dataclass(frozen=True, slots=True)
class Ended:
    """`cancelled`: it will not play. `cancelling`: its page is told to end it, and the page's word
    ends it; or the sweep."""

    status: str
    request_id: str
    performer_id: str


@dataclass(frozen=True, slots=True)
class Wish:
    """Somebody wants something ended. `how`: empty, or `skip` for what had its turn."""

    by: str
    why: str
    now: datetime
    how: str = ""

    @property
    def mark(self) -> Statement:
        names = {
            "cancelled_by": self.by[: audit_log.LONGEST_ACTOR],
            "cancelled_why": self.why[: audit_log.LONGEST_WHY],
        }
        return {
            "cancelled_at": self.now,
            **names,
            **({"cancelled_how": self.how} if self.how else {}),
        }


# --- one request ---------------------------------------------------------------------------------


def cancel(*, request_id: str, performer_id: str | None, wish: Wish) -> Ended:
    """`performer_id`: only a request of hers; None: whoever's. Cancelling again answers the same
    and changes nothing."""

    def body(session: ClientSession) -> Ended:
        request = collection(QueueRequest).find_one(
            {"_id": request_id}, session=session
        ) or queue.find(request_id)
        if request is None or performer_id not in (None, request["lane"]):
            raise NoSuchRequest
        if request["status"] == RequestStatus.JOINED:
            raise PartOfRun(queue.request_id(request["leader"] or ""))
        row = _activation_of(request, session)
        if (
            row is not None
            and S(row["status"]) not in FINAL
            and row.get("members")
            and not row.get("cancelled_at")
        ):
            raise PartOfRun(request["_id"])
        return _end_one(request, row, wish, "cancel", session)

    return _told(_decided(body, wish.now), wish)


def skip(*, performer_id: str, request_id: str | None, wish: Wish) -> Ended:
    """Ends what has its turn now, with all that is part of its run. `request_id`: only if it is
    still this one's turn."""

    def body(session: ClientSession) -> Ended:
        request = collection(QueueRequest).find_one(
            {"lane": performer_id, "status": queue.CLAIMED}, session=session
        )
        if request is None or request_id not in (None, request["_id"]):
            raise NothingPlays
        row = _activation_of(request, session)
        return _end_one(request, row, replace(wish, how=SKIP), SKIP, session)

    return _told(_decided(body, wish.now), wish)


def _activation_of(request: RequestRow, session: ClientSession) -> ActivationRow | None:
    return collection(Activation).find_one(
        {"_id": activation_id(request["idempotency_key"])}, session=session
    )


def _end_one(
    request: RequestRow, row: ActivationRow | None, wish: Wish, action: str, session: ClientSession
) -> Ended:
    before = row["status"] if row else request["status"]
    if before == S.CANCELLED or (row and row.get("cancelled_at")):
        return Ended(
            "cancelled" if before == S.CANCELLED else "cancelling", request["_id"], request["lane"]
        )
    if (row and S(row["status"]) in FINAL) or request["status"] not in (
        queue.PENDING,
        queue.CLAIMED,
    ):
        raise AlreadyOver(before)
    status = "cancelling" if _end([request], [row] if row else [], wish, session) else "cancelled"
    place: Statement = {"target": request["_id"], "lane": request["lane"]}
    told: Statement = {"by": wish.by, "why": wish.why, "now": wish.now, "session": session}
    audit_log.record(
        kind="request",
        action=action,
        before={"status": before},
        after={"status": status},
        **place,
        **told,
    )
    return Ended(status, request["_id"], request["lane"])


def _end(
    requests: Sequence[RequestRow],
    rows: Sequence[ActivationRow],
    wish: Wish,
    session: ClientSession,
) -> int:
    """Cancels what was not sent, marks what was; how many of them were."""
    decided = {row["_id"] for row in rows}
    undecided = [row for row in requests if activation_id(row["idempotency_key"]) not in decided]
    queued = [row for row in rows if row["status"] == S.QUEUED]
    sent = [row for row in rows if row["status"] in IN_FLIGHT]
    over = {"status": S.CANCELLED.value, "reason": REASON, "finished_at": wish.now, **wish.mark}
    if undecided:
        collection(Activation).insert_many(
            [new_row(row, wish.now) | over for row in undecided], session=session
        )
    if queued:
        waiting = {"_id": {"$in": [row["_id"] for row in queued]}, "status": S.QUEUED.value}
        collection(Activation).update_many(waiting, {"$set": over}, session=session)
        if tried := [row["_id"] for row in queued if row["attempts"]]:
            owes = {"_id": {"$in": tried}, "cancelled_at": wish.now}
            changes = {"$set": {"owes_since": wish.now}}
            collection(Activation).update_many(owes, changes, session=session)
    if sent:
        _mark(
            {
                "_id": {
                    "$in": [
                        key for row in sent for key in (row["_id"], *(row.get("members") or ()))
                    ]
                }
            },
            wish,
            session,
        )
    unsent = [row["_id"] for row in undecided] + [row["request_id"] for row in queued]
    queue.advance(unsent, RequestStatus.CANCELLED, now=wish.now, session=session)
    return len(sent)


def _mark(wanted: Statement, wish: Wish, session: ClientSession | None = None) -> int:
    guard = {**wanted, "status": {"$in": IN_FLIGHT}, "cancelled_at": None}
    return (
        collection(Activation)
        .update_many(guard, {"$set": wish.mark}, session=session)
        .modified_count
    )


def _decided(body: Callable[[ClientSession], T], now: datetime) -> T:
    """The transaction; again when a worker has inserted the activation that we were about to
    insert."""
    for _ in range(DECIDED_MEANWHILE):
        try:
            return journal.run(body, touched=journal.LANES, now=now)
        except (DuplicateKeyError, BulkWriteError) as error:
            last = error
    raise last


def _told(ended: Ended, wish: Wish) -> Ended:
    """After the fact: the page hears at once what its process would tell it a second later."""
    if ended.status == "cancelling":
        resume.stop_on_pages([ended.performer_id], now=wish.now)
    groups.news.at_once([ended.performer_id], "queue")
    return ended


# --- all that waits ------------------------------------------------------------------------------


def waiting(performer_id: str) -> int:
    """How many wait in her queue; the one that has its turn now is none of them."""
    return collection(QueueRequest).count_documents(_waiting(performer_id))


def _waiting(performer_id: str) -> Statement:
    return {"status": queue.PENDING, "line": {"$in": ordering.lines([performer_id])}}


def clear(*, performer_id: str, expected: int, wish: Wish) -> int:
    """Cancels what waits, if it is as many as expected: what comes meanwhile stays. How many; one
    that got its turn meanwhile is left alone."""
    counted = [
        row["_id"]
        for row in collection(QueueRequest).find(_waiting(performer_id), {"_id": 1}).sort("turn", 1)
    ]
    if len(counted) != expected:
        raise CountChanged(len(counted))
    parts = [
        counted[start : start + CLEARED_AT_ONCE]
        for start in range(0, len(counted), CLEARED_AT_ONCE)
    ]
    cleared = sum(_clear(performer_id, part, wish) for part in parts)
    if cleared:
        resume.stop_on_pages([performer_id], now=wish.now)
        groups.news.at_once([performer_id], "queue")
    return cleared


def _clear(performer_id: str, ids: list[str], wish: Wish) -> int:
    def body(session: ClientSession) -> int:
        wanted = {"_id": {"$in": ids}, "status": queue.PENDING}
        found = {
            activation_id(row["idempotency_key"]): row
            for row in collection(QueueRequest).find(wanted, session=session)
        }
        rows = list(collection(Activation).find({"_id": {"$in": list(found)}}, session=session))
        over = {row["_id"] for row in rows if S(row["status"]) in FINAL or row.get("cancelled_at")}
        requests = [request for key, request in found.items() if key not in over]
        if requests:
            _end(requests, [row for row in rows if row["_id"] not in over], wish, session)
            place: Statement = {
                "kind": "lane",
                "action": "clear",
                "target": performer_id,
                "lane": performer_id,
            }
            told: Statement = {"by": wish.by, "why": wish.why, "now": wish.now, "session": session}
            audit_log.record(**place, after={"cancelled": len(requests)}, **told)
        return len(requests)

    return _decided(body, wish.now)


# --- all that plays ------------------------------------------------------------------------------


def end_all(*, wish: Wish) -> set[str]:
    """The platform is switched off: all that was sent and has not ended is to end. Whose it is."""
    wanted = {"status": {"$in": IN_FLIGHT}, "leader": None, "cancelled_at": None}
    rows = list(
        collection(Activation)
        .find(wanted, {"performer_id": 1, "members": 1})
        .hint("activation_in_flight")
    )
    if not rows:
        return set()
    _mark(
        {
            "_id": {
                "$in": [key for row in rows for key in (row["_id"], *(row.get("members") or ()))]
            }
        },
        wish,
    )
    performers = {row["performer_id"] for row in rows}
    resume.stop_on_pages(performers, now=wish.now)
    groups.news.mark(performers, "queue")
    return performers


# --- healing -------------------------------------------------------------------------------------


def heal(*, now: datetime, limit: int) -> int:
    """Ends what was cancelled or stopped while it waited to be sent again, and of which no page has
    said a word since.

    What is claimed has a lease; when that is over, `leases.expire` ends it.
    """
    rows = [row for mark in ("cancelled_at", "stopped_at") for row in _marked(mark, now, limit)]
    pending = _pending([row["request_id"] for row in rows]) if rows else set()
    silent = [row for row in rows if row["request_id"] in pending]
    for row in silent:
        retries.end_unheard(row, now=now)
    groups.news.mark({row["performer_id"] for row in silent}, "queue")
    return len(silent)


def _marked(mark: str, now: datetime, limit: int) -> list[ActivationRow]:
    before = now - timedelta(seconds=settings.RECEIVED_WINDOW_SECONDS)
    wanted = {
        mark: {"$gt": EPOCH, "$lte": before},
        "status": {"$in": IN_FLIGHT},
        "leader": None,
    }
    columns = {"request_id": 1, "performer_id": 1, "cancelled_at": 1}
    return list(collection(Activation).find(wanted, columns).limit(limit))


def _pending(request_ids: Iterable[str]) -> set[str]:
    wanted = {"_id": {"$in": list(request_ids)}, "status": queue.PENDING}
    return {row["_id"] for row in collection(QueueRequest).find(wanted, {"_id": 1})}
