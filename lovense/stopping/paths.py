"""Another path to her devices: what plays on the one that she leaves ends."""

from datetime import datetime

from lovense.bridges import choosing
from lovense.performers import preferences
from lovense.rows import PerformerRow
from lovense.stopping import halts
from tips.rows import Statement


def change(*, performer_id: str, changes: Statement, by: str, now: datetime) -> PerformerRow:
    """Her preferences, as `preferences.change`. The path that she has already ends nothing."""
    before = preferences.of(performer_id)
    row = choosing.change(performer_id=performer_id, changes=changes, by=by, now=now)
    if row["bridge"] != before["bridge"]:
        halts.tell([performer_id])
    return row
