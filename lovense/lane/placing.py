"""Placing: a person moves a waiting request to any place among those that she sees, and nothing
else about it.

The places themselves stay as they are (the line, the turn, and since when that place has waited);
the requests between the old and the new one each take the next of them. So the same holds in every
mode, and whatever waits behind what she saw keeps its place. What was tried before may be on a
device, and is neither moved nor overtaken."""

from collections.abc import Sequence
from datetime import datetime
from typing import NamedTuple

from pymongo import UpdateOne
from pymongo.client_session import ClientSession

from ground.audit import log as audit_log
from ground.journal import journal
from ground.json.errors import Refusal
from ground.json.fields import Malformed
from ground.mongodb.collections import collection
from lovense.deciding import priorities
from lovense.deciding.rules import Rules
from lovense.lane import eta
from lovense.lane.cancellation import AlreadyOver, NoSuchRequest
from lovense.sending import groups
from tips.models import Mode, QueueRequest
from tips.queue import ordering
from tips.queue import requests as queue
from tips.rows import RequestRow, Statement

MOST_SEEN = 200  # requests of one order


class InvalidPlace(Malformed):
    """An order names what she saw, once each, and the request among them."""


class OrderChanged(Refusal):
    """Another order than the one she saw waits by now; `details.order` is the present one."""

    code, status = "order_changed", 409
    words = "The order has changed meanwhile."

    def __init__(self, order: Sequence[str]) -> None:
        super().__init__()
        self.details = {"order": list(order)}


class AlreadyTried(Refusal):
    """What was tried before is neither moved nor overtaken: it may be on a device."""

    code, status = "already_tried", 409
    words = "What was tried before goes first."


class OutOfSight(Refusal):
    """Only one of the first MOST_SEEN of a queue is moved."""

    code, status = "out_of_sight", 409
    words = f"Only one of the first {MOST_SEEN} that wait can be moved."


class Present(NamedTuple):
    """What waits, in the order in which it will start, no more than MOST_SEEN."""

    rows: list[RequestRow]
    mode: Mode

    @property
    def order(self) -> list[str]:
        return [each["_id"] for each in self.rows]


class Mover(NamedTuple):
    """Who moves something, and when."""

    by: str
    now: datetime


def place(
    *,
    request_id: str,
    before: str,
    order: Sequence[str],
    performer_id: str,
    by: str,
    now: datetime,
) -> None:
    """Before that one; empty: behind all that she saw. `order`: the ids that she saw, in their
    order, at most MOST_SEEN. Where it stands there already nothing is changed.

    Raises InvalidPlace, NoSuchRequest, AlreadyOver, OrderChanged, AlreadyTried."""

    def body(session: ClientSession) -> None:
        row = _waiting(request_id, performer_id, session)
        _check(request_id, before, order)
        wanted = moved(order, request_id, before)
        found = present(performer_id, now=now)
        seen = found.order[: len(order)]
        if seen == wanted:
            return
        if seen != list(order):
            raise OrderChanged(found.order)
        _move(row, found, wanted, Mover(by, now), session)

    journal.run(body, touched=journal.of_lane(performer_id), now=now)
    groups.news.at_once([performer_id], "queue")


def play_next(*, request_id: str, performer_id: str, by: str, now: datetime) -> None:
    """Before all that may be overtaken. Raises NoSuchRequest, AlreadyOver, AlreadyTried,
    OutOfSight."""

    def body(session: ClientSession) -> None:
        row = _waiting(request_id, performer_id, session)
        found = present(performer_id, now=now)
        if ordering.is_tried(row):
            raise AlreadyTried
        if request_id not in found.order:
            raise OutOfSight
        first = next(each["_id"] for each in found.rows if not ordering.is_tried(each))
        wanted = moved(found.order, request_id, first)
        if wanted != found.order:
            _move(row, found, wanted, Mover(by, now), session)

    journal.run(body, touched=journal.of_lane(performer_id), now=now)
    groups.news.at_once([performer_id], "queue")


def present(performer_id: str, *, now: datetime) -> Present:
    """Where the places follow from items, what waits is looked at first."""
    rules = Rules.read([performer_id])
    if priorities.are_used(performer_id, rules):
        priorities.look([performer_id], rules)
    starts = eta.of_lane(performer_id, now=now, limit=MOST_SEEN, rules=rules)
    return Present([start.request for start in starts], rules.mode_of(performer_id))


def moved(order: Sequence[str], request_id: str, before: str) -> list[str]:
    """Pure. The order in which this one stands before that one; empty: last."""
    if before == request_id:
        return list(order)
    rest = [each for each in order if each != request_id]
    at = rest.index(before) if before else len(rest)
    return [*rest[:at], request_id, *rest[at:]]


def _check(request_id: str, before: str, order: Sequence[str]) -> None:
    if len(order) > MOST_SEEN:
        raise InvalidPlace("order", f"must name at most {MOST_SEEN} requests")
    if len(set(order)) != len(order):
        raise InvalidPlace("order", "must name each request once")
    if request_id not in order:
        raise InvalidPlace("order", "must name the request that is moved")
    if before and before not in order:
        raise InvalidPlace("before", "must be one of the order, or empty")


def _waiting(request_id: str, performer_id: str, session: ClientSession) -> RequestRow:
    row: RequestRow | None = collection(QueueRequest).find_one(
        {"_id": request_id, "lane": performer_id}, session=session
    )
    if row is None:
        raise NoSuchRequest
    if row["status"] != queue.PENDING:
        raise AlreadyOver(row["status"])
    return row


def _move(
    row: RequestRow, seen: Present, wanted: Sequence[str], mover: Mover, session: ClientSession
) -> None:
    """Those that stand elsewhere from now on, and the entry. One that is claimed at this moment is
    not as it was seen, and then nothing is changed."""
    places = [n for n, key in enumerate(wanted) if seen.order[n] != key]
    segment = [seen.rows[n] for n in places]
    if any(ordering.is_tried(each) for each in segment):
        raise AlreadyTried
    by_id = {each["_id"]: each for each in segment}
    slots = _in_turn(segment, seen.mode)
    updates = [_taking(by_id[wanted[n]], of) for n, of in zip(places, slots, strict=True)]
    done = collection(QueueRequest).bulk_write(updates, ordered=False, session=session)
    if done.matched_count != len(updates):
        raise OrderChanged(seen.order)
    place: Statement = {"kind": "request", "target": row["_id"], "lane": row["lane"]}
    place["before"] = {"place": seen.order.index(row["_id"]) + 1}
    place["after"] = {"place": wanted.index(row["_id"]) + 1}
    audit_log.record(action="place", by=mover.by, now=mover.now, session=session, **place)


def _in_turn(segment: list[RequestRow], mode: Mode) -> list[RequestRow]:
    """Their places, the first one first. What joins a run is shown with its leader, wherever its
    own turn is."""
    return segment if mode is Mode.PRIORITY else sorted(segment, key=ordering.in_order)


def _taking(row: RequestRow, of: RequestRow) -> UpdateOne:
    """A person has decided about it: no item moves it any more."""
    taken: Statement = {name: of[name] for name in ("line", "turn", "waiting_since")}
    taken["item_priority"] = ordering.priority_of(of)
    as_seen = {"_id": row["_id"], "status": queue.PENDING, "attempts": row["attempts"]}
    return UpdateOne(as_seen, {"$set": taken})
