"""The proof of the books: each kind of damage, done behind the books' back, is found and named; nothing is
repaired."""

import itertools

import pytest
from django.core.management import CommandError, call_command
from pymongo.errors import OperationFailure

from ground.mongodb.collections import collection
from ledger.books import reconcile
from ledger.gateway import ISSUER
from ledger.models import Account, Posting
from tests.factories import NOW
from tests.ledger.books import change_leg, findings, issued, order, post, remove_leg

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
    assert sum(read) == reconcile.size() == 3 + 3 + 3


def test_a_changed_balance_is_found(books):
    change(Account, "b", balance=51)
    assert findings() == ["account b: says 51 at version 2, its entries end with 50 at version 2"]


def test_a_changed_version_is_found(books):
    change(Account, "b", version=3)
    assert findings() == ["account b: says 50 at version 3, its entries end with 50 at version 2"]


def test_a_changed_amount_is_found_by_the_sum_and_by_the_fold(books):
    change_leg("t", 1, delta=31)
    assert findings() == [
        "posting t: its legs sum to 1, not to zero",
        "posting t: -30 on a and 31 on b are not one transfer",
        "account b: entry t:credit leaves 30 where its entries add up to 31",
    ]


def test_a_transfer_of_nothing_is_found(books):
    change_leg("t", 0, delta=0)
    change_leg("t", 1, delta=0)
    assert findings()[0] == "posting t: 0 on a and 0 on b are not one transfer"


def test_a_transfer_to_itself_is_found(books):
    change_leg("t", 1, account="a", version=9)
    assert findings()[0] == "posting t: debits and credits one account, a"


@pytest.mark.parametrize("value", [True, 30.0, "30", None])
@pytest.mark.parametrize("name", ["version", "delta", "balance"])
def test_a_number_that_is_none_is_found(books, name, value):
    change_leg("u", 1, **{name: value})
    assert findings()[0] == f"posting u: the {name} of a leg is {value!r}, not a whole number"


def test_one_version_twice_in_one_posting_is_found(books):
    """The index compares postings with each other only."""
    change_leg("u", 1, account="a", version=3)
    assert "posting u: two of its legs are one version of an account" in findings()


def test_a_changed_fold_is_found_where_it_happened(books):
    change_leg("t", 0, balance=71)
    assert findings() == [
        "account a: entry t:debit leaves 71 where its entries add up to 70",
        "account a: entry u:debit leaves 50 where its entries add up to 51",
    ]


def test_a_removed_leg_leaves_a_gap(books):
    remove_leg("t", 1)
    assert findings() == [
        "posting t: has 1 legs",
        "posting t: its legs sum to -30, not to zero",
        "account b: version 2 follows version 0",
        "account b: entry u:credit leaves 50 where its entries add up to 20",
    ]


def test_a_removed_last_leg_is_found_by_the_account(books):
    remove_leg("u", 1)
    assert findings()[0] == "posting u: has 1 legs"
    assert "account b: says 50 at version 2, its entries end with 30 at version 1" in findings()


def test_a_removed_posting_is_found_by_its_accounts(books):
    remove(Posting, "u")
    assert findings() == [
        "account a: says 50 at version 3, its entries end with 70 at version 2",
        "account b: says 50 at version 2, its entries end with 30 at version 1",
    ]


def test_a_leg_too_many_is_found(books):
    row = collection(Posting).find_one({"_id": "u"})
    row["legs"].append({"account": "b", "version": 3, "delta": 20, "balance": 70})
    collection(Posting).replace_one({"_id": "u"}, row)
    assert findings()[:2] == ["posting u: has 3 legs", "posting u: its legs sum to 20, not to zero"]


def test_a_posting_under_the_key_of_a_commission_is_found(books):
    post([order("v", "b", "c", 10), order("v_COMMISSION", "c", "p", 1)])
    remove(Posting, "u")
    row = {"_id": "v_COMMISSION", "subject": "test", "happened_at": NOW, "posted_at": NOW}
    legs = [
        {"account": "a", "version": 3, "delta": -20, "balance": 50},
        {"account": "b", "version": 2, "delta": 20, "balance": 50},
    ]
    collection(Posting).insert_one(row | {"legs": legs})
    assert findings() == ["posting v_COMMISSION: has the key of another posting's commission"]


def test_a_removed_account_is_found(books):
    remove(Account, "b")
    assert findings() == ["account b: has entries and no row"]


def test_tokens_from_nowhere_are_found(books):
    collection(Account).insert_one({"_id": "c", "balance": 5, "version": 0})
    assert findings() == ["account c: says 5 at version 0, its entries end with 0 at version 0"]


def test_an_account_below_zero_is_found_and_the_issuer_may_be(books):
    change_leg("u", 0, balance=-1)
    assert "account a: entry u:debit leaves it below zero" in findings()
    assert not [finding for finding in findings() if ISSUER in finding]


def test_books_longer_than_a_batch_are_read_whole(db, monkeypatch):
    monkeypatch.setattr(reconcile, "BATCH", 7)
    post([issued("a", 100)])
    post(*([order(f"t{number}", "a", "b", 1)] for number in range(50)))
    assert findings() == []
    remove_leg("t33", 1)
    assert "posting t33: has 1 legs" in findings()


def test_a_whole_account_that_vanished_is_found_by_the_sum(books):
    remove(Account, "b")
    remove_leg("t", 1)
    remove_leg("u", 1)
    assert findings()[-1] == "all accounts: sum to -50, not to zero"
    assert not [finding for finding in findings() if finding.startswith("account")]


def test_postings_meanwhile_are_not_findings(db):
    """More rows than a cursor's first batch: the later ones are read after the postings."""
    post([issued("a", 1000)])
    post(*([order(f"t{number}", "a", "b", 1)] for number in range(60)))
    number = itertools.count()
    assert (
        list(reconcile.findings(progress=lambda rows: post([order(f"v{next(number)}", "a", "b", 1)]))) == []
    )
    assert next(number) == 4  # a batch of postings, three accounts
    assert findings() == []


# --- the command -------------------------------------------------------------------------------------------


def test_the_command_says_that_the_books_agree(books, capsys):
    call_command("reconcile")
    assert capsys.readouterr().out == "9 rows read, the books agree\n"


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
    before = [list(collection(model).find()) for model in (Account, Posting)]
    with pytest.raises(CommandError):
        call_command("reconcile")
    assert [list(collection(model).find()) for model in (Account, Posting)] == before


def test_books_that_outlast_the_servers_snapshot_are_not_called_proven(books, fail_command):
    fail_command("find", errorCode=239)
    with pytest.raises(CommandError, match="minSnapshotHistoryWindowInSeconds"):
        call_command("reconcile")


def test_another_fault_of_the_server_is_not_explained_away(books, fail_command):
    fail_command("find", errorCode=8000)
    with pytest.raises(OperationFailure):
        call_command("reconcile")
