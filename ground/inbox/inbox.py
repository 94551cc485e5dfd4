"""The inbox of signed calls: stored durably before they are answered, handed out in order, marked
when processed.

Why did the second webhook do nothing? Because of two unique indexes: the delivery's key, and its
`subject` (the business fact). The first delivery of a subject counts; an equal one is a duplicate,
one with other content is a conflict, and both are kept for the record without a subject of their
own."""

import enum
import logging
import traceback
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import islice
from typing import Any

from django.conf import settings
from pymongo import ReturnDocument
from pymongo.client_session import ClientSession
from pymongo.database import Database

from ground.inbox.models import DeliveryRow, DeliveryStatus, WebhookDelivery
from ground.journal import journal
from ground.mongodb import unique
from ground.mongodb.collections import Document, collection

log = logging.getLogger(__name__)

HISTORY_PAGE = 500
# A delivery whose processing fails is tried again after 1, 2, 4, … seconds; after the last of so
# many attempts, about two minutes, it is set aside and shown to a person.
MAX_ATTEMPTS = 8
LONGEST_PLACE = 160
_CODE = str(settings.BASE_DIR)
SET_ASIDE_INDEX = "delivery_set_aside"
WAITING = "delivery_waiting"


class Acceptance(enum.Enum):
    NEW = "new"
    REPEAT = "repeat"
    CONFLICT = "conflict"


@dataclass(frozen=True, slots=True)
class Call:
    """A proven and parsed call. `fingerprint` digests its business content; `position` is our clock
    in nanoseconds."""

    source: str
    delivery_id: str
    event_type: str
    subject: str
    fingerprint: str
    body: bytes
    position: int
    received_at: datetime
    is_ignored: bool = False
    # What may be received once, over all doors: another call with one of these is looked up.
    keys: tuple[str, ...] = ()

    @property
    def key(self) -> str:
        return f"{self.source}/{self.delivery_id}"


def accept(calls: list[Call], *, contradicting: Collection[int] = ()) -> list[Acceptance]:
    """Stores all of them with one majority write. The answer may be sent when this returns.

    `contradicting`: the places of calls that contradict another fact, as who knows their content
    has found; they are kept as conflicts."""
    if any(journal.take_keys([call.keys for call in calls if call.keys])):
        journal.catch_up()  # what was received before may have no row yet
    counted = [place for place in range(len(calls)) if place not in contradicting]
    clashes = [counted[place] for place in _insert([_row(calls[place]) for place in counted])]
    outcomes = [Acceptance.NEW] * len(calls)
    if clashes:
        owners = _owners([calls[index] for index in clashes])
        for index in clashes:
            outcomes[index] = _resolve(calls[index], owners.get(calls[index].subject))
    for place in contradicting:
        outcomes[place] = _keep_conflict(calls[place])
    return outcomes


def _keep_conflict(call: Call) -> Acceptance:
    if _insert([_row(call, status=DeliveryStatus.CONFLICT)]):
        kept = collection(WebhookDelivery).find_one({"_id": call.key}, {"fingerprint": 1})
        if kept is not None and kept["fingerprint"] != call.fingerprint:
            _insert([_row(call, key=_beside(call), status=DeliveryStatus.CONFLICT)])
    return Acceptance.CONFLICT


def _beside(call: Call) -> str:
    """The key of a delivery whose transport id another one has used."""
    return f"{call.key}#{call.fingerprint[:16]}"


def _resolve(call: Call, owner: dict[str, Any] | None) -> Acceptance:
    # Another delivery used the same transport id: the business key decides, so this one counts.
    if owner is None:
        clash = _insert([_row(call, key=_beside(call))])
        if not clash:
            return Acceptance.NEW
        owner = _owners([call])[call.subject]
    same = owner["fingerprint"] == call.fingerprint
    if owner["_id"] != call.key:
        status = DeliveryStatus.DUPLICATE if same else DeliveryStatus.CONFLICT
        _insert([_row(call, status=status)])
    elif not same:
        _insert([_row(call, key=_beside(call), status=DeliveryStatus.CONFLICT)])
    return Acceptance.REPEAT if same else Acceptance.CONFLICT


def _row(call: Call, *, key: str = "", status: DeliveryStatus | None = None) -> dict[str, Any]:
    row: dict[str, Any] = {
        "_id": key or call.key,
        "source": call.source,
        "event_type": call.event_type,
        "fingerprint": call.fingerprint,
        "body": call.body,
        "status": str(
            status or (DeliveryStatus.IGNORED if call.is_ignored else DeliveryStatus.RECEIVED)
        ),
        "position": call.position,
        "received_at": call.received_at,
        "processed_at": None,
        "attempts": 0,
        "error": "",
    }
    # Duplicates and conflicts leave the subject to its owner: the unique index covers strings only.
    row["subject"], row["repeats"] = (
        (call.subject, None) if status is None else (None, call.subject)
    )
    return row


def _insert(rows: list[dict[str, Any]]) -> list[int]:
    """Which of the rows clashed with a unique key; every other one is durable."""
    return [clash.place for clash in unique.insert(WebhookDelivery, rows)]


def repeats_of(subjects: Sequence[str], *, limit: int) -> list[DeliveryRow]:
    """The duplicates and conflicts of these business facts, in order of arrival, with the bodies of
    the conflicts."""
    repeated = {
        "repeats": {"$in": list(subjects)},
        "status": {"$in": [DeliveryStatus.DUPLICATE.value, DeliveryStatus.CONFLICT.value]},
    }
    shown = dict.fromkeys(("status", "received_at", "repeats", "source", "event_type"), 1)
    is_conflict = {"$eq": ["$status", DeliveryStatus.CONFLICT.value]}
    shown_body = {"body": {"$cond": [is_conflict, "$body", "$$REMOVE"]}}
    found = collection(WebhookDelivery).find(repeated, {**shown, **shown_body})
    return list(found.sort("position", 1).limit(limit))


def _owners(calls: Sequence[Call]) -> dict[str, dict[str, Any]]:
    subjects = list({call.subject for call in calls})
    found = collection(WebhookDelivery).find(
        {"subject": {"$in": subjects}}, {"subject": 1, "fingerprint": 1}
    )
    return {row["subject"]: row for row in found}


def waiting(sources: Sequence[str], *, now: datetime, limit: int) -> list[DeliveryRow]:
    """The oldest unprocessed deliveries of these sources, in the order in which they were
    accepted, but for those whose next attempt is still to come."""
    found = collection(WebhookDelivery).find(
        {
            "source": {"$in": list(sources)},
            "status": DeliveryStatus.RECEIVED.value,
            "retry_at": {"$not": {"$gt": now}},
        },
        {"event_type": 1, "body": 1, "attempts": 1, "received_at": 1},
    )
    return list(found.sort("position", 1).limit(limit).batch_size(limit))


def has_waiting(sources: Sequence[str]) -> bool:
    wanted = {"source": {"$in": list(sources)}, "status": DeliveryStatus.RECEIVED.value}
    return collection(WebhookDelivery).find_one(wanted, {"_id": 1}, hint=WAITING) is not None


def backlog(*, limit: int) -> tuple[int, datetime | None]:
    """How many deliveries are unprocessed, counted no further than the limit, and when the oldest
    of them came."""
    unprocessed = {"status": DeliveryStatus.RECEIVED.value}
    counted: list[dict[str, Any]] = [
        {"$match": unprocessed},
        {"$sort": {"source": 1, "position": 1}},  # of the indexes it might take this one
        {"$limit": limit},
        {"$group": {"_id": None, "depth": {"$sum": 1}}},
    ]
    found = collection(WebhookDelivery).aggregate(
        [
            {"$match": unprocessed},
            {"$sort": {"source": 1, "position": 1}},
            {"$group": {"_id": "$source", "came_at": {"$first": "$received_at"}}},
            {"$group": {"_id": None, "came_at": {"$min": "$came_at"}}},
            {"$unionWith": {"coll": WebhookDelivery._meta.db_table, "pipeline": counted}},
        ],
        hint=WAITING,
    )
    said = {key: value for row in found for key, value in row.items()}
    return said.get("depth", 0), said.get("came_at")


def oldest(sources: Sequence[str]) -> datetime | None:
    """When the first came of those that are still to be processed, those that failed included; None
    when there are none. Walks all that wait."""
    waiting = {"source": {"$in": list(sources)}, "status": DeliveryStatus.RECEIVED.value}
    first = {"_id": None, "came_at": {"$min": "$received_at"}}
    found = collection(WebhookDelivery).aggregate(
        [{"$match": waiting}, {"$group": first}], hint=WAITING
    )
    return next((row["came_at"] for row in found), None)


def is_known(subject: str) -> bool:
    """Whether a delivery of this business fact counts already."""
    return collection(WebhookDelivery).find_one({"subject": subject}, {"_id": 1}) is not None


def bodies_of(subjects: Iterable[str]) -> dict[str, bytes]:
    """By business fact: what the deliveries say that count."""
    wanted = {"subject": {"$in": list(subjects)}}
    found = collection(WebhookDelivery).find(wanted, {"subject": 1, "body": 1})
    return {row["subject"]: bytes(row["body"]) for row in found}


def is_waiting(subject: str) -> bool:
    """Whether the delivery that counts for this business fact is still to be processed."""
    row = collection(WebhookDelivery).find_one({"subject": subject}, {"status": 1})
    return row is not None and row["status"] == DeliveryStatus.RECEIVED.value


def waiting_of(subjects: Sequence[str]) -> list[DeliveryRow]:
    """The unprocessed deliveries of these business facts, in the order in which the facts are
    given."""
    wanted = {"subject": {"$in": list(subjects)}, "status": DeliveryStatus.RECEIVED.value}
    fields = dict.fromkeys(("event_type", "body", "attempts", "subject", "received_at"), 1)
    found = {row["subject"]: row for row in collection(WebhookDelivery).find(wanted, fields)}
    return [found[subject] for subject in subjects if subject in found]


def size(database: Database[Document]) -> int:
    """About how many deliveries a database holds."""
    return database[WebhookDelivery._meta.db_table].estimated_document_count()


def history(database: Database[Document], sources: Sequence[str]) -> Iterator[dict[str, Any]]:
    """Every delivery that a database holds of these sources, as they came; of two at one moment
    first the one that counts."""
    rows = database[WebhookDelivery._meta.db_table]
    is_repeat = {"$ne": [{"$type": "$subject"}, "string"]}
    keys = rows.aggregate(
        [
            {"$match": {"source": {"$in": list(sources)}}},
            {"$project": {"received_at": 1, "position": 1, "is_repeat": is_repeat}},
            {"$sort": {"received_at": 1, "is_repeat": 1, "position": 1}},
        ],
        allowDiskUse=True,
    )
    # The bodies are fetched page by page: the server sorts keys, and holds nothing else in memory.
    while page := [row["_id"] for row in islice(keys, HISTORY_PAGE)]:
        found = {row["_id"]: row for row in rows.find({"_id": {"$in": page}})}
        yield from (found[key] for key in page)


def still_waiting(keys: Iterable[str]) -> set[str]:
    """Those of these deliveries that nobody has processed meanwhile."""
    wanted = {"_id": {"$in": list(keys)}, "status": DeliveryStatus.RECEIVED.value}
    return {row["_id"] for row in collection(WebhookDelivery).find(wanted, {"_id": 1})}


def mark_processed(
    keys: Iterable[str], *, now: datetime, session: ClientSession | None = None
) -> int:
    """How many were still to be processed: fewer than asked for when another round was first."""
    return _mark(keys, DeliveryStatus.PROCESSED, now, session)


def mark_ignored(keys: Iterable[str], *, now: datetime, session: ClientSession) -> int:
    """We keep them and there is nothing for us to do."""
    return _mark(keys, DeliveryStatus.IGNORED, now, session)


def _mark(
    keys: Iterable[str], status: DeliveryStatus, now: datetime, session: ClientSession | None
) -> int:
    received = {"_id": {"$in": list(keys)}, "status": DeliveryStatus.RECEIVED.value}
    changes = {"status": status.value, "processed_at": now}
    return (
        collection(WebhookDelivery)
        .update_many(received, {"$set": changes}, session=session)
        .modified_count
    )


def conflicts(*, limit: int, after: int = -1) -> list[DeliveryRow]:
    """The deliveries that contradict what we hold, from that position on, oldest first; bodies stay
    where they are."""
    wanted = {"status": DeliveryStatus.CONFLICT.value, "position": {"$gt": after}}
    found = collection(WebhookDelivery).find(wanted, {"body": 0})
    return list(found.sort("position", 1).limit(limit))


def mark_refused(reasons: Mapping[str, str], *, now: datetime, session: ClientSession) -> None:
    """What these deliveries ask for can never be done (the reason by key): kept for admins like any
    conflict, not tried again."""
    refused = {"status": DeliveryStatus.CONFLICT.value, "processed_at": now}
    for key, reason in reasons.items():
        collection(WebhookDelivery).update_one(
            {"_id": key}, {"$set": refused | {"error": reason}}, session=session
        )


def mark_failed(key: str, *, error: str, place: str = "", now: datetime) -> bool:
    """An unexpected failure: the delivery is handed out again after a pause that doubles, behind
    those that come meanwhile, and after the last attempt no more. True when this was the last.
    Of the error its type is kept, and its place in our code; never its words."""
    attempts = {"$add": ["$attempts", 1]}
    status = {"$cond": [{"$gte": [attempts, MAX_ATTEMPTS]}, _SET_ASIDE, "$status"]}
    pause_milliseconds = {"$multiply": [1000, {"$pow": [2, "$attempts"]}]}
    changes = {
        "attempts": attempts,
        "status": status,
        "retry_at": {"$add": [now, pause_milliseconds]},
        "position": {"$add": ["$position", {"$multiply": [10**6, pause_milliseconds]}]},
        "error": {"$literal": error[:500]},
        "error_place": {"$literal": place},
    }
    row = collection(WebhookDelivery).find_one_and_update(
        {"_id": key, "status": DeliveryStatus.RECEIVED.value},
        [{"$set": changes}],
        projection={"status": 1, "event_type": 1},
        return_document=ReturnDocument.AFTER,
    )
    is_over = row is not None and row["status"] == _SET_ASIDE
    if is_over:
        log.error("delivery_set_aside", extra={"error_code": error[:60]})
    return is_over


def place_of(error: Exception) -> str:
    """The innermost of our own functions that it passed, as `module:function:line`; empty where it
    passed none."""
    ours = [
        f"{frame.f_globals.get('__name__', '')}:{frame.f_code.co_name}:{line}"
        for frame, line in traceback.walk_tb(error.__traceback__)
        if frame.f_code.co_filename.startswith(_CODE) and "/.venv/" not in frame.f_code.co_filename
    ]
    return ours[-1][:LONGEST_PLACE] if ours else ""


_SET_ASIDE = DeliveryStatus.SET_ASIDE.value


def set_aside(*, limit: int) -> list[dict[str, Any]]:
    """What could not be processed, oldest first; bodies stay where they are."""
    found = collection(WebhookDelivery).find({"status": _SET_ASIDE}, {"body": 0})
    return list(found.sort("position", 1).limit(limit))


def count_set_aside(*, limit: int) -> int:
    return collection(WebhookDelivery).count_documents(
        {"status": _SET_ASIDE}, hint=SET_ASIDE_INDEX, limit=limit
    )


def hand_out_again(key: str, *, seen: int, session: ClientSession) -> bool:
    """As if it had not been tried. `seen`: how often it was; False when it does not lie aside, or
    was tried since."""
    changes = {"status": DeliveryStatus.RECEIVED.value, "attempts": 0, "retry_at": None}
    aside = {"_id": key, "status": _SET_ASIDE, "attempts": seen}
    found = collection(WebhookDelivery).update_one(aside, {"$set": changes}, session=session)
    return found.modified_count == 1


def find(key: str) -> DeliveryRow | None:
    return collection(WebhookDelivery).find_one({"_id": key})
