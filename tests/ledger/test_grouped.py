"""Single transfers in a shared transaction: each gets its own answer, one that fails is heard by those it was
with."""

import itertools
from collections import Counter
from concurrent.futures import ThreadPoolExecutor

import pytest
from pymongo.errors import PyMongoError

from bench import books
from ground.mongodb.collections import client, collection
from ledger.books import grouped
from ledger.gateway import COMMISSION, ISSUER, InsufficientFunds, Posted
from ledger.models import Account
from tests.factories import NOW
from tests.ledger.books import balances, counts, findings, issued, order, post
from tests.ledger.test_posting import ERROR

pytestmark = pytest.mark.django_db


def shared(*groups):
    return grouped.post(groups, now=NOW)


def test_alone_it_posts_at_once():
    results = shared([issued("a", 100)], [order("t", "a", "b", 30)], [order("u", "a", "b", 100)])
    assert [type(result) for result in results] == [Posted, Posted, InsufficientFunds]
    assert balances() == {ISSUER: -100, "a": 70, "b": 30}


def test_each_caller_is_told_of_its_own_transfer(in_threads):
    post([issued("a", 100)])
    number = itertools.count()

    def one():
        key = f"t{next(number)}"
        (result,) = shared([order(key, "a", "b", 10)])
        if isinstance(result, Posted):
            assert [entry.entry_id for entry in result.entries] == [f"{key}:debit", f"{key}:credit"]
        return type(result)

    assert Counter(in_threads(one, times=24)) == {Posted: 10, InsufficientFunds: 14}
    assert balances() == {ISSUER: -100, "a": 0, "b": 100}
    assert findings() == []


def test_eight_threads_post_one_transfer_once(in_threads):
    post([issued("a", 100)])
    results = in_threads(lambda: shared([order("t", "a", "b", 30)]), times=16)
    assert all(result == results[0] for result in results)
    assert counts() == (2, 4)


def test_more_callers_than_a_transaction_takes_are_all_served(in_threads, monkeypatch):
    monkeypatch.setattr(grouped, "MAX_CALLS", 2)
    number = itertools.count()
    in_threads(lambda: shared([issued("a", 1, key=f"i{next(number)}")]), times=40)
    assert balances()["a"] == 40


def test_a_crash_is_heard_and_the_next_call_posts(fail_command):
    fail_command("insert", errorCode=ERROR, namespace=f"{collection(Account).database.name}.ledger_postings")
    with pytest.raises(PyMongoError):
        shared([issued("a", 100)])
    assert counts() == (0, 0)
    shared([issued("a", 100)])
    assert balances()["a"] == 100


# --- the hot account, as measured by bench.books -----------------------------------------------------------


def test_eight_threads_and_one_hot_account_leave_books_that_agree(db, capsys):
    assert books.report(times=25)
    said = capsys.readouterr().out
    assert "reconcile: 0 findings" in said
    assert said.count("of the raw rate") == len(books.WAYS)
    shares = sum(
        collection(Account).find_one({"_id": name})["balance"]
        for name in [COMMISSION, *map(books.account, range(20))]
    )
    assert shares == 20 * books.TOKENS


def transactions_of_postings():
    """How many this database has committed."""
    database = collection(Account).database.name
    written = {"o.applyOps.ns": f"{database}.ledger_postings"}
    return client().local["oplog.rs"].count_documents(written)


def test_the_hot_account_does_not_serialise_what_shares_a_transaction(db, fail_command):
    """However many pay into it while one transaction is under way: they need one more, all together."""
    post([issued("a", 100)])
    sharing, payers = grouped.SharedPosting(), 7
    before = transactions_of_postings()
    began = client().admin.command({"configureFailPoint": "failCommand", "mode": "off"})["count"]
    name = f"{collection(Account).database.name}.ledger_postings"
    fail_command("insert", blockConnection=True, blockTimeMS=700, namespace=name)

    def pay(number):
        (result,) = sharing.post([[order(f"t{number}", "a", "hot", 1)]], now=NOW)
        return type(result)

    with ThreadPoolExecutor(payers + 1) as pool:
        first = pool.submit(pay, 0)
        client().admin.command(
            {"waitForFailPoint": "failCommand", "timesEntered": began + 1, "maxTimeMS": 5000}
        )
        others = [pool.submit(pay, number) for number in range(1, payers + 1)]
        assert {each.result(10) for each in (first, *others)} == {Posted}
    assert transactions_of_postings() - before == 2
    assert balances()["hot"] == payers + 1
