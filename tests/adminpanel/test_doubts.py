"""What needs a person's look stays as a row: found and solved once, whatever happens meanwhile; taken, noted
and closed once for what was seen, and recorded."""

from datetime import timedelta

import pytest
from django.test import Client
from pymongo.errors import PyMongoError

from adminpanel.doubt import keeping, listing
from adminpanel.handling import doubts
from adminpanel.models import ReconciliationItem
from adminpanel.staff import enrol
from ground.audit.models import AuditEntry
from ground.inbox.models import WebhookDelivery
from ground.journal import journal
from ground.journal.models import JournalRefusal
from ground.mongodb.collections import collection
from ground.people import Role
from ledger.models import Posting
from tests.factories import NOW
from tests.ground.conftest import fail_command, in_threads
from tests.ground.plans import recorded, scans
from tests.lovense.conftest import in_collection
from tests.pages import inline_code, unlabelled_fields
from tips.models import Tip

__all__ = ["fail_command", "in_threads"]
pytestmark = pytest.mark.django_db
PAGE = "/staff/reconciliation"
OVER_LIMIT = 146  # nothing that is tried again
LATER = NOW + timedelta(hours=3)
TIP = "507f191e810c19729de860ea"


def doubted(key=TIP, code="not_posted"):
    row = {
        "_id": key,
        "source_ref": f"TIP_{key}",
        "needs_reconciliation": code,
        "created_at": NOW,
        "total": 100,
        "looks": 3,
    }
    row |= {
        "performer_id": "5" * 24,
        "performer_username": "ana",
        "next_look_at": None,
        "look_asked_at": None,
    }
    collection(Tip).replace_one({"_id": key}, row, upsert=True)


def cleared(key=TIP):
    collection(Tip).update_one({"_id": key}, {"$set": {"needs_reconciliation": ""}})


def refused():
    journal.refuse(Posting, {"_id": "TIP_1"})


def contradicted():
    row = {"_id": "payments/c", "status": "conflict", "repeats": f"tip.succeeded/{TIP}", "subject": None}
    row |= {"position": 5, "received_at": NOW, "error": "", "event_type": "tip.succeeded", "attempts": 0}
    collection(WebhookDelivery).insert_one(row)


def rows():
    return list(collection(ReconciliationItem).find().sort("about"))


def kept(now=NOW):
    """The one row, after a round."""
    keeping.keep(now=now)
    (row,) = rows()
    return row


@pytest.fixture
def staff():
    made = {role: Client() for role in Role}
    for role, each in made.items():
        each.force_login(enrol(username=f"a-{role}", role=role, password="").user)
    return made


def press(client, row, act, why="she asks about it", **form):
    said = {"reason": why, "seen": str(row["version"])} | form
    return client.post(f"{PAGE}/{row['_id']}/{act}", said)


def entries(**asked):
    return list(AuditEntry.objects.filter(type="reconciliation", **asked).order_by("at", "entry_id"))


# --- found and solved --------------------------------------------------------------------------------------


def many_conflicts(count, error="source_ref_reused"):
    told = {"status": "conflict", "error": error, "repeats": None, "event_type": "x", "attempts": 0}
    rows = [
        {"_id": f"c{n}", "position": n, "subject": f"s{n}", "received_at": NOW, **told} for n in range(count)
    ]
    collection(WebhookDelivery).insert_many(rows)


def test_of_more_conflicts_than_a_round_takes_each_has_its_row_in_the_end(monkeypatch):
    monkeypatch.setattr(keeping, "AT_MOST", 3)
    many_conflicts(8)
    rounds = keeping.DoubtRounds()
    assert [rounds.keep(now=NOW) for _ in range(4)] == [3, 3, 2, 0]
    assert len(rows()) == 8


def test_what_agrees_again_is_solved_however_much_newer_is_open(monkeypatch):
    monkeypatch.setattr(keeping, "AT_MOST", 3)
    doubted()
    keeping.keep(now=NOW)
    for n in range(3):
        journal.refuse(Posting, {"_id": f"TIP_{n}"})
    keeping.keep(now=NOW)
    cleared()
    keeping.keep(now=LATER)
    assert [(row["kind"], row["state"]) for row in rows() if row["kind"] == "tip"] == [("tip", "solved")]


def test_a_closed_conflict_that_is_about_something_else_now_is_open_again():
    many_conflicts(1)
    keeping.keep(now=NOW)
    closed = {"$set": {"state": "solved", "closed_by": "dina"}}
    collection(ReconciliationItem).update_one({}, closed)
    assert keeping.keep(now=NOW) == 0
    collection(WebhookDelivery).update_one({}, {"$set": {"error": "balance_too_large"}})
    assert kept(LATER)["state"] == "open"


def test_what_is_found_is_a_row_once_however_often_it_is_looked_for():
    doubted()
    refused()
    assert keeping.keep(now=NOW) == 2
    assert [(row["kind"], row["state"], row["code"]) for row in rows()] == [
        ("tip", "open", "not_posted"),
        ("row", "open", "ledger_postings"),
    ]
    before = rows()
    assert keeping.keep(now=LATER) == 0
    assert rows() == before


def test_by_several_at_once_it_is_one_row(in_threads):
    doubted()
    written = in_threads(lambda: keeping.keep(now=NOW), times=4, workers=4)
    assert (len(rows()), sum(written)) == (1, 1)


def test_a_round_that_dies_is_made_up_for_by_the_next(fail_command):
    doubted()
    fail_command("insert", errorCode=OVER_LIMIT, **in_collection(ReconciliationItem))
    with pytest.raises(PyMongoError):
        keeping.keep(now=NOW)
    assert rows() == []
    assert kept()["state"] == "open"


def test_what_is_solved_stays_and_opens_again_with_who_had_it(staff):
    doubted()
    press(staff[Role.SUPPORT], kept(), doubts.TAKE)
    cleared()
    row = kept(LATER)
    assert (row["state"], row["solved_at"], row["closed_by"]) == ("solved", LATER, "")
    assert kept(LATER + timedelta(1)) == row
    doubted(code="reversed")
    row = kept(LATER)
    assert (row["state"], row["code"], row["solved_at"]) == ("open", "reversed", None)
    assert row["assigned_to"] == "a-support"


def test_several_solve_it_once(in_threads):
    doubted()
    kept()
    cleared()
    assert sum(in_threads(lambda: keeping.keep(now=LATER), times=4, workers=4)) == 1
    assert kept(LATER)["version"] == 2


# --- taken, noted, closed ----------------------------------------------------------------------------------


@pytest.mark.parametrize("role", [Role.SUPPORT, Role.ADMIN])
def test_somebody_takes_it_and_notes_something_once_and_it_is_recorded(staff, role):
    doubted()
    client = staff[role]
    assert press(client, kept(), doubts.TAKE, "I look into it").status_code == 302
    row = kept()
    assert (row["assigned_to"], row["version"]) == (f"a-{role}", 2)
    assert press(client, row, doubts.NOTE, "The operator was asked").status_code == 302
    row = kept()
    assert (row["note"], row["noted_by"], row["version"]) == ("The operator was asked", f"a-{role}", 3)
    taken, noted = entries()
    assert (taken.action, taken.target, taken.why) == ("assign", row["_id"], "I look into it")
    assert (taken.before, taken.after) == ({"assigned_to": ""}, {"assigned_to": f"a-{role}"})
    assert (noted.before["note"], noted.after["note"]) == ("", "The operator was asked")
    html = client.get(f"{PAGE}/{row['_id']}").content.decode()
    assert "The operator was asked" in html
    assert "Assign to me" not in html
    assert (inline_code(html), unlabelled_fields(html)) == ([], set())


def test_who_has_seen_an_older_one_is_told_how_it_is_and_changes_nothing(staff):
    doubted()
    seen = kept()
    press(staff[Role.ADMIN], seen, doubts.TAKE)
    before = kept()
    for act in (doubts.TAKE, doubts.NOTE):
        answer = press(staff[Role.SUPPORT], seen, act)
        assert answer.status_code == 409
        assert "It is open, a-admin has it." in answer.content.decode()
    assert kept() == before
    assert [entry.success for entry in entries()] == [True, False, False]


def test_of_two_at_once_one_has_it_and_the_other_is_told(staff, in_threads):
    doubted()
    row, clients = kept(), [staff[Role.ADMIN], staff[Role.SUPPORT]]
    answers = in_threads(lambda: press(clients.pop(), row, doubts.TAKE).status_code, times=2, workers=2)
    assert sorted(answers) == [302, 409]
    assert kept()["version"] == 2
    assert sorted(entry.success for entry in entries()) == [False, True]


@pytest.mark.parametrize("act", [doubts.TAKE, doubts.NOTE, doubts.CLOSE])
def test_where_it_cannot_be_recorded_nothing_is_changed(staff, fail_command, act):
    contradicted()
    row = kept()
    fail_command("insert", errorCode=OVER_LIMIT, **in_collection(AuditEntry))
    with pytest.raises(PyMongoError):
        press(staff[Role.ADMIN], row, act)
    assert kept() == row
    assert press(staff[Role.ADMIN], row, act).status_code == 302


def test_an_admin_closes_a_conflict_once_and_it_stays_closed(staff):
    contradicted()
    row, admin = kept(), staff[Role.ADMIN]
    assert (row["kind"], row["tip_id"]) == ("conflict", TIP)
    assert press(staff[Role.SUPPORT], row, doubts.CLOSE).status_code == 403
    assert press(admin, row, doubts.CLOSE, "compared with the first").status_code == 302
    closed = kept(LATER)
    assert (closed["state"], closed["closed_by"]) == ("solved", "a-admin")
    assert [press(admin, each, doubts.CLOSE).status_code for each in (row, closed)] == [409, 409]


@pytest.mark.parametrize("come", [doubted, refused])
def test_nobody_closes_what_solves_itself(staff, come):
    come()
    row = kept()
    assert press(staff[Role.ADMIN], row, doubts.CLOSE).status_code == 409
    assert kept() == row
    for model in (Tip, JournalRefusal):
        collection(model).delete_many({})
    assert kept(LATER)["state"] == "solved"


@pytest.mark.parametrize("why", ["", "x", "x" * 201, "a\x00bc"])
def test_each_of_it_wants_a_reason(staff, why):
    contradicted()
    row = kept()
    for act in (doubts.TAKE, doubts.NOTE, doubts.CLOSE):
        answer = press(staff[Role.ADMIN], row, act, why)
        assert answer.status_code == 422
        assert "field__error" in answer.content.decode()
    assert kept() == row
    assert [entry.success for entry in entries()] == [False] * 3


def test_an_auditor_reads_and_presses_nothing(staff):
    doubted()
    row, eve = kept(), staff[Role.AUDITOR]
    assert [press(eve, row, act).status_code for act in (doubts.TAKE, doubts.NOTE, doubts.CLOSE)] == [403] * 3
    shown = eve.get(f"{PAGE}/{row['_id']}")
    assert (shown.status_code, "<summary>" in shown.content.decode()) == (200, False)
    assert kept() == row


@pytest.mark.parametrize("key", ["f" * 24, "%00", "$where", "x" * 300])
def test_what_is_none_is_not_found(staff, key):
    assert staff[Role.ADMIN].get(f"{PAGE}/{key}").status_code == 404
    assert press(staff[Role.ADMIN], {"_id": key, "version": 1}, doubts.TAKE).status_code == 404


# --- the list ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("query", "found"),
    [
        (None, 2),
        ("", 3),
        ("state:open", 2),
        ("state:solved", 1),
        ("assigned:a-support", 1),
        ("assigned:a-support state:solved", 0),
        ("kind:row", 1),
        ("-kind:row state:open", 1),
        ("code:reversed", 1),
        (f"tip:{TIP}", 1),
        ("since:2026-01-01", 3),
        ("before:2020-01-01T00:00", 0),
    ],
)
def test_what_is_asked_is_found_by_an_index_and_open_ones_come_first(staff, query, found):
    doubted()
    doubted("4" * 24, "reversed")
    refused()
    keeping.keep(now=NOW)
    cleared("4" * 24)
    keeping.keep(now=LATER)
    press(staff[Role.SUPPORT], next(row for row in rows() if row["about"] == TIP), doubts.TAKE)
    client = staff[Role.AUDITOR]
    client.get(PAGE)
    with recorded() as plans:
        html = client.get(PAGE, {} if query is None else {"q": query}).content.decode()
    assert html.count("data-record=") == found, query
    assert scans(plans) == []
    assert (inline_code(html), unlabelled_fields(html)) == ([], set())


def test_its_age_is_told_until_it_is_solved():
    told = [listing.age(timedelta(minutes=minutes)) for minutes in (-1, 0, 59, 60, 47 * 60, 48 * 60, 9000)]
    assert told == ["0 min", "0 min", "59 min", "1 h", "47 h", "2 d", "6 d"]
