"""The archive: rows leave and nothing is lost: once, repeated, concurrent, killed at every step; damage is
named, not tidied."""

import os
import subprocess
import sys
from datetime import timedelta

import pytest
from django.core.management import CommandError, call_command

from bench.archive import fill
from config.stack.processes import BASE_DIR
from ground import clock
from ground.mongodb.collections import client, collection
from tests import services
from tests.factories import NOW
from tests.ground.plans import recorded
from tests.tips.calls import bought, everything, request, send, settle, succeeded, tip, tip_id
from tips.log import archive, eventlog, events
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
from tips.queue import requests as queue

pytestmark = pytest.mark.django_db

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


# --- killed at every step ----------------------------------------------------------------------------------

STEPS = [
    ("insert", "archived_tip_activated_event_log", 0),  # before the first copy
    ("insert", "archive_manifests", 1),  # the second segment is copied and nothing vouches for it
    ("update", "archive_manifests", 0),  # copied
    ("delete", "tip_activated_event_log", 1),  # verified
    ("update", "archive_manifests", 3),  # deleted, and not yet said so
    ("insert", "archived_queue_requests", 0),
    ("insert", "archive_manifests", 3),
    ("delete", "queue_requests", 0),
    ("update", "archive_manifests", 5),
]


@pytest.fixture
def killed_at(fail_command):
    """`killed_at("delete", "queue_requests", 1)`: the real command, killed while that write (the second one)
    is on its way."""
    database = collection(TipActivated).database.name
    uri = services.running.mongodb_uri.replace("/tips?", f"/{database}?")
    admin = client().admin

    def kill(command, name, skip):
        data = {
            "failCommands": [command],
            "namespace": f"{database}.{name}",
            "blockConnection": True,
            "blockTimeMS": 30_000,
        }
        point = {"configureFailPoint": "failCommand", "mode": {"skip": skip}, "data": data}
        entered = admin.command(point)["count"]
        run = subprocess.Popen(
            [sys.executable, "manage.py", "archive_events"],
            cwd=BASE_DIR,
            env={**os.environ, "MONGODB_URI": uri},
        )
        admin.command({"waitForFailPoint": "failCommand", "timesEntered": entered + 1, "maxTimeMS": 60_000})
        run.kill()
        run.wait()
        _end_blocked(command, name)
        admin.command({"configureFailPoint": "failCommand", "mode": "off"})

    return kill


def _end_blocked(command, name):
    """The server would carry the dead client's write out when its block ends."""
    ours = [{"$currentOp": {}}, {"$match": {f"command.{command}": name, "active": True}}]
    while blocked := list(client().admin.aggregate(ours)):
        for operation in blocked:
            client().admin.command({"killOp": 1, "op": operation["opid"]})


@pytest.mark.parametrize("step", STEPS, ids=lambda step: f"{step[0]}-{step[1]}-{step[2]}")
def test_a_run_killed_at_any_step_is_finished_by_the_next(killed_at, written_elsewhere, step):
    fill(1200, at=clock.now() - 100 * DAYS)
    before = rows(0)
    killed_at(*step)
    assert [len(set(one) | set(other)) for one, other in zip(_ids(0), _ids(1), strict=True)] == [1200, 1200]
    assert eventlog.verify() == 1200
    now = clock.now() + archive.LEASE  # the dead run's lease is over
    archive.run(before=now - 90 * DAYS, time=lambda: now)
    assert rows(0) == [[], []]
    assert rows(1) == before
    assert set(states().values()) == {"deleted"}
    assert proven(1200) == 4


def _ids(place):
    return [[row["_id"] for row in found] for found in rows(place)]


@pytest.mark.parametrize("limit", [1, 2, 5])
def test_copies_that_nothing_vouches_for_are_taken_over(log, limit):
    """A run died before its manifest; the next takes fewer or more rows, so its segment is another."""
    copies = [
        row | {"segment": "events/00000001"}
        for row in collection(TipActivated).find().sort("sequence", 1).limit(3)
    ]
    collection(ArchivedTipActivated).insert_many(copies)
    assert eventlog.verify() == 8
    run(limit=limit)
    assert eventlog.verify() == 8
    assert archive.verify() == len(states())
    run()
    assert rows(0) == [[], []]
    proven(8)


# --- damage ------------------------------------------------------------------------------------------------


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


def test_a_changed_row_of_the_archive_is_named_by_the_chain_and_by_its_manifest(log):
    run(limit=6)
    archived(5, **{"payload.amount": 1})
    assert refused("verify_event_log") == "The event log is broken at row 5: its payload was changed."
    assert "segment events/00000002: its rows do not give the manifest's sha256" in refused(
        "archive_events", "--verify"
    )


def test_a_removed_row_of_the_archive_is_named(log):
    run(limit=6)
    collection(ArchivedTipActivated).delete_one({"_id": tip_id(2)})
    assert refused("verify_event_log") == "The event log is broken at row 2: is missing."
    assert "segment events/00000001 has 2 rows, its manifest says 3" in refused("archive_events", "--verify")


def test_a_changed_row_of_the_hot_log_is_named_after_an_intact_archive(log):
    run(limit=6)
    collection(TipActivated).update_one({"_id": tip_id(8)}, {"$set": {"event_id": "x"}})
    assert (
        refused("verify_event_log")
        == "The event log is broken at row 8: its columns and its payload disagree."
    )


def test_a_row_of_the_archive_beyond_the_head_is_found(log):
    run()
    row = collection(ArchivedTipActivated).find_one({"_id": tip_id(8)}) | {"_id": tip_id(9), "sequence": 9}
    collection(ArchivedTipActivated).insert_one(row)
    assert refused("verify_event_log") == "The event log is broken at row 9: lies beyond the chain's head."


def test_a_changed_request_of_the_archive_is_named(log):
    run()
    collection(ArchivedQueueRequest).update_one(
        {"_id": queue.request_id(tip_id(1))}, {"$set": {"attempts": 9}}
    )
    assert "segment requests/00000001: its rows do not give the manifest's sha256" in refused(
        "archive_events", "--verify"
    )


@pytest.mark.parametrize("name", ["sha256", "last_digest", "first_digest", "last_position", "first_position"])
def test_a_changed_manifest_is_named(log, name):
    run()
    wrong = 99 if name.endswith("position") else "0" * 64
    collection(ArchiveManifest).update_one({"_id": "events/00000002"}, {"$set": {name: wrong}})
    assert f"segment events/00000002: its rows do not give the manifest's {name}" in refused(
        "archive_events", "--verify"
    )


def test_a_removed_manifest_leaves_a_gap(log):
    run()
    collection(ArchiveManifest).delete_one({"_id": "events/00000002"})
    assert "segment events/00000003 does not follow the one before it" in refused(
        "archive_events", "--verify"
    )


def test_a_broken_log_is_not_archived_from_there_on(log):
    collection(TipActivated).update_one({"_id": tip_id(5)}, {"$set": {"event_id": "x"}})
    with pytest.raises(events.BrokenChain, match="row 5"):
        run()
    assert states() == {"events/00000001": "deleted"}
    assert hot()[0] == [tip_id(number) for number in range(4, 9)]
    assert len(hot()[1]) == 8


@pytest.mark.parametrize("state", [SegmentState.COPIED, SegmentState.VERIFIED])
def test_nothing_is_deleted_on_the_strength_of_a_damaged_copy(log, monkeypatch, state):
    """The copy rots between two runs: the originals stay, and the run says which segment it is."""
    monkeypatch.setattr(archive, "_finish", lambda manifest, time: None)
    run(limit=3)
    collection(ArchiveManifest).update_one({}, {"$set": {"state": state.value}})
    archived(2, payload_hash="0" * 64)
    monkeypatch.undo()
    for _ in range(2):
        with pytest.raises(archive.SegmentDamaged, match="events/00000001"):
            run()
    assert len(hot()[0]) == 8
    assert states() == {"events/00000001": state.value}


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
