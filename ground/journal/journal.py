"""The journal: what happened in one moment is one entry, durable or not; the rows that everybody
reads are unfolded from it, each entry once.

An entry is one document under the next number, written with the majority. Whoever writes number
n + 1 has worked on what 1 to n left; of two writers one insert wins, and the other forgets what it
worked out. `keys` are unique over all entries: that is what "once" means here.

Unfolding is one transaction that also moves the watermark, so rows go from one whole state to the
next, and anybody may do it: the watermark says whose was first. The journal knows no content; each
floor registers a section. A change of the rows that is worked out from the rows themselves (a
careful settlement, a control) takes its turn: its transaction is an entry of its own, without
content, and begins where every earlier entry is unfolded."""

import logging
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Protocol, TypeVar

from django.db import IntegrityError, models
from django.dispatch import Signal
from pymongo import ReturnDocument
from pymongo.client_session import ClientSession
from pymongo.errors import BulkWriteError, DuplicateKeyError
from pymongo.write_concern import WriteConcern

from ground import clock, ids
from ground.journal.models import JournalEntry, JournalRefusal, JournalState
from ground.mongodb import transactions, unique
from ground.mongodb.collections import Document, collection

T = TypeVar("T")
Context = dict[str, Any]  # of one unfolding: what sections tell each other
log = logging.getLogger(__name__)

UNFOLDED, WRITER, OTHERS = "unfolded", "writer", "others"
AT_ONCE = 50  # entries unfolded by one transaction
MOST_TOLD = 1000  # turns of which a writer asks what they touched
TURNS = 60  # how often a turn is tried before we believe that something else is wrong
LARGEST = 2**63 - 1
# What is left of an entry once it is trimmed; a turn has nothing else.
KEPT = ("_id", "by", "at", "keys", "touched")
_FAST = WriteConcern(1)  # followed by a majority write of the rows: the oplog is ordered

# Sent after a turn, in the process that took it: a writer has to read again.
turned = Signal()


class NumberTaken(Exception):
    """Another writer was first: what was worked out in memory is not so."""


class KeyTaken(Exception):
    """Something in this entry has happened before."""


class NotAtRest(Exception):
    """Entries are there that are not unfolded yet: the rows are not the last word."""


class Overtaken(Exception):
    """Somebody else has unfolded these entries."""


class Gap(Exception):
    """An entry is missing: nothing after it may be believed, and a person must look."""


class NoTurn(Exception):
    """Others were always faster."""


@dataclass(frozen=True, slots=True)
class Touched:
    """What a turn changes that a writer remembers: accounts of the books, and lanes. None:
    whichever."""

    accounts: frozenset[str] | None = frozenset()
    lanes: frozenset[str] | None = frozenset()

    def as_document(self) -> Document:
        return {"accounts": _listed(self.accounts), "lanes": _listed(self.lanes)}


def _listed(names: frozenset[str] | None) -> list[str] | None:
    return None if names is None else sorted(names)


EVERYTHING = Touched(accounts=None, lanes=None)
BOOKS = Touched(accounts=None)
LANES = Touched(lanes=None)


def of_lane(lane: str) -> Touched:
    return Touched(lanes=frozenset({lane}))


@dataclass(slots=True)
class Entry:
    """`memory` is what its writer still has of it and a reader makes again."""

    document: Document
    memory: dict[str, Any] = field(default_factory=dict)

    @property
    def number(self) -> int:
        return int(self.document["_id"])


class Section(Protocol):
    """What one floor unfolds. `context` is one unfolding's own: what was learned since the entries
    were written comes in it, and sections leave each other word there."""

    def before(self, entries: Sequence[Entry], context: Context) -> None:
        """Outside the transaction; may be done again for ever."""

    def write(
        self, entries: Sequence[Entry], context: Context, *, session: ClientSession | None
    ) -> None:
        """Inside the transaction; may be run again, and is committed once. Without a session row by
        row, after the whole was refused."""


_sections: dict[str, Section] = {}


def register(name: str, section: Section) -> None:
    """In the order of the floors, from below; a repeat replaces."""
    _sections[name] = section


# --- writing -------------------------------------------------------------------------------------


def append(document: Document) -> None:
    """Makes an entry durable. NumberTaken or KeyTaken: it is not, and never will be."""
    try:
        collection(JournalEntry).insert_one(document)
    except DuplicateKeyError as error:
        raise refusal_of(error.details or {}) from None


def refusal_of(failure: Mapping[str, Any]) -> NumberTaken | KeyTaken:
    return KeyTaken() if "keys" in failure.get("keyPattern", {}) else NumberTaken()


def find(number: int) -> Document | None:
    return collection(JournalEntry).find_one({"_id": number})


def number_of(written: str) -> int | None:
    """The entry that has this key or, if none has, this number."""
    row = collection(JournalEntry).find_one({"keys": written, "_id": {"$lte": LARGEST}}, {"_id": 1})
    if row:
        return int(row["_id"])
    is_number = written.isascii() and written.isdigit() and len(written) < len(str(LARGEST))
    return int(written) if is_number else None


def is_trimmed(row: Document) -> bool:
    """Whether only the frame of an entry is left, of one that had a content."""
    return "touched" not in row and all(name in KEPT for name in row)


def last() -> int:
    """The number of the newest entry; 0 when there is none."""
    numbered = collection(JournalEntry).find({"_id": {"$lte": LARGEST}}, {"_id": 1})
    row = next(iter(numbered.sort("_id", -1).limit(1)), None)
    return int(row["_id"]) if row else 0


def take_keys(groups: Sequence[Iterable[str]]) -> list[bool]:
    """Takes the keys of each call that goes into the inbox; True where one of them was taken
    before, so that the rows have to be asked."""
    rows = [_key_row(list(keys)) for keys in groups]
    if not rows:
        return []
    try:
        collection(JournalEntry, _FAST).insert_many(rows, ordered=False)
        return [False] * len(rows)
    except BulkWriteError as error:
        places = {clash.place for clash in unique.clashes(error)}
    alone = [key for place in places for key in rows[place]["keys"]]
    if alone:
        singles = [_key_row([key]) for key in alone]
        try:
            collection(JournalEntry, _FAST).insert_many(singles, ordered=False)
        except BulkWriteError as error:
            unique.clashes(error)
    return [place in places for place in range(len(rows))]


def _key_row(keys: list[str]) -> Document:
    return {"_id": f"inbox/{ids.fresh()}", "by": "inbox", "at": clock.now(), "keys": keys}


def known(keys: Sequence[str]) -> set[str]:
    """Those of these keys that an entry or the inbox has taken."""
    wanted = set(keys)
    found = collection(JournalEntry).find({"keys": {"$in": list(wanted)}}, {"keys": 1})
    return {key for row in found for key in row["keys"]} & wanted


# --- unfolding -----------------------------------------------------------------------------------


def unfolded() -> int:
    row = collection(JournalState).find_one({"_id": UNFOLDED}, {"number": 1})
    return int(row["number"]) if row else 0


def behind() -> tuple[int, datetime | None]:
    """How many entries are not unfolded, and when the oldest of them was written."""
    number = unfolded()
    following = {"_id": {"$gt": number, "$lte": LARGEST}}  # the next one, or what follows a gap
    oldest: list[Document] = [
        {"$match": following},
        {"$sort": {"_id": 1}},
        {"$limit": 1},
        {"$project": {"at": 1}},
    ]
    newest = [
        {"$match": following},
        {"$sort": {"_id": -1}},
        {"$limit": 1},
        {"$project": {"_id": 1}},
    ]
    union = {"$unionWith": {"coll": JournalEntry._meta.db_table, "pipeline": newest}}
    found = list(collection(JournalEntry).aggregate([*oldest, union]))
    return (int(found[-1]["_id"]) - number, found[0]["at"]) if found else (0, None)


def unfold(entries: Sequence[Entry], context: Context | None = None) -> None:
    """Writes the rows of these entries, which follow the watermark, and moves it; Overtaken when
    somebody else was first. Without entries only what the context has learned is written.

    The entries are durable, so rows and watermark need not be: a server that loses both unfolds
    again. Hence nothing may be in the context of an unfolding that no entry says."""
    context = {} if context is None else context
    for section in _sections.values():
        section.before(entries, context)
    if not entries:
        return
    try:
        transactions.run(lambda session: _write(entries, context, session), is_durable=False)
    except (IntegrityError, BulkWriteError, DuplicateKeyError) as error:
        log.error("unfolding_refused", extra={"error_code": type(error).__name__})
        _unfold_apart(entries, context)


def _write(entries: Sequence[Entry], context: Context, session: ClientSession | None) -> None:
    if session is not None:
        _move_watermark(entries, session)
    for section in _sections.values():
        section.write(entries, context, session=session)
    if session is None:
        _move_watermark(entries, session)


def _move_watermark(entries: Sequence[Entry], session: ClientSession | None) -> None:
    from_, to = entries[0].number - 1, entries[-1].number
    moved = collection(JournalState).update_one(
        {"_id": UNFOLDED, "number": from_},
        {"$set": {"number": to}},
        session=session,
    )
    if not moved.matched_count:
        raise Overtaken


def _unfold_apart(entries: Sequence[Entry], context: Context) -> None:
    """A row that an index refuses must hold up nobody: each entry alone, and of the one that has it
    each row alone. What is left out is kept for a person (`refuse`)."""
    if len(entries) > 1:
        for entry in entries:  # each with all that was learned
            unfold([entry], context)
    else:
        _write(entries, context, None)


def insert(
    model: type[models.Model],
    rows: Sequence[Any],
    *,
    session: ClientSession | None,
    are_large: bool = False,
) -> None:
    """For sections: all of them in the transaction; outside of one each alone, and those that are
    there already stay as they are. `are_large`: more than a few kilobytes each."""
    if not rows:
        return
    if session is not None:
        if are_large:
            collection(model).insert_many(rows, session=session)
        else:
            unique.insert_small(model, rows, session=session)
        return
    for clash in unique.insert(model, rows):
        if clash.fields != ("_id",):
            refuse(model, rows[clash.place])


def refuse(model: type[models.Model], row: Document) -> None:
    """Something that should be unique is not: a person must look."""
    key = f"{model._meta.db_table}/{row['_id']}"
    log.error("row_refused", extra={"error_code": model._meta.db_table})
    unique.insert(JournalRefusal, [{"_id": key, "row": repr(row["_id"]), "at": clock.now()}])


def refused(*, limit: int) -> int:
    return collection(JournalRefusal).count_documents({"_id": {"$gt": ""}}, limit=limit)


def refusals(*, limit: int) -> list[Document]:
    """The rows that were left out, by the collection in which they are missing."""
    return list(collection(JournalRefusal).find({"_id": {"$gt": ""}}).sort("_id", 1).limit(limit))


def catch_up() -> int:
    """Unfolds whatever is durable and not unfolded, whoever wrote it; the watermark then."""
    while True:
        number = unfolded()
        following = {"_id": {"$gt": number, "$lte": LARGEST}}
        rows = collection(JournalEntry).find(following).sort("_id", 1).limit(AT_ONCE)
        entries = [Entry(row) for row in rows]
        if not entries:
            return number
        if entries[0].number != number + 1:
            raise Gap(f"{number + 1} is missing before {entries[0].number}")
        with suppress(Overtaken):
            unfold(entries)


# --- turns ---------------------------------------------------------------------------------------


def run(
    body: Callable[[ClientSession], T],
    *,
    touched: Touched | Callable[[T], Touched],
    now: datetime,
) -> T:
    """Runs the body in one transaction that takes the next number, where all before it is unfolded;
    so it sees the last word, and no writer goes on with what it remembers of what this changes.

    `touched`, or what tells it from the body's result."""
    for _ in range(TURNS):
        try:
            result = transactions.run(lambda session: _in_turn(body, touched, now, session))
        except NotAtRest:
            catch_up()
            continue
        turned.send(None)
        return result
    raise NoTurn


def _in_turn(
    body: Callable[[ClientSession], T],
    touched: Touched | Callable[[T], Touched],
    now: datetime,
    session: ClientSession,
) -> T:
    state: Any = collection(JournalState).find_one_and_update(
        {"_id": UNFOLDED},
        {"$inc": {"number": 1}},
        return_document=ReturnDocument.AFTER,
        session=session,
    )
    number, rows = state["number"], collection(JournalEntry)
    said = (touched if isinstance(touched, Touched) else EVERYTHING).as_document()
    entry = {"_id": number, "by": "turn", "at": now, "touched": said}
    try:
        rows.insert_one(entry, session=session)
    except DuplicateKeyError:
        raise NotAtRest from None
    result = body(session)
    if not isinstance(touched, Touched):
        said = touched(result).as_document()
        rows.update_one({"_id": number}, {"$set": {"touched": said}}, session=session)
    return result


def touched_since(before: int, number: int) -> Touched:
    """What the entries after `before` touched that its writer did not write; everything where one
    of them is another writer's."""
    if number == before:
        return Touched()
    if number - before > MOST_TOLD:  # as for a writer that begins
        return EVERYTHING
    after = {"_id": {"$gt": before, "$lte": number}}
    rows = list(collection(JournalEntry).find(after, {"touched": 1}))
    told = [row.get("touched") for row in rows]
    if len(rows) != number - before or None in told:
        return EVERYTHING
    # Turns that said only whether the books were touched are of an earlier release.
    return Touched(
        accounts=_all_of(
            each.get("accounts", [] if not each.get("books") else None) for each in told
        ),
        lanes=_all_of(each["lanes"] for each in told),
    )


def _all_of(parts: Iterable[list[str] | None]) -> frozenset[str] | None:
    listed = list(parts)
    return None if None in listed else frozenset(name for part in listed for name in part or ())


# --- who writes ----------------------------------------------------------------------------------


def take_pen(holder: str, *, now: datetime, until: datetime) -> bool:
    """Promises that this process is the writer until then, unless another one is. Only a courtesy
    among writers: the numbers decide."""
    free = {"_id": WRITER, "$or": [{"holder": holder}, {"until": {"$lte": now}}]}
    changes = {"$set": {"holder": holder, "until": until}}
    try:
        collection(JournalState).update_one(free, changes, upsert=True)
    except DuplicateKeyError:
        return False
    return True


def writer() -> str:
    """Who was the last to be the writer."""
    row = collection(JournalState).find_one({"_id": WRITER}, {"holder": 1})
    return row["holder"] if row else ""


def note_other(*, until: datetime) -> None:
    """A process stores calls beside the writer, until then."""
    collection(JournalState).update_one({"_id": OTHERS}, {"$max": {"until": until}}, upsert=True)


def has_others(*, now: datetime) -> bool:
    """Whether another process stores calls beside the writer: they come before what it hears
    later."""
    return collection(JournalState).find_one({"_id": OTHERS, "until": {"$gt": now}}) is not None


def lay_down_pen(holder: str, *, now: datetime) -> None:
    mine = {"_id": WRITER, "holder": holder}
    collection(JournalState).update_one(mine, {"$set": {"until": now}})


def has_writer(*, now: datetime) -> bool:
    return collection(JournalState).find_one({"_id": WRITER, "until": {"$gt": now}}) is not None
