"""The four questions the rest of the system may ask a ledger, and how the answer about one source_ref is read.

`posted_at` set means SETTLED; there is no other proof. (seed 3, "Event Source of Truth")
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from typing import Protocol

from django.conf import settings
from django.utils.module_loading import import_string
from pymongo.client_session import ClientSession

GATEWAYS = {"embedded": "ledger.embedded.EmbeddedGateway"}

ISSUER = "issuer:tokens"
COMMISSION = "platform:commission"


def user_account(user_id: str) -> str:
    return f"user:{user_id}"


def performer_account(performer_id: str) -> str:
    return f"performer:{performer_id}"


@dataclass(frozen=True, slots=True)
class Order:
    """A transfer to post. `subject` names the business fact; the same key for another subject is refused."""

    key: str
    subject: str
    debit: str
    credit: str
    amount: int
    happened_at: datetime
    reverses: str = ""  # the key of the transfer that this one takes back; its entries are found under that one's source_ref
    reason: str = ""

    def __post_init__(self) -> None:
        if type(self.amount) is not int or self.amount <= 0:
            raise ValueError("a transfer moves a positive whole number of tokens")
        if self.debit == self.credit:
            raise ValueError("a transfer has two accounts")


@dataclass(frozen=True, slots=True)
class PostedEntry:
    """One side of a posted transfer. `points_delta` is negative on the debit side."""

    entry_id: str
    account: str
    source_ref: str
    points_delta: int
    balance_after: int
    posted_at: datetime | None


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
    """A transfer of this key exists with other accounts, amount or subject."""

    reason = "source_ref_reused"


class BalanceTooLarge(Refused):
    """A balance must fit MongoDB's 64-bit integer."""

    reason = "balance_too_large"


Result = Posted | Refused
Group = Sequence[Order]


class Gateway(Protocol):
    def transfer(self, groups: Sequence[Group], *, now: datetime, session: ClientSession) -> list[Result]:
        """Posts each group of orders, all or nothing, once."""

    def entries_for(self, source_ref: str) -> list[PostedEntry]:
        """Every entry that carries this source_ref."""

    def balance_of(self, account: str) -> int:
        """Tokens; an unknown account has none."""

    def health(self) -> bool:
        """Whether the ledger answers."""


@dataclass(frozen=True, slots=True)
class Proof:
    """A source_ref whose entries are posted. With a single entry both refs are null: they are never invented."""

    ledger_id: str
    debit_ref: str | None
    credit_ref: str | None
    posted_at: datetime


class NeedsReconciliation(Exception):
    """The entries of one source_ref cannot be one settled transfer: more than two, or not one debit and one credit."""


def read(entries: Sequence[PostedEntry]) -> Proof | None:
    """Reads one source_ref's entries (spec section 3). None: not settled, ask again later."""
    if not entries or any(entry.posted_at is None for entry in entries):
        return None
    posted_at = max(entry.posted_at for entry in entries if entry.posted_at)
    if len(entries) == 1:
        return Proof(entries[0].entry_id, None, None, posted_at)
    debits = [entry for entry in entries if entry.points_delta < 0]
    credits = [entry for entry in entries if entry.points_delta > 0]
    if len(entries) != 2 or len(debits) != 1 or len(credits) != 1:
        raise NeedsReconciliation
    return Proof(debits[0].entry_id, debits[0].entry_id, credits[0].entry_id, posted_at)


@lru_cache(maxsize=1)
def current() -> Gateway:
    gateway: Gateway = import_string(GATEWAYS[settings.LEDGER_GATEWAY])()
    return gateway
