"""Which bridge she has chosen, and what follows where she chooses another one."""

from collections.abc import Collection
from datetime import datetime

from pymongo.client_session import ClientSession

from ground.mongodb.collections import collection
from lovense.bridges import RunsIn, running_in
from lovense.devices import register, summary
from lovense.models import Performer
from lovense.performers import preferences
from lovense.rows import PerformerRow
from tips.rows import Statement


def runs_in_pages(performer_id: str) -> bool:
    return not not_in_pages([performer_id])


def not_in_pages(performer_ids: Collection[str]) -> set[str]:
    """Those of these performers whose devices no page of theirs may hold."""
    others: Statement = {"$nin": sorted(running_in(RunsIn.PAGE))}
    wanted = {"_id": {"$in": list(performer_ids)}, "bridge": others}
    return {row["_id"] for row in collection(Performer).find(wanted, {"_id": 1}).hint("_id_")}


def change(*, performer_id: str, changes: Statement, by: str, now: datetime) -> PerformerRow:
    """Her preferences. Another path reaches other devices, and her row says which."""

    def reached(row: PerformerRow, session: ClientSession) -> Statement:
        rows = register.rows_of(performer_id, session)
        if "bridge" in changes:
            register.look_again(performer_id, now=now, session=session)
        return dict(summary.changes(row, rows, now))

    about: Statement = {"performer_id": performer_id, "changes": changes, "by": by, "now": now}
    return preferences.change(**about, within=reached)
