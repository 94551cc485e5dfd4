"""Overrides of a performer, set by staff: written, and told to her pages and to whoever starts what
waits."""

from datetime import datetime

from ground.hops import doorbell
from lovense.performers import overrides
from lovense.performers.overrides import OverrideWish
from lovense.rows import PerformerRow
from lovense.sending import groups


def change(
    performer_id: str, wish: OverrideWish, *, seen: int, by: str, why: str, now: datetime
) -> PerformerRow:
    about = {"performer_id": performer_id, "by": by, "why": why}
    row = overrides.change(**about, wish=wish, seen=seen, now=now)
    groups.devices_changed([performer_id])
    for topic in ("preferences", "queue"):
        groups.news.at_once([performer_id], topic)
    doorbell.ring("lovense.dispatch")
    return row
