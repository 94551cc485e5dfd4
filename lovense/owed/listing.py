"""What is owed, as it is read: by its performer, by the page of a tip, and by the proof that every
promise adds up. Nothing is decided here."""

from collections.abc import Callable, Iterator, Sequence
from datetime import datetime
from itertools import islice

from ground import clock
from ground.json.errors import Refusal
from ground.mongodb.collections import collection
from lovense.deciding.activation import FINAL
from lovense.models import Activation, Owed, OwedState
from lovense.owed import owing
from lovense.rows import ActivationRow, OwedRow
from tips.rows import Statement

SLICE = 50
READ_AT_ONCE = 1000
COUNTED = 100  # of hers that are open; beyond that there are many
_SUMS = (
    *("promised_seconds", "delivered_seconds", "status", "attempts", "owes_since"),
    *("is_measured", "is_rehearsal"),
)
_OVER = {"status": {"$in": [status.value for status in FINAL]}}


class NoSuchPlaceAmongOwed(Refusal):
    """A slice goes on from where the one before it ended."""

    code, status = "invalid", 400
    words = "Some fields are wrong; see details."
    details = {"after": ["Not a place of this list."]}


def newest(
    performer_id: str, *, after: str = "", state: str = "", limit: int = SLICE
) -> tuple[list[OwedRow], str]:
    """Hers, what ended last comes first; with the place from which the next slice goes on, empty at
    the end."""
    wanted: Statement = {"performer_id": performer_id, **_beyond(after)}
    if state:
        wanted["state"] = state
    order = [("ended_at", -1), ("_id", -1)]
    rows = list(collection(Owed).find(wanted).sort(order).limit(limit + 1))
    if len(rows) <= limit:
        return rows, ""
    last = rows[limit - 1]
    return rows[:limit], f"{clock.iso(last['ended_at'])}/{last['_id']}"


def _beyond(after: str) -> Statement:
    if not after:
        return {}
    moment, _, key = after.partition("/")
    try:
        at: datetime = clock.parse(moment)
    except ValueError:
        raise NoSuchPlaceAmongOwed from None
    return {"$or": [{"ended_at": {"$lt": at}}, {"ended_at": at, "_id": {"$lt": key}}]}


def still_open(performer_id: str) -> list[tuple[str, int]]:
    """Of those of hers that nobody has decided the newest, at most COUNTED: which, and how much."""
    wanted = {"performer_id": performer_id, "state": OwedState.OPEN.value}
    found = collection(Owed).find(wanted, {"owed": 1})
    newest_first = found.sort([("ended_at", -1), ("_id", -1)]).limit(COUNTED)
    return [(row["_id"], row["owed"]) for row in newest_first]


def of(activation_ids: Sequence[str]) -> dict[str, OwedRow]:
    """What these owe, by activation."""
    if not activation_ids:
        return {}
    found = collection(Owed).find({"_id": {"$in": list(activation_ids)}})
    return {row["_id"]: row for row in found}


# --- the proof -----------------------------------------------------------------------------------


def size() -> int:
    return int(collection(Activation).estimated_document_count())


def differences(*, progress: Callable[[int], object] = lambda rows: None) -> Iterator[str]:
    """A line for each activation whose seconds do not add up. What has ended in this moment, and is
    not kept yet, is looked at the next time."""
    wanted = dict.fromkeys(_SUMS, 1)
    rows = iter(collection(Activation).find({}, wanted, batch_size=READ_AT_ONCE))
    while some := list(islice(rows, READ_AT_ONCE)):
        ended = [row for row in some if _is_kept(row)]
        owed = of([row["_id"] for row in ended])
        for row in ended:
            if said := owing.difference(row, owed.get(row["_id"])):
                yield from _still(row["_id"], said)
        progress(len(some))


def _is_kept(row: ActivationRow) -> bool:
    return row["status"] in _OVER["status"]["$in"] and row.get("owes_since") is None


def _still(key: str, said: str) -> Iterator[str]:
    """Two looks are two moments: what has moved between them is not believed."""
    row = collection(Activation).find_one({"_id": key, **_OVER}, dict.fromkeys(_SUMS, 1))
    if row is not None and _is_kept(row) and owing.difference(row, of([key]).get(key)):
        yield said
