"""Posting: the only writer of the books.

What moves together is one document, and it is posted once because its key is the primary key. A
balance never goes below zero (the issuer's may): the rule is `memory.Books`, and the check and the
write are in one transaction. Two guards are the tripwire under it: an account's row only moves
forward, and no two postings hold one version of an account (index `posting_account_version`)."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any, NamedTuple

from pymongo import UpdateMany, UpdateOne
from pymongo.client_session import ClientSession
from pymongo.errors import BulkWriteError

from ground.mongodb import unique
from ground.mongodb.collections import collection
from ledger.books.memory import AccountRow, Books, PostingRow, State
from ledger.gateway import (
    COMMISSION_SUFFIX,
    REVERSAL,
    REVERSAL_SUFFIX,
    TRANSFER_IN,
    TRANSFER_OUT,
    Group,
    KeyReused,
    Posted,
    PostedEntry,
    Refused,
    Result,
)
from ledger.models import Account, Posting

ACCOUNTS_AT_ONCE = 100  # moved by one statement: each looks for itself among them


class Contended(Exception):
    """An account is not as it was read. Snapshots and write conflicts rule that out; nothing is
    posted."""


class Transfer(NamedTuple):
    """Two legs of a posting as whoever asked for them knows them: an order's fingerprint."""

    key: str
    subject: str
    debit: str
    credit: str
    amount: int


# --- writing -------------------------------------------------------------------------------------


def post(
    groups: Sequence[Group], *, now: datetime, session: ClientSession, are_new: bool = False
) -> list[Result]:
    """Posts each group in order, all or nothing; the caller's transaction makes the whole durable.
    Repeats change nothing.

    `are_new`: see Gateway.transfer.
    """
    orders = [order for group in groups for order in group]
    found = [] if are_new else _holding([order.key for order in orders], session)
    batch = _Batch(now, found)
    accounts = dict.fromkeys(account for order in orders for account in (order.debit, order.credit))
    batch.books.learn(states(accounts, session=session))
    results = [batch.post(group) for group in groups]
    keep(batch.rows, batch.books.take_moved(), now=now, session=session)
    return results


class _Batch:
    """What one call posts, and what was posted before it."""

    def __init__(self, now: datetime, found: Iterable[PostingRow]) -> None:
        self.books = Books()
        self.rows: list[PostingRow] = []
        self._now = now
        self._posted: dict[str, tuple[Transfer, list[PostedEntry]]] = {}
        for row in found:
            self._remember(row, entries(row))

    def post(self, group: Group) -> Result:
        known = [order for order in group if order.key in self._posted]
        if known:
            return self._repeat(group) if len(known) == len(group) else KeyReused()
        try:
            row = self.books.move(group, now=self._now)
        except Refused as refusal:
            return refusal
        self.rows.append(row)
        made = entries(row)
        self._remember(row, made)
        return Posted(made)

    def _repeat(self, group: Group) -> Result:
        told: list[PostedEntry] = []
        for order in group:
            transfer, made = self._posted[order.key]
            if transfer != (order.key, order.subject, order.debit, order.credit, order.amount):
                return KeyReused()
            told += made
        return Posted(told)

    def _remember(self, row: PostingRow, made: list[PostedEntry]) -> None:
        for number, transfer in enumerate(transfers(row)):
            self._posted[transfer.key] = transfer, made[2 * number : 2 * number + 2]


def keep(
    rows: Sequence[PostingRow], moved: Mapping[str, State], *, now: datetime, session: ClientSession
) -> None:
    """Inserts the postings and sets the accounts that they moved.

    Raises Contended when an account's row is as far already; BulkWriteError (a duplicate) when a
    key, or a version of an account, is taken."""
    if not rows:
        return
    unique.insert_small(Posting, rows, session=session)
    opened = {leg["account"] for row in rows for leg in row["legs"] if leg["version"] == 1}
    old = [account for account in moved if account not in opened]
    writes: list[UpdateOne | UpdateMany] = [
        _opening(account, moved[account], now) for account in moved if account in opened
    ]
    writes += [
        _moves(old[start : start + ACCOUNTS_AT_ONCE], moved)
        for start in range(0, len(old), ACCOUNTS_AT_ONCE)
    ]
    done = collection(Account).bulk_write(writes, ordered=False, session=session)
    if done.matched_count + done.upserted_count != len(moved):
        raise Contended


def set_forward(moved: Mapping[str, State], *, now: datetime) -> None:
    """Outside a transaction: the accounts' rows as far as these states; one that is as far already
    stays as it is."""
    writes = [_opening(account, state, now) for account, state in moved.items()]
    try:
        collection(Account).bulk_write(writes, ordered=False)
    except BulkWriteError as error:
        unique.clashes(error)


def _opening(account: str, state: State, now: datetime) -> UpdateOne:
    balance, version = state
    return UpdateOne(
        {"_id": account, "version": {"$lt": version}},
        {"$set": {"balance": balance, "version": version}, "$setOnInsert": {"created_at": now}},
        upsert=True,
    )


def _moves(accounts: list[str], moved: Mapping[str, State]) -> UpdateMany:
    """One statement for many accounts, guarded by each one's version: half of what a statement each
    costs the server."""

    def own(part: int) -> dict[str, Any]:
        values = [moved[account][part] for account in accounts]
        return {
            "$arrayElemAt": [
                {"$literal": values},
                {"$indexOfArray": [{"$literal": accounts}, "$_id"]},
            ]
        }

    balances, versions = own(0), own(1)
    return UpdateMany(
        {"_id": {"$in": accounts}, "$expr": {"$lt": ["$version", versions]}},
        [{"$set": {"balance": balances, "version": versions}}],
        hint="_id_",
    )


# --- reading -------------------------------------------------------------------------------------


def states(accounts: Iterable[str], *, session: ClientSession | None = None) -> dict[str, State]:
    """How these accounts stand; one that was never opened has nothing."""
    asked: dict[str, State] = dict.fromkeys(accounts, (0, 0))
    if asked:
        found: Iterable[AccountRow] = collection(Account).find(
            {"_id": {"$in": list(asked)}},
            {"balance": 1, "version": 1},
            session=session,
            batch_size=len(asked) + 1,
        )
        asked.update((row["_id"], (row["balance"], row["version"])) for row in found)
    return asked


def entries(row: PostingRow) -> list[PostedEntry]:
    """A posting's legs as everyone else sees them, in their order."""
    posted_at, reverses = row["posted_at"], row.get("reverses")
    made = []
    for number, leg in enumerate(row["legs"]):
        delta = leg["delta"]
        kind = REVERSAL if reverses else TRANSFER_OUT if delta < 0 else TRANSFER_IN
        entry_id, source_ref = entry_names(row["_id"], reverses, number)
        made.append(
            PostedEntry(
                entry_id, leg["account"], source_ref, delta, leg["balance"], posted_at, kind
            )
        )
    return made


def entry_names(key: str, reverses: str | None, number: int) -> tuple[str, str]:
    """The id and the source_ref of a posting's leg. Those of a reversal carry the source_ref of
    what it takes back."""
    side = "credit" if number % 2 else "debit"
    if reverses:
        return f"{reverses}:reversal:{side}", reverses
    ref = key if number < 2 else key + COMMISSION_SUFFIX
    return f"{ref}:{side}", ref


def key_of(entry_id: str) -> str:
    """The key of the posting that holds this entry; any other text is a key itself."""
    ref = entry_id.removesuffix(":debit").removesuffix(":credit")
    if ref == entry_id:
        return entry_id
    if ref.endswith(":reversal"):
        return ref.removesuffix(":reversal") + REVERSAL_SUFFIX
    return ref.removesuffix(COMMISSION_SUFFIX)


def entries_of(source_refs: Sequence[str]) -> list[PostedEntry]:
    """Every entry that carries one of these, source_ref by source_ref; those that take it back
    last."""
    wanted = [ref for name in source_refs for ref in (name, name + REVERSAL_SUFFIX)]
    rows = sorted(_holding(wanted), key=lambda row: bool(row.get("reverses")))
    found = [entry for row in rows for entry in entries(row)]
    return [entry for ref in source_refs for entry in found if entry.source_ref == ref]


def transfers(row: Mapping[str, Any]) -> list[Transfer]:
    """What a posting moved: the order's tokens, then the commission's."""
    legs, keys = row["legs"], (row["_id"], row["_id"] + COMMISSION_SUFFIX)
    return [
        Transfer(
            keys[number // 2],
            row["subject"],
            legs[number]["account"],
            legs[number + 1]["account"],
            legs[number + 1]["delta"],
        )
        for number in range(0, len(legs) - 1, 2)
    ]


def find(key: str, *, session: ClientSession | None = None) -> tuple[Transfer, str] | None:
    """The transfer of this key, and what it takes back if it is a reversal."""
    for row in _holding([key], session):
        for transfer in transfers(row):
            if transfer.key == key:
                return transfer, row.get("reverses") or ""
    return None


def _holding(keys: Iterable[str], session: ClientSession | None = None) -> list[PostingRow]:
    """The postings of these keys; that of a commission is its order's."""
    wanted = {name for key in keys for name in (key, key.removesuffix(COMMISSION_SUFFIX))}
    found = collection(Posting).find(
        {"_id": {"$in": list(wanted)}}, session=session, batch_size=len(wanted) + 1
    )
    return list(found)
