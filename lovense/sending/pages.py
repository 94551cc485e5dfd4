"""Which page holds a performer's devices: a lease in the database, so that two open pages never run
a device twice.

The first page takes it; the others watch. A web process renews the leases of all its pages with one
write a second, and a restarted one first ends those of its predecessor in the same slot."""

from collections.abc import Collection, Iterable
from datetime import datetime, timedelta
from typing import Any, NamedTuple

from pymongo.errors import DuplicateKeyError

from ground.mongodb.collections import collection
from lovense.models import PageLease
from tips.rows import Statement

LEASE_SECONDS = 5
RENEW_SECONDS = 1
# A page is asked for a sign of life after 2 s of silence (`config/server.py`); while it is silent
# for longer than this, its lease is not renewed.
HEARD_SECONDS = 3
RESEND_AFTER = timedelta(seconds=1)
# So long a page that wants the devices is waited for (`lovense/sending/handover.py`): until the
# lease before it is over, and a page that has lost its socket has stopped its toys by itself.
WISHED_FOR = timedelta(seconds=12)
SILENT_AFTER = timedelta(seconds=5)
# A show goes on where its devices are taken again within so long (`lovense/shows/`).
SHOW_GAP = timedelta(minutes=10)
MOST_AIRED = 10  # shows of one performer that wait to be written down


class Holder(NamedTuple):
    """The page that holds a performer's devices: where it is reached, and the number of its
    lease."""

    channel: str
    lease: int


def take(
    performer_id: str,
    *,
    page_id: str,
    channel: str,
    slot: str,
    now: datetime,
    has_returned: bool = True,
    is_server: bool = False,
) -> int:
    """The number of the lease when this page now holds the devices, else 0: nobody did, the
    holder's lease ran out, or it has returned and did before. Nobody takes what another page of
    hers wants, but the server where she has chosen it; and after the end of a show only the page
    that she wants them for, until she begins again.

    Each other page that takes them gets a higher number, and a command says for which it was made.
    Only a new connection has returned: an older socket of the same page, not yet closed, must not
    take them back."""
    mine = [{"page_id": page_id}] if has_returned else [{"channel": channel}]
    free: Statement = {"_id": performer_id}
    free["$or"] = [*mine, {"expires_at": {"$lte": now}}]
    free["$and"] = [{"$or": [{"is_resting": {"$ne": True}}, _wanted_for(page_id, now)]}]
    if not is_server:
        free["$and"] += [{"$or": [{"wanted_by": {"$in": [None, page_id]}}, *_unwanted(now)]}]
    is_another = {"$cond": [{"$eq": ["$page_id", {"$literal": page_id}]}, 0, 1]}
    lease = {
        "number": {"$add": [{"$ifNull": ["$number", 0]}, is_another]},
        "page_id": {"$literal": page_id},
        "channel": {"$literal": channel},
        "slot": {"$literal": slot},
        "taken_at": now,
        "expires_at": now + timedelta(seconds=LEASE_SECONDS),
        "wanted_by": None,
        "wanted_at": None,
        "standing_by": _without(channel),
        **_on_air(now),
    }
    try:
        row = collection(PageLease).find_one_and_update(
            free, [{"$set": lease}], {"number": 1}, upsert=True, return_document=True
        )
    except DuplicateKeyError:
        return 0
    return int(row["number"]) if row else 0


def _without(channel: str) -> Statement:
    """Those that stand by, but for this one."""
    is_other = {"$ne": ["$$this.channel", {"$literal": channel}]}
    return {"$filter": {"input": {"$ifNull": ["$standing_by", []]}, "cond": is_other}}


def _wanted_for(page_id: str, now: datetime) -> Statement:
    return {"wanted_by": page_id, "wanted_at": {"$gt": now - WISHED_FOR}}


def _on_air(now: datetime) -> Statement:
    """In the write that takes the devices: her show goes on, or another one begins and the one
    before it is kept with its end. So no show depends on who looks at the row afterwards."""
    ended_at = {"$ifNull": ["$off_air_at", {"$add": ["$expires_at", _ms(SHOW_GAP)]}]}
    is_one = {"$gt": ["$on_air_since", None]}
    goes_on = {"$and": [is_one, {"$gt": [ended_at, now]}]}
    before = {"since": "$on_air_since", "until": ended_at, "by": {"$ifNull": ["$off_air_by", ""]}}
    aired = {"$ifNull": ["$aired", []]}
    kept = {"$slice": [{"$concatArrays": [aired, [before]]}, -MOST_AIRED]}
    return {
        "on_air_since": {"$cond": [goes_on, "$on_air_since", now]},
        "aired": {"$cond": [goes_on, aired, {"$cond": [is_one, kept, aired]}]},
        "show_look_at": {"$cond": [goes_on, "$show_look_at", now]},
        "off_air_at": None,
        "off_air_by": None,
        "is_resting": False,
    }


def _ms(length: timedelta) -> int:
    return int(length / timedelta(milliseconds=1))


def _unwanted(now: datetime) -> list[Statement]:
    """No page wants them, or it has not come for them."""
    return [{"wanted_at": None}, {"wanted_at": {"$lte": now - WISHED_FOR}}]


def renew(slot: str, channels: Collection[str], *, now: datetime) -> set[str]:
    """The channels that hold for longer: not those whose devices another page wants, nor those
    that another page took from a process that stood still for long."""
    until = now + timedelta(seconds=LEASE_SECONDS)
    mine = {"slot": slot, "channel": {"$in": list(channels)}, "$or": _unwanted(now)}
    renewed = collection(PageLease).update_many(mine, {"$set": {"expires_at": until}}).matched_count
    if renewed == len(channels):
        return set(channels)
    return {row["channel"] for row in collection(PageLease).find(mine, {"channel": 1})}


def release(performer_id: str, *, channel: str, now: datetime, is_still: bool = False) -> None:
    """The row stays: its `expires_at` says since when the devices have been without a page.

    `is_still`: it has said that its toys do not move. Without that word another page that wants
    them waits until it has stopped them by itself."""
    free_at = now if is_still else _free_at(now)
    collection(PageLease).update_one(
        {"_id": performer_id, "channel": channel}, [{"$set": {"expires_at": free_at}}]
    )


def _free_at(now: datetime) -> Statement:
    is_wanted = {"$gt": ["$wanted_at", now - WISHED_FOR]}
    return {"$cond": [is_wanted, now + SILENT_AFTER, now]}


def release_slot(slot: str, *, now: datetime) -> None:
    collection(PageLease).update_many(
        {"slot": slot, "expires_at": {"$gt": now}}, [{"$set": {"expires_at": _free_at(now)}}]
    )


def holders(*, now: datetime, among: Iterable[str] | None = None) -> dict[str, Holder]:
    """Performer id -> the page that holds her devices; of everyone, or of these performers."""
    open_now: dict[str, Any] = {"expires_at": {"$gt": now}}
    if among is not None:
        open_now["_id"] = {"$in": list(among)}
    found = collection(PageLease).find(open_now, {"channel": 1, "number": 1})
    return {row["_id"]: Holder(row["channel"], row.get("number", 0)) for row in found}


def not_to_take(performer_ids: Iterable[str], *, now: datetime) -> set[str]:
    """Those of these performers whose devices are held, or who have ended their show."""
    kept = {"$or": [{"expires_at": {"$gt": now}}, {"is_resting": True}]}
    wanted = {"_id": {"$in": list(performer_ids)}} | kept
    return {row["_id"] for row in collection(PageLease).find(wanted, {"_id": 1})}


def offline_since(performer_ids: Iterable[str], *, before: datetime) -> set[str]:
    """Those of these performers who have had no page since before that moment."""
    wanted = set(performer_ids)
    recent = collection(PageLease).find(
        {"_id": {"$in": list(wanted)}, "expires_at": {"$gt": before}}, {"_id": 1}
    )
    return wanted - {row["_id"] for row in recent}
