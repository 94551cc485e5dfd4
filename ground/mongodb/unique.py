"""Insert, and say which were known: "once" is a unique index, and here its refusals are read.

Nothing is looked up first. Whatever else a server may say against a row is raised as it came.
"""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from django.db import models
from pymongo.errors import BulkWriteError

from ground.mongodb.collections import collection

DUPLICATE_KEY = 11000


class Clash(NamedTuple):
    """A row that a unique index refused: its place among the rows, and the index's fields."""

    place: int
    fields: tuple[str, ...]


def insert(model: type[models.Model], rows: Sequence[Mapping[str, Any]]) -> list[Clash]:
    """The rows that were known; every other one is durable when this returns (majority)."""
    if not rows:
        return []
    try:
        collection(model).insert_many(rows, ordered=False)
    except BulkWriteError as error:
        return clashes(error)
    return []


def clashes(error: BulkWriteError) -> list[Clash]:
    """What unique indexes refused. Raises the error again if anything else went wrong."""
    failures = error.details["writeErrors"]
    is_more = any(failure["code"] != DUPLICATE_KEY for failure in failures)
    if is_more or error.details["writeConcernErrors"]:
        raise error
    return [Clash(int(failure["index"]), tuple(failure["keyPattern"])) for failure in failures]
