"""Posting: the only writer of the books.

A transfer has one debit account, one credit account and a positive amount, so it cannot be
unbalanced. It is posted once because its key is the primary key. A balance never goes below zero
(the issuer's may): the check and the write are in one transaction, and the account's version guards
the write. Groups of transfers post together or not at all."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from pymongo import InsertOne, UpdateMany
from pymongo.client_session import ClientSession

from ground.mongodb.collections import collection
from ledger.gateway import (
    ISSUER,
    REVERSAL,
    TRANSFER_IN,
    TRANSFER_OUT,
    BalanceTooLarge,
    Group,
    InsufficientFunds,
    KeyReused,
    Order,
    Posted,
    PostedEntry,
    Refused,
    Result,
)
from ledger.models import Account, Entry, Transfer

MAX_BALANCE = 2**63 - 1
ACCOUNTS_AT_ONCE = 100  # moved by one statement: each looks for itself among them
REVERSED = (
    "_REVERSAL"  # ends the key of a reversing transfer, after the key of the one that it takes back
)


class Contended(Exception):
    """An account is not as this transaction read it. Snapshots and write conflicts rule that out;
    nothing is posted."""


def post(
    groups: Sequence[Group], *, now: datetime, session: ClientSession, are_new: bool = False
) -> list[Result]:
    """Posts each group in order, all or nothing; the caller's transaction makes the whole durable.
    Repeats change nothing.

    `are_new`: see Gateway.transfer.
    """
    books = _Books(groups, now, session, are_new=are_new)
    results = [books.post(group) for group in groups]
    books.write()
    return results


class _Books:
    """The accounts of one batch in memory, and what the batch will write."""

    def __init__(
        self, groups: Sequence[Group], now: datetime, session: ClientSession, *, are_new: bool
    ) -> None:
        self._now, self._session = now, session
        orders = [order for group in groups for order in group]
        accounts = list({order.debit for order in orders} | {order.credit for order in orders})
        self._transfers = (
            {} if are_new else self._load_transfers(list({order.key for order in orders}))
        )
        found = collection(Account).find(
            {"_id": {"$in": accounts}}, session=session, batch_size=len(accounts) + 1
        )
        self._read = {row["_id"]: (row["balance"], row["version"]) for row in found}
        self._accounts = {key: self._read.get(key, (0, 0)) for key in accounts}
        self._old_entries = self._load_entries()
        self._new_transfers: list[dict[str, Any]] = []
        self._new_entries: list[dict[str, Any]] = []

    def _load_transfers(self, keys: list[str]) -> dict[str, dict[str, Any]]:
        return {
            row["_id"]: row
            for row in collection(Transfer).find({"_id": {"$in": keys}}, session=self._session)
        }

    def _load_entries(self) -> dict[str, dict[str, Any]]:
        keys = [key for row in self._transfers.values() for key in entry_keys(row)]
        if not keys:
            return {}
        return {
            row["_id"]: row
            for row in collection(Entry).find({"_id": {"$in": keys}}, session=self._session)
        }

    def post(self, group: Group) -> Result:
        if all(order.key in self._transfers for order in group):
            return self._repeat(group)
        if any(order.key in self._transfers for order in group):
            return KeyReused()
        before = {
            key: self._accounts[key] for order in group for key in (order.debit, order.credit)
        }
        entries: list[dict[str, Any]] = []
        for order in group:
            try:
                entries += self._move(order)
            except Refused as refusal:
                self._accounts.update(before)
                return refusal
        for order in group:
            self._record(order)
        self._new_entries += entries
        return Posted([posted(row) for row in entries])

    def _repeat(self, group: Group) -> Result:
        for order in group:
            row = self._transfers[order.key]
            same = (row["subject"], row["debit_account"], row["credit_account"], row["amount"])
            if same != (order.subject, order.debit, order.credit, order.amount):
                return KeyReused()
        pool = {**self._old_entries, **{row["_id"]: row for row in self._new_entries}}
        return Posted(
            [posted(pool[key]) for order in group for key in entry_keys(self._transfers[order.key])]
        )

    def _move(self, order: Order) -> list[dict[str, Any]]:
        balance, version = self._accounts[order.debit]
        if balance < order.amount and order.debit != ISSUER:
            raise InsufficientFunds
        if (
            self._accounts[order.credit][0] + order.amount > MAX_BALANCE
            or balance - order.amount < -MAX_BALANCE
        ):
            raise BalanceTooLarge
        self._accounts[order.debit] = (balance - order.amount, version + 1)
        debit = self._entry(order, "debit", order.debit, -order.amount)
        balance, version = self._accounts[order.credit]
        self._accounts[order.credit] = (balance + order.amount, version + 1)
        return [debit, self._entry(order, "credit", order.credit, order.amount)]

    def _entry(self, order: Order, side: str, account: str, delta: int) -> dict[str, Any]:
        balance, version = self._accounts[account]
        return {
            "_id": f"{_prefix(order.key, order.reverses)}:{side}",
            "account": account,
            "source_ref": order.reverses or order.key,
            "points_delta": delta,
            "balance_after": balance,
            "version": version,
            "posted_at": self._now,
        }

    def _record(self, order: Order) -> None:
        row = {
            "_id": order.key,
            "subject": order.subject,
            "debit_account": order.debit,
            "credit_account": order.credit,
            "amount": order.amount,
            "happened_at": order.happened_at,
            "created_at": self._now,
        }
        if order.reverses:
            row |= {"reverses": order.reverses, "reason": order.reason}
        self._transfers[order.key] = row
        self._new_transfers.append(row)

    def write(self) -> None:
        if not self._new_transfers:
            return
        self._write_accounts(
            [key for key, state in self._accounts.items() if state != self._read.get(key, (0, 0))]
        )
        collection(Transfer).insert_many(self._new_transfers, session=self._session)
        collection(Entry).insert_many(self._new_entries, session=self._session)

    def _write_accounts(self, moved: list[str]) -> None:
        old = [key for key in moved if key in self._read]
        writes: list[InsertOne[dict[str, Any]] | UpdateMany] = [
            self._opening(key) for key in moved if key not in self._read
        ]
        writes += [
            self._moves(old[start : start + ACCOUNTS_AT_ONCE])
            for start in range(0, len(old), ACCOUNTS_AT_ONCE)
        ]
        if collection(Account).bulk_write(
            writes, ordered=False, session=self._session
        ).matched_count != len(old):
            raise Contended

    def _opening(self, key: str) -> InsertOne[dict[str, Any]]:
        balance, version = self._accounts[key]
        return InsertOne(
            {"_id": key, "balance": balance, "version": version, "created_at": self._now}
        )

    def _moves(self, keys: list[str]) -> UpdateMany:
        """One statement for many accounts, guarded by each one's version: half of what a statement
        each costs the server."""

        def own(values: list[int]) -> dict[str, Any]:
            return {
                "$arrayElemAt": [
                    {"$literal": values},
                    {"$indexOfArray": [{"$literal": keys}, "$_id"]},
                ]
            }

        as_read = {"$expr": {"$eq": ["$version", own([self._read[key][1] for key in keys])]}}
        balances, versions = (own([self._accounts[key][part] for key in keys]) for part in (0, 1))
        return UpdateMany(
            {"_id": {"$in": keys}, **as_read},
            [{"$set": {"balance": balances, "version": versions}}],
            hint="_id_",
        )


def entry_keys(transfer: Mapping[str, Any]) -> tuple[str, str]:
    """The keys of a transfer's debit and credit entry. A reversal's lie in the key range of the
    transfer that it takes back."""
    prefix = _prefix(transfer["_id"], transfer.get("reverses"))
    return f"{prefix}:debit", f"{prefix}:credit"


def _prefix(key: str, reverses: str | None) -> str:
    return f"{reverses}:reversal" if reverses else key


def posted(row: dict[str, Any]) -> PostedEntry:
    """A row of the entries as everyone else sees it. Its key says what it is: `<ref>:debit`,
    `<ref>:reversal:debit`, …"""
    key, delta = row["_id"], row["points_delta"]
    kind = REVERSAL if ":reversal:" in key else TRANSFER_OUT if delta < 0 else TRANSFER_IN
    return PostedEntry(
        key, row["account"], row["source_ref"], delta, row["balance_after"], row["posted_at"], kind
    )
