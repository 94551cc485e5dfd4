"""The six facts of one tip in order: what happened when, and what the next one waits for.

`lovense/facts.py` says what the six are of every tip, for whoever counts or watches them; here
they are one tip's, with the keys and details that its page shows. It asks no database."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from adminpanel.tip import verdict
from adminpanel.tip.story import Story
from lovense import facts
from lovense.deciding.activation import LIVE
from lovense.models import Activation, ActivationStatus
from lovense.owed import owing
from lovense.page import outcome
from tips.models import RequestStatus, SettlementStatus, Tip

Details = list[tuple[str, str]]


@dataclass(frozen=True, slots=True)
class FactOfTip:
    """One of the six, of this tip. `at` is null while it has not happened: then `waits` says what
    would bring it, or why nothing will. What has happened may wait to be confirmed."""

    number: int
    title: str
    key: str
    at: datetime | None
    details: Details = field(default_factory=list)
    waits: str = ""
    is_expected: bool = True

    @property
    def waited_for(self) -> str:
        """What the time since the fact before it went by with."""
        return _WAITED[self.number]

    @property
    def state(self) -> str:
        if self.at:
            return "done"
        return "waiting" if self.is_expected else "never"


def of(found: Story) -> list[FactOfTip]:
    steps = (_received, _recorded, _settled, _claimed, _handed_over, _acknowledged)
    return [step(found) for step in steps]


def _happened(number: int, key: str, row: Any, details: Details, waits: str = "") -> FactOfTip:
    fact = facts.SIX[number - 1]
    return FactOfTip(number, fact.name, key, fact.at(row), details, waits)


def _waiting(number: int, key: str, waits: str = "", details: Details | None = None) -> FactOfTip:
    """Without other words it waits for what it always waits for."""
    fact = facts.SIX[number - 1]
    return FactOfTip(number, fact.name, key, None, details or [], waits or f"{fact.waits_for}.")


def _never(number: int, key: str, why: str, details: Details | None = None) -> FactOfTip:
    name = facts.SIX[number - 1].name
    return FactOfTip(number, name, key, None, details or [], why, is_expected=False)


_BEFORE = "the fact before it."
_WAITED = {
    1: "",
    2: "for settlement",
    3: "for the ledger's proof",
    4: "for its turn, and a page that holds the devices",
    5: "for the commands to be handed over",
    6: "for the page's word that it ended",
}


def _received(found: Story) -> FactOfTip:
    row = found.delivery
    if row is None:
        return _never(1, "", "Its delivery has been archived.")
    details = [("Event type", row.event_type), ("Fingerprint", f"{row.fingerprint[:16]}…")]
    return _happened(1, row.key, row, details)


def _recorded(found: Story) -> FactOfTip:
    tip, delivery = found.tip, found.delivery
    if tip is None:
        again = (
            f" {delivery.attempts} attempts failed so far: {delivery.error}."
            if delivery and delivery.attempts
            else ""
        )
        return _waiting(2, found.tip_id, f"{facts.SIX[1].waits_for}.{again}")
    details = [
        ("Source reference", tip.source_ref),
        ("Made", f"{tip.happened_at:%Y-%m-%d %H:%M:%S} UTC"),
    ]
    return _happened(2, tip.tip_id, tip, details)


def _settled(found: Story) -> FactOfTip:
    tip, event = found.tip, found.event
    if event is not None:
        details = [
            ("Event", event.event_id),
            ("Proof", event.ledger_id),
            ("Position in the log", str(event.sequence)),
        ]
        return _happened(3, event.tip_id, event, details)
    if tip is None:
        return _waiting(3, found.tip_id, _BEFORE)
    if tip.settlement_status != SettlementStatus.PENDING:
        return _never(3, found.tip_id, "Never: the tip was not settled.")
    return _waiting(3, found.tip_id, _unproven(tip))


def _unproven(tip: Tip) -> str:
    if tip.looks is None:
        return "tokens bought by the viewer, or the end of the grace period."
    if tip.needs_reconciliation:
        return "somebody to solve what needs reconciliation."
    return "the ledger to post it."


def _claimed(found: Story) -> FactOfTip:
    request, row = found.request, found.activation
    key = row.activation_id if row else f"{found.tip_id}.all"
    if row is not None:
        gates = f"{sum(gate['passed'] for gate in row.gates)} of {len(row.gates)} asked were passed"
        details = [("Request", row.request_id), ("Gates", gates), *_ended_by(row)]
        return _happened(4, key, row, details)
    if request is not None and request["status"] == RequestStatus.CANCELLED:
        return _never(4, key, "Never: it was removed from the queue.")
    if request is not None:
        return _waiting(4, key)
    if found.tip is None or found.tip.settlement_status == SettlementStatus.PENDING:
        return _waiting(4, key, _BEFORE)
    return _never(4, key, "Never: nothing was queued.")


def _handed_over(found: Story) -> FactOfTip:
    """Our word; the page's is its confirmation, which it waits for while the attempt is under
    way."""
    row = found.activation
    if row is None:
        return _not_reached(found, 5)
    if row.dispatched_at is None:
        is_cancelled = row.status == ActivationStatus.CANCELLED
        why = "it was cancelled before" if is_cancelled else "nothing was handed over"
        return _never(5, row.activation_id, f"Never: {why}.")
    key = f"{row.activation_id} / {row.attempt}"
    details = [
        ("Attempt", str(row.attempt)),
        _confirmation(row),
        ("Promised", f"{row.promised_seconds} s"),
        ("Menu item", outcome.title(row)),
        *_run(row),
    ]
    lost = found.request["errors"] if found.request else []
    details += [(f"Error {place}", error["error"]) for place, error in enumerate(lost, 1)]
    is_open = row.status in LIVE and facts.confirmed_at(row) is None
    return _happened(5, key, row, details, f"{facts.SIX[4].waits_for}." if is_open else "")


def _confirmation(row: Activation) -> tuple[str, str]:
    at = facts.confirmed_at(row)
    missing = "not yet" if row.status in LIVE else "never"
    return "Confirmed by the page", _moment(at) if at else missing


def _acknowledged(found: Story) -> FactOfTip:
    row = found.activation
    if row is None:
        return _not_reached(found, 6)
    if row.dispatched_at is None:
        return _never(6, row.activation_id, "Never: nothing was handed over.")
    if facts.is_acknowledged(row):
        return _happened(6, row.activation_id, row, [*_stages(row), *_owed(found, row)])
    if row.status in LIVE:
        waits = "" if facts.confirmed_at(row) else _BEFORE
        return _waiting(6, row.activation_id, waits, _stages(row))
    why = "no page said how it ended" if facts.confirmed_at(row) else "no page confirmed it"
    details = [*_stages(row), *_owed(found, row)]
    return _never(6, row.activation_id, f"Never: {why}.", details)


def _owed(found: Story, row: Activation) -> Details:
    """Where seconds are missing, what became of them."""
    owed = found.owed.get(row.activation_id)
    return [("Seconds", owing.sentence(owed))] if owed else []


def _stages(row: Activation) -> Details:
    stages = [
        ("Received", row.received_at),
        ("Started", row.started_at),
        ("Ended", row.finished_at),
    ]
    times = [(name, _moment(at)) for name, at in stages if at]
    if row.delivered_seconds is None:
        return times
    return [*times, ("Delivered", f"{row.delivered_seconds:g} of {row.promised_seconds} s")]


def said(found: Story, row: Activation) -> Details:
    """Of an activation every attempt, what the page said and when, and what is owed."""
    told = [_attempt(line) for line in row.attempts]
    return [*told, *_stages(row), *_owed(found, row)]


def _attempt(line: Mapping[str, Any]) -> tuple[str, str]:
    by = str(line.get("by") or line.get("page") or "")
    what = "Sent back" if line.get("is_replay") else f"Attempt {line['attempt']}"
    at = line["at"]
    moment = _moment(at) if isinstance(at, datetime) else str(at)[11:23]
    return what, f"{moment} by {by}" if by else moment


def _moment(at: datetime) -> str:
    return f"{at:%H:%M:%S}.{at.microsecond // 1000:03d} UTC"


def _ended_by(row: Activation) -> Details:
    """Staff see who wanted it ended, and why."""
    words = outcome.by_whom(row)
    return [("Cancelled", words)] if words else []


def _run(row: Activation) -> Details:
    """It may have played as one run with others of the same tipper."""
    if row.leader:
        return [("Run", f"that of {row.leader}")]
    return [("Run", f"{row.run_seconds} s, with {', '.join(row.members)}")] if row.members else []


def _not_reached(found: Story, number: int) -> FactOfTip:
    key = f"{found.tip_id}.all"
    if verdict.of(found).status == "pending":
        return _waiting(number, key, _BEFORE)
    return _never(number, key, "Never: the tip did not get this far.")
