"""Her paths and the stop: another path ends what plays on the one that she leaves, and there are
paths that no stop reaches."""

from datetime import datetime

from lovense import bridges
from lovense.bridges import choosing, extension
from lovense.performers import preferences
from lovense.rows import PerformerRow
from lovense.stopping import halts
from tips.rows import Statement


def change(
    *,
    performer_id: str,
    changes: Statement,
    by: str,
    now: datetime,
    seen: preferences.Seen | None = None,
) -> PerformerRow:
    """Her preferences, as `preferences.change`. The path that she has already ends nothing."""
    before = preferences.of(performer_id)
    row = choosing.change(performer_id=performer_id, changes=changes, by=by, now=now, seen=seen)
    if row["bridge"] != before["bridge"]:
        halts.tell([performer_id])
    return row


def by_hand(bridge: str) -> str:
    """What her stop does not reach on this path, and how she stops it herself; empty where it
    reaches all. Other paths to the same toys are told to stop in any case."""
    found = bridges.find(bridge)
    return extension.CANNOT_STOP if found is not None and not found.can_stop else ""
