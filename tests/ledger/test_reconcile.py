"""The proof of the books: each kind of damage, done behind the books' back, is found and named; nothing is
repaired."""

import itertools

import pytest
from django.core.management import CommandError, call_command
from pymongo.errors import OperationFailure

from ground.mongodb.collections import collection
from ledger.books import reconcile
from ledger.gateway import ISSUER
from ledger.models import Account, Entry, Transfer
from tests.ledger.books import findings, issued, order, post

pytestmark = pytest.mark.django_db


@pytest.fixture
def books(db):
    """Three accounts, three transfers."""
    post([issued("a", 100)])
    post([order("t", "a", "b", 30)])
    post([order("u", "a", "b", 20)])


def change(model, key, **values):
    assert collection(model).update_one({"_id": key}, {"$set": values}).modified_count == 1


def remove(model, key):
    assert collection(model).delete_one({"_id": key}).deleted_count == 1


def test_empty_books_agree(db):
    assert findings() == []


def test_untouched_books_agree_and_every_row_was_read(books):
    read = []
    assert list(reconcile.findings(progress=read.append)) == []
    assert sum(read) == reconcile.size() == 3 + 6 + 6 + 3


def test_a_changed_balance_is_found(books):
    change(Account, "b", balance=51)
    assert findings() == ["account b: says 51 at version 2, its entries end with 50 at version 2"]


def test_a_changed_version_is_found(books):
    change(Account, "b", version=3)
    assert findings() == ["account b: says 50 at version 3, its entries end with 50 at version 2"]


def test_a_changed_amount_is_found_on_both_sides(books):
    change(Transfer, "t", amount=31)
    assert findings() == [
        "entry t:debit: -30 on a is not what its transfer says",
        "entry t:credit: 30 on b is not what its transfer says",
    ]


def test_a_transfer_of_nothing_is_found(books):
    change(Transfer, "t", amount=0)
    assert findings()[0] == "transfer t: its amount is 0, not a positive whole number"


def test_a_transfer_to_itself_is_found(books):
    change(Transfer, "t", credit_account="a")
    assert findings() == [
        "transfer t: debits and credits one account",
        "entry t:credit: 30 on b is not what its transfer says",
    ]


def test_a_changed_entry_breaks_its_transfer_and_its_accounts_fold(books):
    change(Entry, "t:credit", points_delta=31)
    assert findings() == [
        "entry t:credit: 31 on b is not what its transfer says",
        "account b: entry t:credit leaves 30 where its entries add up to 31",
    ]


def test_a_changed_fold_is_found_where_it_happened(books):
    change(Entry, "t:debit", balance_after=71)
    assert findings() == [
        "account a: entry t:debit leaves 71 where its entries add up to 70",
        "account a: entry u:debit leaves 50 where its entries add up to 51",
    ]


def test_a_removed_entry_leaves_a_gap(books):
    remove(Entry, "t:credit")
    assert findings() == [
        "transfer t: its credit entry is missing",
        "account b: version 2 follows version 0",
        "account b: entry u:credit leaves 50 where its entries add up to 20",
    ]


def test_a_removed_last_entry_is_found_by_the_account(books):
    remove(Entry, "u:credit")
    assert findings()[0] == "transfer u: its credit entry is missing"
    assert "account b: says 50 at version 2, its entries end with 30 at version 1" in findings()


def test_a_removed_transfer_leaves_entries_of_nobody(books):
    remove(Transfer, "u")
    assert findings() == ["entry u:debit: there is no transfer u", "entry u:credit: there is no transfer u"]


def test_an_entry_too_many_is_found(books):
    extra = collection(Entry).find_one({"_id": "u:credit"}) | {
        "_id": "u:again",
        "version": 3,
        "balance_after": 70,
    }
    collection(Entry).insert_one(extra)
    assert "entry u:again: 20 on b is not what its transfer says" in findings()


def test_a_removed_account_is_found(books):
    remove(Account, "b")
    assert findings() == ["account b: has entries and no row"]


def test_tokens_from_nowhere_are_found(books):
    collection(Account).insert_one({"_id": "c", "balance": 5, "version": 0})
    assert findings() == ["account c: says 5 at version 0, its entries end with 0 at version 0"]


def test_an_account_below_zero_is_found_and_the_issuer_may_be(books):
    change(Entry, "u:debit", balance_after=-1)
    assert "account a: entry u:debit leaves it below zero" in findings()
    assert not [finding for finding in findings() if ISSUER in finding]


def test_books_longer_than_a_batch_are_read_whole(db, monkeypatch):
    monkeypatch.setattr(reconcile, "BATCH", 7)
    post([issued("a", 100)])
    post(*([order(f"t{number}", "a", "b", 1)] for number in range(50)))
    assert findings() == []
    remove(Entry, "t33:credit")
    assert "transfer t33: its credit entry is missing" in findings()


def test_a_whole_account_that_vanished_is_found_by_the_sum(books):
    remove(Account, "b")
    collection(Entry).delete_many({"account": "b"})
    assert findings() == [
        "transfer t: its credit entry is missing",
        "transfer u: its credit entry is missing",
        "all accounts: sum to -50, not to zero",
    ]


def test_postings_meanwhile_are_not_findings(db):
    """More rows than a cursor's first batch: the later ones are read after the postings."""
    post([issued("a", 1000)])
    post(*([order(f"t{number}", "a", "b", 1)] for number in range(60)))
    number = itertools.count()
    assert (
        list(reconcile.findings(progress=lambda rows: post([order(f"v{next(number)}", "a", "b", 1)]))) == []
    )
    assert next(number) == 5  # a batch of transfers, one of entries, three accounts
    assert findings() == []


# --- the command -------------------------------------------------------------------------------------------


def test_the_command_says_that_the_books_agree(books, capsys):
    call_command("reconcile")
    assert capsys.readouterr().out == "18 rows read, the books agree\n"


def test_the_command_prints_every_finding_and_exits_with_1(books, capsys):
    change(Account, "b", balance=51)
    with pytest.raises(CommandError, match="The books do not agree: 1 findings") as caught:
        call_command("reconcile")
    assert caught.value.returncode == 1
    assert (
        capsys.readouterr().out == "account b: says 51 at version 2, its entries end with 50 at version 2\n"
    )


def test_the_command_changes_nothing(books):
    change(Account, "b", balance=51)
    before = [list(collection(model).find()) for model in (Account, Transfer, Entry)]
    with pytest.raises(CommandError):
        call_command("reconcile")
    assert [list(collection(model).find()) for model in (Account, Transfer, Entry)] == before


def test_books_that_outlast_the_servers_snapshot_are_not_called_proven(books, fail_command):
    fail_command("find", errorCode=239)
    with pytest.raises(CommandError, match="minSnapshotHistoryWindowInSeconds"):
        call_command("reconcile")


def test_another_fault_of_the_server_is_not_explained_away(books, fail_command):
    fail_command("find", errorCode=8000)
    with pytest.raises(OperationFailure):
        call_command("reconcile")
