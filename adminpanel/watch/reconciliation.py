"""What a person has to look at: tips on which the ledger and the platform disagree, deliveries that
contradict each other, and rows that the journal has and their collection refuses.

Nothing here decides about money: the reasons say what was found, and what somebody can do about it.
The one thing to be done here is to ask the ledger again; its answer decides, as always."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from ground.inbox import inbox
from ground.inbox.models import WebhookDelivery
from ground.journal import journal
from ledger.models import Posting
from lovense.models import Activation, StockPiece
from tips.intake import payloads
from tips.models import QueueRequest, Tip, TipActivated

SHOWN = 100  # of each list
_TIP_ID = re.compile(r"[0-9a-f]{24}")

# By the code in `tips.needs_reconciliation`: what was found, and what to do.
REASONS = {
    "not_posted": (
        "The ledger has posted nothing for two days.",
        "Ask the platform whether the tip was paid. If its posting appears after all, the tip is "
        "settled by itself.",
    ),
    "not_answered": (
        "The ledger could not be asked for two days.",
        "See to the connection: it is asked again until it answers.",
    ),
    "reversed": (
        "The ledger has taken the posting back.",
        "If the tip was settled before, what it did is in its story; the tokens are back with the "
        "viewer.",
    ),
    "too_many_entries": (
        "The ledger has more than two entries under its reference.",
        "Ask the ledger's operator which of them are the tip's.",
    ),
    "same_sign": (
        "The ledger's two entries are both debits or both credits.",
        "Ask the ledger's operator; a transfer has one of each.",
    ),
    "other_amount": (
        "The ledger has posted another amount than the platform reported.",
        "Find out which is right. It is not settled: nothing plays for an amount that was not "
        "paid.",
    ),
    "other_party": (
        "The ledger has posted it between other people.",
        "Ask the platform whether the reference was used twice.",
    ),
    "invalid_event": (
        "The ledger's entries cannot be part of an event.",
        "A balance is below zero, for example. Ask the ledger's operator.",
    ),
    "not_ended": (
        "Its grace period is over, and it can neither be settled nor ended.",
        "The log names the error (`grace_not_ended`). It is tried again every minute.",
    ),
    "posted_although_cancelled": (
        "The ledger has posted it although the platform cancelled the tip.",
        "The viewer has paid for nothing: have the posting reversed, or agree on something else.",
    ),
    "posted_although_failed": (
        "The ledger has posted it although the platform says that the tip failed.",
        "The viewer has paid for nothing: have the posting reversed, or agree on something else.",
    ),
    "cancelled_after_settlement": (
        "The platform cancelled the tip after it was settled.",
        "Settled is final here, so the tokens have moved. Reverse the transfer if the viewer is "
        "to have them back.",
    ),
    "failed_after_settlement": (
        "The platform says that the tip failed, after it was settled.",
        "Settled is final here, so the tokens have moved. Reverse the transfer if the viewer is "
        "to have them back.",
    ),
}
_CONFLICTS = {
    "": "Other content than the first delivery had: another amount, party or reference. The first "
    "one stands.",
    "contradicts_the_tip": "It came together with another one about the same tip, of another "
    "amount, party or reference. It was not applied.",
    "source_ref_reused": "Its reference belongs to another transfer, so no tokens were moved.",
    "balance_too_large": "The balance would not fit, so no tokens were moved.",
}

# By collection: what is missing there, and what that leaves undone.
_ROWS = {
    WebhookDelivery._meta.db_table: (
        "A delivery has no row in the inbox.",
        "Another row has its key. Its tip is settled; a replay of the inbox misses it.",
    ),
    Posting._meta.db_table: (
        "A posting is not in the books.",
        "Another one has its version of an account: two writers moved it. Stop taking tips, run "
        "`manage.py prove books`, and compare the two before anything else.",
    ),
    Tip._meta.db_table: (
        "A settled tip has no row.",
        "Another tip has its source reference. Find out which of the two was paid.",
    ),
    TipActivated._meta.db_table: (
        "An event is not in the log.",
        "Another event has its number: two writers appended. Run `manage.py prove log`.",
    ),
    QueueRequest._meta.db_table: (
        "A request is not in the queue.",
        "Run `manage.py rebuild_queue`: it comes back from the event log.",
    ),
    StockPiece._meta.db_table: (
        "A sold piece of an item has no row.",
        "Another run has its number: one more may have played than there were. Compare the item's "
        "sold pieces with its runs.",
    ),
    Activation._meta.db_table: (
        "An activation has no row.",
        "What it did cannot be shown. Ask the performer's page what it played.",
    ),
}


@dataclass(frozen=True, slots=True)
class MissingRow:
    """A row that an index refused: which, and what to do about it."""

    key: str
    collection: str
    at: datetime
    found: str
    advice: str


@dataclass(frozen=True, slots=True)
class Doubt:
    """A tip that needs reconciliation."""

    tip: Tip
    found: str
    advice: str


@dataclass(frozen=True, slots=True)
class KeptConflict:
    """A delivery that was kept and not applied, or set aside. `tip_id` is empty when it names
    none."""

    key: str
    event_type: str
    subject: str
    tip_id: str
    received_at: datetime
    found: str


def words(reason: str) -> tuple[str, str]:
    """What was found, and what to do; a code that is new to this page speaks for itself."""
    return REASONS.get(reason, (f"Needs reconciliation: {reason}.", ""))


def doubts() -> tuple[list[Doubt], bool]:
    """The oldest first, and whether these are all."""
    found = list(
        Tip.objects.filter(needs_reconciliation__gt="").order_by("created_at")[: SHOWN + 1]
    )
    return [Doubt(tip, *words(tip.needs_reconciliation)) for tip in found[:SHOWN]], len(
        found
    ) <= SHOWN


def conflicts() -> tuple[list[KeptConflict], bool]:
    """The newest first, and whether these are all."""
    found = inbox.conflicts(limit=SHOWN + 1)
    return [_conflict(row) for row in found[:SHOWN]], len(found) <= SHOWN


def set_aside() -> tuple[list[KeptConflict], bool]:
    """Deliveries that could not be processed, the oldest first, and whether these are all."""
    found = inbox.set_aside(limit=SHOWN + 1)
    return [_aside(row) for row in found[:SHOWN]], len(found) <= SHOWN


def missing_rows() -> tuple[list[MissingRow], bool]:
    """What the journal has and an index refuses, and whether these are all."""
    found = journal.refusals(limit=SHOWN + 1)
    return [_missing(row) for row in found[:SHOWN]], len(found) <= SHOWN


def _missing(row: Mapping[str, Any]) -> MissingRow:
    name, _, key = row["_id"].partition("/")
    unknown = ("A row is missing.", "Its entry in the journal has it.")
    return MissingRow(key, name, row["at"], *_ROWS.get(name, unknown))


def _aside(row: Mapping[str, Any]) -> KeptConflict:
    times = f"{row['attempts']} times" if row["attempts"] != 1 else "once"
    return _kept(row, f"It could not be processed, and was tried {times}: {row['error']}.")


def _conflict(row: Mapping[str, Any]) -> KeptConflict:
    return _kept(row, _CONFLICTS.get(row["error"], f"Refused: {row['error']}."))


def _kept(row: Mapping[str, Any], found: str) -> KeptConflict:
    subject = str(row["repeats"] or row["subject"] or "")
    kind, _, key = subject.partition("/")
    tip_id = key if kind in payloads.TIP_TYPES and _TIP_ID.fullmatch(key) else ""
    return KeptConflict(row["_id"], row["event_type"], subject, tip_id, row["received_at"], found)
