"""The four questions the rest of the system may ask a ledger, and how the answer about one
source_ref is read.

`posted_at` set means SETTLED; there is no other proof.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from typing import NamedTuple, Protocol

from django.conf import settings
from django.utils.module_loading import import_string
from pymongo.client_session import ClientSession

GATEWAYS = {
    "embedded": "ledger.books.embedded.EmbeddedGateway",
    "rrr": "ledger.rrr.gateway.RrrGateway",
}

# What an entry is, in RRR's words; the embedded books know these three.
TRANSFER_OUT, TRANSFER_IN, REVERSAL = "TRANSFER_OUT", "TRANSFER_IN", "REVERSAL"

ISSUER = "issuer:tokens"
COMMISSION = "platform:commission"

# End the keys of what our own books post beside a transfer: its commission, and what takes it back.
COMMISSION_SUFFIX, REVERSAL_SUFFIX = "_COMMISSION", "_REVERSAL"


def user_account(user_id: str) -> str:
    return f"user:{user_id}"


def performer_account(performer_id: str) -> str:
    return f"performer:{performer_id}"


@dataclass(frozen=True, slots=True)
class Order:
    """A transfer to post. `subject` names the business fact; the same key for another subject is
    refused."""

    key: str
    subject: str
    debit: str
    credit: str
    amount: int
    happened_at: datetime
    # the key of the transfer that this one takes back; its entries are found under that one's
    # source_ref
    reverses: str = ""
    reason: str = ""

    def __post_init__(self) -> None:
        if type(self.amount) is not int or self.amount <= 0:
            raise ValueError("a transfer moves a positive whole number of tokens")
        if self.debit == self.credit:
            raise ValueError("a transfer has two accounts")


class PostedEntry(NamedTuple):
    """One side of a transfer. `points_delta` is negative on the debit side; `posted_at` is None
    until it is posted."""

    entry_id: str
    account: str
    source_ref: str
    points_delta: int
    balance_after: int
    posted_at: datetime | None
    kind: str


@dataclass(frozen=True, slots=True)
class Posted:
    entries: list[PostedEntry]


class Refused(Exception):
    """A group was not posted; `reason` is the stable code of the broken rule."""

    reason = "refused"


class InsufficientFunds(Refused):
    """A debit account other than the issuer's may not go below zero."""

    reason = "insufficient_funds"


class KeyReused(Refused):
    """A transfer of this key exists with other accounts, amount or subject; or it is the reference
    of a commission, which nobody else can give."""

    reason = "source_ref_reused"


class BalanceTooLarge(Refused):
    """A balance must fit MongoDB's 64-bit integer."""

    reason = "balance_too_large"


Result = Posted | Refused
Group = Sequence[Order]


def accounts_in(groups: Iterable[Group]) -> frozenset[str]:
    """Those that these orders may move."""
    return frozenset(name for group in groups for o in group for name in (o.debit, o.credit))


class LedgerError(Exception):
    """The ledger gave no answer that can be used. `permanent`: the same question will do no better
    later."""

    permanent = False
    code = ""  # a stable word for rows and logs
    retry_after: float | None = (
        None  # seconds in which asking again is pointless, when the ledger named them
    )


class Gateway(Protocol):
    """Its methods may raise LedgerError, or PyMongoError where the books are our own."""

    @property
    def places_tips(self) -> bool:
        """Whether we move a tip's tokens ourselves (LEDGER_PLACES_TIPS); if not, the platform has,
        and we only look."""

    @property
    def joins_transactions(self) -> bool:
        """Whether `transfer` takes a session: only books in the same database can."""

    def transfer(
        self,
        groups: Sequence[Group],
        *,
        now: datetime,
        session: ClientSession | None = None,
        are_new: bool = False,
    ) -> list[Result]:
        """Posts each group of orders, all or nothing, once. With a session it becomes durable with
        the caller's transaction, which only books in the same database can do; without one it is
        durable when this returns.

        `are_new`, with a session: the caller expects that no order was ever posted, so nobody
        looks. Where it is wrong, the transfer's key ends the transaction with a duplicate, and the
        caller runs it again without."""

    def entries_for(
        self, source_ref: str, *, accounts: Sequence[str], since: datetime | None = None
    ) -> list[PostedEntry]:
        """Every entry that carries this source_ref. A ledger kept by member is asked about these
        accounts, payer first, and about entries made since then."""

    def balance_of(self, account: str) -> int:
        """Tokens; an unknown account has none."""

    def health(self) -> bool:
        """Whether the ledger answers."""


@dataclass(frozen=True, slots=True)
class Proof:
    """A source_ref whose entries are posted. With a single entry both refs are null: they are never
    invented."""

    ledger_id: str
    debit_ref: str | None
    credit_ref: str | None
    posted_at: datetime


class NeedsReconciliation(Exception):
    """The entries of one source_ref cannot be one settled transfer, and waiting will not change
    that: a person must look."""

    REVERSED = "reversed"
    TOO_MANY_ENTRIES = "too_many_entries"
    SAME_SIGN = "same_sign"

    def __init__(self, reason: str, detail: str = "") -> None:
        """`reason` is a stable word for rows and logs; `detail` is for the eyes of whoever
        looks."""
        super().__init__(f"{reason} ({detail})" if detail else reason)
        self.reason = reason


def read(entries: Sequence[PostedEntry]) -> Proof | None:
    """Reads one source_ref's entries (docs/integrators.md). None: not settled, ask again later."""
    if any(
        entry.kind == REVERSAL for entry in entries
    ):  # posted or not: somebody took the transfer back
        raise NeedsReconciliation(NeedsReconciliation.REVERSED)
    if not entries or any(entry.posted_at is None for entry in entries):
        return None
    posted_at = max(entry.posted_at for entry in entries if entry.posted_at)
    if len(entries) == 1:
        return Proof(entries[0].entry_id, None, None, posted_at)
    if len(entries) > 2:
        raise NeedsReconciliation(NeedsReconciliation.TOO_MANY_ENTRIES)
    debit, credit = sorted(entries, key=lambda entry: entry.points_delta)
    if not debit.points_delta < 0 < credit.points_delta:
        raise NeedsReconciliation(NeedsReconciliation.SAME_SIGN)
    return Proof(debit.entry_id, debit.entry_id, credit.entry_id, posted_at)


@lru_cache(maxsize=1)
def current() -> Gateway:
    return named(settings.LEDGER_GATEWAY)


def named(name: str) -> Gateway:
    """A gateway of its own, whichever one settles the tips."""
    gateway: Gateway = import_string(GATEWAYS[name])()
    return gateway
