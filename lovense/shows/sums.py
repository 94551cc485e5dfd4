"""What became of the tips of one show: read from her own activations, and never counted up.

Tests, rehearsals and what was played by hand are none of it. At most MOST_ROWS are read."""

from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime

from ground.mongodb.collections import collection
from lovense.deciding.shortfall import promise, tenths
from lovense.deciding.standings import began
from lovense.history import hours
from lovense.models import Activation, Owed, Show
from lovense.rows import ActivationRow, BestItem, ShowRow, ShowSums
from lovense.sending import groups
from lovense.shows import keeping
from tips.models import EPOCH, QueueRequest

MOST_ROWS = 20_000  # activations of one show
NEWEST_FIRST = [("created_at", -1), ("position", -1)]
ASKED_AT_ONCE = 500
AT_ONCE = 20  # shows that an hour may be of
_READ = dict.fromkeys(
    (
        *("tip_id", "request_id", "amount", "item.title", "status", "reason", "created_at"),
        *("dispatched_at", "received_at", "started_at", "delivered_seconds", "promised_seconds"),
        "is_measured",
        "attempts",
    ),
    1,
)


def drain(*, now: datetime, limit: int) -> int:
    """Works out the sums of the shows whose time has come; how many there were."""
    due = {"look_at": {"$gt": EPOCH, "$lte": now}}
    found = collection(Show).find(due, {"tally": 0}).sort("look_at", 1)
    rows: list[ShowRow] = list(found.limit(limit))
    for row in rows:
        keep(row, now=now)
    groups.news.mark({row["performer_id"] for row in rows}, keeping.TOPIC)
    return len(rows)


def keep(row: ShowRow, *, now: datetime) -> ShowSums:
    """Of one that has ended. Written twice, the later of two equal readings stays."""
    assert row["ended_at"] is not None
    whose, began_at, ended_at = row["performer_id"], row["began_at"], row["ended_at"]
    sums = of(whose, began_at=began_at, ended_at=ended_at)
    tally = hours.of_span(whose, began_at, ended_at, most=MOST_ROWS)
    look_at = keeping.next_look(ended_at, now=now)
    changes = {"sums": sums, "tally": tally, "look_at": look_at}
    collection(Show).update_one({"_id": row["_id"]}, {"$set": changes})
    return sums


def look_again(performer_id: str, hour: datetime, *, now: datetime) -> None:
    """Something that was tipped in that hour has ended anew, or is owed differently."""
    hers = {"performer_id": performer_id, "is_open": False}
    began = {"began_at": {"$lt": hour + hours.HOUR}}
    found = collection(Show).find(hers | began, {"ended_at": 1}).sort("began_at", -1).limit(AT_ONCE)
    keys = [row["_id"] for row in found if row["ended_at"] > hour]
    if keys:
        collection(Show).update_many({"_id": {"$in": keys}}, {"$set": {"look_at": now}})


def recount(performer_id: str, since: datetime, until: datetime, *, now: datetime) -> int:
    """Works out the sums of her shows that began then anew; how many there were."""
    hers = {"performer_id": performer_id, "began_at": {"$gte": since, "$lt": until}}
    found: list[ShowRow] = list(collection(Show).find(hers | {"is_open": False}, {"tally": 0}))
    for row in found:
        keep(row, now=now)
    return len(found)


def of(performer_id: str, *, began_at: datetime, ended_at: datetime) -> ShowSums:
    """Of any span of time: of the tips that were decided in it."""
    rows, is_whole = _activations(performer_id, began_at, ended_at)
    tips = [row for row in rows if row["tip_id"] is not None]
    played = [row for row in tips if began(row) is not None]
    return {
        "tips": len(tips),
        "tokens": sum(row["amount"] for row in tips),
        "played": len(played),
        "promised": sum(map(promise, tips)),
        "delivered": sum(min(promise(row), tenths(row["delivered_seconds"])) for row in tips),
        "owed": _owed([row["_id"] for row in tips]),
        "best": _best(tips),
        "longest_wait": _longest_wait(played),
        "is_whole": is_whole,
    }


def _activations(
    performer_id: str, began_at: datetime, ended_at: datetime
) -> tuple[list[ActivationRow], bool]:
    """With whether that is all of them."""
    span = {"performer_id": performer_id, "created_at": {"$gte": began_at, "$lt": ended_at}}
    hers = collection(Activation).find(span, _READ)
    found: list[ActivationRow] = list(hers.sort(NEWEST_FIRST).limit(MOST_ROWS + 1))
    return found[:MOST_ROWS], len(found) <= MOST_ROWS


def _owed(activation_ids: Sequence[str]) -> int:
    return sum(
        row["owed"]
        for some in _parts(activation_ids)
        for row in collection(Owed).find({"_id": {"$in": some}}, {"owed": 1})
    )


def _best(tips: Iterable[ActivationRow]) -> BestItem | None:
    """The one with the most tokens; of two alike the one that was tipped for more often, then by
    its title."""
    found: dict[str, BestItem] = {}
    for row in tips:
        item = row.get("item")
        if item is not None:
            title = item["title"]
            best = found.setdefault(title, {"title": title, "times": 0, "tokens": 0})
            best["times"] += 1
            best["tokens"] += row["amount"]
    order = sorted(found.values(), key=lambda one: (-one["tokens"], -one["times"], one["title"]))
    return next(iter(order), None)


def _longest_wait(played: Sequence[ActivationRow]) -> int | None:
    asked = _asked_at([row["request_id"] for row in played])
    waits = (
        (at - asked[row["request_id"]]).total_seconds()
        for row in played
        if (at := began(row)) is not None and row["request_id"] in asked
    )
    longest = max(waits, default=None)
    return None if longest is None else max(0, int(longest))


def _asked_at(request_ids: Sequence[str]) -> dict[str, datetime]:
    return {
        row["_id"]: row["created_at"]
        for some in _parts(request_ids)
        for row in collection(QueueRequest).find({"_id": {"$in": some}}, {"created_at": 1})
    }


def _parts(ids: Sequence[str]) -> Iterator[list[str]]:
    for start in range(0, len(ids), ASKED_AT_ONCE):
        yield list(ids[start : start + ASKED_AT_ONCE])
