"""Who has looked at a performer's screen: what her account page says of it. It is recorded by who
lets somebody look (`adminpanel/handling/screens.py`)."""

from datetime import datetime
from typing import NamedTuple

from ground.audit import log as audit_log

SEE = "see_screen"  # in the audit log
SHOWN = 20


class ScreenSeen(NamedTuple):
    at: datetime
    who: str
    role: str
    why: str


def latest(performer_id: str) -> list[ScreenSeen]:
    """The newest first; who was refused has seen nothing."""
    return [
        ScreenSeen(row["at"], row["actor"], (row["after"] or {}).get("role", ""), row["why"])
        for row in audit_log.done_to(performer_id, SEE, limit=SHOWN)
    ]
