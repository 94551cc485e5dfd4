"""Presses of the stop button, and what her pages said after each: which toy was still, and after
how long. Kept for ever."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from pymongo import UpdateOne

from ground.mongodb.collections import collection
from lovense.models import Device, StopPress
from lovense.rows import StopAnswerRow, StopPressRow
from tips.rows import Statement

SHOWN = 50
MOVING = "moving"  # what a page says of a toy that does not obey
UNREACHED = "unreachable"  # and of one whose app has not taken the stop
MAX_ANSWERS = 100  # of one press: pages that come and go all answer


@dataclass(frozen=True, slots=True)
class StillToy:
    """A toy that its page has told to stop. `ms`: so long it took to be still; None where the page
    does not know, or it is not."""

    toy_id: str
    ms: float | None = None
    answer: str = ""


@dataclass(frozen=True, slots=True)
class Still:
    """What a page says after a stop of this epoch."""

    epoch: int
    toys: tuple[StillToy, ...]

    @property
    def is_confirmed(self) -> bool:
        """Nothing has to be told again for this page's sake."""
        return all(toy.answer != UNREACHED for toy in self.toys)


def press_key(performer_id: str, epoch: int) -> str:
    return f"{performer_id}.{epoch}"


def answered(said: Still, *, performer_id: str, page_id: str, now: datetime) -> bool:
    """Whether it is news. The first word of a page about a toy counts; of a press that is not hers,
    of a toy that is not, and of one that was not reached, there is nothing to say."""
    rows = [
        _row(toy, page_id, now) for toy in _hers(said.toys, performer_id) if toy.answer != UNREACHED
    ]
    if not said.toys:
        rows = [_row(StillToy(""), page_id, now)]  # the page holds none
    key = press_key(performer_id, said.epoch)
    updates = [_update(key, row) for row in rows]
    if not updates:
        return False
    return bool(collection(StopPress).bulk_write(updates, ordered=False).modified_count)


def _hers(toys: Sequence[StillToy], performer_id: str) -> list[StillToy]:
    keys = {f"{performer_id}.{toy.toy_id}": toy for toy in toys}
    found = collection(Device).find({"_id": {"$in": list(keys)}}, {"_id": 1}) if keys else ()
    known = {row["_id"] for row in found}
    return [toy for key, toy in keys.items() if key in known]


def _row(toy: StillToy, page_id: str, now: datetime) -> StopAnswerRow:
    return {"page": page_id, "toyId": toy.toy_id, "ms": toy.ms, "answer": toy.answer, "at": now}


def _update(key: str, row: StopAnswerRow) -> UpdateOne:
    same: Statement = {"$elemMatch": {"page": row["page"], "toyId": row["toyId"]}}
    has_room = {f"answers.{MAX_ANSWERS - 1}": {"$exists": False}}
    new = {"_id": key, "answers": {"$not": same}, **has_room}
    return UpdateOne(new, {"$push": {"answers": row}})


def of_epoch(performer_id: str, epoch: int) -> list[StopAnswerRow]:
    """What her pages have said after this press."""
    row = collection(StopPress).find_one({"_id": press_key(performer_id, epoch)}, {"answers": 1})
    return row["answers"] if row else []


def newest(
    performer_id: str, *, before: int | None = None, limit: int = SHOWN
) -> list[StopPressRow]:
    """Her presses, the newest first; those before an epoch."""
    wanted: Statement = {"performer_id": performer_id}
    if before is not None:
        wanted["epoch"] = {"$lt": before}
    return list(collection(StopPress).find(wanted).sort("epoch", -1).limit(limit))
