"""Postings for tests, in their own transaction, and the proof that the books agree."""

from ground.mongodb import transactions
from ground.mongodb.collections import collection
from ledger.books import posting, reconcile
from ledger.gateway import ISSUER, Order
from ledger.models import Account, Posting
from tests.factories import NOW


def order(key, debit, credit, amount, subject="test"):
    return Order(key=key, subject=subject, debit=debit, credit=credit, amount=amount, happened_at=NOW)


def issued(account, tokens, key=""):
    return order(key or f"ISSUE_{account}", ISSUER, account, tokens)


def post(*groups, now=NOW):
    return transactions.run(lambda session: posting.post(groups, now=now, session=session))


def balances():
    return {row["_id"]: row["balance"] for row in collection(Account).find()}


def counts():
    """Transfers and entries written."""
    legs = sum(len(row["legs"]) for row in collection(Posting).find())
    return legs // 2, legs


def change_leg(key, number, **values):
    """Behind the books' back."""
    change = {f"legs.{number}.{name}": value for name, value in values.items()}
    assert collection(Posting).update_one({"_id": key}, {"$set": change}).modified_count == 1


def remove_leg(key, number):
    row = collection(Posting).find_one({"_id": key})
    del row["legs"][number]
    collection(Posting).replace_one({"_id": key}, row)


def findings():
    return [str(finding) for finding in reconcile.findings()]
