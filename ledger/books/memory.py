"""The rules of a posting without a database: which accounts move, by how much, and what stands
against it.

Pure: no query, no clock. Whoever holds a `Books` sees to it that nobody else moves these accounts
meanwhile, and writes what they have become with `posting.keep`. A balance never goes below zero
(the issuer's may)."""

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import NotRequired, TypedDict

from ledger.gateway import (
    COMMISSION_SUFFIX,
    ISSUER,
    BalanceTooLarge,
    Group,
    InsufficientFunds,
    KeyReused,
)

MAX_BALANCE = 2**53 - 1  # of whoever is paid: what every JSON reader holds exactly
LEAST_BALANCE = 1 - 2**63  # the issuer's, who alone is negative: MongoDB's integer

State = tuple[int, int]  # balance, version; an account that was never opened is (0, 0)


class AccountRow(TypedDict):
    """An account as it is kept: its `balance` is what its leg of this `version` left."""

    _id: str
    balance: int
    version: int
    created_at: datetime


class Leg(TypedDict):
    """One account's side. `version` counts the account's legs without gaps; `balance` is what this
    one leaves."""

    account: str
    version: int
    delta: int
    balance: int


class PostingRow(TypedDict):
    """A posting as it is kept: its key is that of its first order, for ever.

    Legs 0 and 1 are the order's debit and credit; legs 2 and 3, where there are any, those of the
    commission."""

    _id: str
    subject: str
    legs: list[Leg]
    happened_at: datetime
    posted_at: datetime
    # Only a reversal has these two: the transfer that it takes back, and why.
    reverses: NotRequired[str]
    reason: NotRequired[str]


class Books:
    """The accounts that are known, as they stand after everything that was moved here."""

    def __init__(self) -> None:
        self._known: dict[str, State] = {}
        self._moved: dict[str, State] = {}

    def __len__(self) -> int:
        """How many accounts are known. Their owner forgets them when it keeps too many."""
        return len(self._known)

    def unknown(self, accounts: Iterable[str]) -> list[str]:
        """Those whose state is not known yet, each once."""
        known = self._known
        return [account for account in dict.fromkeys(accounts) if account not in known]

    def learn(self, found: Mapping[str, State]) -> None:
        """As they were read. What is known already stays: it may be ahead of its row."""
        for account, state in found.items():
            self._known.setdefault(account, state)

    def forget(self, accounts: Iterable[str] | None = None) -> None:
        """These, or everything, also what was moved and not taken: the rows are the truth again."""
        if accounts is None:
            self._known.clear()
            self._moved.clear()
            return
        for account in accounts:
            self._known.pop(account, None)
            self._moved.pop(account, None)

    def move(self, group: Group, *, now: datetime) -> PostingRow:
        """Moves the tokens of an order, or of an order and its commission, together or not at all.

        Raises gateway.Refused (InsufficientFunds, BalanceTooLarge, KeyReused) and then nothing has
        moved. All of its accounts must be known: KeyError. Whether it is a repeat is the caller's
        business; only a commission's reference is refused here, because it is no document's key."""
        first = group[0]
        if first.key.endswith(COMMISSION_SUFFIX):
            raise KeyReused
        if len(group) > 1:
            _check(group)
        after: dict[str, State] = {}
        legs: list[Leg] = []
        for order in group:
            amount = order.amount
            for account, delta in ((order.debit, -amount), (order.credit, amount)):
                balance, version = after.get(account) or self._known[account]
                balance += delta
                version += 1
                if balance < 0 and delta < 0 and account != ISSUER:
                    raise InsufficientFunds
                if not LEAST_BALANCE <= balance <= MAX_BALANCE:
                    raise BalanceTooLarge
                after[account] = balance, version
                legs.append(
                    {"account": account, "version": version, "delta": delta, "balance": balance}
                )
        self._known.update(after)
        self._moved.update(after)
        row: PostingRow = {
            "_id": first.key,
            "subject": first.subject,
            "legs": legs,
            "happened_at": first.happened_at,
            "posted_at": now,
        }
        if first.reverses:
            row["reverses"], row["reason"] = first.reverses, first.reason
        return row

    def take_moved(self) -> dict[str, State]:
        """The states of the accounts moved since the last call."""
        moved, self._moved = self._moved, {}
        return moved


def _check(group: Group) -> None:
    """The commission has no key of its own in the books: it is read under the first order's."""
    total, cut = group
    if (
        cut.key != total.key + COMMISSION_SUFFIX
        or (cut.subject, cut.debit, cut.happened_at)
        != (total.subject, total.credit, total.happened_at)
        or total.reverses
        or cut.reverses
    ):
        raise ValueError("a posting is one order, or an order and the commission from it")
