"""Reversal: how a mistake in the books is corrected. Nothing is edited; a second posting takes a
transfer back.

A reversal is posted once, because its key is derived from the transfer's. Its entries are found
with the entries of the transfer, under the same source_ref, so whoever asks the ledger for that
source_ref hears that it no longer stands."""

import logging
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from pymongo.client_session import ClientSession

from ground.journal import journal
from ledger.books import posting
from ledger.books.posting import Transfer
from ledger.gateway import REVERSAL_SUFFIX, InsufficientFunds, Order, Refused

log = logging.getLogger(__name__)

MAX_REASON = 500


class NotReversed(Exception):
    """Nothing was reversed; the text says which rule stands against it."""


@dataclass(frozen=True, slots=True)
class Reversal:
    """A transfer and the one that takes it back. `is_new` is false when that had been done
    before."""

    key: str
    amount: int
    taken_from: str
    given_to: str
    is_new: bool


def reverse(keys: Sequence[str], *, reason: str, now: datetime) -> list[Reversal]:
    """Takes these transfers back in this order, all or none; a transfer that was reversed before
    stays as it is.

    Raises NotReversed. A tip is two transfers in one posting: give the commission back first, and
    the performer has what the tip takes."""
    if not 0 < len(reason.strip()) <= MAX_REASON:
        raise NotReversed(f"A reversal needs a reason of at most {MAX_REASON} characters.")
    done = journal.run(
        lambda session: [_reverse(key, reason.strip(), now, session) for key in keys],
        touched=journal.BOOKS,
        now=now,
    )
    for reversal in done:
        if reversal.is_new:
            log.info("transfer_reversed", extra={"source_ref": reversal.key})
    return done


def _reverse(key: str, reason: str, now: datetime, session: ClientSession) -> Reversal:
    original = _original(key, session)
    order = Order(
        key=key + REVERSAL_SUFFIX,
        subject=f"reversal/{key}",
        debit=original.credit,
        credit=original.debit,
        amount=original.amount,
        happened_at=now,
        reverses=key,
        reason=reason,
    )
    is_new = posting.find(order.key, session=session) is None
    result = posting.post([[order]], now=now, session=session)[0]
    if isinstance(result, Refused):
        raise NotReversed(_explained(order, result, session))
    return Reversal(key, order.amount, order.debit, order.credit, is_new)


def _original(key: str, session: ClientSession) -> Transfer:
    found = posting.find(key, session=session)
    if found is None:
        raise NotReversed(f"There is no transfer {key}.")
    transfer, reverses = found
    if reverses:
        raise NotReversed(
            f"{key} is itself a reversal; what it took back may be paid again by a new transfer."
        )
    return transfer


def _explained(order: Order, refused: Refused, session: ClientSession) -> str:
    if not isinstance(refused, InsufficientFunds):
        return f"{order.key} is the key of another transfer ({refused.reason})."
    balance, _ = posting.states([order.debit], session=session)[order.debit]
    holds = f"{order.debit} holds {balance} of the {order.amount} tokens that would be taken back"
    return f"{order.reverses} stays: {holds}, and no balance goes below zero."
