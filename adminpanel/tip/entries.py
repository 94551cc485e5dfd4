"""The ledger's entries of one tip, as lines that a person reads: which account, which side, the
balances around it.

Of our own books they are rows; of somebody else's ledger, what the event keeps of the proof: only
here the two look alike. It asks no database."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from adminpanel.tip.story import Story
from ledger.gateway import REVERSAL, PostedEntry, performer_account, user_account
from tips.models import Tip

_HIDDEN = "user:hidden"


@dataclass(frozen=True, slots=True)
class Line:
    """An entry of the ledger. `account` is masked when the tip is anonymous; balances that the
    ledger did not tell are None."""

    key: str
    account: str
    side: str
    amount: int
    before: int | None
    after: int | None
    is_reversal: bool = False


def of(found: Story) -> list[Line]:
    """Empty while no tokens have moved."""
    is_masked = bool(found.tip and found.tip.is_anonymous)
    if found.tip and found.tip.looks is not None and found.event:
        return list(_proof_lines(found.tip, found.event.payload["ledger"], is_masked=is_masked))
    return [_line(entry, is_masked=is_masked) for entry in found.entries]


def _line(entry: PostedEntry, *, is_masked: bool) -> Line:
    account = _HIDDEN if is_masked and entry.account.startswith("user:") else entry.account
    side = "debit" if entry.points_delta < 0 else "credit"
    before = entry.balance_after - entry.points_delta
    balances = before, entry.balance_after
    is_reversal = entry.kind == REVERSAL
    return Line(entry.entry_id, account, side, abs(entry.points_delta), *balances, is_reversal)


def _proof_lines(tip: Tip, ledger: dict[str, Any], *, is_masked: bool) -> Iterator[Line]:
    """A ledger that keeps a transfer in one entry names one side of it."""
    viewer = _HIDDEN if is_masked else user_account(tip.tipper_id)
    performer = performer_account(tip.performer_id)
    sides = (
        ("debit", ledger["debitRef"], viewer, ledger.get("sourceBalance")),
        ("credit", ledger["creditRef"], performer, ledger.get("recipientBalance")),
    )
    for side, ref, account, balance in sides:
        if balance:
            key, amount = ref or ledger["ledgerId"], abs(balance["change"])
            yield Line(key, account, side, amount, balance["before"], balance["after"])
