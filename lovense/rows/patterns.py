"""Her patterns."""

from datetime import datetime
from typing import TypedDict


class PatternRow(TypedDict):
    """A row of `patterns`."""

    _id: str
    performer_id: str
    name: str
    name_key: str
    slot: int
    text: str
    revision: int
    changed_at: datetime
    archived_at: datetime | None
