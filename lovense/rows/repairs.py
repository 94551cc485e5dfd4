"""What is wrong, and since when."""

from datetime import datetime
from typing import NotRequired, TypedDict


class RepairRow(TypedDict):
    """A row of `repairs`."""

    _id: str
    performer_id: str
    kind: str
    key: str
    open_key: str
    weight: str
    device_id: str
    host_id: str
    function: str
    name: str
    reason: str
    since: datetime
    shown_at: datetime
    last_seen_at: datetime
    times: int
    calm_at: datetime | None
    closed_at: datetime | None
    look_at: datetime | None
    # not in a row from before there was mail
    mail_at: NotRequired[datetime | None]
    mailed_at: NotRequired[datetime | None]
    expires_at: datetime | None
