"""The whole stored inbox, fed again into an empty database; and what comes out differently there.

Of the original, only its deliveries are taken, and the moments at which it worked: which deliveries
it settled together, and when it looked at tips whose time was over. At the same moments the same
rules must give the same tips, balances, entries and events, apart from the ids and times that a
server itself gives. A database that works meanwhile cannot be compared."""

from collections.abc import Callable, Iterable, Iterator
from datetime import UTC, datetime
from itertools import groupby, islice
from typing import TypeVar

from django.conf import settings
from django.db import models
from pymongo.collection import Collection
from pymongo.database import Database

from ground.inbox import inbox
from ground.json.fields import Malformed
from ground.mongodb import collections
from ground.mongodb.collections import Document
from ledger.books import comparison
from ledger.books.comparison import BOOKS, Difference, Kind, without
from ledger.gateway import InsufficientFunds
from tips.intake import acceptance, payloads
from tips.models import ArchivedTipActivated, ChainHead, Tip, TipActivated
from tips.settlement import settlement

T = TypeVar("T")
Progress = Callable[[int], object]

SCHEDULE = "replay_schedule"  # a scratch collection of the new database, gone at the end
PAGE = 500
ORDER = [("turn", 1), ("at", -1), ("position", 1)]


class NotEmpty(Exception):
    """A replay begins with nothing: what is there already would be compared as if it had come from
    the inbox."""


class NotOurs(Exception):
    """Only the embedded books can be filled again; another ledger's entries are not ours to
    post."""


def check(target: Database[Document]) -> None:
    """May this database be filled? Nothing has been written yet."""
    if settings.LEDGER_GATEWAY != "embedded" or not settings.LEDGER_PLACES_TIPS:
        raise NotOurs("Only the embedded ledger can be replayed, where it places the tips.")
    if target.list_collection_names():
        raise NotEmpty(f"The database {target.name!r} is not empty.")


def size(original: Database[Document]) -> int:
    """About how many steps a replay and its comparison take."""
    return 2 * inbox.size(original) + sum(comparison.size(original, kind) for kind in KINDS)


def standing(original: Database[Document]) -> tuple[int, int]:
    """Changes when the original works on: then what differs proves nothing."""
    head = _of(original, ChainHead).find_one() or {"sequence": 0}
    return inbox.size(original), int(head["sequence"])


# --- feeding: in here the models are those of the new database -----------------------------------


def feed(original: Database[Document], *, progress: Progress) -> Iterator[Difference]:
    """Every delivery through the inbox, then the settlement of each moment. Yields what can no
    longer be read."""
    schedule = collections.current()[SCHEDULE]
    schedule.create_index(ORDER)
    schedule.create_index("at")
    for rows in _pages(inbox.history(original, payloads.SOURCES)):
        yield from _accept(rows)
        _insert(schedule, (_planned(row) for row in rows if row["subject"] and row["processed_at"]))
        progress(len(rows))
    _insert(schedule, _looks(original))
    _keep_order(original, schedule)
    for _, turn in groupby(schedule.find().sort(ORDER), key=lambda row: (row["turn"], row["at"])):
        progress(_settle(list(turn)))
    schedule.drop()


def _accept(rows: list[Document]) -> Iterator[Difference]:
    calls = []
    for row in rows:
        body = bytes(row["body"])
        try:
            message = payloads.parse(body)
        except Malformed as bad:
            yield Difference(f"delivery {row['_id']}", f"can no longer be read: {bad}")
            continue
        times = {"position": row["position"], "received_at": row["received_at"]}
        calls.append(payloads.as_call(row["source"], _delivery_id(row), body, message, **times))
    acceptance.accept(calls)


def _delivery_id(row: Document) -> str:
    """A delivery under a used id carries its fingerprint behind the id; the inbox gives it one
    again."""
    sent: str = row["_id"].removeprefix(f"{row['source']}/")
    return sent.removesuffix(f"#{row['fingerprint'][:16]}")


def _planned(row: Document) -> Document:
    """Settled together is what was processed at one moment, in order of its position."""
    at = row["processed_at"]
    return {
        "_id": row["subject"],
        "turn": at,
        "at": at,
        "position": row["position"],
        "is_look": False,
    }


def _looks(original: Database[Document]) -> Iterator[Document]:
    """The moments at which tips came to their end; those without a delivery were looks at tips
    whose time was over."""
    ended = {"$or": [{"settled_at": {"$ne": None}}, {"failure_reason": InsufficientFunds.reason}]}
    moments: list[Document] = [
        {"$match": ended},
        {"$group": {"_id": {"$ifNull": ["$settled_at", "$ended_at"]}}},
    ]
    for row in _of(original, Tip).aggregate(moments, allowDiskUse=True):
        at = row["_id"]
        yield {
            "_id": f"look/{at.isoformat()}",
            "turn": at,
            "at": at,
            "position": -1,
            "is_look": True,
        }


def _keep_order(original: Database[Document], schedule: Collection[Document]) -> None:
    """Two processes may settle at once, and the one that began first may end last: the log's order
    is the true one."""
    latest: Document = {"sequence": 0, "created_at": datetime.min.replace(tzinfo=UTC)}
    wanted = {"_id": 0, "created_at": 1, "sequence": 1}
    for model in EVENTS.places:
        # A row that is being archived is in both places for a moment.
        rows = _of(original, model).find(
            {"sequence": {"$gt": latest["sequence"]}}, wanted, batch_size=PAGE
        )
        for row in rows.sort("sequence", 1):
            if row["created_at"] < latest["created_at"]:
                schedule.update_many(
                    {"at": row["created_at"]}, {"$set": {"turn": latest["created_at"]}}
                )
            else:
                latest = row


def _settle(rows: list[Document]) -> int:
    """One moment of the original; how many deliveries it settled."""
    subjects, at = [row["_id"] for row in rows if not row["is_look"]], rows[0]["at"]
    if subjects:
        settlement.settle(inbox.waiting_of(subjects), now=at)
    else:
        # Everything is in the inbox from the beginning here: what had been read by then is planned.
        settlement.end_grace_until(at, now=at, limit=settings.DRAIN_LIMIT)
    return len(subjects)


# --- comparing -----------------------------------------------------------------------------------


def _event(row: Document) -> Document:
    """An event without its ids and times; its place in the log and its content remain."""
    payload = without("eventId", "eventTimestamp", "createdAt")(row["payload"])
    payload["ledger"] = without("postedAt")(payload["ledger"])
    payload["settlement"] = without("settledAt")(payload["settlement"])
    return {
        "sequence": row["sequence"],
        "ledger_id": row["ledger_id"],
        "source_ref": row["source_ref"],
        "payload": payload,
    }


EVENTS = Kind(
    "event", (ArchivedTipActivated, TipActivated), _event
)  # the archive is the beginning of the log
KINDS = (
    # Which of two equal deliveries came first is the wire's doing; what they said is compared.
    Kind(
        "tip", (Tip,), without("created_at", "settled_at", "ended_at", "funding_until", "delivery")
    ),
    *BOOKS,
    EVENTS,
)


def differences(
    original: Database[Document], replayed: Database[Document], *, progress: Progress
) -> Iterator[Difference]:
    for kind in KINDS:
        yield from comparison.differences(kind, original, replayed, progress=progress)


def _of(where: Database[Document], model: type[models.Model]) -> Collection[Document]:
    return where[model._meta.db_table]


def _insert(where: Collection[Document], rows: Iterable[Document]) -> None:
    for page in _pages(rows):
        where.insert_many(page, ordered=False)


def _pages(rows: Iterable[T]) -> Iterator[list[T]]:
    left = iter(rows)
    while page := list(islice(left, PAGE)):
        yield page
