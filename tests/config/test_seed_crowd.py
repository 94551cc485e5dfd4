"""`manage.py seed_history --tips`: many performers, whose tips have all their facts; provable, the same
again, and again where it was broken off."""

from itertools import pairwise

import pytest
from bson import ObjectId, json_util
from django.core.management import call_command
from django.core.management.base import CommandError
from pymongo.errors import OperationFailure

from adminpanel.watch import provers
from config.seeds import history, trail
from config.seeds.crowd import CrowdSize
from config.seeds.history import DAY
from config.seeds.slices import SliceWriter
from ground.audit.models import AuditEntry
from ground.inbox.models import WebhookDelivery
from ground.journal.models import JournalState
from ground.mongodb import collections
from ground.mongodb.collections import collection
from ledger.models import Posting
from lovense.deciding.activation import FINAL
from lovense.deciding.gates import decide
from lovense.models import Activation, Owed, PerformerHour, Show
from tests.factories import NOW
from tips.log import eventlog
from tips.models import QueueRequest, Tip, TipActivated
from tips.queue.requests import TURNS_PER_EVENT

SIZE = CrowdSize(performers=3, tips=90, activations=1400, audit=70, days=4)
NOT_COMPARED = {"auth_user", "authtoken_token", "django_migrations", "django_content_type", "auth_permission"}
SEEDED_TRAIL = {"action": {"$in": [*trail.DEEDS, "resume"]}}


class BrokenOff(Exception):
    pass


class Progress:
    """Counts, and breaks off after so many."""

    def __init__(self, most=10**9):
        self.rows, self.most = 0, most

    def __call__(self, rows):
        self.rows += rows
        if self.rows >= self.most:
            raise BrokenOff


def make(progress=None, size=SIZE, seed=7):
    return history.make_crowd(size, seed=seed, now=NOW, progress=progress or Progress())


def proven():
    assert "the books agree" in provers.books_and_journal()
    assert f"{SIZE.tips} rows verified" in provers.log()
    assert f"{SIZE.tips} settled tips agree" in provers.proof()
    assert f"{SIZE.activations} activations read, their seconds add up" in provers.seconds()


def counted():
    models = (WebhookDelivery, Tip, Posting, TipActivated, QueueRequest, Activation)
    return [collection(model).count_documents({"_id": {"$exists": 1}}) for model in models]


def whole():
    """Each tip has its delivery, posting, event, request and activation; purchases are the rest."""
    tips, bought = SIZE.tips, collection(Posting).count_documents({"_id": {"$regex": "^(?!TIP_)"}})
    assert counted() == [tips + bought, tips, tips + bought, tips, SIZE.activations, SIZE.activations]
    assert collection(AuditEntry).count_documents(SEEDED_TRAIL) == SIZE.audit


def test_tips_have_all_their_facts_and_tests_have_no_money(db):
    assert make() == ["history-1", "history-2", "history-3"]
    whole()
    proven()
    assert "everything is the same" in provers.replayed()
    tests = {"tip_id": None, "event_id": None, "status": "completed", "attempt": 1}
    assert collection(Activation).count_documents(tests) == SIZE.activations - SIZE.tips
    asked = {"type": "lovense.test", "status": "completed", "submitted_by": {"$regex": "^history-"}}
    assert collection(QueueRequest).count_documents(asked) == SIZE.activations - SIZE.tips
    assert set(collection(Activation).distinct("status")) <= {status.value for status in FINAL}


def test_her_shows_and_hours_hold_what_was_tipped(db):
    make()
    shows = list(collection(Show).find({"is_open": False, "sums": {"$ne": None}}))
    assert sum(show["sums"]["tips"] for show in shows) == SIZE.tips
    cells = [cell for row in collection(PerformerHour).find() for cell in row.get("cells", ())]
    assert sum(cell["tips"] for cell in cells) == SIZE.tips
    assert collection(PerformerHour).count_documents({"stale_since": {"$gt": NOW - 99 * DAY}}) == 0
    assert collection(Activation).count_documents({"owes_since": {"$ne": None}}) == 0
    assert collection(Owed).count_documents({}) > 0


def test_nothing_of_a_lane_plays_before_what_was_before_it_has_ended(db):
    make()
    for lane in collection(Activation).distinct("performer_id"):
        rows = list(collection(Activation).find({"performer_id": lane}).sort("created_at", 1))
        assert all(row["finished_at"] <= later["created_at"] for row, later in pairwise(rows))


def test_the_turn_of_a_test_comes_after_what_was_settled_before_it(db):
    make()
    tips = {row["sequence"]: row["created_at"] for row in collection(TipActivated).find()}
    tests = list(collection(QueueRequest).find({"type": "lovense.test"}))
    for row in tests:
        assert row["turn"] // TURNS_PER_EVENT == row["position"]
        assert tips[row["position"]] <= row["created_at"]
        assert row["position"] == SIZE.tips or row["created_at"] <= tips[row["position"] + 1]
    assert len({(row["lane"], row["turn"]) for row in tests}) == len(tests)


@pytest.mark.parametrize("most", [10, 600, 1000])
def test_it_goes_on_where_it_was_broken_off(db, most):
    """In an evening that goes step by step; in its slices, one of which is being written then."""
    with pytest.raises(BrokenOff):
        make(Progress(most))
    assert counted()[-1] < SIZE.activations
    progress = Progress()
    make(progress)
    assert progress.rows == SIZE.activations + SIZE.audit
    whole()
    proven()


@pytest.mark.parametrize("step", ["queue_requests", "activations", "audit_entries"])
def test_a_slice_that_was_broken_off_is_written_to_its_end(db, step):
    """Killed between its tips, which are there or not, and what follows them."""
    database = collections.current()
    kept = {"$jsonSchema": {"properties": {"idempotency_key": {"not": {"pattern": "^test-"}}}}}
    refusing = {
        "queue_requests": kept,
        "activations": {"tip_id": {"$ne": None}},
        "audit_entries": {"action": {"$nin": [*trail.DEEDS]}},
    }
    database.command("collMod", step, validator=refusing[step])
    with pytest.raises(OperationFailure, match="failed validation"):
        make()
    assert 0 < collection(Tip).count_documents({}) < SIZE.tips
    database.command("collMod", step, validator={})
    make()
    whole()
    proven()


def test_said_again_it_changes_nothing(db):
    make()
    before = {name: rows for name, rows in rows_of().items() if name not in NOT_THE_SAME_AGAIN}
    make()
    after = rows_of()
    assert {name for name, rows in before.items() if rows != after[name]} == set()


# What a repeat looks at: performers are calmed, and the trimming of the journal begins anew.
NOT_THE_SAME_AGAIN = {"journal_state", "journal_entries", "page_leases"}


def test_the_same_seed_and_moment_give_the_same_rows(db):
    first, again = made_twice()
    assert {name for name, rows in first.items() if rows != again[name]} == set()


def test_a_test_is_decided_like_another_as_the_rules_decide_each(db, monkeypatch):
    def by_the_rules(self, request, amount, now):
        return decide(request, self._rules, is_online=True, now=now)

    alike, each = made_twice(lambda: monkeypatch.setattr(SliceWriter, "_decided", by_the_rules))
    assert alike["activations"] == each["activations"]


def made_twice(between=lambda: None):
    database = collections.current()
    empty = {name: list(database[name].find()) for name in database.list_collection_names()}
    make()
    first = rows_of()
    for name in database.list_collection_names():
        database[name].delete_many({})
        if rows := empty.get(name):
            database[name].insert_many(rows)
    between()
    make()
    return first, rows_of()


def rows_of():
    database = collections.current()
    names = sorted({*database.list_collection_names()} - NOT_COMPARED)
    return {name: sorted(map(told, database[name].find({}, {"user_id": 0}))) for name in names}


def told(row):
    if str(row["_id"]).startswith("inbox/"):
        row.pop("at")  # by the clock
    kept = {name: value for name, value in row.items() if not isinstance(value, ObjectId)}
    return json_util.dumps(kept, sort_keys=True)


# --- where it is refused -----------------------------------------------------------------------------------


def test_it_is_refused_beside_tips_of_others(db, settings):
    settings.DEBUG = True
    collection(Tip).insert_one({"_id": "6" * 24})
    refused("no seed has made", "--tips=10")
    assert eventlog.length() == 0


def test_it_is_refused_where_nothing_was_migrated(db, settings):
    settings.DEBUG = True
    collection(JournalState).delete_many({})
    refused("manage.py migrate", "--tips=10")


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("--tips=11", "--activations=10"), "at least as many"),
        (("--tips=0",), "at least one"),
        (("--tips=1", "--audit=-1"), "at least one"),
        (("--tips=1", "--days=1", "--activations=401"), "at most 400"),
        (("--audit=5",), "--audit needs --tips"),
        (("--performers=3", "--activations=10"), "as many activations as another"),
    ],
)
def test_what_does_not_fit_is_refused(settings, arguments, words):
    settings.DEBUG = True
    refused(words, *arguments)


def refused(words, *arguments):
    with pytest.raises(CommandError, match=words) as found:
        call_command("seed_history", *arguments)
    assert found.value.returncode == 2
