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


class FacetCell(TypedDict):
    """One place among the facets (`lovense/history/facets.py`): `of` a word for each of them,
    `sums` in their order, and the counts of two latencies as `lovense/history/latencies.py` keeps
    them; not where a span was read without them."""

    of: list[str]
    sums: list[int]
    sent: NotRequired[bytes]
    started: NotRequired[bytes]


class BusyMinute(TypedDict):
    at: datetime
    tips: int


class DayHour(TypedDict):
    """An hour of a day (0 to 23) that holds anything; `sent` as in a facet."""

    hour: int
    tips: int
    tokens: int
    sent: bytes


class CountedFacets(TypedDict):
    """What an hour keeps beside its cells; none of it in a row of an older release. `minutes`:
    those with a tip, as minute, tips, minute, tips."""

    facets: NotRequired[list[FacetCell]]
    minutes: NotRequired[list[int]]


class SummedFacets(TypedDict):
    """What a day keeps of its hours; none of it in a row of an older release."""

    facets: NotRequired[list[FacetCell]]
    by_hour: NotRequired[list[DayHour]]
    busiest: NotRequired[list[BusyMinute]]


class PerformerHourRow(CountedFacets):
    """A row of `performer_hours`; what was only marked has not been counted yet. Beside `cells`
    stand the sums of `counting.RANKED`."""

    _id: str
    performer_id: str
    hour: datetime
    cells: NotRequired[list[HourCell]]
    rows: NotRequired[int]
    live: NotRequired[int]
    counted_at: NotRequired[datetime | None]
    stale_since: NotRequired[datetime | None]
    unsummed_since: NotRequired[datetime | None]
    unadded_since: NotRequired[datetime | None]
    revision: NotRequired[int]


class PerformerDayRow(SummedFacets):
    """A row of `performer_days`: `cells` by item and outcome, `outcomes` by outcome alone, `tokens`
    of each of its 24 hours. Beside them stand the sums of `counting.RANKED`."""

    _id: str
    performer_id: str
    day: datetime
    cells: list[HourCell]
    outcomes: list[HourCell]
    tokens: list[int]
    revision: int


class PlatformHourRow(CountedFacets):
    """A row of `activation_hours`."""

    _id: str
    hour: datetime
    revision: int
    unsummed_since: NotRequired[datetime | None]


class PlatformDayRow(SummedFacets):
    """A row of `activation_days`."""

    _id: str
    day: datetime
    revision: int
