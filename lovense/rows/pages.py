"""Who holds her devices."""

from datetime import datetime
from typing import NotRequired, TypedDict

from lovense.rows.shows import AiredShow


class StandingPage(TypedDict):
    """A page that may take the devices from the one that holds them."""

    page_id: str
    channel: str


class PageLeaseRow(TypedDict):
    """A row of `page_leases`."""

    _id: str
    page_id: str
    channel: str
    slot: str
    number: NotRequired[int]
    taken_at: datetime
    expires_at: datetime
    # not in a row from before pages took devices from each other
    wanted_by: NotRequired[str | None]
    wanted_at: NotRequired[datetime | None]
    standing_by: NotRequired[list[StandingPage]]
    # not in a row from before there were shows
    on_air_since: NotRequired[datetime | None]
    off_air_at: NotRequired[datetime | None]
    off_air_by: NotRequired[str | None]
    is_resting: NotRequired[bool]
    aired: NotRequired[list[AiredShow]]
    show_look_at: NotRequired[datetime | None]
