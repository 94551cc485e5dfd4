"""The journal of her devices."""

from datetime import datetime
from typing import TypedDict


class DeviceLogRow(TypedDict):
    """A row of `device_log`."""

    _id: str
    device_id: str
    performer_id: str
    n: int
    at: datetime
    path: str
    told: str
    outcome: str
    ms: float
    expires_at: datetime
