"""The archive: rows leave and nothing is lost, once, repeated and at once; readers see both, and a command
moves them."""

from datetime import timedelta

import pytest
from django.core.management import CommandError, call_command

from bench.archive import fill
from ground import clock
from ground.mongodb.collections import collection
from tests.factories import NOW
from tests.ground.plans import recorded
from tests.tips.calls import bought, everything, request, send, settle, succeeded, tip, tip_id
from tests.tips.segments import DAYS, LATER, end, hot, log, moved, proven, refused, rows, run, small, states
from tips.log import archive, eventlog, events
from tips.models import (
    ArchivedTipActivated,
    ArchiveManifest,
    ArchiveRun,
    QueueRequest,
    RequestStatus,
    TipActivated,
)
from tips.queue import requests as queue

__all__ = ["log", "small"]
pytestmark = pytest.mark.django_db


# --- once, repeated, concurrent ----------------------------------------------------------------------------


def test_old_rows_move_unchanged(log):
    before = rows(0)
    assert moved(run()) == (8, 8, 6, 0)
    assert rows(0) == [[], []]
    assert rows(1) == before
    assert set(states().values()) == {"deleted"}
    assert proven(8) == 6


def test_a_repeat_changes_nothing(log):
    run()
    before = [everything(), rows(1), list(collection(ArchiveManifest).find())]
    assert moved(run()) == (0, 0, 0, 0)
    assert [everything(), rows(1), list(collection(ArchiveManifest).find())] == before


def test_one_run_archives_at_a_time(log, in_threads):
    def attempt():
        try:
            return moved(run())
        except archive.AlreadyRunning:
            return (0, 0, 0, 0)

    results = in_threads(attempt, times=8, workers=4)
    assert [sum(part) for part in zip(*results, strict=True)] == [8, 8, 6, 0]
    assert proven(8) == 6


def test_a_run_that_died_is_followed_when_its_lease_is_over(log):
    collection(ArchiveRun).insert_one({"_id": "archive", "owner": "dead", "until": LATER + archive.LEASE})
    with pytest.raises(archive.AlreadyRunning):
        run()
    assert states() == {}
    assert moved(run(LATER + archive.LEASE))[:2] == (8, 8)
    assert collection(ArchiveRun).count_documents({}) == 0


def test_a_manifest_says_what_the_segment_holds(log):
    logged = list(collection(TipActivated).find().sort("sequence", 1))
    run()
    first, _, last = collection(ArchiveManifest).find({"kind": "events"}).sort("_id", 1)
    assert (first["_id"], first["count"], first["first_position"], first["last_position"]) == (
        "events/00000001",
        3,
        1,
        3,
    )
    assert (last["count"], last["first_position"], last["last_position"]) == (2, 7, 8)
    assert first["first_digest"] == events.row_digest(logged[0]) == logged[1]["previous_hash"]
    assert first["last_digest"] == logged[3]["previous_hash"]
    assert first["before"] == LATER - 90 * DAYS
    assert {row["segment"] for row in collection(ArchivedTipActivated).find({"sequence": {"$lte": 3}})} == {
        first["_id"]
    }


# --- what goes and what stays ------------------------------------------------------------------------------


def test_younger_rows_stay(log):
    bought(1000)
    succeeded(9)
    settle(LATER)
    end([9], LATER)
    assert moved(run())[:2] == (8, 8)
    assert hot() == [[tip_id(9)], [queue.request_id(tip_id(9))]]
    assert proven(9) == 6


def test_a_row_of_exactly_the_age_stays(log):
    assert moved(run(NOW + 90 * DAYS)) == (0, 0, 0, 0)
    assert moved(run(NOW + 90 * DAYS + timedelta(milliseconds=1)))[:2] == (8, 8)


def test_what_follows_is_chained_to_the_archive(log):
    run()
    succeeded(9)
    settle(LATER)
    assert eventlog.verify() == 9
    end([9], LATER)
    assert moved(run(LATER + 100 * DAYS)) == (1, 1, 2, 0)
    assert proven(9) == 8


@pytest.mark.parametrize("status", [RequestStatus.PENDING, RequestStatus.CLAIMED])
def test_a_request_that_has_not_ended_stays_and_its_event_goes(log, status):
    key = queue.request_id(tip_id(4))
    collection(QueueRequest).update_one({"_id": key}, {"$set": {"status": status.value, "finished_at": None}})
    assert moved(run())[:2] == (8, 7)
    assert hot() == [[], [key]]


@pytest.mark.parametrize("status", [RequestStatus.FAILED, RequestStatus.CANCELLED, RequestStatus.DEAD])
def test_every_ended_request_goes(log, status):
    collection(QueueRequest).update_one(
        {"_id": queue.request_id(tip_id(4))}, {"$set": {"status": status.value}}
    )
    assert moved(run())[:2] == (8, 8)


def test_a_request_never_goes_before_its_event(log):
    assert moved(run(limit=4)) == (4, 0, 2, 0)
    assert moved(run(limit=5)) == (4, 1, 3, 0)
    assert moved(run(limit=5)) == (0, 5, 2, 0)
    assert moved(run())[:2] == (0, 2)
    assert proven(8) == 8


def test_a_request_that_says_it_ended_before_its_event_began_waits_for_it(log):
    """Clocks of two machines may disagree; a hot event always finds its request in the queue."""
    bought(1000)
    succeeded(9)
    settle(LATER)
    end([9], NOW)
    assert moved(run())[:2] == (8, 8)
    assert hot()[1] == [queue.request_id(tip_id(9))]


def test_requests_of_other_kinds_need_no_event(log):
    row = request(1) | {
        "_id": "manual-1",
        "idempotency_key": "m1",
        "type": "lovense.test",
        "position": 10**18,
    }
    collection(QueueRequest).insert_one(row)
    assert moved(run())[:2] == (8, 9)


def test_a_request_answered_between_copy_and_delete_stays_as_it_became(log, monkeypatch):
    """The page of a dead request comes back after months, at the worst moment."""
    key = queue.request_id(tip_id(4))
    collection(QueueRequest).update_one({"_id": key}, {"$set": {"status": "dead"}})
    advance, late = archive._advance, [key]

    def advance_after_the_answer(manifest, changes):
        advance(manifest, changes)
        if manifest["_id"] == "requests/00000002" and late:
            queue.advance([late.pop()], RequestStatus.COMPLETED, now=LATER)

    monkeypatch.setattr(archive, "_advance", advance_after_the_answer)
    run()
    assert hot() == [[], [key]]
    assert queue.find(key)["status"] == "completed"
    assert (
        run(LATER + 200 * DAYS).moved.total() == 0
    )  # it stays: the segment keeps what its manifest vouches for
    assert proven(8) == 6


# --- readers see both --------------------------------------------------------------------------------------


def test_an_event_and_a_request_are_found_wherever_they_lie(log):
    first = eventlog.find(tip_id(1))
    wanted = queue.find(queue.request_id(tip_id(1)), "status")
    run(limit=4)
    for number in range(1, 9):
        assert eventlog.find(tip_id(number)).sequence == number
    run()
    archived = eventlog.find(tip_id(1))
    assert (archived.payload, archived.payload_hash) == (first.payload, first.payload_hash)
    assert queue.find(queue.request_id(tip_id(1)), "status") == wanted
    assert eventlog.find(tip_id(99)) is None
    assert queue.find("nobody") is None


def test_the_feed_reads_on_from_the_archive_into_the_log(log):
    whole = eventlog.after(0, limit=100)
    run(limit=4)
    assert eventlog.after(0, limit=100) == whole
    assert [row["sequence"] for row in eventlog.after(2, limit=4)] == [3, 4, 5, 6]
    assert eventlog.after(8, limit=4) == []


def test_the_newest_events_are_shown_wherever_they_lie(log):
    for limit in (4, 8):
        run(limit=limit)
        assert [row.sequence for row in eventlog.latest(5)] == [8, 7, 6, 5, 4]
    assert [row.sequence for row in eventlog.latest(50)] == [8, 7, 6, 5, 4, 3, 2, 1]


def test_the_log_is_walked_whole_while_it_moves(log, monkeypatch):
    monkeypatch.setattr(eventlog, "PAGE", 2)
    assert eventlog.verify(progress=lambda rows: run(limit=1)) == 8
    assert rows(0)[0] == []


def test_a_row_is_found_between_its_copy_and_its_deletion(log, monkeypatch):
    seen = []
    advance = archive._advance

    def look(manifest, changes):
        seen.append((eventlog.verify(), len(eventlog.after(0, limit=10)), eventlog.find(tip_id(2)).sequence))
        advance(manifest, changes)

    monkeypatch.setattr(archive, "_advance", look)
    run()
    assert seen == [(8, 8, 2)] * 12


# --- an archived tip counts once ---------------------------------------------------------------------------


def test_an_archived_tip_sent_again_is_answered_and_changes_nothing(log):
    run()
    before = [everything(), rows(1)]
    deliveries = before[0].pop("WebhookDelivery")
    status, answer = send("tip.succeeded", tip(3, 103))
    assert (status, answer) == (200, {"received": True, "tipId": tip_id(3)})
    settle(LATER)
    after = [everything(), rows(1)]
    again = after[0].pop("WebhookDelivery")
    assert after == before
    assert len(again) == len(deliveries) + 1
    assert send("tip.succeeded", tip(3, 999))[0] == 409


def test_an_archived_tip_settled_again_changes_nothing(log):
    """As if the mark on its delivery had been lost."""
    run()
    before = [everything(), rows(1)]
    from ground.inbox.models import WebhookDelivery

    collection(WebhookDelivery).update_many({}, {"$set": {"status": "received", "processed_at": None}})
    settle()
    assert [everything(), rows(1)] == before
    assert proven(8) == 6


# --- the command -------------------------------------------------------------------------------------------


@pytest.fixture
def aged(db, small):
    """Five tips of a hundred days ago, by the real clock."""
    fill(5, at=clock.now() - 100 * DAYS)


def printed(capsys, *words):
    call_command("archive_events", *words)
    return capsys.readouterr().out


def test_the_command_moves_what_is_older_than_90_days(aged, capsys):
    assert printed(capsys) == "5 events and 5 requests archived in 4 segments\n"
    assert printed(capsys) == "0 events and 0 requests archived in 0 segments\n"
    assert printed(capsys, "--verify") == "4 segments verified\n"


def test_a_dry_run_moves_nothing(aged, capsys):
    assert printed(capsys, "--dry-run") == "5 events and 5 requests are old enough; nothing was moved\n"
    assert printed(capsys, "--dry-run", "--older-than-days", "101").startswith("0 events and 0 requests")
    assert states() == {}
    assert rows(1) == [[], []]


def test_a_limit_is_kept(aged, capsys):
    assert printed(capsys, "--limit", "2") == "2 events and 0 requests archived in 1 segments\n"
    assert printed(capsys, "--limit", "4") == "3 events and 1 requests archived in 2 segments\n"


def test_the_command_says_that_it_finished_an_earlier_run(aged, capsys, monkeypatch):
    monkeypatch.setattr(archive, "_finish", lambda manifest, time: None)
    printed(capsys, "--limit", "3")
    monkeypatch.undo()
    assert printed(capsys) == "2 events and 5 requests archived in 2 segments, 1 of an earlier run finished\n"


def test_the_command_says_why_it_does_not_run_twice(aged):
    collection(ArchiveRun).insert_one(
        {"_id": "archive", "owner": "other", "until": clock.now() + archive.LEASE}
    )
    assert "Another run is archiving" in refused("archive_events")


@pytest.mark.parametrize(
    "words",
    [
        ("--older-than-days", "0"),
        ("--older-than-days", "-1"),
        ("--limit", "0"),
        ("--limit", "²"),
        ("--dry-run", "--verify"),
    ],
)
def test_a_wrong_option_is_refused(db, words):
    with pytest.raises(CommandError):
        call_command("archive_events", *words)


# --- plans -------------------------------------------------------------------------------------------------


def test_no_look_up_scans_the_log_or_the_archive(log):
    run(limit=4)
    with recorded() as plans:
        eventlog.find(tip_id(1))
        eventlog.after(0, limit=5)
        eventlog.latest(5)
        queue.find(queue.request_id(tip_id(1)))
        archive.verify()
        list(archive._old_events(LATER))
    assert [
        plan for plan in plans if not plan.is_indexed and plan.collection != ArchiveManifest._meta.db_table
    ] == []
