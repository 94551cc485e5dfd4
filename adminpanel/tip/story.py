"""What happened to one tip: its six facts in order, the gates that decided it, its entries, and one
verdict as a sentence.

`read` takes rows by their keys and changes nothing. The verdict of the staff's page and of `GET
/api/tips/:id` is the same function. An anonymous tip stays anonymous here too."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from functools import cached_property
from typing import Any

from adminpanel import facts
from adminpanel.watch import reconciliation
from ground.inbox import inbox
from ground.inbox.models import WebhookDelivery
from ground.journal import journal
from ground.words import isolated
from ledger.books import posting
from ledger.gateway import COMMISSION_SUFFIX, REVERSAL, PostedEntry, performer_account, user_account
from lovense.deciding.gates import GATES
from lovense.models import Activation, ActivationStatus
from lovense.page import outcome
from tips.intake import payloads
from tips.log import eventlog, events
from tips.models import LoggedEvent, RequestStatus, SettlementStatus, Tip
from tips.queue import requests as queue
from tips.rows import NamedTipper, RequestRow

S = ActivationStatus
RUNNING = {S.QUEUED, S.DISPATCHED, S.ACTIVATED}
REPEATS_SHOWN = 50

Details = list[tuple[str, str]]


@dataclass(frozen=True, slots=True)
class Verdict:
    """`status` is final, or `pending`; `reason` is a stable code; `text` is one sentence for
    people."""

    status: str
    reason: str
    text: str


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
    since_ms: int | None = None

    @property
    def state(self) -> str:
        if self.at:
            return "done"
        return "waiting" if self.is_expected else "never"

    @property
    def milliseconds(self) -> str:
        return f"{self.at.microsecond // 1000:03d}" if self.at else ""

    @property
    def since_words(self) -> str:
        if self.since_ms is None:
            return ""
        return (
            f"+{self.since_ms} ms" if self.since_ms < 10_000 else f"+{self.since_ms / 1000:.1f} s"
        )


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


@dataclass(frozen=True)
class Story:
    """Everything that is recorded of one tip; rows that do not exist (yet) are None or empty."""

    tip_id: str
    tip: Tip | None
    deliveries: Sequence[WebhookDelivery]
    event: LoggedEvent | None
    request: RequestRow | None  # status and errors of the queue request
    activations: Sequence[Activation]
    entries: Sequence[PostedEntry]

    @property
    def delivery(self) -> WebhookDelivery | None:
        """The delivery that recorded the tip, or would."""
        own = [row for row in self.deliveries if self.tip and row.key == self.tip.delivery]
        return next(iter(own or self.deliveries), None)

    @property
    def activation(self) -> Activation | None:
        return self.activations[0] if self.activations else None

    @property
    def who(self) -> str:
        if self.tip is None:
            return "a viewer"
        row: NamedTipper = {
            "is_anonymous": self.tip.is_anonymous,
            "tipper_username": self.tip.tipper_username,
        }
        return events.tipper_name(row) or "a viewer"

    @cached_property
    def verdict(self) -> Verdict:
        return verdict(self)

    @cached_property
    def facts(self) -> list[FactOfTip]:
        return list(_timed(_facts(self)))

    @property
    def gates(self) -> list[dict[str, Any]]:
        """The gates in order; those after the one that said no were not asked. Empty before the
        tip's turn."""
        asked = self.activation.gates if self.activation else []
        no = next((row["gate"] for row in asked if not row["passed"]), "")
        order = list(GATES)
        left = order[order.index(no) + 1 :] if no in GATES else []
        return [_gate(row) for row in asked] + [
            _gate({"gate": gate, "passed": None}) for gate in left
        ]

    @property
    def lines(self) -> list[Line]:
        """Of our own books; of somebody else's ledger, what the event keeps of the proof."""
        is_masked = bool(self.tip and self.tip.is_anonymous)
        if self.tip and self.tip.looks is not None and self.event:
            return list(_proof_lines(self.tip, self.event.payload["ledger"], is_masked=is_masked))
        return [_line(entry, is_masked=is_masked) for entry in self.entries]


# --- reading -------------------------------------------------------------------------------------


def read(tip_id: str) -> Story | None:
    """The story, or None when no delivery ever named this tip. A handful of look-ups by key,
    whatever the history. One that has just been answered may have no rows yet: they are made."""
    found = _read(tip_id)
    if found is None and journal.known([tip_id]):
        journal.catch_up()
        found = _read(tip_id)
    return found


def _read(tip_id: str) -> Story | None:
    tip = Tip.objects.filter(pk=tip_id).first()
    subjects = [f"{event_type}/{tip_id}" for event_type in payloads.TIP_TYPES]
    deliveries = sorted(
        WebhookDelivery.objects.filter(subject__in=subjects), key=lambda row: row.position
    )
    if tip is None and not deliveries:
        return None
    settled = tip is not None and tip.settlement_status == SettlementStatus.SETTLED
    return Story(
        tip_id=tip_id,
        tip=tip,
        deliveries=deliveries,
        event=eventlog.find(tip_id) if settled else None,
        request=_request(tip_id) if settled else None,
        activations=_activations(tip_id) if settled else [],
        entries=_entries(tip) if tip and settled else [],
    )


def _request(tip_id: str) -> RequestRow | None:
    return queue.find(queue.request_id(tip_id), "status", "errors")


def _activations(tip_id: str) -> list[Activation]:
    """Keys are `<tip id>.<target>`; '/' follows '.' in ASCII, so this range is exactly the tip's
    own."""
    found = Activation.objects.filter(pk__gt=f"{tip_id}.", pk__lt=f"{tip_id}/")
    return list(found.defer("attempts", "commands").order_by("pk"))


def _entries(tip: Tip) -> list[PostedEntry]:
    """The tip's own two entries, then the commission's, then those that took either back."""
    found = posting.entries_of([tip.source_ref, tip.source_ref + COMMISSION_SUFFIX])
    return sorted(found, key=lambda entry: entry.kind == REVERSAL)


@dataclass(frozen=True, slots=True)
class Repeats:
    """Deliveries of this tip that changed nothing. `is_complete` is false when there are more than
    are shown."""

    rows: list[dict[str, Any]]
    is_complete: bool = True


def repeats(found: Story) -> Repeats:
    """Duplicates and conflicts keep the subject that they repeat."""
    rows = inbox.repeats_of(
        [f"{event_type}/{found.tip_id}" for event_type in payloads.TIP_TYPES],
        limit=REPEATS_SHOWN + 1,
    )
    shown = [
        {"key": row["_id"], "status": row["status"], "received_at": row["received_at"]}
        for row in rows[:REPEATS_SHOWN]
    ]
    return Repeats(shown, is_complete=len(rows) <= REPEATS_SHOWN)


def _line(entry: PostedEntry, *, is_masked: bool) -> Line:
    account = "user:hidden" if is_masked and entry.account.startswith("user:") else entry.account
    side = "debit" if entry.points_delta < 0 else "credit"
    before = entry.balance_after - entry.points_delta
    return Line(entry.entry_id, account, side, abs(entry.points_delta), before, entry.balance_after)


def _proof_lines(tip: Tip, ledger: dict[str, Any], *, is_masked: bool) -> Iterator[Line]:
    """A ledger that keeps a transfer in one entry names one side of it."""
    viewer = "user:hidden" if is_masked else user_account(tip.tipper_id)
    sides = {
        "debit": (ledger["debitRef"], viewer, ledger.get("sourceBalance")),
        "credit": (
            ledger["creditRef"],
            performer_account(tip.performer_id),
            ledger.get("recipientBalance"),
        ),
    }
    for side, (ref, account, balance) in sides.items():
        if balance:
            yield Line(
                ref or ledger["ledgerId"],
                account,
                side,
                abs(balance["change"]),
                balance["before"],
                balance["after"],
            )


def _gate(row: dict[str, Any]) -> dict[str, Any]:
    saw = row.get("saw", "")
    # The only gate that sees a yes or no is the kill switch, and "on" would read as its opposite.
    words = (
        {True: "activations are on", False: "activations are off"}[saw]
        if isinstance(saw, bool)
        else str(saw)
    )
    result, tone = {
        True: ("Passed", "good"),
        False: ("Failed", "bad"),
        None: ("Not asked", "idle"),
    }[row["passed"]]
    # The time of day is enough beside the facts: 2026-01-03T04:15:00.000Z
    return {
        "name": row["gate"].replace("_", " "),
        "result": result,
        "tone": tone,
        "saw": words,
        "at": row.get("at", "")[11:23],
    }


# --- the verdict ---------------------------------------------------------------------------------


def verdict(found: Story) -> Verdict:
    """One status, one reason, one sentence. Everything that may still change is `pending`."""
    if found.tip is None:
        return _unrecorded(found.delivery)
    if found.tip.settlement_status != SettlementStatus.SETTLED:
        return _unsettled(found, found.tip)
    if found.activation is None:
        return _queued(found)
    return _activated(found, found.activation)


def _said(found: Story, sentence: str) -> str:
    """The sentence with its subject: "5 tokens from bob did nothing: …", "100 tokens from bob:
    “Wave” played …"."""
    assert found.tip is not None
    joint = " " if sentence.startswith("Did nothing") else ": "
    subject = f"{found.tip.total} tokens from {isolated(found.who)}"
    return f"{subject}{joint}{sentence[0].lower()}{sentence[1:]}"


def _unrecorded(delivery: WebhookDelivery | None) -> Verdict:
    if delivery is not None and delivery.attempts:
        text = (
            f"Received and stored; processing has failed {delivery.attempts} times "
            f"({delivery.error}) and is tried again."
        )
        return Verdict("pending", "processing_failed", text)
    return Verdict("pending", "received", "Received and stored; not yet processed.")


def _unsettled(found: Story, tip: Tip) -> Verdict:
    if tip.settlement_status == SettlementStatus.CANCELLED:
        return Verdict(
            "cancelled",
            tip.failure_reason,
            _said(found, "Cancelled by the platform before it was settled."),
        )
    if tip.settlement_status == SettlementStatus.FAILED:
        return Verdict(
            "failed",
            tip.failure_reason,
            _said(found, _FAILED.get(tip.failure_reason, "Not settled, and not played.")),
        )
    if tip.needs_reconciliation:
        return Verdict(
            "pending",
            tip.needs_reconciliation,
            _said(found, " ".join(reconciliation.words(tip.needs_reconciliation))),
        )
    if tip.looks is not None:
        return Verdict(
            "pending",
            "waiting_for_ledger",
            _said(found, f"Waiting for the ledger to post it. {_next_look(tip)}"),
        )
    until = (
        f" It fails at {tip.funding_until:%H:%M:%S} UTC if none arrive."
        if tip.funding_until
        else ""
    )
    return Verdict(
        "pending",
        "waiting_for_tokens",
        _said(found, f"Waiting for tokens; the viewer's balance is too low.{until}"),
    )


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


def _queued(found: Story) -> Verdict:
    request = found.request
    if request is not None and request["status"] == RequestStatus.CANCELLED:
        return Verdict(
            "cancelled",
            "removed",
            _said(found, "Settled, then removed from the queue before it played."),
        )
    return Verdict("pending", "queued", _said(found, "Settled; waiting for its turn in the queue."))


def _activated(found: Story, row: Activation) -> Verdict:
    text = _said(found, outcome.of(row).text)
    if row.status in RUNNING:
        return Verdict("pending", str(row.status), text)
    return Verdict(str(row.status), row.reason, text)


# --- the six facts -------------------------------------------------------------------------------


def _timed(told: Iterator[FactOfTip]) -> Iterator[FactOfTip]:
    """The same facts with the milliseconds since the one before."""
    before: datetime | None = None
    for fact in told:
        since = round((fact.at - before).total_seconds() * 1000) if fact.at and before else None
        before = fact.at or before
        yield replace(fact, since_ms=since)


def _facts(found: Story) -> Iterator[FactOfTip]:
    yield _received(found)
    yield _recorded(found)
    yield _settled(found)
    yield _claimed(found)
    yield _handed_over(found)
    yield _acknowledged(found)


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
        is_cancelled = row.status == S.CANCELLED
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
    is_open = row.status in RUNNING and facts.confirmed_at(row) is None
    return _happened(5, key, row, details, f"{facts.SIX[4].waits_for}." if is_open else "")


def _confirmation(row: Activation) -> tuple[str, str]:
    at = facts.confirmed_at(row)
    missing = "not yet" if row.status in RUNNING else "never"
    return "Confirmed by the page", _moment(at) if at else missing


def _acknowledged(found: Story) -> FactOfTip:
    row = found.activation
    if row is None:
        return _not_reached(found, 6)
    if row.dispatched_at is None:
        return _never(6, row.activation_id, "Never: nothing was handed over.")
    if facts.is_acknowledged(row):
        return _happened(6, row.activation_id, row, _stages(row))
    if row.status in RUNNING:
        waits = "" if facts.confirmed_at(row) else _BEFORE
        return _waiting(6, row.activation_id, waits, _stages(row))
    why = "no page said how it ended" if facts.confirmed_at(row) else "no page confirmed it"
    return _never(6, row.activation_id, f"Never: {why}.", _stages(row))


def _stages(row: Activation) -> Details:
    stages = [
        ("Received", row.received_at),
        ("Started", row.started_at),
        ("Ended", row.finished_at),
    ]
    times = [(name, _moment(at)) for name, at in stages if at]
    delivered = (
        [("Delivered", f"{row.delivered_seconds:g} of {row.promised_seconds} s")]
        if row.delivered_seconds is not None
        else []
    )
    return times + delivered


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
    if verdict(found).status == "pending":
        return _waiting(number, key, _BEFORE)
    return _never(number, key, "Never: the tip did not get this far.")
