"""The first run: a performer who has nothing yet is shown the way after she has logged in. How far
she is follows from what she has; only that she skipped it is kept, on her row."""

from datetime import datetime

from ground.mongodb.collections import collection
from lovense.models import Performer


def is_due(performer: Performer) -> bool:
    """Pure. She has no device and no menu, and has not skipped it."""
    return not (performer.devices or performer.menu_version or performer.welcome_skipped_at)


def skip(*, performer_id: str, now: datetime) -> bool:
    """False: she had skipped it before; the first time counts."""
    not_yet = {"_id": performer_id, "welcome_skipped_at": None}
    done = collection(Performer).update_one(not_yet, {"$set": {"welcome_skipped_at": now}})
    return bool(done.modified_count)
