"""What the journal's entries say of activations and of their requests, as rows.

An end that is known when a start is unfolded is written with it: the row is born finished. Ends of
older rows are recorded first, as any acknowledgement is, and free their lanes for what follows."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from pymongo.client_session import ClientSession
from pymongo.errors import DuplicateKeyError

from ground.journal import journal
from ground.journal.journal import Context, Entry
from ground.mongodb.collections import Document, collection
from lovense.deciding import pace, standings, stock
from lovense.deciding.activation import REQUEST_STATUS, S
from lovense.deciding.shortfall import is_short
from lovense.models import Activation, StockPiece
from lovense.sending import acknowledgement
from lovense.sending.acknowledgement import Ack
from tips.models import QueueRequest, RequestStatus
from tips.queue import requests as queue
from tips.settlement import projection

ENDS = "ends"  # in the context: acknowledgements that no entry carries yet
STARTS = "starts"  # in the context: the activations of these entries, as they are now
TAKEN = "taken"  # in the context: what these starts take of items that do not always answer
PACED = "paced"  # in an entry: the limit per minute under which its starts count


def end(ack: Ack) -> Document:
    """A plain end as an entry carries it."""
    return {
        "a": ack.activation_id,
        "p": ack.performer_id,
        "s": ack.delivered_seconds,
        "at": ack.at,
        "n": ack.attempt,
    }


def _ack(said: Document) -> Ack:
    return Ack(said["p"], said["a"], said["n"], "finished", said["at"], said["s"], is_answer=True)


class Activations:
    def before(self, entries: Sequence[Entry], context: Context) -> None:
        ends = _ends(entries, context)
        rows = {row["_id"]: row for entry in entries for row in entry.document.get("starts", ())}
        older = [ack for key, ack in ends.items() if key not in rows]
        if older:
            acknowledgement.acknowledge(older)
        for entry in entries:
            _count(entry)
        context[STARTS] = []
        changes: dict[str, Document] = {}
        for entry in entries:
            for start in entry.document.get("starts", ()):
                row = with_end(start, ends.get(start["_id"]))
                context[STARTS].append(row)
                changes[row["request_id"]] = request_of(row, entry.document["mark"])
        context[projection.REQUESTS] = changes
        context[TAKEN] = _taken(entries, context[STARTS])

    def write(
        self, entries: Sequence[Entry], context: Context, *, session: ClientSession | None
    ) -> None:
        journal.insert(Activation, context[STARTS], session=session)
        new: set[str] = context[projection.NEW]
        later: dict[str, Document] = context[projection.REQUESTS]
        _claim({key: row for key, row in later.items() if key not in new}, session)
        _take(context[TAKEN], session)


def _ends(entries: Sequence[Entry], context: Context) -> dict[str, Ack]:
    """By activation: said again, it is the same."""
    said: Iterable[Ack] = [
        *(_ack(each) for entry in entries for each in entry.document.get("ends", ())),
        *context.get(ENDS, ()),
    ]
    return {ack.activation_id: ack for ack in said}


def with_end(row: Document, ack: Ack | None) -> Document:
    """As it is after the end that is known of it; pure."""
    if ack is None or S(row["status"]) is not S.DISPATCHED:
        return row
    ended = row | {
        "status": S.COMPLETED.value,
        "finished_at": ack.at,
        "delivered_seconds": ack.delivered_seconds,
        "reason": "",
    }
    owes = is_short(row["promised_seconds"], ack.delivered_seconds)
    return ended | {"owes_since": ack.at} if owes else ended


@dataclass(frozen=True, slots=True)
class _Taken:
    """`noted`: what started; `pieces`, each as it is by now; `played`: activations of earlier
    pieces, whose runs have ended."""

    noted: list[Any]
    pieces: list[Document]
    played: list[str]


def _taken(entries: Sequence[Entry], starts: Sequence[Any]) -> _Taken:
    over = {row["_id"] for row in starts if row["status"] == S.COMPLETED}
    played = [key for entry in entries for key in entry.document.get("played", ())]
    return _Taken(
        [row for row in starts if row["dispatched_at"] is not None],
        [
            piece | {"state": stock.PLAYED} if piece["activation"] in over else piece
            for entry in entries
            for piece in entry.document.get("pieces", ())
        ],
        [key for key in played if key not in over],
    )


def _take(taken: _Taken, session: ClientSession | None) -> None:
    standings.note(taken.noted, session)
    journal.insert(StockPiece, taken.pieces, session=session)
    if taken.played:
        stock.played(taken.played, session)


def request_of(row: Document, mark: Document) -> Document:
    """What a start, or an end without playing, makes of its request."""
    status = S(row["status"])
    # A lane in memory tries nothing a second time, and decides in the moment in which it claims.
    claimed = mark | {"attempts": 1, "claimed_at": row["created_at"]}
    if status is S.DISPATCHED:
        return claimed
    ended = REQUEST_STATUS.get(status, RequestStatus.COMPLETED)
    return claimed | {
        "status": ended.value,
        "finished_at": row["finished_at"],
        "lease_until": None,
    }


def _claim(changes: dict[str, Document], session: ClientSession | None) -> None:
    """Requests that had waited as rows. Alike ones share a statement."""
    alike: dict[tuple[Any, ...], list[str]] = {}
    for key, change in changes.items():
        alike.setdefault(tuple(sorted(change.items())), []).append(key)
    for made, keys in alike.items():
        guard = {"_id": {"$in": keys}, "status": queue.PENDING}
        try:
            collection(QueueRequest).update_many(guard, {"$set": dict(made)}, session=session)
        except DuplicateKeyError:
            if session is not None:
                raise
            _claim_apart(keys, dict(made))


def _claim_apart(keys: Sequence[str], made: Document) -> None:
    """Another request has this lane, although nobody gave it away: it is kept for a person."""
    for key in keys:
        try:
            collection(QueueRequest).update_one(
                {"_id": key, "status": queue.PENDING}, {"$set": made}
            )
        except DuplicateKeyError:
            journal.refuse(QueueRequest, {"_id": key})


def _count(entry: Entry) -> None:
    limit = entry.document.get(PACED, 0)
    started: list[str] = [
        row["performer_id"]
        for row in entry.document.get("starts", ())
        if row["status"] == S.DISPATCHED
    ]
    if limit and started:
        pace.count(started, limit=limit, now=entry.document["at"], is_named=True)
