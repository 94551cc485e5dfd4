"""What staff does about a performer: look at how she stands. A look is recorded."""

from datetime import datetime

from ground.audit import log as audit_log


def look(performer_id: str, *, by: str, now: datetime) -> None:
    """An entry of the history of her id, and none of her queue: nothing of hers has changed."""
    audit_log.record(kind="performer", action="look", by=by, target=performer_id, now=now)
