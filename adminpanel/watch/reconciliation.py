"""What a person has to look at, in words: tips on which the ledger and the platform disagree,
deliveries that contradict each other or cannot be processed, and rows that the journal has and
their collection refuses.

Nothing here decides about money: the reasons say what was found, and what somebody can do about it.
Which there are is kept by `adminpanel/doubt/keeping.py`."""

from ground.inbox.models import WebhookDelivery
from ledger.models import Posting
from lovense.models import Activation, StockPiece
from tips.models import QueueRequest, Tip, TipActivated

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


def words(reason: str) -> tuple[str, str]:
    """Of a tip: what was found, and what to do; a code that is new here speaks for itself."""
    return REASONS.get(reason, (f"Needs reconciliation: {reason}.", ""))


def of_conflict(code: str) -> tuple[str, str]:
    advice = (
        "Compare it with the first one on the page of its tip, and close this when it is clear."
    )
    return _CONFLICTS.get(code, f"Refused: {code}."), advice


def of_aside(error: str) -> tuple[str, str]:
    advice = "Find out what is wrong with it; an admin has it processed again on its own page."
    return f"It could not be processed: {error}.", advice


def of_row(collection_name: str) -> tuple[str, str]:
    return _ROWS.get(collection_name, ("A row is missing.", "Its entry in the journal has it."))
