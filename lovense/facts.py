"""The six facts of a tip, told once: what each is called, which row proves it under which key, what
waits before it, and when late is late.

Read by the page of a tip, the performer's and the staff's, the health of the queue, the
demonstration, the flow tests and the tables of the documents. Facts may become durable together and
have one time: nothing here orders them by it.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db.models import Model

from ground.inbox.models import WebhookDelivery
from lovense.models import Activation, ActivationStatus
from tips.models import Tip, TipActivated

LATE_SECONDS = 10  # a hop that is well takes what waits within two


@dataclass(frozen=True, slots=True)
class WatchedHop:
    """What takes what waits before a fact. `late_seconds` None: waiting is what that is for."""

    name: str
    title: str
    waits: str
    late_seconds: int | None = LATE_SECONDS


# Before the rows of whatever was worked out in memory; the facts themselves are durable by then.
ENTRIES = WatchedHop("entries", "Journal", "to be unfolded into rows")
DELIVERIES = WatchedHop("deliveries", "Inbox", "to be processed")
LOOKS = WatchedHop("looks", "Ledger", "for a look at the ledger")
REQUESTS = WatchedHop("requests", "Queue", "for a turn, or a page", late_seconds=None)
CLAIMS = WatchedHop("claims", "Healing", "overdue, for a look at what became of them")
HOPS = {each.name: each for each in (ENTRIES, DELIVERIES, LOOKS, REQUESTS, CLAIMS)}


@dataclass(frozen=True, slots=True)
class Fact:
    """One of the six. It is so once a row of `model` has its `moment`; `named` is the column of
    that row which names the tip."""

    number: int
    name: str
    word: str  # the name where there is room for one word
    means: str
    model: type[Model]
    named: str
    moment: str
    key: str
    waits_for: str
    hop: WatchedHop | None
    where: tuple[str, ...]

    def at(self, row: Any) -> datetime | None:
        """When it happened, of a stored document or an object; None: not yet, or never."""
        if row is None or (self.number == 6 and not is_acknowledged(row)):
            return None
        found: datetime | None = _of(row, self.moment)
        return found

    def tip_of(self, row: Mapping[str, Any]) -> str:
        """The tip that a stored document is about; empty: none. A subject is `<event>/<tip id>`."""
        return (row.get(self.named) or "").rpartition("/")[2]


# --- what a page has said ------------------------------------------------------------------------

_UNSAID = frozenset(
    {
        "not_received",
        "not_finished_in_time",
        "not_confirmed",
        "worker_died",
        "undecidable",
        "device_offline",
    }
)


def confirmed_at(row: Any) -> datetime | None:
    """Handing over is our word; when a page first said that it has it. Whoever goes straight to the
    end has it too."""
    found: datetime | None = (
        _of(row, "received_at")
        or _of(row, "started_at")
        or (_of(row, "finished_at") if is_acknowledged(row) else None)
    )
    return found


def is_acknowledged(row: Any) -> bool:
    """A page said how it ended. What ended because no page said so is not."""
    ended = _of(row, "finished_at") is not None and _of(row, "dispatched_at") is not None
    return ended and (
        _of(row, "status") == ActivationStatus.COMPLETED or _of(row, "reason") not in _UNSAID
    )


def _of(row: Any, name: str) -> Any:
    return row.get(name) if isinstance(row, Mapping) else getattr(row, name)


# --- the six -------------------------------------------------------------------------------------

SIX = (
    Fact(
        number=1,
        name="Delivery stored",
        word="stored",
        means="webhook delivery stored, raw bytes",
        model=WebhookDelivery,
        named="subject",
        moment="received_at",
        key="source, delivery id; and its business key",
        waits_for="the payment system's call, repeated until it is answered",
        hop=None,
        where=("ground/inbox/inbox.py",),
    ),
    Fact(
        number=2,
        name="Tip recorded",
        word="recorded",
        means="tip recorded, tokens moved in the books",
        model=Tip,
        named="_id",
        moment="created_at",
        key="tip id; source reference",
        waits_for="settlement, at the latest one second from now",
        hop=DELIVERIES,
        where=("tips/settlement/batch.py", "ledger/books/posting.py"),
    ),
    Fact(
        number=3,
        name="Settled, event logged, request queued",
        word="settled",
        means="tip settled, TipActivated logged, request queued: one moment",
        model=TipActivated,
        named="_id",
        moment="created_at",
        key="tip id",
        waits_for="the ledger's proof",
        hop=LOOKS,
        where=("tips/settlement/writes.py", "tips/log/events.py"),
    ),
    Fact(
        number=4,
        name="Claimed and decided",
        word="decided",
        means="request claimed, gates decided, activation recorded",
        model=Activation,
        named="tip_id",
        moment="created_at",
        key="one claim per performer; tip id and target",
        waits_for="a page that holds the performer's devices, and the end of what was settled "
        "before it",
        hop=REQUESTS,
        where=("tips/queue/claims.py", "lovense/deciding/gates.py"),
    ),
    Fact(
        number=5,
        name="Handed over to the page",
        word="handed over",
        means="attempt handed over to the page that holds the devices, which confirms it",
        model=Activation,
        named="tip_id",
        moment="dispatched_at",
        key="activation, attempt",
        waits_for="the page's confirmation, or the end of its lease",
        hop=CLAIMS,
        where=("lovense/sending/dispatch.py",),
    ),
    Fact(
        number=6,
        name="Acknowledged",
        word="acknowledged",
        means="acknowledged: started, then finished or failed",
        model=Activation,
        named="tip_id",
        moment="finished_at",
        key="activation",
        waits_for="the page's word that it finished, or the end of its lease",
        hop=CLAIMS,
        where=("lovense/sending/acknowledgement.py",),
    ),
)
