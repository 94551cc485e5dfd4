"""The rows of `tips/models.py` as MongoDB gives and takes them: what every key holds, at no cost at
run time.

A key that is not always written is `NotRequired`; ask for it with `get`."""

from datetime import datetime
from typing import Any, NotRequired, TypedDict

# What an event says, or what was submitted in an event's place: JSON, checked where it comes in
# (`tips/log/events.py` and `lovense/lane/submissions.py` say what is in it).
Payload = dict[str, Any]
# A part of a statement for MongoDB: a filter, an update, a pipeline's stage.
Statement = dict[str, Any]


class NamedTipper(TypedDict):
    """What of a tip says what its tipper is called."""

    tipper_username: str
    is_anonymous: bool


class TipRow(NamedTipper):
    """A row of `tips`."""

    _id: str
    type: str
    status: str
    settlement_status: str
    failure_reason: str
    total: int
    net: int
    commission: int
    studio_commission: int
    tipper_id: str
    tipper_role: str
    performer_id: str
    performer_username: str
    studio_id: str | None
    conversation_id: str | None
    conversation_type: str | None
    stream_type: str | None
    message: str | None
    source_ref: str
    delivery: str
    happened_at: datetime
    tipped_at: NotRequired[datetime | None]
    created_at: datetime
    settled_at: datetime | None
    ended_at: datetime | None
    funding_until: datetime | None
    looks: int | None
    next_look_at: datetime | None
    look_error: str
    look_asked_by: NotRequired[str]
    look_asked_at: NotRequired[datetime | None]
    needs_reconciliation: str


class EventRow(TypedDict):
    """A row of the event log; the archive's name their segment too."""

    _id: str
    event_id: str
    ledger_id: str
    source_ref: str
    posted_at: datetime
    payload: Payload
    payload_hash: str
    sequence: int
    previous_hash: str
    created_at: datetime
    segment: NotRequired[str]


class HeadRow(TypedDict):
    """The end of the event log."""

    _id: str
    sequence: int
    digest: str
    rounds: NotRequired[int]


class DailyHeadRow(TypedDict):
    """Where the chain ended when a day was over."""

    _id: str
    sequence: int
    digest: str
    created_at: datetime


class KeyRow(TypedDict):
    """An answer of the REST door under the key that the platform chose."""

    _id: str
    fingerprint: str
    state: str
    holder: str
    lock_until: datetime
    answer_status: int | None
    answer_body: bytes | None
    created_at: datetime
    expires_at: datetime


class AttemptError(TypedDict):
    at: datetime
    error: str


class Review(TypedDict):
    """What a person decided about a dead letter."""

    resolution: str
    note: str
    by: str
    at: datetime


class RequestRow(TypedDict):
    """A row of the queue."""

    _id: str
    idempotency_key: str
    type: str
    mode: str
    priority: int
    lane: str
    position: int
    line: str
    turn: int
    waiting_since: datetime
    payload: Payload
    status: str
    attempts: int
    available_at: datetime
    claimed_by: str
    lease_until: datetime | None
    errors: list[AttemptError]
    created_at: datetime
    claimed_at: datetime | None
    finished_at: datetime | None
    delayed_by: NotRequired[str | None]
    leader: NotRequired[str | None]
    item_priority: NotRequired[int | None]
    cause: NotRequired[str | None]
    submitted_by: NotRequired[str | None]
    review: NotRequired[Review | None]
    replays: NotRequired[int | None]
    attempts_before: NotRequired[int | None]
    tipped_at: NotRequired[datetime | None]
    segment: NotRequired[str]
