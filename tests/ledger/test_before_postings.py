"""Books that were written as transfers and entries: as postings they say the same, and the migration may be
interrupted anywhere and repeated."""

from importlib import import_module
from operator import itemgetter
from types import SimpleNamespace

import pytest
from django.apps import apps
from django.contrib.auth.models import Permission
from django.contrib.contenttypes.models import ContentType
from pymongo.errors import PyMongoError

from ground.mongodb import collections
from ground.mongodb.collections import collection
from ledger.books import posting, reversal
from ledger.models import Posting
from tests.factories import NOW
from tests.ledger.books import balances, findings, issued, order, post
from tests.ledger.test_posting import ERROR

pytestmark = pytest.mark.django_db
migration = import_module("ledger.migrations.0004_postings_of_transfers")
TRANSFERS, ENTRIES = migration.KEPT
KEPT = [*migration.KEPT.values()]


@pytest.fixture
def database(db):
    """A new one has given up the old names when its migrations had run."""
    yield collections.current()
    for name in (TRANSFERS, ENTRIES, *KEPT):
        collections.current()[name].drop()


def migrate():
    connection = SimpleNamespace(database=collections.current())
    migration.convert(apps, SimpleNamespace(connection=connection))


@pytest.fixture
def old(database):
    """Every kind of posting as it was written before; what the postings are to be."""
    post([issued("a", 500)], [order("t", "a", "b", 30)], [order("free", "a", "b", 1)])
    post([order("tip", "a", "ana", 100), order("tip_COMMISSION", "ana", "platform", 25)])
    post([order("other", "a", "ana", 8), order("other_COMMISSION", "ana", "platform", 2)])
    post([order("alone", "a", "b", 5)])
    reversal.reverse(["tip_COMMISSION", "tip", "t"], reason="Paid twice", now=NOW)
    return as_before(database, renamed={"alone": "alone_COMMISSION"})


def as_before(database, renamed):
    """Callers could choose the reference of a commission once: no longer, so such rows are made by hand."""
    rows = [row | {"_id": renamed.get(row["_id"], row["_id"])} for row in postings()]
    for row in rows:
        write_as_before(database, row)
    collection(Posting).delete_many({})
    return sorted(rows, key=itemgetter("_id"))


def write_as_before(database, row):
    more = {name: row[name] for name in ("reverses", "reason") if name in row}
    times = {"happened_at": row["happened_at"], "created_at": row["posted_at"]}
    for transfer in posting.transfers(row):
        sides = {
            "debit_account": transfer.debit,
            "credit_account": transfer.credit,
            "amount": transfer.amount,
        }
        made = {"_id": transfer.key, "subject": transfer.subject, **sides, **times, **more}
        database[TRANSFERS].insert_one(made)
    for entry, leg in zip(posting.entries(row), row["legs"], strict=True):
        database[ENTRIES].insert_one(
            {
                "_id": entry.entry_id,
                "account": entry.account,
                "source_ref": entry.source_ref,
                "points_delta": entry.points_delta,
                "balance_after": entry.balance_after,
                "version": leg["version"],
                "posted_at": entry.posted_at,
            }
        )


def postings():
    return list(collection(Posting).find().sort("_id", 1))


@pytest.mark.parametrize("batch", [1, 2, 1000])
def test_old_books_become_postings_that_say_the_same(old, database, monkeypatch, batch):
    monkeypatch.setattr(migration, "BATCH", batch)
    migrate()
    assert postings() == old
    assert findings() == []
    assert [entry.entry_id for entry in posting.entries_of(["tip"])] == [
        *("tip:debit", "tip:credit", "tip:reversal:debit", "tip:reversal:credit")
    ]


def test_the_old_rows_are_kept_under_other_names(old, database):
    before = [list(database[name].find().sort("_id", 1)) for name in (TRANSFERS, ENTRIES)]
    migrate()
    assert [list(database[name].find().sort("_id", 1)) for name in KEPT] == before
    assert not {TRANSFERS, ENTRIES} & set(database.list_collection_names())


def test_the_books_go_on_where_they_were(old):
    migrate()
    before = balances()
    post([order("next", "a", "b", 1)])
    assert balances() == before | {"a": before["a"] - 1, "b": before["b"] + 1}
    assert findings() == []


@pytest.mark.parametrize("survived", [0, 1, 3])
def test_an_interrupted_run_is_repeated(old, database, monkeypatch, fail_command, survived):
    monkeypatch.setattr(migration, "BATCH", 2)
    name = f"{database.name}.ledger_postings"
    point = {"configureFailPoint": "failCommand", "mode": {"skip": survived}}
    failing = {"failCommands": ["insert"], "errorCode": ERROR, "namespace": name}
    collections.client().admin.command({**point, "data": failing})
    with pytest.raises(PyMongoError):
        migrate()
    assert len(postings()) < len(old)
    collections.client().admin.command({**point, "mode": "off"})
    migrate()
    assert postings() == old


def test_a_run_that_ended_between_the_two_names_is_repeated(old, database):
    migrate()
    database[KEPT[1]].rename(ENTRIES)
    migrate()
    assert postings() == old
    assert ENTRIES not in database.list_collection_names()


def test_a_second_run_changes_nothing(old):
    migrate()
    migrate()
    assert postings() == old


def test_a_new_installation_keeps_no_empty_collections(database):
    database.create_collection(TRANSFERS)
    database.create_collection(ENTRIES)
    migrate()
    assert not {TRANSFERS, ENTRIES, *KEPT} & set(database.list_collection_names())


@pytest.mark.parametrize(
    ("damage", "said"),
    [
        (lambda database: database[ENTRIES].delete_one({"_id": "t:debit"}), "t has not both of its entries"),
        (
            lambda database: database[TRANSFERS].update_one({"_id": "t"}, {"$set": {"amount": 31}}),
            "t is not what its entries say",
        ),
        (lambda database: database[TRANSFERS].delete_one({"_id": "free"}), "20 of them belong to a transfer"),
        (
            lambda database: database[ENTRIES].update_one({"_id": "t:debit"}, {"$set": {"version": 1}}),
            "the same version of one account",
        ),
    ],
    ids=["an entry is missing", "an amount", "a transfer is missing", "a version"],
)
def test_books_that_do_not_agree_are_left_as_they_are(old, database, damage, said):
    damage(database)
    with pytest.raises(migration.BooksDoNotAgree, match=said):
        migrate()
    assert {TRANSFERS, ENTRIES} <= set(database.list_collection_names())


def test_a_transfer_that_only_looks_like_a_commission_stays_one_of_its_own(database):
    """Posted at another time, for another fact."""
    post([issued("a", 500)], [order("x", "a", "b", 30)])
    post([order("y", "b", "platform", 2, subject="other")], now=NOW.replace(year=2027))
    rows = as_before(database, renamed={"y": "x_COMMISSION"})
    migrate()
    assert postings() == rows


def test_who_might_look_at_transfers_may_look_at_postings(database, ana):
    ContentType.objects.filter(app_label="ledger", model="posting").delete()
    transfer = ContentType.objects.create(app_label="ledger", model="transfer")
    may = Permission.objects.create(content_type=transfer, codename="view_transfer", name="Can view transfer")
    ana.user.user_permissions.add(may)
    migration.move_permissions(apps, None)
    ContentType.objects.clear_cache()
    assert type(ana.user).objects.get(pk=ana.user.pk).has_perm("ledger.view_posting")
