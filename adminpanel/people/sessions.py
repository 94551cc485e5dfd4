"""How long a session of staff lasts: twelve hours, and for an admin no longer than half an hour
without use. Pure; the session itself is Django's, and carries a mark that says when it began and
when it was last used.

Where a second factor is required, a session that does not say that it was proved is over; so is one
from before there were marks, which nobody could end."""

from datetime import datetime, timedelta
from enum import StrEnum
from typing import TypedDict

MARK = "staff"  # under which the session carries it
LONGEST, IDLE = timedelta(hours=12), timedelta(minutes=30)
NOTED_EVERY = timedelta(minutes=1)  # so often, at most, the session is written for its use


class Mark(TypedDict):
    """Seconds since 1970."""

    since: int
    seen: int
    is_proved: bool  # by a second factor


class Over(StrEnum):
    """Why a session ends: what she reads when she logs in again."""

    LONG = "You were logged in for twelve hours: log in again."
    IDLE = "You were logged out after 30 minutes without use."
    UNPROVED = "An admin needs a second factor: log in again."


def begun(*, is_proved: bool, now: datetime) -> Mark:
    moment = int(now.timestamp())
    return {"since": moment, "seen": moment, "is_proved": is_proved}


def over(mark: Mark | None, *, is_admin: bool, is_required: bool, now: datetime) -> Over | None:
    """None: it goes on. `is_required`: admins need a second factor."""
    if mark is None:
        return Over.UNPROVED if is_required else None
    if is_required and is_admin and not mark["is_proved"]:
        return Over.UNPROVED
    if _since(mark["since"], now) >= LONGEST:
        return Over.LONG
    return Over.IDLE if is_admin and _since(mark["seen"], now) >= IDLE else None


def used(mark: Mark, *, now: datetime) -> Mark | None:
    """The mark after a use of now; None: it says so already."""
    if _since(mark["seen"], now) < NOTED_EVERY:
        return None
    return {**mark, "seen": int(now.timestamp())}


def _since(moment: int, now: datetime) -> timedelta:
    return timedelta(seconds=now.timestamp() - moment)
