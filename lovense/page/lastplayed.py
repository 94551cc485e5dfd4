"""What each of a performer's devices played last, from the latest of her runs. One look-up, however
many devices; nothing is decided here."""

from collections.abc import Iterable
from datetime import datetime
from typing import Any, NotRequired, TypedDict

from ground.mongodb.collections import collection
from lovense.bridges import legs
from lovense.models import Activation
from lovense.page.keptdevice import LastPlayed
from lovense.rows import Command, Item, LegRow

LOOKED_THROUGH = 20  # runs: what a device played before them is not told
AWAY = "away"
_READ = {"item.title": 1, "started_at": 1, "commands": 1, "legs.toyId": 1, "legs.outcome": 1}


class PlayedRow(TypedDict):
    """What is read of an activation."""

    item: NotRequired[Item | None]
    started_at: NotRequired[datetime | None]
    commands: NotRequired[list[Command]]
    legs: NotRequired[list[LegRow] | None]


def latest(performer_id: str) -> list[PlayedRow]:
    """The newest first."""
    mine: Any = collection(Activation).find({"performer_id": performer_id}, _READ)
    return list(mine.sort([("created_at", -1), ("position", -1)]).limit(LOOKED_THROUGH))


def by(toy_id: str, rows: Iterable[PlayedRow]) -> LastPlayed | None:
    """Pure."""
    for row in rows:
        item, at = row.get("item"), row.get("started_at")
        if item and at and _has_played(row, toy_id):
            return LastPlayed(item["title"], at)
    return None


def _has_played(row: PlayedRow, toy_id: str) -> bool:
    """As the run itself says, where each of its devices was told for itself."""
    if told := row.get("legs"):
        return any(each["toyId"] == toy_id and each["outcome"] != AWAY for each in told)
    return bool(legs.told_to(row.get("commands", ()), toy_id))
