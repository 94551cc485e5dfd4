"""A log of small segments and its archive: a run, what it moved, what is where, a row changed behind its
back, and the command's refusal."""

from datetime import timedelta

import pytest
from django.core.management import CommandError, call_command

from ground.mongodb.collections import collection
from tests.factories import NOW
from tests.tips.calls import bought, settle, succeeded, tip_id
from tips.log import archive, eventlog
from tips.models import (
    ArchivedQueueRequest,
    ArchivedTipActivated,
    ArchiveManifest,
    QueueRequest,
    RequestStatus,
    TipActivated,
)
from tips.queue import requests as queue

DAYS = timedelta(days=1)
LATER = NOW + 100 * DAYS  # everything of NOW is older than 90 days by then
KINDS = ((TipActivated, ArchivedTipActivated), (QueueRequest, ArchivedQueueRequest))


@pytest.fixture
def small(monkeypatch):
    """Segments of three."""
    monkeypatch.setattr(archive, "SEGMENT_ROWS", 3)


@pytest.fixture
def log(db, small):
    """Eight settled tips whose requests have ended: three segments of each kind."""
    tips(8)


def tips(count):
    bought(100_000)
    for number in range(1, count + 1):
        succeeded(number, 100 + number)
    settle()
    end(range(1, count + 1))


def end(numbers, now=NOW):
    ids = [queue.request_id(tip_id(number)) for number in numbers]
    assert queue.advance(ids, RequestStatus.COMPLETED, now=now) == len(ids)


def run(now=LATER, **more):
    return archive.run(before=now - 90 * DAYS, time=lambda: now, **more)


def moved(report):
    return report.moved["events"], report.moved["requests"], report.segments, report.resumed


def hot():
    """The sequence numbers still in the hot collections."""
    return [
        [row["_id"] for row in collection(model).find({}, {"_id": 1}).sort("_id", 1)] for model, _ in KINDS
    ]


def rows(place):
    """Every row of the hot collections (0) or of the archive (1), without the archive's own mark."""
    return [list(collection(pair[place]).find({}, {"segment": 0}).sort("_id", 1)) for pair in KINDS]


def states():
    return {row["_id"]: row["state"] for row in collection(ArchiveManifest).find().sort("_id", 1)}


def proven(count):
    assert eventlog.verify() == eventlog.length() == count
    return archive.verify()


def archived(number, **values):
    assert (
        collection(ArchivedTipActivated).update_one({"_id": tip_id(number)}, {"$set": values}).modified_count
        == 1
    )


def refused(*words):
    with pytest.raises(CommandError) as caught:
        call_command(*words)
    assert caught.value.returncode == 1
    return str(caught.value)
