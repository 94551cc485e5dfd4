"""The stored event log, read as one whether a row is still in the hot collection or in the archive;
and its proof.

Rows are only ever added, and moved unchanged, so the log may be read while tips settle and while
rows move. A row is copied before its original goes: who looks at the hot collection first and at
the archive second sees every row."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import datetime
from types import MappingProxyType

from ground.mongodb.collections import collection
from tips.log import events
from tips.models import ArchivedTipActivated, ChainHead, LoggedEvent, TipActivated
from tips.rows import EventRow, HeadRow

PAGE = 1000
_BOTH: tuple[type[LoggedEvent], ...] = (TipActivated, ArchivedTipActivated)


def length() -> int:
    return int(head()["sequence"])


def length_at(moment: datetime, *, at_least: int = 0) -> int:
    """How long it was at that moment: found by halving, since its rows follow each other in
    time. `at_least`: how long it is known to have been."""
    least, most = at_least, length()
    while least < most:
        middle = (least + most + 1) // 2
        row = collection(TipActivated).find_one({"sequence": middle}, {"created_at": 1})
        if row is None or row["created_at"] <= moment:  # the archive has the beginning
            least = middle
        else:
            most = middle - 1
    return least


def find(tip_id: str) -> LoggedEvent | None:
    """The tip's event, or None when it has none."""
    for model in _BOTH:
        if found := model._default_manager.filter(pk=tip_id).first():
            return found
    return None


def of(tip_ids: Sequence[str]) -> dict[str, EventRow]:
    """The rows of these tips' events, by tip id."""
    found = {
        row["_id"]: row for row in collection(TipActivated).find({"_id": {"$in": list(tip_ids)}})
    }
    missing = [tip_id for tip_id in tip_ids if tip_id not in found]
    archived = (
        collection(ArchivedTipActivated).find({"_id": {"$in": missing}}, {"segment": 0})
        if missing
        else ()
    )
    return found | {row["_id"]: row for row in archived}


def latest(limit: int) -> list[LoggedEvent]:
    """The newest rows, newest first."""
    found: list[LoggedEvent] = list(TipActivated.objects.order_by("-sequence")[:limit])
    if len(found) < limit:
        older = ArchivedTipActivated.objects.order_by("-sequence")
        found += (older.filter(sequence__lt=found[-1].sequence) if found else older)[
            : limit - len(found)
        ]
    return found


def after(sequence: int, *, limit: int, parts: Sequence[str] = ()) -> list[EventRow]:
    """The rows that follow row number `sequence`, in order; with `parts`, only these of their
    payloads and no other column."""
    return _rows(sequence, min(sequence + limit, length()), parts)


def row(sequence: int) -> EventRow:
    """Raises events.BrokenChain when there is none of this number."""
    for found in _rows(sequence - 1, sequence):
        return found
    raise events.BrokenChain(sequence, "is missing")


def digest_of(sequence: int) -> str:
    """What the row after this one carries as its `previous_hash`."""
    return events.row_digest(row(sequence)) if sequence else events.GENESIS


def verify(
    *,
    kept: Mapping[int, str] = MappingProxyType({}),
    progress: Callable[[int], object] = lambda rows: None,
) -> int:
    """How many rows are proven, up to the chain's head of this moment; raises events.BrokenChain at
    the first bad one.

    `kept` are digests of rows that were noted earlier, by the row's number.
    """
    end = head()
    count = events.verify(
        _walk(end["sequence"]),
        kept=kept,
        progress=progress,
        head_sequence=end["sequence"],
        head_digest=end["digest"],
    )
    if beyond := [sequence for sequence in kept if sequence > end["sequence"]]:
        raise events.BrokenChain(
            end["sequence"] + 1,
            f"is missing, and so is all up to row {max(beyond)}, which once was there",
        )
    for model in _BOTH:
        # The head moves in the transaction that appends: read after a row, it is never behind it.
        last = collection(model).find_one(
            {"sequence": {"$gt": end["sequence"]}}, sort=[("sequence", -1)]
        )
        if last is not None and last["sequence"] > (now := head())["sequence"]:
            raise events.BrokenChain(now["sequence"] + 1, "lies beyond the chain's head")
    return count


def verify_around(sequence: int) -> int:
    """A row with the one before it and the one after: how many are proven. Raises
    events.BrokenChain at the first bad one."""
    before, end = max(sequence - 2, 0), head()
    rows = _rows(before, min(sequence + 1, end["sequence"]))
    if all(row["sequence"] != sequence for row in rows):
        raise events.BrokenChain(sequence, "is missing")
    last = rows[-1]["sequence"]
    try:
        previous = rows[0]["previous_hash"] if before else events.GENESIS
        is_end = last == end["sequence"]
        digest = end["digest"] if is_end else events.row_digest(rows[-1])
    except (KeyError, AttributeError, TypeError, ValueError):
        raise events.BrokenChain(sequence, "a field beside it is missing") from None
    events.verify(rows, after=before, previous=previous, head_sequence=last, head_digest=digest)
    return len(rows)


def _walk(end: int) -> Iterator[EventRow]:
    for start in range(0, end, PAGE):
        yield from _rows(start, min(start + PAGE, end))


def _rows(start: int, end: int, parts: Sequence[str] = ()) -> list[EventRow]:
    """Rows start + 1 to end, in order; one that is in neither collection is left out."""
    wanted = {"sequence": {"$gt": start, "$lte": end}}
    shown = {"sequence": 1, **{f"payload.{part}": 1 for part in parts}} if parts else None
    found = (
        {row["sequence"]: row for row in collection(TipActivated).find(wanted, shown)}
        if start < end
        else {}
    )
    if len(found) < end - start:
        archived = collection(ArchivedTipActivated).find(wanted, shown or {"segment": 0})
        found = {row["sequence"]: row for row in archived} | found
    return [found[number] for number in sorted(found)]


def head() -> HeadRow:
    found: HeadRow | None = collection(ChainHead).find_one({"_id": events.HEAD})
    return found or {"_id": events.HEAD, "sequence": 0, "digest": events.GENESIS}
