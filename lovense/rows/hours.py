"""What was counted of her hours and days."""

from datetime import datetime
from typing import NotRequired, TypedDict


class HourCell(TypedDict):
    """What one item became in one way, in one hour. `item` is empty where none answered; seconds
    are whole tenths; `waited_ms` is that of all `waits` together."""

    item: str
    title: str
    outcome: str
    tips: int
    tokens: int
    net: int
    promised: int
    delivered: int
    owed: int
    waits: int
    waited_ms: int


class PerformerHourRow(TypedDict):
    """A row of `performer_hours`; what was only marked has not been counted yet."""

    _id: str
    performer_id: str
    hour: datetime
    cells: NotRequired[list[HourCell]]
    rows: NotRequired[int]
    live: NotRequired[int]
    counted_at: NotRequired[datetime | None]
    stale_since: NotRequired[datetime | None]
    unsummed_since: NotRequired[datetime | None]


class PerformerDayRow(TypedDict):
    """A row of `performer_days`: `cells` by item and outcome, `outcomes` by outcome alone, `tokens`
    of each of its 24 hours."""

    _id: str
    performer_id: str
    day: datetime
    cells: list[HourCell]
    outcomes: list[HourCell]
    tokens: list[int]
    revision: int
