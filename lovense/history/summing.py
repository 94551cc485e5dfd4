"""Sums that are kept: a row that is recomputed as a whole from the rows that it sums, never
incremented. What was counted says so until its sum has been written since (a mark: the moment):
whoever dies in between loses nothing. Two that write one sum at once: the second reads anew."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, TypeVar

from django.db.models import Model
from pymongo import UpdateOne

from ground.mongodb import unique
from ground.mongodb.collections import collection
from tips.rows import Statement

TRIES = 5  # with so many at it at once, the next round goes on
Part = TypeVar("Part", bound=Mapping[str, Any])


def keep(
    model: type[Model],
    key: str,
    *,
    read: Callable[[], Sequence[Part]],
    summed: Callable[[Sequence[Part]], Statement],
    settle: Callable[[Sequence[Part]], None],
) -> bool:
    """False: others were at it, and what it sums stays marked. Three steps: 1. what it sums; 2. the
    sum, unless it was written since; 3. of these rows, that their sum holds them."""
    for _ in range(TRIES):
        before = collection(model).find_one({"_id": key}, {"revision": 1})
        rows = read()
        if _written(model, {"_id": key, **summed(rows)}, before["revision"] if before else 0):
            settle(rows)
            return True
    return False


def _written(model: type[Model], row: Statement, seen: int) -> bool:
    row["revision"] = seen + 1
    if not seen:
        return not unique.insert(model, [row])
    changes = {"$set": {name: said for name, said in row.items() if name != "_id"}}
    unchanged = {"_id": row["_id"], "revision": seen}
    return bool(collection(model).update_one(unchanged, changes).modified_count)


def settle(model: type[Model], mark: str, rows: Iterable[Mapping[str, Any]]) -> None:
    """Takes that mark from those that nobody has written since they were read."""
    updates = [
        UpdateOne({"_id": row["_id"], "revision": row.get("revision")}, {"$unset": {mark: ""}})
        for row in rows
        if row.get(mark) is not None
    ]
    if updates:
        collection(model).bulk_write(updates, ordered=False)
