"""Handing over: a page takes her devices from the page that holds them.

The wish stands in the row of the lease. From then on that lease is not renewed, so it is over
within its five seconds whoever died; sooner where its page says that its toys are still. It is
never taken before, and by nobody but the page that is wanted."""

from collections.abc import Collection, Iterable
from datetime import datetime
from typing import NamedTuple

from ground.json.errors import Refusal
from ground.mongodb.collections import collection
from lovense.bridges import choosing
from lovense.models import PageLease
from lovense.rows import PageLeaseRow
from lovense.sending import groups
from lovense.sending.pages import WISHED_FOR

MOST = 40  # pages of one performer that stand by
FIELD, RULE = "pageId", "must be a page of hers that is open, and stands by or holds the devices"


class NoSuchPage(Refusal):
    """Only a page of hers that is open and may hold devices takes them."""

    code, status, words = "not_found", 404, "There is no such page."

    def __init__(self) -> None:
        super().__init__()
        self.details = {"field": FIELD, "rule": RULE}


class ToldByServer(Refusal):
    """No page holds what this server tells."""

    code, status = "told_by_server", 409
    words = "This server tells your devices, so no page takes them: choose another path first."


class LeaseStanding(NamedTuple):
    """Whether some page holds a performer's devices now, or none is to, since she has ended her
    show; and which one wants them; empty: none."""

    is_held: bool
    wanted_by: str


# --- taking --------------------------------------------------------------------------------------


def take(performer_id: str, *, page_id: str, now: datetime) -> bool:
    """Whether this page holds them already; else the one that does is told to let go. Again, it
    changes nothing; of two that want them the last word counts. Raises NoSuchPage, ToldByServer."""
    if not choosing.runs_in_pages(performer_id):
        raise ToldByServer
    row = collection(PageLease).find_one({"_id": performer_id}) or {}
    if row.get("page_id") == page_id and row["expires_at"] > now:
        return True
    if page_id not in {each["page_id"] for each in row.get("standing_by", ())}:
        raise NoSuchPage
    _wish(performer_id, page_id, now)
    tell(performer_id, page_id)
    return False


def _wish(performer_id: str, page_id: str, now: datetime) -> None:
    """Not where it holds them by now; and a page that says it again has no more time."""
    holds = {"page_id": page_id, "expires_at": {"$gt": now}}
    is_new = [{"wanted_by": {"$ne": page_id}}, {"wanted_at": {"$lte": now - WISHED_FOR}}]
    free = {"_id": performer_id, "$nor": [holds], "$or": is_new}
    wanted = {"wanted_by": page_id, "wanted_at": now}
    collection(PageLease).update_one(free, {"$set": wanted})


def tell(performer_id: str, page_id: str) -> None:
    """All her pages look at it now; where that is lost, within a second."""
    groups.publish([(groups.pages_of(performer_id), groups.take(page_id))])


def call(performer_id: str, *, now: datetime) -> None:
    """The page that wants them, since they are free."""
    standing = standings([performer_id], now=now).get(performer_id)
    if standing is not None and standing.wanted_by:
        tell(performer_id, standing.wanted_by)


# --- nobody is to hold them ----------------------------------------------------------------------


def tell_to_go(performer_id: str) -> None:
    """The page that holds them: the row asks it to let go, and no page wants them."""
    tell(performer_id, "")


# --- who is asked, and who may ask ---------------------------------------------------------------


def asked_to_go(slot: str, channels: Collection[str], *, now: datetime) -> set[str]:
    """Those of these pages that hold devices, and are to let them go."""
    mine = {"slot": slot, "channel": {"$in": list(channels)}}
    wanted = {"wanted_at": {"$gt": now - WISHED_FOR}, "expires_at": {"$gt": now}}
    return {row["channel"] for row in collection(PageLease).find(mine | wanted, {"channel": 1})}


def standings(performer_ids: Iterable[str], *, now: datetime) -> dict[str, LeaseStanding]:
    """Of those that ever had a page."""
    hers = {"_id": {"$in": list(performer_ids)}}
    fields = {"expires_at": 1, "wanted_by": 1, "wanted_at": 1, "is_resting": 1}
    return {row["_id"]: _standing(row, now) for row in collection(PageLease).find(hers, fields)}


def _standing(row: PageLeaseRow, now: datetime) -> LeaseStanding:
    wanted_at = row.get("wanted_at")
    is_wanted = wanted_at is not None and wanted_at > now - WISHED_FOR
    wanted_by = row.get("wanted_by") if is_wanted else None
    is_kept = row["expires_at"] > now or (bool(row.get("is_resting")) and not wanted_by)
    return LeaseStanding(is_kept, wanted_by or "")


def stand_by(performer_id: str, *, page_id: str, channel: str) -> bool:
    """This page may take the devices from now on; once, however often it is said. False: nobody
    has ever held them."""
    me = {"page_id": page_id, "channel": channel}
    pushed = {"$push": {"standing_by": {"$each": [me], "$slice": -MOST}}}
    leases = collection(PageLease)
    is_new = {"_id": performer_id, "standing_by.channel": {"$ne": channel}}
    if leases.update_one(is_new, pushed).matched_count:
        return True
    return leases.find_one({"_id": performer_id}, {"_id": 1}) is not None


def stand_down(performer_id: str, *, channel: str) -> None:
    gone = {"$pull": {"standing_by": {"channel": channel}}}
    collection(PageLease).update_one({"_id": performer_id}, gone)
