"""What happened to one tip: everything that is recorded of it, and the gates that decided it.

`read` takes rows by their keys and changes nothing. What they amount to is worked out from a story
without another look at the database: the six facts (`timeline.py`), the ledger's entries as lines
(`entries.py`), one sentence (`verdict.py`), what is drawn (`drawing.py`). What stands around a tip
is read in `trail.py`. An anonymous tip stays anonymous in all of them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from ground import clock
from ground.inbox.models import WebhookDelivery
from ground.journal import journal
from ledger.books import posting
from ledger.gateway import COMMISSION_SUFFIX, REVERSAL, PostedEntry
from lovense.deciding.gates import GATES, ON_WISH
from lovense.deciding.shortfall import TENTHS, is_short
from lovense.models import Activation
from lovense.owed import listing
from lovense.rows import OwedRow
from tips.intake import payloads
from tips.log import eventlog, events
from tips.models import LoggedEvent, SettlementStatus, Tip
from tips.queue import requests as queue
from tips.rows import NamedTipper, RequestRow


@dataclass(frozen=True, slots=True)
class Story:
    """Everything that is recorded of one tip; rows that do not exist (yet) are None or empty."""

    tip_id: str
    tip: Tip | None
    deliveries: Sequence[WebhookDelivery]
    event: LoggedEvent | None = None
    request: RequestRow | None = None  # status, errors and end of the queue request
    activations: Sequence[Activation] = ()
    entries: Sequence[PostedEntry] = ()
    owed: Mapping[str, OwedRow] = field(default_factory=dict)  # by activation

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

    def owed_seconds(self, activation_id: str) -> float:
        owed = self.owed.get(activation_id)
        return owed["owed"] / TENTHS if owed else 0.0

    @property
    def is_anonymous(self) -> bool:
        return bool(self.tip and self.tip.is_anonymous)


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
    found = WebhookDelivery.objects.filter(subject__in=subjects(tip_id))
    deliveries = sorted(found, key=lambda row: row.position)
    if tip is None and not deliveries:
        return None
    if tip is None or tip.settlement_status != SettlementStatus.SETTLED:
        return Story(tip_id, tip, deliveries)
    activations = _activations(tip_id)
    return Story(
        tip_id,
        tip,
        deliveries,
        event=eventlog.find(tip_id),
        request=queue.find(queue.request_id(tip_id), "status", "errors", "finished_at"),
        activations=activations,
        entries=_entries(tip),
        owed=listing.of([row.activation_id for row in activations if _may_owe(row)]),
    )


def subjects(tip_id: str) -> list[str]:
    """The business keys of the deliveries that may tell of this tip."""
    return [f"{event_type}/{tip_id}" for event_type in payloads.TIP_TYPES]


def _activations(tip_id: str) -> list[Activation]:
    """Keys are `<tip id>.<target>`; '/' follows '.' in ASCII, so this range is exactly the tip's
    own."""
    found = Activation.objects.filter(pk__gt=f"{tip_id}.", pk__lt=f"{tip_id}/")
    return list(found.defer("commands").order_by("pk"))


def _may_owe(row: Activation) -> bool:
    return bool(row.promised_seconds) and is_short(row.promised_seconds, row.delivered_seconds)


def _entries(tip: Tip) -> list[PostedEntry]:
    """The tip's own two entries, then the commission's, then those that took either back."""
    found = posting.entries_of([tip.source_ref, tip.source_ref + COMMISSION_SUFFIX])
    return sorted(found, key=lambda entry: entry.kind == REVERSAL)


# --- the gates -----------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class AskedGates:
    """In the order they were asked: what said no, what passed, and what was not asked then. All
    empty before the tip's turn."""

    no: list[dict[str, Any]] = field(default_factory=list)
    passed: list[dict[str, Any]] = field(default_factory=list)
    unasked: list[str] = field(default_factory=list)


def asked_gates(found: Story) -> AskedGates:
    asked = found.activation.gates if found.activation else []
    no = next((row["gate"] for row in asked if not row["passed"]), "")
    order = [gate for gate in GATES if gate not in ON_WISH]
    left = order[order.index(no) + 1 :] if no in order else []
    return AskedGates(
        [shown_gate(row) for row in asked if not row["passed"]],
        [shown_gate(row) for row in asked if row["passed"]],
        [_name(gate) for gate in left],
    )


def shown_gate(row: Mapping[str, Any]) -> dict[str, Any]:
    saw = row.get("saw", "")
    # The only gate that sees a yes or no is the kill switch, and "on" would read as its opposite.
    words = (
        {True: "activations are on", False: "activations are off"}[saw]
        if isinstance(saw, bool)
        else str(saw)
    )
    return {
        "name": _name(row["gate"]),
        "tone": "good" if row["passed"] else "bad",
        "saw": words,
        "at": clock.parse(row["at"]) if row.get("at") else None,
    }


def _name(gate: str) -> str:
    return gate.replace("_", " ")
