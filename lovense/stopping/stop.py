"""Stop: the performer's epoch. A command carries the epoch under which it was decided; an older one
is refused by the page."""

from ground.mongodb.collections import collection
from lovense.models import Performer
from lovense.rows import Json


def state_of(performer_id: str) -> Json:
    """What a page must know before it runs anything."""
    row = collection(Performer).find_one({"_id": performer_id}, {"stop_epoch": 1}) or {
        "stop_epoch": 0
    }
    return {"stopEpoch": row["stop_epoch"]}
