"""Proof: when a ledger's entries prove a tip. Settlement asks before the event is born, drift
whenever somebody wants to know.

`ledger.gateway.read` says whether entries are one posted transfer; here they must be this tip's:
its tokens, from its tipper, to its performer."""

from collections.abc import Sequence

from ledger import gateway
from ledger.gateway import NeedsReconciliation, PostedEntry, Proof, performer_account, user_account
from tips.rows import TipRow

OTHER_PARTY, OTHER_AMOUNT = "other_party", "other_amount"


def of(tip: TipRow, entries: Sequence[PostedEntry]) -> Proof | None:
    """The proof, None when there is none yet; raises NeedsReconciliation. Entries of other
    references, as that of the commission, prove nothing."""
    own = [entry for entry in entries if entry.source_ref == tip["source_ref"]]
    proof = gateway.read(own)
    if proof is not None:
        for entry in own:
            _check(tip, entry, is_alone=len(own) == 1)
    return proof


def _check(tip: TipRow, entry: PostedEntry, *, is_alone: bool) -> None:
    tipper, performer = user_account(tip["tipper_id"]), performer_account(tip["performer_id"])
    if entry.account not in (tipper, performer):
        raise NeedsReconciliation(OTHER_PARTY, entry.entry_id)
    # What the tipper paid is the tip's total. What a ledger keeps back on the way to the performer
    # is its own business; but where her entry is all there is, nothing else says what was paid, and
    # it must be what the platform promised her.
    least = tip["net"] if is_alone else 1
    paid, received = -entry.points_delta, entry.points_delta
    fits = (
        paid == tip["total"]
        if entry.account == tipper
        else max(1, least) <= received <= tip["total"]
    )
    if not fits:
        raise NeedsReconciliation(
            OTHER_AMOUNT,
            f"{entry.entry_id} moves {entry.points_delta} tokens, the tip is {tip['total']}",
        )
