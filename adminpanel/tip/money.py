"""The money of one tip as a small T-account: what was debited and credited where, the balance after
each entry, and how the tip was split. It asks no database."""

from collections.abc import Sequence
from dataclasses import dataclass

from adminpanel.tip.entries import Line
from adminpanel.tip.story import Story


@dataclass(frozen=True, slots=True)
class Money:
    """`split`: in words; empty before the tip is recorded. Debits and credits are equal where the
    ledger told both sides."""

    lines: Sequence[Line]
    debit: int
    credit: int
    split: str

    @property
    def is_balanced(self) -> bool:
        return self.debit == self.credit

    @property
    def reversals(self) -> int:
        return sum(line.is_reversal for line in self.lines)


def of(found: Story, lines: Sequence[Line]) -> Money:
    sums = {
        side: sum(line.amount for line in lines if line.side == side)
        for side in ("debit", "credit")
    }
    return Money(lines, sums["debit"], sums["credit"], _split(found))


def _split(found: Story) -> str:
    tip = found.tip
    if tip is None:
        return ""
    kept = tip.total - tip.net
    words = (
        f"{tip.total} tokens: {tip.net} to the performer, {kept} commission ({tip.commission} %)"
    )
    return (
        f"{words}; {tip.studio_commission} % of it for the studio"
        if tip.studio_commission
        else words
    )
