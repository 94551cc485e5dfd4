"""The proof of the books: recomputes everything from the rows and reports what does not agree. It
changes nothing.

All rows are read at one moment (a snapshot session), so postings may go on meanwhile. They come
through cursors, one account or one batch at a time, whatever the size of the books. The server
keeps a snapshot for five minutes by default (`minSnapshotHistoryWindowInSeconds`); books that take
longer to read need a larger window."""

import heapq
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from itertools import groupby, islice
from operator import itemgetter

from django.db import models
from pymongo.client_session import ClientSession

from ground.mongodb.collections import Document, client, collection
from ledger.books.posting import REVERSED, entry_keys
from ledger.gateway import ISSUER
from ledger.models import Account, Entry, Transfer

BATCH = 1000


@dataclass(frozen=True, slots=True)
class Finding:
    """One disagreement: the row that shows it, and what is wrong with it."""

    subject: str
    problem: str

    def __str__(self) -> str:
        return f"{self.subject}: {self.problem}"


def size() -> int:
    """About how many rows `findings` will read."""
    return sum(
        collection(model).estimated_document_count() for model in (Transfer, Entry, Entry, Account)
    )


def findings(*, progress: Callable[[int], object] = lambda rows: None) -> Iterator[Finding]:
    """Everything that does not agree; nothing when the books are proven. `progress` hears how many
    rows were read."""
    with client().start_session(snapshot=True) as session:
        for batch in _batches(Transfer, session, progress):
            yield from _transfers(batch, session)
        for batch in _batches(Entry, session, progress):
            yield from _entries(batch, session)
        yield from _accounts(session, progress)


def _batches(
    model: type[models.Model], session: ClientSession, progress: Callable[[int], object]
) -> Iterator[list[Document]]:
    rows = collection(model).find({}, session=session, batch_size=BATCH)
    while batch := list(islice(rows, BATCH)):
        yield batch
        progress(len(batch))


def _by_key(
    model: type[models.Model], keys: Iterable[str], session: ClientSession
) -> dict[str, Document]:
    return {
        row["_id"]: row
        for row in collection(model).find({"_id": {"$in": list(keys)}}, session=session)
    }


def _transfers(batch: list[Document], session: ClientSession) -> Iterator[Finding]:
    """Each moves a positive amount between two accounts, and has its two entries."""
    entries = _by_key(Entry, (key for row in batch for key in entry_keys(row)), session)
    reversed_ones = _by_key(
        Transfer, (row["reverses"] for row in batch if row.get("reverses")), session
    )
    for row in batch:
        subject = f"transfer {row['_id']}"
        if type(row["amount"]) is bool or not isinstance(row["amount"], int) or row["amount"] <= 0:
            yield Finding(subject, f"its amount is {row['amount']!r}, not a positive whole number")
        if row["debit_account"] == row["credit_account"]:
            yield Finding(subject, "debits and credits one account")
        for side, key in zip(("debit", "credit"), entry_keys(row), strict=True):
            if key not in entries:
                yield Finding(subject, f"its {side} entry is missing")
        if row.get("reverses") and not _takes_back(row, reversed_ones.get(row["reverses"])):
            yield Finding(subject, f"does not take back what {row['reverses']} moved")


def _takes_back(row: Document, original: Document | None) -> bool:
    """The same amount the other way round, under the one key that a reversal of that transfer can
    have."""
    if original is None or row["_id"] != f"{original['_id']}{REVERSED}":
        return False
    back = (row["credit_account"], row["debit_account"], row["amount"])
    return back == (original["debit_account"], original["credit_account"], original["amount"])


def _entries(batch: list[Document], session: ClientSession) -> Iterator[Finding]:
    """Each is exactly what one side of its transfer says; so the two sum to zero."""
    transfers = _by_key(Transfer, {_transfer_of(row) for row in batch}, session)
    for row in batch:
        transfer = transfers.get(_transfer_of(row))
        if transfer is None:
            yield Finding(f"entry {row['_id']}", f"there is no transfer {_transfer_of(row)}")
        elif (found := (row["_id"], row["account"], row["points_delta"])) not in _sides(transfer):
            yield Finding(
                f"entry {row['_id']}", f"{found[2]} on {found[1]} is not what its transfer says"
            )


def _transfer_of(entry: Document) -> str:
    source_ref: str = entry["source_ref"]
    return (
        source_ref + REVERSED if entry["_id"].startswith(f"{source_ref}:reversal:") else source_ref
    )


def _sides(transfer: Document) -> tuple[tuple[str, str, int], tuple[str, str, int]]:
    (debit, credit), amount = entry_keys(transfer), transfer["amount"]
    return (debit, transfer["debit_account"], -amount), (credit, transfer["credit_account"], amount)


def _accounts(session: ClientSession, progress: Callable[[int], object]) -> Iterator[Finding]:
    """Accounts and their entries side by side, both in index order, so that one account is in
    memory at a time."""
    # A batch's own size is 16 MB, which is a hundred in memory.
    accounts = collection(Account).find({}, session=session, batch_size=BATCH).sort("_id", 1)
    entries = (
        collection(Entry)
        .find({}, session=session, batch_size=BATCH)
        .sort([("account", 1), ("version", 1)])
    )
    rows = heapq.merge(
        ((str(row["_id"]), 0, row) for row in accounts),
        ((str(row["account"]), 1, row) for row in entries),
        key=itemgetter(0, 1),
    )
    total = 0
    for name, mine in groupby(rows, key=itemgetter(0)):
        chain = _Chain(name)
        for _, is_entry, row in mine:
            yield from chain.entry(row) if is_entry else chain.account(row)
        yield from chain.end()
        total += chain.balance
        progress(chain.read)
    if total:
        yield Finding("all accounts", f"sum to {total}, not to zero")


class _Chain:
    """One account's entries in order: versions without gaps, balances that fold, and the end that
    the account's row names."""

    def __init__(self, name: str) -> None:
        self.balance = self.read = 0
        self._version, self._subject, self._may_be_negative = 0, f"account {name}", name == ISSUER
        self._row: Document | None = None

    def account(self, row: Document) -> Iterator[Finding]:
        self._row = row
        self.read += 1
        yield from ()

    def entry(self, row: Document) -> Iterator[Finding]:
        """Goes on from what the row says, so that one wrong row is not reported for every row after
        it."""
        self.read += 1
        if row["version"] != self._version + 1:
            yield Finding(
                self._subject, f"version {row['version']} follows version {self._version}"
            )
        if row["balance_after"] != self.balance + row["points_delta"]:
            folded = self.balance + row["points_delta"]
            yield Finding(
                self._subject,
                f"entry {row['_id']} leaves {row['balance_after']} where its entries add up to "
                f"{folded}",
            )
        if row["balance_after"] < 0 and not self._may_be_negative:
            yield Finding(self._subject, f"entry {row['_id']} leaves it below zero")
        self.balance, self._version = row["balance_after"], row["version"]

    def end(self) -> Iterator[Finding]:
        if self._row is None:
            yield Finding(self._subject, "has entries and no row")
        elif (self._row["balance"], self._row["version"]) != (self.balance, self._version):
            says = f"{self._row['balance']} at version {self._row['version']}"
            yield Finding(
                self._subject,
                f"says {says}, its entries end with {self.balance} at version {self._version}",
            )
