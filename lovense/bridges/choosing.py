"""Which bridge she has chosen, and what follows where she chooses another one."""

from collections.abc import Collection
from datetime import datetime

from pymongo.client_session import ClientSession

from ground.json.errors import Refusal
from ground.mongodb.collections import collection
from lovense.bridges import RunsIn, own_levels, running_in
from lovense.devices import register, summary
from lovense.models import Performer, PlatformSettings
from lovense.performers import preferences
from lovense.rows import PerformerRow
from tips.rows import Statement


class NoSiteName(Refusal):
    """A path whose other end knows the site by its name at the vendor, `cam_site_name`, is not
    chosen while there is none."""

    code, status = "no_site_name", 409
    words = (
        "This site has no name at Lovense yet: its operator sets cam_site_name, and then the "
        "extension can be chosen."
    )
    details = {"setting": "cam_site_name"}


def has_site_name() -> bool:
    row = collection(PlatformSettings).find_one({}, {"cam_site_name": 1})
    return bool(row and row.get("cam_site_name"))


def runs_in_pages(performer_id: str) -> bool:
    return not not_in_pages([performer_id])


def not_in_pages(performer_ids: Collection[str]) -> set[str]:
    """Those of these performers whose devices no page of theirs may hold."""
    others: Statement = {"$nin": sorted(running_in(RunsIn.PAGE))}
    wanted = {"_id": {"$in": list(performer_ids)}, "bridge": others}
    return {row["_id"] for row in collection(Performer).find(wanted, {"_id": 1}).hint("_id_")}


def change(
    *,
    performer_id: str,
    changes: Statement,
    by: str,
    now: datetime,
    seen: preferences.Seen | None = None,
) -> PerformerRow:
    """Her preferences. Another path reaches other devices, and her row says which. Raises
    NoSiteName."""
    if own_levels(changes.get("bridge", "")) is not None and not has_site_name():
        raise NoSiteName

    def reached(row: PerformerRow, session: ClientSession) -> Statement:
        rows = register.rows_of(performer_id, session)
        if "bridge" in changes:
            register.look_again(performer_id, now=now, session=session)
        return {"look_at": now, **summary.changes(row, rows, now)}

    about: Statement = {"performer_id": performer_id, "changes": changes, "by": by, "now": now}
    return preferences.change(**about, seen=seen, within=reached)
