"""Where an account is logged in."""

from datetime import datetime
from typing import TypedDict


class LoggedInRow(TypedDict):
    """A row of `log_ins`."""

    _id: str
    account: str
    session_key: str
    browser: str
    network: str
    since: datetime
    expires_at: datetime
