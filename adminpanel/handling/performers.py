"""What staff do about a performer: look at how she stands, and set what binds her alone. Each
leaves an entry in the audit log."""

from datetime import datetime

from adminpanel.people.deeds import Deed, DeedTarget
from ground.audit import log as audit_log
from ground.hops import doorbell
from lovense.performers import overrides
from lovense.performers.overrides import OverrideWish
from lovense.rows import PerformerRow
from lovense.sending import groups


def target(performer_id: str) -> DeedTarget:
    return DeedTarget("performer", performer_id, lane=performer_id)


def look(performer_id: str, *, by: str, now: datetime) -> None:
    """An entry of the history of her id, and none of her queue: nothing of hers has changed."""
    audit_log.record(kind="performer", action="look", by=by, target=performer_id, now=now)


def override(performer_id: str, wish: OverrideWish, *, seen: int, deed: Deed) -> PerformerRow:
    """Written, and told to her pages and to whoever starts what waits. Raises what
    `overrides.change` does."""
    about = {"performer_id": performer_id, "by": deed.by, "why": deed.why}
    row = overrides.change(**about, wish=wish, seen=seen, now=deed.now)
    groups.devices_changed([performer_id])
    for topic in ("preferences", "queue"):
        groups.news.at_once([performer_id], topic)
    doorbell.ring("lovense.dispatch")
    return row
