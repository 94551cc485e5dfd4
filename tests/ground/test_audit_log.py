"""The audit log: an entry is written with what it tells of, and then never again."""

import pytest
from django.conf import settings
from django.test import RequestFactory
from pymongo.errors import PyMongoError

from config.requests import AuditOriginMiddleware
from ground.audit import log as audit_log
from ground.audit.models import AppendOnly, AuditEntry
from ground.mongodb import transactions
from tests.factories import NOW
from tests.rules import BASE, FLOORS

pytestmark = pytest.mark.django_db


def record(**more):
    audit_log.record(
        **{"kind": "lane", "action": "pause", "by": "ana", "target": "lane-1", "lane": "lane-1", "now": NOW}
        | more
    )


def test_an_entry_says_who_did_what_when_and_why_and_what_it_was_before():
    record(before={"mode": "fifo"}, after={"mode": "batch"}, why="a party")
    (entry,) = audit_log.of("lane-1", limit=9)
    del entry["_id"]
    assert entry == {
        **{
            "type": "lane",
            "action": "pause",
            "actor": "ana",
            "target": "lane-1",
            "lane": "lane-1",
            "at": NOW,
        },
        **{
            "before": {"mode": "fifo"},
            "after": {"mode": "batch"},
            "why": "a party",
            "hashed_ip": None,
            "success": True,
        },
    }
    assert audit_log.of_lane("lane-1", limit=9)[0]["why"] == "a party"
    assert audit_log.of("lane-2", limit=9) == []


def test_the_newest_is_first_and_no_more_than_asked_for():
    for why in ("first", "second", "third"):
        record(why=why)
    assert [entry["why"] for entry in audit_log.of("lane-1", limit=2)] == ["third", "second"]


def test_without_the_change_there_is_no_entry():
    def body(session):
        record(session=session)
        raise ValueError

    with pytest.raises(ValueError):  # noqa: PT011
        transactions.run(body)
    assert audit_log.of("lane-1", limit=9) == []


def test_nobody_changes_or_removes_an_entry():
    record()
    entry = AuditEntry.objects.get()
    for attempt in (
        entry.save,
        entry.delete,
        AuditEntry.objects.all().delete,
        lambda: AuditEntry.objects.update(actor="bob"),
        lambda: AuditEntry.objects.create(actor="bob", at=NOW),
        lambda: AuditEntry.objects.bulk_create([AuditEntry(actor="bob", at=NOW)]),
        lambda: AuditEntry.objects.bulk_update([entry], ["actor"]),
    ):
        with pytest.raises(AppendOnly):
            attempt()
    assert [row["actor"] for row in audit_log.of("lane-1", limit=9)] == ["ana"]


def test_only_the_trail_writes_it():
    """Past the model's guard there is the collection: one module of ours takes it in its hands."""
    files = [file for floor in FLOORS for file in (BASE / floor).rglob("*.py")]
    takers = {
        str(file.relative_to(BASE))
        for file in files
        if "collection(AuditEntry" in file.read_text(encoding="utf-8")
    }
    assert takers == {"ground/audit/log.py"}


def test_an_address_is_told_by_its_hash_alone():
    with audit_log.coming_from("203.0.113.9"):
        record()
        record()
    with audit_log.coming_from("203.0.113.10"):
        record()
    record()
    hashes = [entry["hashed_ip"] for entry in audit_log.of("lane-1", limit=9)]
    assert hashes[0] is None
    assert hashes[2] == hashes[3] != hashes[1]
    assert "203" not in "".join(filter(None, hashes))
    assert settings.SECRET_KEY not in str(hashes)


def test_a_door_says_where_a_change_came_from(db):
    """Every HTTP request runs inside it."""
    seen = []
    AuditOriginMiddleware(lambda request: seen.append(audit_log.hashed(audit_log._address.get())))(
        RequestFactory().get("/")
    )
    assert seen == [audit_log.hashed("127.0.0.1")]
    assert audit_log._address.get() == ""


def test_what_is_too_long_is_cut_and_not_refused(db):
    record(why="x" * 500, by="y" * 500)
    (entry,) = audit_log.of("lane-1", limit=1)
    assert (len(entry["why"]), len(entry["actor"])) == (audit_log.LONGEST_WHY, audit_log.LONGEST_ACTOR)


def test_an_entry_that_cannot_be_written_is_an_error(fail_command):
    fail_command("insert", errorCode=8000)
    with pytest.raises(PyMongoError):
        record()
