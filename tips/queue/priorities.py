"""The priority that a waiting tip has from what answers it: set once, and never raised.

Every tip is submitted to one line of its lane, so what is set moves it behind others and never
before them. Only the turn in that line has to be looked at: whatever stands behind it has at most
its priority, and came later."""

from collections.abc import Iterable, Mapping

from pymongo import UpdateOne

from ground.mongodb.collections import collection
from tips.models import Priority, QueueRequest, RequestType
from tips.queue import ordering
from tips.queue.requests import PENDING
from tips.rows import RequestRow


def is_open(row: RequestRow) -> bool:
    """A tip whose priority nobody has set, neither by what answers it nor by hand; what was tried
    keeps its place."""
    return (
        row["type"] == RequestType.TIP
        and row["line"] == ordering.usual_line(row["lane"])
        and row.get("item_priority") is None
        and not ordering.is_tried(row)
    )


def first(lane: str, *, limit: int) -> list[RequestRow]:
    """The first tips of the line in which they all begin, whether they were looked at or not."""
    wanted = {"status": PENDING, "line": ordering.usual_line(lane)}
    return list(collection(QueueRequest).find(wanted).sort("turn", 1).limit(limit))


def placed(row: RequestRow, priority: Priority) -> RequestRow:
    """It, as it waits once this is set."""
    found = row.copy()
    found["item_priority"] = priority.value
    found["line"] = ordering.line(row["lane"], priority)
    return found


def set_once(found: Mapping[str, Priority], rows: Iterable[RequestRow]) -> int:
    """By request id; how many were ours to set. One that was set, claimed or moved since it was
    read stays as it is."""
    updates = [_setting(row, found[row["_id"]]) for row in rows if row["_id"] in found]
    if not updates:
        return 0
    return int(collection(QueueRequest).bulk_write(updates, ordered=False).modified_count)


def _setting(row: RequestRow, priority: Priority) -> UpdateOne:
    as_seen = {"status": PENDING, "line": row["line"], "item_priority": None}
    place = {"item_priority": priority.value, "line": ordering.line(row["lane"], priority)}
    return UpdateOne({"_id": row["_id"], **as_seen}, {"$set": place})
