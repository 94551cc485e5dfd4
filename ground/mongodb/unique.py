"""Insert, and say which were known: "once" is a unique index, and here its refusals are read.

Nothing is looked up first. Whatever else a server may say against a row is raised as it came.
"""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from django.db import models
from pymongo.client_session import ClientSession
from pymongo.errors import BulkWriteError

from ground.mongodb.collections import collection

DUPLICATE_KEY = 11000
SMALL_ROWS = 500


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


def insert_small(
    model: type[models.Model], rows: Sequence[Mapping[str, Any]], *, session: ClientSession
) -> None:
    """All of them, in a transaction, or BulkWriteError. What the driver's `insert_many` does for
    each row, as a key or another message for it, is not needed: each has its key, and SMALL_ROWS of
    a few kilobytes are one message."""
    rows_of = collection(model)
    for start in range(0, len(rows), SMALL_ROWS):
        portion = list(rows[start : start + SMALL_ROWS])
        reply = rows_of.database.command("insert", rows_of.name, documents=portion, session=session)
        if failures := reply.get("writeErrors"):
            raise BulkWriteError({"writeErrors": failures, "writeConcernErrors": []})


def clashes(error: BulkWriteError) -> list[Clash]:
    """What unique indexes refused. Raises the error again if anything else went wrong."""
    failures = error.details["writeErrors"]
    is_more = any(failure["code"] != DUPLICATE_KEY for failure in failures)
    if is_more or error.details["writeConcernErrors"]:
        raise error
    return [Clash(int(failure["index"]), tuple(failure["keyPattern"])) for failure in failures]
