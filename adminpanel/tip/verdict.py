"""The verdict on one tip: one status, one stable code and one sentence of everything that is
recorded of it.

The staff's page shows it among much else, and `GET /api/tips/:id` shows nothing else in words: so
it stands apart from the rest of the page. It asks no database."""

from dataclasses import dataclass, replace

from adminpanel.tip.story import Story
from adminpanel.watch import reconciliation
from ground.inbox.models import WebhookDelivery
from ground.words import isolated
from lovense.deciding.activation import LIVE
from lovense.models import Activation
from lovense.page import outcome
from tips.models import RequestStatus, SettlementStatus, Tip
from tips.rows import RequestRow

# By status; what is completed has the tone of how it ended, what is not here is bad.
TONES = {
    "completed": "good",
    "pending": "info",
    "skipped": "idle",
    "cancelled": "idle",
    "expired": "warn",
}


@dataclass(frozen=True, slots=True)
class Verdict:
    """`status` is final, or `pending`; `reason` is a stable code; `text` is one sentence for
    people."""

    status: str
    reason: str
    text: str


def of(found: Story) -> Verdict:
    """Everything that may still change is `pending`."""
    if found.tip is None:
        return _unrecorded(found.delivery)
    told = _recorded(found, found.tip)
    return replace(told, text=_said(found.tip, found.who, told.text))


def _said(tip: Tip, who: str, sentence: str) -> str:
    """The sentence with its subject: "5 tokens from bob did nothing: …", "100 tokens from bob:
    “Wave” played …"."""
    joint = " " if sentence.startswith("Did nothing") else ": "
    return f"{tip.total} tokens from {isolated(who)}{joint}{sentence[0].lower()}{sentence[1:]}"


def _unrecorded(delivery: WebhookDelivery | None) -> Verdict:
    if delivery is not None and delivery.attempts:
        text = (
            f"Received and stored; processing has failed {delivery.attempts} times "
            f"({delivery.error}) and is tried again."
        )
        return Verdict("pending", "processing_failed", text)
    return Verdict("pending", "received", "Received and stored; not yet processed.")


def _recorded(found: Story, tip: Tip) -> Verdict:
    if tip.settlement_status != SettlementStatus.SETTLED:
        return _unsettled(tip)
    if found.activation is None:
        return _queued(found.request)
    return _activated(found.activation)


def _unsettled(tip: Tip) -> Verdict:
    if tip.settlement_status == SettlementStatus.CANCELLED:
        text = "Cancelled by the platform before it was settled."
        return Verdict("cancelled", tip.failure_reason, text)
    if tip.settlement_status == SettlementStatus.FAILED:
        text = _FAILED.get(tip.failure_reason, "Not settled, and not played.")
        return Verdict("failed", tip.failure_reason, text)
    if tip.needs_reconciliation:
        text = " ".join(reconciliation.words(tip.needs_reconciliation))
        return Verdict("pending", tip.needs_reconciliation, text)
    if tip.looks is not None:
        text = f"Waiting for the ledger to post it. {_next_look(tip)}"
        return Verdict("pending", "waiting_for_ledger", text)
    until = tip.funding_until
    end = f" It fails at {until:%H:%M:%S} UTC if none arrive." if until else ""
    text = f"Waiting for tokens; the viewer's balance is too low.{end}"
    return Verdict("pending", "waiting_for_tokens", text)


def _next_look(tip: Tip) -> str:
    asked = f"Asked {tip.looks} time{'' if tip.looks == 1 else 's'} so far"
    trouble = f"; the last time it did not answer ({tip.look_error})" if tip.look_error else ""
    next_time = f"; again at {tip.next_look_at:%H:%M:%S} UTC." if tip.next_look_at else "."
    return asked + trouble + next_time


_FAILED = {
    "insufficient_funds": "Not paid: the viewer's balance stayed too low, so nothing was played.",
    "by_platform": "The platform reported that the payment failed, so nothing was played.",
    "source_ref_reused": "Its ledger reference belongs to another transfer, so nothing was moved "
    "or played.",
}


def _queued(request: RequestRow | None) -> Verdict:
    if request is not None and request["status"] == RequestStatus.CANCELLED:
        text = "Settled, then removed from the queue before it played."
        return Verdict("cancelled", "removed", text)
    return Verdict("pending", "queued", "Settled; waiting for its turn in the queue.")


def _activated(row: Activation) -> Verdict:
    text = outcome.of(row).text
    if row.status in LIVE:
        return Verdict("pending", str(row.status), text)
    return Verdict(str(row.status), row.reason, text)


def tone(found: Story, judged: Verdict) -> str:
    if judged.status == "completed" and found.activation:
        return outcome.of(found.activation).tone
    return TONES.get(judged.status, "bad")
