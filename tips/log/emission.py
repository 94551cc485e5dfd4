"""Emission: the events of the log, handed to those who have registered for TIP_ACTIVATED_CHANNEL.

Settlement writes the log and knows no consumer. Each consumer reads on from a position of its own
and fails alone: an error holds it up at that event, is tried again after growing pauses, and ends
as a dead emission of this consumer, which then goes on. What a consumer records and its position
are written in one transaction, so it takes every event exactly once."""

import logging
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cache, partial
from typing import Any, NamedTuple, Protocol

from django.db import DatabaseError
from pymongo.client_session import ClientSession
from pymongo.errors import ConnectionFailure

from ground import clock
from ground.audit import log as audit_log
from ground.mongodb import transactions
from ground.mongodb.collections import Document, collection
from tips.log import eventlog, events
from tips.models import EmissionState, EventConsumer, FailedEmission
from tips.rows import EventRow, Payload

log = logging.getLogger(__name__)

Envelope = Payload

BATCH = 1000  # events in one transaction: at full load, what a second brings
PAUSES_SECONDS = (
    1,
    4,
    16,
    64,
)  # between the attempts to take one event; after the last attempt it is dead
MAX_ERRORS_KEPT = 20
DEAD_COUNTED = 5_000  # of a consumer, where it is shown how it stands

# To which state an emission that failed may move, and from where. `docs/states.md` shows the same
# table.
PREDECESSORS: dict[EmissionState, frozenset[EmissionState]] = {
    EmissionState.DEAD: frozenset(),
    EmissionState.DELIVERED: frozenset({EmissionState.DEAD}),
}
DEAD, DELIVERED = EmissionState.DEAD.value, EmissionState.DELIVERED.value

# Not an event's fault: nothing is counted, the next round tries again.
_OUTAGES = (ConnectionFailure, DatabaseError)


class ConsumerMoved(Exception):
    """Another round has moved this consumer meanwhile: what we read is not its next any more."""


class AlreadyRegistered(ValueError):
    """A name stands for one consumer: its position is kept under it."""


class NotFailed(LookupError):
    """There is no such emission, or nobody consumes under that name any more."""


class Record(Protocol):
    """Writes what follows from these events, with the session's database alone; may run several
    times before it counts."""

    def __call__(
        self, envelopes: Sequence[Envelope], *, now: datetime, session: ClientSession
    ) -> object: ...


def _nothing(*args: Any, **kwargs: Any) -> None:
    """For a consumer that only announces, or only records."""


@dataclass(frozen=True, slots=True)
class Consumer:
    """Who takes events, and which parts of a payload it looks at: it may be given no others.

    `announce` is called once what was recorded is durable. It is a hint: a process that dies does
    not announce."""

    name: str
    reads: tuple[str, ...]
    record: Record = _nothing
    announce: Callable[[Sequence[Envelope]], object] = _nothing


CONSUMERS: dict[str, Consumer] = {}


def register(consumer: Consumer) -> None:
    """Called by the floors as they are wired (`apps.py`). A new consumer begins with the first
    event of the log."""
    if CONSUMERS.setdefault(consumer.name, consumer) != consumer:
        raise AlreadyRegistered(consumer.name)


# --- a round -------------------------------------------------------------------------------------


def drain(*, now: datetime, limit: int = BATCH) -> bool:
    """One round of every consumer, at most `limit` events each; True when one of them may have
    more."""
    rows = _stored(now)
    parts = sorted({part for consumer in CONSUMERS.values() for part in consumer.reads})
    # Consumers mostly stand at the same event: they share what is read.
    read = cache(partial(eventlog.after, limit=limit, parts=parts))
    have_more = [_go_on(CONSUMERS[name], row, read, now, limit) for name, row in rows.items()]
    return any(have_more)


def _stored(now: datetime) -> dict[str, Document]:
    found = {
        row["_id"]: row for row in collection(EventConsumer).find({"_id": {"$in": list(CONSUMERS)}})
    }
    fresh = {"position": 0, "errors": [], "retry_at": None, "updated_at": now}
    for name in CONSUMERS:
        if name not in found:
            collection(EventConsumer).update_one(
                {"_id": name}, {"$setOnInsert": fresh}, upsert=True
            )
            found[name] = {"_id": name, **fresh}
    return found


def _go_on(
    consumer: Consumer,
    row: Document,
    read: Callable[[int], list[EventRow]],
    now: datetime,
    limit: int,
) -> bool:
    is_again = bool(row["errors"])
    if is_again and row["retry_at"] > now:
        return False
    try:
        waiting = read(row["position"])
        if not waiting:
            return False
        # What failed alone is tried alone: those behind it must not fail with it.
        done = _deliver(consumer, row["position"], waiting[:1] if is_again else waiting, now)
        return done and (is_again or len(waiting) == limit)
    except ConsumerMoved:
        return False
    except _OUTAGES as error:
        log.warning(
            "emission_interrupted",
            extra={"mode": consumer.name, "error_code": type(error).__name__},
        )
        return False


def _deliver(consumer: Consumer, position: int, rows: list[EventRow], now: datetime) -> bool:
    """Hands these events over, in order; False when one of them has to wait. Halves find the one
    that fails."""
    try:
        _hand_over(consumer, position, rows, now)
        return True
    except (ConsumerMoved, *_OUTAGES):
        raise
    except Exception as error:
        if len(rows) == 1:
            return _failed(consumer, position, rows[0], error, now)
    half = len(rows) // 2
    first, second = rows[:half], rows[half:]
    return _deliver(consumer, position, first, now) and _deliver(
        consumer, first[-1]["sequence"], second, now
    )


def _hand_over(consumer: Consumer, position: int, rows: Sequence[EventRow], now: datetime) -> None:
    envelopes = [events.envelope(row["payload"]) for row in rows]

    def body(session: ClientSession) -> None:
        _advance(consumer.name, position, rows[-1]["sequence"], now, session)
        _take(consumer, envelopes, now, session)

    transactions.run(body)


def _take(
    consumer: Consumer, envelopes: Sequence[Envelope], now: datetime, session: ClientSession
) -> None:
    consumer.record(envelopes, now=now, session=session)
    transactions.after_commit(partial(consumer.announce, envelopes))


def _advance(name: str, position: int, to: int, now: datetime, session: ClientSession) -> None:
    """First in its transaction: whoever comes second is told before it has written anything."""
    changes = {"position": to, "errors": [], "retry_at": None, "updated_at": now}
    moved = collection(EventConsumer).update_one(
        {"_id": name, "position": position}, {"$set": changes}, session=session
    )
    if not moved.matched_count:
        raise ConsumerMoved


def _failed(
    consumer: Consumer, position: int, row: EventRow, error: Exception, now: datetime
) -> bool:
    """Counts the attempt; True when it was the last one, so that the consumer goes on with the next
    event."""
    code = type(error).__name__
    log.error("emission_failed", extra={"mode": consumer.name, "error_code": code}, exc_info=error)
    tip_id, sequence = row["_id"], row["sequence"]

    def body(session: ClientSession) -> bool:
        standing = collection(EventConsumer).find_one(
            {"_id": consumer.name, "position": position}, session=session
        )
        if standing is None or (standing["retry_at"] and standing["retry_at"] > now):
            raise ConsumerMoved
        errors = [*standing["errors"], {"at": clock.iso(now), "error": code}]
        if len(errors) > len(PAUSES_SECONDS):
            _advance(consumer.name, position, sequence, now, session)
            collection(FailedEmission).insert_one(
                _dead(consumer.name, tip_id, sequence, errors, now), session=session
            )
            return True
        wait = {
            "errors": errors,
            "retry_at": now + timedelta(seconds=PAUSES_SECONDS[len(errors) - 1]),
            "updated_at": now,
        }
        collection(EventConsumer).update_one(
            {"_id": consumer.name}, {"$set": wait}, session=session
        )
        return False

    return transactions.run(body)


def _dead(name: str, tip_id: str, sequence: int, errors: list[Document], now: datetime) -> Document:
    return {
        "_id": _key(name, tip_id),
        "consumer": name,
        "tip_id": tip_id,
        "sequence": sequence,
        "state": DEAD,
        "errors": errors,
        "died_at": now,
        "delivered_at": None,
        "delivered_by": "",
    }


def _key(name: str, tip_id: str) -> str:
    return f"{name}/{tip_id}"


# --- dead emissions ------------------------------------------------------------------------------


def _are_dead(consumer: str, tip_id: str) -> Document:
    names = [consumer] if consumer else sorted(CONSUMERS)
    if tip_id:
        return {"_id": {"$in": [_key(name, tip_id) for name in names]}, "state": DEAD}
    return {"consumer": {"$in": names}, "state": DEAD}


def count_dead(*, consumer: str = "", tip_id: str = "", most: int | None = None) -> int:
    """All of them, or no further than `most`."""
    bound: Document = {"limit": most} if most else {}
    return collection(FailedEmission).count_documents(_are_dead(consumer, tip_id), **bound)


def dead(*, consumer: str = "", tip_id: str = "") -> Iterator[Document]:
    """All consumers' or one's, all tips' or one's; in the order of the log."""
    return iter(
        collection(FailedEmission)
        .find(_are_dead(consumer, tip_id))
        .sort([("consumer", 1), ("sequence", 1)])
    )


def slice_of(consumer: str, *, after: int = 0, limit: int) -> list[Document]:
    """One consumer's beyond that event, in the order of the log."""
    where = {"consumer": consumer, "state": DEAD, "sequence": {"$gt": after}}
    return list(collection(FailedEmission).find(where).sort("sequence", 1).limit(limit))


def dead_among(keys: Sequence[str]) -> list[Document]:
    """Those of these that are still dead, as `dead` orders them."""
    where = {"_id": {"$in": list(keys)}, "state": DEAD}
    return list(collection(FailedEmission).find(where).sort([("consumer", 1), ("sequence", 1)]))


class Emitted(NamedTuple):
    """Where one event stands with one consumer: `waiting`, `taken`, or as a state of those that
    failed."""

    consumer: str
    state: str
    errors: Sequence[Document]
    delivered_by: str


WAITING, TAKEN = "waiting", "taken"


def of_event(tip_id: str, sequence: int) -> list[Emitted]:
    """Of every consumer, by name."""
    names = sorted(CONSUMERS)
    named = {"_id": {"$in": names}}
    positions = {row["_id"]: row["position"] for row in collection(EventConsumer).find(named)}
    keys = {"_id": {"$in": [_key(name, tip_id) for name in names]}}
    failed = {row["consumer"]: row for row in collection(FailedEmission).find(keys)}
    return [
        _emitted(name, failed.get(name), is_taken=positions.get(name, 0) >= sequence)
        for name in names
    ]


def _emitted(name: str, failed: Document | None, *, is_taken: bool) -> Emitted:
    if failed is None:
        return Emitted(name, TAKEN if is_taken else WAITING, (), "")
    return Emitted(name, failed["state"], failed["errors"], failed["delivered_by"])


def retry(key: str, *, by: str, why: str = "", now: datetime) -> bool:
    """Hands a dead emission over once more; True when it is delivered then, by whomever. It is
    never delivered twice. Either is recorded in the audit log."""
    row = collection(FailedEmission).find_one({"_id": key})
    consumer = CONSUMERS.get(row["consumer"]) if row else None
    if row is None or consumer is None:
        raise NotFailed(key)
    try:
        _take_after_all(consumer, row, by, why, now)
    except _OUTAGES:
        raise
    except Exception as error:
        log.error(
            "emission_failed",
            extra={"mode": consumer.name, "error_code": type(error).__name__},
            exc_info=error,
        )
        told = {"at": clock.iso(now), "error": type(error).__name__, "by": by}
        push = {"$push": {"errors": {"$each": [told], "$slice": -MAX_ERRORS_KEPT}}}
        collection(FailedEmission).update_one({"_id": key, "state": DEAD}, push)
        after = {"error": told["error"]}
        audit_log.record(**_retried(key, by, why, now), after=after, success=False)
        return False
    return True


def _retried(key: str, by: str, why: str, now: datetime) -> Document:
    told = {"kind": "emission", "action": "retry", "target": key, "by": by, "why": why, "now": now}
    return told | {"before": {"state": DEAD}}


def _take_after_all(consumer: Consumer, row: Document, by: str, why: str, now: datetime) -> None:
    envelope = events.envelope(eventlog.of([row["tip_id"]])[row["tip_id"]]["payload"])
    froms = [state.value for state in PREDECESSORS[EmissionState.DELIVERED]]
    guard = {"_id": row["_id"], "state": {"$in": froms}}
    changes = {"$set": {"state": DELIVERED, "delivered_at": now, "delivered_by": by}}

    def body(session: ClientSession) -> None:
        if collection(FailedEmission).update_one(guard, changes, session=session).modified_count:
            _take(consumer, [envelope], now, session)
            told = _retried(row["_id"], by, why, now)
            audit_log.record(**told, after={"state": DELIVERED}, session=session)

    transactions.run(body)


# --- where everybody stands ----------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Standing:
    """A consumer's place in the log: how many events wait for it (depth), since when the oldest
    does, and how many are dead, counted no further than DEAD_COUNTED."""

    name: str
    position: int
    depth: int
    waits_since: datetime | None
    attempts: int
    error: str
    retry_at: datetime | None
    dead: int

    @property
    def has_more_dead(self) -> bool:
        """Whether there may be more than were counted."""
        return self.dead >= DEAD_COUNTED


def standings() -> list[Standing]:
    found = {
        row["_id"]: row for row in collection(EventConsumer).find({"_id": {"$in": list(CONSUMERS)}})
    }
    head = eventlog.length()
    return [
        _standing(name, found.get(name) or {"position": 0, "errors": [], "retry_at": None}, head)
        for name in sorted(CONSUMERS)
    ]


def _standing(name: str, row: Document, head: int) -> Standing:
    position, errors = row["position"], row["errors"]
    next_row = eventlog.after(position, limit=1) if position < head else []
    return Standing(
        name=name,
        position=position,
        depth=max(0, head - position),
        waits_since=next_row[0]["created_at"] if next_row else None,
        attempts=len(errors),
        error=errors[-1]["error"] if errors else "",
        retry_at=row["retry_at"],
        dead=count_dead(consumer=name, most=DEAD_COUNTED),
    )
