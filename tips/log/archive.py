"""The archive: events and finished requests leave the hot collections after their time, and nothing
about them is lost.

Rows move in segments. A segment is copied, then a manifest vouches for it, then it is read back and
compared, and only then do the originals go. Each step is one fact that the next run finds, so a run
may die anywhere. Events move in the order of their chain and only when it holds; a request never
leaves before its event. Tips and deliveries stay where they are: they are what makes a tip count
once."""

import hashlib
import uuid
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from itertools import islice, takewhile
from typing import Any, cast

import orjson
from django.db import models
from pymongo import ReplaceOne
from pymongo.errors import DuplicateKeyError
from pymongo.read_concern import ReadConcern

from ground import clock
from ground.mongodb import unique
from ground.mongodb.collections import Document, collection
from tips.log import events
from tips.models import (
    ArchivedQueueRequest,
    ArchivedTipActivated,
    ArchiveManifest,
    ArchiveRun,
    QueueRequest,
    RequestStatus,
    SegmentState,
    TipActivated,
)
from tips.rows import EventRow

SEGMENT_ROWS = 1000  # what is in memory at a time
RUN = "archive"
LEASE = timedelta(seconds=15)  # renewed before every segment, which takes a fraction of one
FINISHED = [
    RequestStatus.COMPLETED.value,
    RequestStatus.FAILED.value,
    RequestStatus.CANCELLED.value,
    RequestStatus.DEAD.value,
]
COPIED, VERIFIED, DELETED = (
    SegmentState.COPIED.value,
    SegmentState.VERIFIED.value,
    SegmentState.DELETED.value,
)
_MAJORITY = ReadConcern("majority")

Progress = Callable[[int], object]


class SegmentDamaged(Exception):
    """The archive's rows are not what the segment's manifest says; nothing is deleted on the
    strength of it."""


class AlreadyRunning(Exception):
    """One run archives at a time; a run that died is followed once its lease is over."""


@dataclass(frozen=True, slots=True)
class ArchivedKind:
    """One kind of row that is archived: from where, to where, in which order."""

    name: str
    source: type[models.Model]
    archive: type[models.Model]
    position: str
    old: Callable[[datetime], Document]  # the filter of what may go; also the guard of the delete
    digest: Callable[[Any], str]

    @property
    def manifests(self) -> Document:
        """Keys are `<kind>/<number>`; '0' follows '/' in ASCII, so this range is exactly the kind's
        own."""
        return {"_id": {"$gte": f"{self.name}/", "$lt": f"{self.name}0"}}

    def last(self) -> Document | None:
        return collection(ArchiveManifest).find_one(self.manifests, sort=[("_id", -1)])


@dataclass(slots=True)
class Report:
    """What a run moved, by kind; `resumed` counts the segments that an earlier run had left
    unfinished."""

    moved: Counter[str] = field(default_factory=Counter)
    segments: int = 0
    resumed: int = 0


def line(row: Mapping[str, Any]) -> bytes:
    """A row's canonical bytes: what a segment's sha256 is taken over, one line a row."""
    return orjson.dumps(
        row, option=orjson.OPT_SORT_KEYS | orjson.OPT_UTC_Z | orjson.OPT_APPEND_NEWLINE, default=str
    )


def _line_digest(row: Mapping[str, Any]) -> str:
    return hashlib.sha256(line(row)).hexdigest()


def _old_event(before: datetime) -> Document:
    return {"created_at": {"$lt": before}}


def _old_request(before: datetime) -> Document:
    return {"status": {"$in": FINISHED}, "finished_at": {"$lt": before}}


EVENTS = ArchivedKind(
    "events", TipActivated, ArchivedTipActivated, "sequence", _old_event, events.row_digest
)
REQUESTS = ArchivedKind(
    "requests", QueueRequest, ArchivedQueueRequest, "position", _old_request, _line_digest
)
KINDS = (EVENTS, REQUESTS)


# --- a run ---------------------------------------------------------------------------------------


def waiting(*, before: datetime) -> dict[str, int]:
    """How many rows of each kind are old enough to go."""
    return {kind.name: collection(kind.source).count_documents(kind.old(before)) for kind in KINDS}


def run(
    *,
    before: datetime,
    limit: int | None = None,
    time: Callable[[], datetime] = clock.now,
    progress: Progress = lambda rows: None,
) -> Report:
    """Archives what is older than `before`, at most `limit` rows; first it finishes what an earlier
    run began."""
    report = Report()
    with _alone(time) as still_alone:
        for manifest in _unfinished():
            still_alone()
            _finish(manifest, time)
            report.resumed += 1
        for kind, candidates in ((EVENTS, _old_events), (REQUESTS, _old_requests)):
            rows = islice(
                candidates(before), None if limit is None else limit - report.moved.total()
            )
            while segment := list(islice(rows, SEGMENT_ROWS)):
                still_alone()
                _archive(kind, segment, before, time)
                report.moved[kind.name] += len(segment)
                report.segments += 1
                progress(len(segment))
    return report


@contextmanager
def _alone(time: Callable[[], datetime]) -> Iterator[Callable[[], None]]:
    """Holds the one lease of archiving; the function it gives renews it."""
    owner, runs = uuid.uuid4().hex, collection(ArchiveRun)

    def renew() -> None:
        now = time()
        free = {"_id": RUN, "$or": [{"owner": owner}, {"until": {"$lte": now}}]}
        try:
            runs.update_one(free, {"$set": {"owner": owner, "until": now + LEASE}}, upsert=True)
        except DuplicateKeyError:
            raise AlreadyRunning from None

    renew()
    try:
        yield renew
    finally:
        runs.delete_one({"_id": RUN, "owner": owner})


def _unfinished() -> list[Document]:
    """At most one of a kind: a run begins a segment when the one before it is finished."""
    last = (kind.last() for kind in KINDS)
    return [manifest for manifest in last if manifest is not None and manifest["state"] != DELETED]


def _old_events(before: datetime) -> Iterator[Document]:
    """The beginning of the log, up to the first row that stays: the archive is always a prefix of
    the chain."""
    rows = collection(TipActivated).find({}, batch_size=SEGMENT_ROWS).sort("sequence", 1)
    return takewhile(lambda row: row["created_at"] < before, rows)


def _old_requests(before: datetime) -> Iterator[Document]:
    """In no order: the oldest lie first anyway, and an index would be paid by every tip."""
    last = EVENTS.last()
    is_free = {
        "$or": [
            {"type": {"$ne": events.EVENT_NAME}},
            {"position": {"$lte": last["last_position"] if last else 0}},
        ]
    }
    rows = collection(QueueRequest).find(_old_request(before) | is_free, batch_size=SEGMENT_ROWS)
    while some := list(islice(rows, SEGMENT_ROWS)):
        sealed = _sealed([row["_id"] for row in some])
        yield from (row for row in some if row["_id"] not in sealed)


def _sealed(ids: list[str]) -> set[str]:
    """Requests that were archived, and then changed before the original was deleted (an answer
    months late): the changed row stays where it is, for the segment's rows must stay what its
    manifest says."""
    copies = {
        row["_id"]: row["segment"]
        for row in collection(ArchivedQueueRequest).find({"_id": {"$in": ids}}, {"segment": 1})
    }
    known = collection(ArchiveManifest).find(
        {"_id": {"$in": list(set(copies.values()))}}, {"_id": 1}
    )
    segments = {row["_id"] for row in known}
    return {key for key, segment in copies.items() if segment in segments}


# --- a segment -----------------------------------------------------------------------------------


def _archive(
    kind: ArchivedKind, rows: list[Document], before: datetime, time: Callable[[], datetime]
) -> None:
    last = kind.last()
    if kind is EVENTS:
        _check_chain(cast(list[EventRow], rows), last)
    rows.sort(key=lambda row: (row[kind.position], row["_id"]))
    number = int(last["_id"].rpartition("/")[2]) + 1 if last else 1
    manifest = _manifest(kind, f"{kind.name}/{number:08d}", rows, before, time())
    _copy(kind, rows, manifest["_id"])
    collection(ArchiveManifest).insert_one(manifest)
    _finish(manifest, time)


def _check_chain(rows: list[EventRow], last: Document | None) -> None:
    """A log that was tampered with is not tidied away: raises events.BrokenChain."""
    after, previous = (last["last_position"], last["last_digest"]) if last else (0, events.GENESIS)
    length, digest = rows[-1]["sequence"], events.row_digest(rows[-1])
    events.verify(rows, after=after, previous=previous, head_sequence=length, head_digest=digest)


def _manifest(
    kind: ArchivedKind, segment: str, rows: list[Document], before: datetime, now: datetime
) -> Document:
    return {
        "_id": segment,
        "kind": kind.name,
        "state": COPIED,
        **_proof(kind, rows),
        "before": before,
        "created_at": now,
        "verified_at": None,
        "deleted_at": None,
    }


def _proof(kind: ArchivedKind, rows: list[Document]) -> Document:
    whole = hashlib.sha256()
    for row in rows:
        whole.update(line(row))
    return {
        "count": len(rows),
        "sha256": whole.hexdigest(),
        "first_position": rows[0][kind.position],
        "last_position": rows[-1][kind.position],
        "first_digest": kind.digest(rows[0]),
        "last_digest": kind.digest(rows[-1]),
    }


def _copy(kind: ArchivedKind, rows: Iterable[Document], segment: str) -> None:
    """A run that died before its manifest may have left copies, of these rows or of more: those are
    nobody's now."""
    archive = collection(kind.archive)
    archive.update_many({"segment": segment}, {"$set": {"segment": ""}})
    copies = [row | {"segment": segment} for row in rows]
    if unique.insert(kind.archive, copies):
        archive.bulk_write(
            [ReplaceOne({"_id": copy["_id"]}, copy, upsert=True) for copy in copies], ordered=False
        )


def _finish(manifest: Document, time: Callable[[], datetime]) -> None:
    """From whatever state it is in; what is deleted was read back just before, by this very
    call."""
    kind = next(kind for kind in KINDS if kind.name == manifest["kind"])
    rows = _read_back(kind, manifest)
    _advance(manifest, {"state": VERIFIED, "verified_at": time()})
    ids = [row["_id"] for row in rows]
    collection(kind.source).delete_many({"_id": {"$in": ids}, **kind.old(manifest["before"])})
    _advance(manifest, {"state": DELETED, "deleted_at": time()})


def _advance(manifest: Document, changes: Document) -> None:
    collection(ArchiveManifest).update_one({"_id": manifest["_id"]}, {"$set": changes})


def _read_back(kind: ArchivedKind, manifest: Document) -> list[Document]:
    """The segment's rows as the archive durably has them; raises SegmentDamaged unless they are
    exactly the manifest's."""
    archive = collection(kind.archive).with_options(read_concern=_MAJORITY)
    rows = list(archive.find({"segment": manifest["_id"]}, {"segment": 0}).limit(SEGMENT_ROWS + 1))
    rows.sort(key=lambda row: (row[kind.position], row["_id"]))
    if len(rows) != manifest["count"]:
        raise SegmentDamaged(
            f"segment {manifest['_id']} has {len(rows)} rows, its manifest says {manifest['count']}"
        )
    found = _proof(kind, rows)
    for name, value in found.items():
        if manifest[name] != value:
            raise SegmentDamaged(
                f"segment {manifest['_id']}: its rows do not give the manifest's {name}"
            )
    return rows


# --- proof ---------------------------------------------------------------------------------------


def segments() -> int:
    return collection(ArchiveManifest).estimated_document_count()


def verify(*, progress: Progress = lambda segments: None) -> int:
    """How many segments hold: each has exactly the rows of its manifest, and those of the events
    follow one another.

    Raises SegmentDamaged at the first that does not.
    """
    count = 0
    for kind in KINDS:
        before: Document | None = None
        for manifest in collection(ArchiveManifest).find(kind.manifests).sort("_id", 1):
            rows = _read_back(kind, manifest)
            if kind is EVENTS:
                _follows(manifest, rows[0], before)
            before = manifest
            count += 1
            progress(1)
    return count


def _follows(manifest: Document, first: Document, before: Document | None) -> None:
    end = (before["last_position"], before["last_digest"]) if before else (0, events.GENESIS)
    if (first["sequence"] - 1, first["previous_hash"]) != end:
        raise SegmentDamaged(f"segment {manifest['_id']} does not follow the one before it")
