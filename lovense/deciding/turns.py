"""Turns of what no tip has settled: after all that settled or was put in before, and before all
that settles later."""

from typing import Any

from ground.mongodb.collections import collection
from lovense.models import LaneTurn
from tips.queue import requests as queue


def next_turn(lane: str, position: int) -> int:
    """After the turn of event number `position`, and after all that was put into this lane
    before."""
    first = position * queue.TURNS_PER_EVENT + 1
    later = {"$max": [{"$add": [{"$ifNull": ["$turn", 0]}, 1]}, first]}
    wanted = {"_id": lane}
    changes = [{"$set": {"turn": later}}]
    given: Any = collection(LaneTurn).find_one_and_update(
        wanted, changes, upsert=True, return_document=True
    )
    return int(given["turn"])
