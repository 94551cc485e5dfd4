"""Shows: from when a page or the server takes a performer's devices until ten minutes after the
last one let them go, or until she ends it. A show is a span of time and its sums; nothing that
plays or waits ever asks for it.

When one began stands on the row of the lease, in the very write that took the devices
(`lovense/sending/pages.py`). Here that row is read."""

from datetime import datetime
from typing import TypedDict

from ground.mongodb.collections import collection
from lovense.models import PageLease, Show
from lovense.rows import AiredShow, PageLeaseRow, ShowRow
from lovense.sending.pages import SHOW_GAP
from tips.rows import Statement

LISTED = 50


class OnAir(TypedDict):
    """A show that goes on. `is_held`: somebody holds the devices now; if nobody does, it ends at
    `ends_at` unless they are taken again; else that is None."""

    since: datetime
    is_held: bool
    ends_at: datetime | None


def current(performer_id: str, *, now: datetime) -> OnAir | None:
    """None: she is off air."""
    row: PageLeaseRow | None = collection(PageLease).find_one({"_id": performer_id})
    return of_lease(row, now) if row is not None else None


def of_lease(row: PageLeaseRow, now: datetime) -> OnAir | None:
    """Pure."""
    since = row.get("on_air_since")
    if since is None or ends_at(row) <= now:
        return None
    is_held = row["expires_at"] > now
    return {"since": since, "is_held": is_held, "ends_at": None if is_held else ends_at(row)}


def ends_at(row: PageLeaseRow) -> datetime:
    """Pure. When its show ended, or will where nobody takes the devices again."""
    by_hand = row.get("off_air_at")
    return by_hand if by_hand is not None else row["expires_at"] + SHOW_GAP


def over(row: PageLeaseRow, now: datetime) -> list[AiredShow]:
    """Pure. What is over by now of the shows that stand on this row, the oldest first."""
    found, since, until = list(row.get("aired", ())), row.get("on_air_since"), ends_at(row)
    if since is not None and until <= now:
        found.append({"since": since, "until": until, "by": row.get("off_air_by") or ""})
    return found


def show_key(performer_id: str, began_at: datetime) -> str:
    return f"{performer_id}.{int(began_at.timestamp() * 1000)}"


def ended(
    performer_id: str,
    *,
    limit: int = 1,
    before: datetime | None = None,
    since: datetime | None = None,
) -> list[ShowRow]:
    """Those that are over, the newest first, no more than LISTED; `before`: that began before
    then; `since`: then or later."""
    wanted = _hers(performer_id, before=before, since=since)
    found = collection(Show).find(wanted, {"tally": 0}).sort("began_at", -1)
    return list(found.limit(min(limit, LISTED)))


def counted(performer_id: str, number: str = "") -> list[ShowRow]:
    """The last one that is over, or the one with that number, and the one before it; with what was
    counted of them. Empty: there is none."""
    wanted = _hers(performer_id)
    if number:
        wanted["_id"] = {"$lte": f"{performer_id}.{number}"}
    found: list[ShowRow] = list(collection(Show).find(wanted).sort("began_at", -1).limit(2))
    is_there = found and number in ("", found[0]["_id"].rpartition(".")[2])
    return found if is_there else []


def _hers(
    performer_id: str, *, before: datetime | None = None, since: datetime | None = None
) -> Statement:
    wanted: Statement = {"performer_id": performer_id, "is_open": False}
    moments = {"$lt": before, "$gte": since}
    began = {name: moment for name, moment in moments.items() if moment is not None}
    return wanted | ({"began_at": began} if began else {})
