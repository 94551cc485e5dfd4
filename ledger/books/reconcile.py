"""The proof of the books: recomputes everything from the rows and reports what does not agree. It
changes nothing.

All rows are read at one moment (a snapshot session), so postings may go on meanwhile. They come
through cursors, one account or one batch at a time, whatever the size of the books. The server
keeps a snapshot for five minutes by default (`minSnapshotHistoryWindowInSeconds`); books that take
longer to read need a larger window."""

import heapq
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import groupby, islice
from operator import itemgetter

from pymongo.client_session import ClientSession

from ground.mongodb.collections import Document, client, collection
from ledger.books.posting import entry_names, transfers
from ledger.gateway import COMMISSION_SUFFIX, ISSUER, REVERSAL_SUFFIX
from ledger.models import Account, Posting

BATCH = 1000


@dataclass(frozen=True, slots=True)
class Finding:
    """One disagreement: the row that shows it, and what is wrong with it."""

    subject: str
    problem: str

    def __str__(self) -> str:
        return f"{self.subject}: {self.problem}"


def size() -> int:
    """About how many rows `findings` will read: a posting twice, once for itself and once for the
    accounts that it moved."""
    return sum(
        collection(model).estimated_document_count() for model in (Posting, Posting, Account)
    )


def findings(*, progress: Callable[[int], object] = lambda rows: None) -> Iterator[Finding]:
    """Everything that does not agree; nothing when the books are proven. `progress` hears how many
    rows were read."""
    with client().start_session(snapshot=True) as session:
        for batch in _batches(session, progress):
            yield from _postings(batch, session)
        yield from _accounts(session, progress)


# --- each posting for itself ---------------------------------------------------------------------


def _batches(session: ClientSession, progress: Callable[[int], object]) -> Iterator[list[Document]]:
    rows = collection(Posting).find({}, session=session, batch_size=BATCH)
    while batch := list(islice(rows, BATCH)):
        yield batch
        progress(len(batch))


def _postings(batch: list[Document], session: ClientSession) -> Iterator[Finding]:
    """Each moves positive amounts, each between two accounts, under keys of its own."""
    named = {name for row in batch for name in _others(row)}
    found = collection(Posting).find({"_id": {"$in": list(named)}}, session=session)
    others = {row["_id"]: row for row in found}
    for row in batch:
        yield from (Finding(f"posting {row['_id']}", problem) for problem in _problems(row, others))


def _others(row: Document) -> Iterator[str]:
    """The postings that must be seen beside this one."""
    if row.get("reverses"):
        yield row["reverses"]
        yield row["reverses"].removesuffix(COMMISSION_SUFFIX)
    if row["_id"].endswith(COMMISSION_SUFFIX):
        yield row["_id"].removesuffix(COMMISSION_SUFFIX)


def _problems(row: Document, others: dict[str, Document]) -> Iterator[str]:
    if wrong := next(_no_numbers(row["legs"]), None):
        yield wrong
        return
    yield from _wrong_legs(row["legs"], most=2 if row.get("reverses") else 4)
    if row.get("reverses") and not _takes_back(row, others):
        yield f"does not take back what {row['reverses']} moved"
    if _is_commission_of_another(row, others):
        yield "has the key of another posting's commission"


def _no_numbers(legs: list[Document]) -> Iterator[str]:
    for leg in legs:
        for name in ("version", "delta", "balance"):
            if not _is_whole(leg.get(name)):
                yield f"the {name} of a leg is {leg.get(name)!r}, not a whole number"


def _is_whole(value: object) -> bool:
    return isinstance(value, int) and type(value) is not bool


def _wrong_legs(legs: list[Document], *, most: int) -> Iterator[str]:
    if not 0 < len(legs) <= most or len(legs) % 2:
        yield f"has {len(legs)} legs"
    if total := sum(leg["delta"] for leg in legs):
        yield f"its legs sum to {total}, not to zero"
    for debit, credit in zip(legs[::2], legs[1::2], strict=False):
        yield from _wrong_pair(debit, credit)
    if len({(leg["account"], leg["version"]) for leg in legs}) != len(legs):
        yield "two of its legs are one version of an account"


def _wrong_pair(debit: Document, credit: Document) -> Iterator[str]:
    if debit["account"] == credit["account"]:
        yield f"debits and credits one account, {debit['account']}"
    if not debit["delta"] < 0 < credit["delta"] or debit["delta"] + credit["delta"]:
        yield (
            f"{debit['delta']} on {debit['account']} and {credit['delta']} on {credit['account']} "
            "are not one transfer"
        )


def _takes_back(row: Document, others: dict[str, Document]) -> bool:
    """The same amount the other way round, under the one key that a reversal of that transfer can
    have."""
    seen = [others[name] for name in _others(row) if name in others]
    originals = {
        transfer.key: transfer
        for other in seen
        if not other.get("reverses") and len(other["legs"]) in (2, 4)
        for transfer in transfers(other)
    }
    original = originals.get(row["reverses"])
    if original is None or row["_id"] != row["reverses"] + REVERSAL_SUFFIX:
        return False
    taken = original.credit, original.debit, original.amount
    return [(back.debit, back.credit, back.amount) for back in transfers(row)] == [taken]


def _is_commission_of_another(row: Document, others: dict[str, Document]) -> bool:
    """Then one source_ref would have the entries of both."""
    if not row["_id"].endswith(COMMISSION_SUFFIX):
        return False
    other = others.get(row["_id"].removesuffix(COMMISSION_SUFFIX))
    return other is not None and len(other["legs"]) > 2


# --- each account over all postings --------------------------------------------------------------


def _accounts(session: ClientSession, progress: Callable[[int], object]) -> Iterator[Finding]:
    """Accounts and their legs side by side, so that one account is in memory at a time."""
    # A batch's own size is 16 MB, which is a hundred in memory.
    accounts = collection(Account).find({}, session=session, batch_size=BATCH).sort("_id", 1)
    rows = heapq.merge(
        ((str(row["_id"]), 0, row) for row in accounts),
        ((str(row["account"]), 1, row) for row in _legs(session)),
        key=itemgetter(0, 1),
    )
    total = 0
    for name, mine in groupby(rows, key=itemgetter(0)):
        chain = _Chain(name)
        for _, is_leg, row in mine:
            yield from chain.leg(row) if is_leg else chain.account(row)
        yield from chain.end()
        total += chain.balance
        progress(chain.read)
    if total:
        yield Finding("all accounts", f"sum to {total}, not to zero")


def _legs(session: ClientSession) -> Iterator[Document]:
    """All legs by account and version. The index of an array gives a document once and not once for
    each element, so the server sorts, on disk when there are many."""
    stages: list[Document] = [
        {"$project": {"legs": 1, "reverses": 1}},
        {"$unwind": {"path": "$legs", "includeArrayIndex": "number"}},
        {
            "$project": {
                "reverses": 1,
                "number": 1,
                "account": "$legs.account",
                "version": "$legs.version",
                "delta": "$legs.delta",
                "balance": "$legs.balance",
            }
        },
        {"$sort": {"account": 1, "version": 1}},
    ]
    return collection(Posting).aggregate(
        stages, session=session, allowDiskUse=True, batchSize=BATCH
    )


class _Chain:
    """One account's legs in order: versions without gaps, balances that fold, and the end that the
    account's row names."""

    def __init__(self, name: str) -> None:
        self.balance = self.read = 0
        self._version, self._subject, self._may_be_negative = 0, f"account {name}", name == ISSUER
        self._row: Document | None = None

    def account(self, row: Document) -> Iterator[Finding]:
        self._row = row
        self.read += 1
        yield from ()

    def leg(self, row: Document) -> Iterator[Finding]:
        """Goes on from what the row says, so that one wrong row is not reported for every row after
        it."""
        self.read += row["number"] == 0
        entry, _ = entry_names(row["_id"], row.get("reverses"), row["number"])
        # What is no number was found in its posting, and counts for nothing here.
        version, delta, balance = (
            row[name] if _is_whole(row.get(name)) else 0 for name in ("version", "delta", "balance")
        )
        if version != self._version + 1:
            yield Finding(self._subject, f"version {version} follows version {self._version}")
        if balance != (folded := self.balance + delta):
            said = f"leaves {balance} where its entries add up to {folded}"
            yield Finding(self._subject, f"entry {entry} {said}")
        if balance < 0 and not self._may_be_negative:
            yield Finding(self._subject, f"entry {entry} leaves it below zero")
        self.balance, self._version = balance, version

    def end(self) -> Iterator[Finding]:
        if self._row is None:
            yield Finding(self._subject, "has entries and no row")
        elif (self._row["balance"], self._row["version"]) != (self.balance, self._version):
            says = f"{self._row['balance']} at version {self._row['version']}"
            yield Finding(
                self._subject,
                f"says {says}, its entries end with {self.balance} at version {self._version}",
            )
