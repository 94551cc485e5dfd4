"""Writing shows down: from the row of each lease follow the rows of its shows. A round may be done
again for ever; what it finds is never counted up, and whoever dies in it loses nothing."""

from collections.abc import Iterable
from datetime import datetime, timedelta

from pymongo.errors import DuplicateKeyError

from ground.mongodb import unique
from ground.mongodb.collections import collection
from lovense.models import PageLease, Show
from lovense.rows import AiredShow, PageLeaseRow, ShowRow
from lovense.sending import groups
from lovense.sending.pages import SHOW_GAP
from lovense.shows import muting, onair
from tips.models import EPOCH
from tips.rows import Statement

TOPIC = "shows"
# After the end a device may still say what it has played, and a late word changes what is owed.
SUMMED_AFTER = (timedelta(seconds=10), timedelta(minutes=15))


def drain(*, now: datetime, limit: int) -> int:
    """Looks at the leases whose time has come, the longest due first; how many there were."""
    due = {"show_look_at": {"$gt": EPOCH, "$lte": now}}
    rows: list[PageLeaseRow] = list(
        collection(PageLease).find(due).sort("show_look_at", 1).limit(limit)
    )
    changed = {row["_id"] for row in rows if keep(row, now=now)}
    groups.news.mark(changed, TOPIC)
    return len(rows)


def keep(row: PageLeaseRow, *, now: datetime) -> bool:
    """Whether something is new. Four steps: 1. the shows that are over; 2. the one that goes on;
    3. what was muted for another show plays again; 4. when the lease is looked at again, unless it
    has changed since it was read."""
    ended = [_keep_ended(row["_id"], show, now) for show in onair.over(row, now)]
    began = _keep_begun(row, now)
    if began or ended:
        muting.lift(row["_id"], now=now, but=_current(row, now))
    _look_again(row, now)
    return any(ended) or began


def _keep_ended(performer_id: str, show: AiredShow, now: datetime) -> bool:
    """The first end that is written counts."""
    key = onair.show_key(performer_id, show["since"])
    end = {"is_open": False, "ended_at": show["until"], "ended_by": show["by"], "look_at": now}
    new = {"performer_id": performer_id, "began_at": show["since"], "sums": None}
    try:
        written = collection(Show).update_one(
            {"_id": key, "is_open": True}, {"$set": end, "$setOnInsert": new}, upsert=True
        )
    except DuplicateKeyError:  # it has ended before
        return False
    return bool(written.modified_count or written.upserted_id)


def _keep_begun(row: PageLeaseRow, now: datetime) -> bool:
    """One that was open before it, and that no row remembers the end of, ended no later."""
    since = row.get("on_air_since")
    if since is None or onair.ends_at(row) <= now:
        return False
    mine = {"performer_id": row["_id"], "is_open": True, "began_at": {"$lt": since}}
    forgotten = {"is_open": False, "ended_at": since, "look_at": now}
    collection(Show).update_one(mine, {"$set": forgotten})
    return not unique.insert(Show, [_begun(row["_id"], since)])


def _current(row: PageLeaseRow, now: datetime) -> str:
    """The key of the show that goes on; empty: there is none."""
    on_air = onair.of_lease(row, now)
    return onair.show_key(row["_id"], on_air["since"]) if on_air else ""


def _begun(performer_id: str, since: datetime) -> ShowRow:
    return {
        "_id": onair.show_key(performer_id, since),
        "performer_id": performer_id,
        "began_at": since,
        "ended_at": None,
        "is_open": True,
        "ended_by": "",
        "sums": None,
        "look_at": None,
    }


def _look_again(row: PageLeaseRow, now: datetime) -> None:
    """While somebody holds the devices the show cannot end before SHOW_GAP has passed."""
    ends_at = onair.ends_at(row)
    is_over = row.get("on_air_since") is None or ends_at <= now
    earliest = now + SHOW_GAP if row["expires_at"] > now else ends_at
    seen = {name: row.get(name) for name in ("show_look_at", "on_air_since", "off_air_at")}
    changes: Statement = {"show_look_at": None if is_over else earliest, "aired": []}
    collection(PageLease).update_one({"_id": row["_id"], **seen}, {"$set": changes})


def next_look(ended_at: datetime, *, now: datetime) -> datetime | None:
    """Pure. When the sums of a show that ended then are worked out the next time."""
    return next((at for each in SUMMED_AFTER if (at := ended_at + each) > now), None)


def leases_of(performer_ids: Iterable[str]) -> list[PageLeaseRow]:
    return list(collection(PageLease).find({"_id": {"$in": list(performer_ids)}}))
