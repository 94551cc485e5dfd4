"""Who tipped a performer most, for her eyes only: by the names that stand on her runs, never who is
anonymous. Reads a bounded number of her newest rows."""

from datetime import datetime
from typing import NamedTuple

from ground.mongodb.collections import collection
from lovense.history.browsing import INDEX, READ_AT_MOST
from lovense.models import Activation
from tips.log.events import ANONYMOUS
from tips.rows import Statement

MOST = 10


class TopTipper(NamedTuple):
    name: str
    tips: int
    tokens: int


def top(performer_id: str, since: datetime, until: datetime) -> list[TopTipper]:
    """At most MOST, who gave most tokens first."""
    within = {"$gte": since, "$lt": until}
    named = {"tip_id": {"$ne": None}, "tipper_name": {"$nin": ["", ANONYMOUS]}}
    sums = {"tips": {"$sum": 1}, "tokens": {"$sum": "$amount"}}
    stages: list[Statement] = [
        {"$match": {"performer_id": performer_id, "created_at": within}},
        {"$sort": {"created_at": -1}},
        {"$limit": READ_AT_MOST},
        {"$match": named},
        {"$group": {"_id": "$tipper_name", **sums}},
        {"$sort": {"tokens": -1, "_id": 1}},
        {"$limit": MOST},
    ]
    found = collection(Activation).aggregate(stages, hint=INDEX)
    return [TopTipper(row["_id"], row["tips"], row["tokens"]) for row in found]
