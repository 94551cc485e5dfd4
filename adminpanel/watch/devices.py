"""The devices of all performers, a slice at a time, for staff: who has what, and how it is.

A toy's id and where its app is reached are the performer's own, and stand in no row here."""

from dataclasses import dataclass

from ground.json.fields import Malformed
from ground.mongodb.collections import Document, collection
from lovense.models import Device
from lovense.rows import DeviceRow

SLICE = 100
SEPARATOR = "/"


class NoSuchCursor(Malformed):
    """`cursor` is `next` of the slice before."""


@dataclass(frozen=True, slots=True)
class DeviceSlice:
    """`after`: where the next one begins; empty at the end."""

    rows: list[DeviceRow]
    after: str


def slice_of(
    *, performer_id: str = "", status: str = "", cursor: str = "", limit: int = SLICE
) -> DeviceSlice:
    """By performer and nickname. Raises NoSuchCursor."""
    wanted: Document = {"nickname_key": {"$gt": ""}}
    if performer_id:
        wanted["performer_id"] = performer_id
    if status:
        wanted["status"] = status
    if cursor:
        wanted = {"$and": [wanted, _after(cursor)]}
    order = [("performer_id", 1), ("nickname_key", 1)]
    found = list(collection(Device).find(wanted).sort(order).limit(limit + 1))
    rows = found[:limit]
    is_more = len(found) > limit
    return DeviceSlice(rows, _place(rows[-1]) if is_more else "")


def _place(row: DeviceRow) -> str:
    return f"{row['performer_id']}{SEPARATOR}{row['nickname_key']}"


def _after(cursor: str) -> Document:
    performer_id, separator, nickname = cursor.partition(SEPARATOR)
    if not separator:
        raise NoSuchCursor("cursor", "must be `next` of the slice before")
    return {
        "$or": [
            {"performer_id": performer_id, "nickname_key": {"$gt": nickname}},
            {"performer_id": {"$gt": performer_id}},
        ]
    }
