"""Her shows, and what they came to."""

from datetime import datetime
from typing import NotRequired, TypedDict

from lovense.rows.hours import HourCell


class AiredShow(TypedDict):
    """A show that is over, on the row of its lease until it is written down. `by` is empty: nobody
    has ended it."""

    since: datetime
    until: datetime
    by: str


class BestItem(TypedDict):
    """What earned most: how often it was tipped for, and with how many tokens altogether."""

    title: str
    times: int
    tokens: int


class ShowSums(TypedDict):
    """What became of the tips of one show. Seconds are whole tenths; `best` None: no tip had an
    item; `longest_wait`, in whole seconds from the settlement to the start, None: nothing has
    played. `is_whole` False: there were more activations than are read."""

    tips: int
    tokens: int
    played: int
    promised: int
    delivered: int
    owed: int
    best: BestItem | None
    longest_wait: int | None
    is_whole: bool


class ShowRow(TypedDict):
    """A row of `shows`."""

    _id: str
    performer_id: str
    began_at: datetime
    ended_at: datetime | None
    is_open: bool
    ended_by: str
    sums: ShowSums | None
    look_at: datetime | None
    tally: NotRequired["ShowTally | None"]  # not read where shows are listed
    put_away_at: NotRequired[datetime | None]


class ShowTallyHour(TypedDict):
    """What was tipped in an hour of a show; an hour at its ends is cut."""

    hour: datetime
    tokens: int


class ShowTally(TypedDict):
    """What the tips of one show became, as an hour holds it."""

    cells: list[HourCell]
    hours: list[ShowTallyHour]
