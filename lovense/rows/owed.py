"""Seconds that were promised and not delivered."""

from datetime import datetime
from typing import TypedDict


class OwedRow(TypedDict):
    """A row of `owed`. Seconds are whole tenths."""

    _id: str
    performer_id: str
    tip_id: str | None
    request_id: str
    title: str
    tipper_name: str
    promised: int
    owed: int
    requeued: int
    waived: int
    cause: str
    state: str
    policy: str
    requeued_as: str
    why: str
    by: str
    ended_at: datetime
    created_at: datetime
    settled_at: datetime | None
