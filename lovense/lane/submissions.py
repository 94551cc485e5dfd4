"""Submissions: what a person puts into the queue by hand, to test a device or to play something.

Their limits refuse a person and never a tip: LIMIT in any minute for an account, and nothing from
anybody while DEPTH requests wait. A submission's turn comes after all that has settled, and before
all that settles later."""

import hashlib
import math
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from pymongo.client_session import ClientSession
from pymongo.errors import DuplicateKeyError

from ground import clock
from ground.journal import journal
from ground.json.errors import Refusal
from ground.json.fields import MAX_AMOUNT, Fields, Malformed
from ground.mongodb.collections import collection
from lovense.deciding import devicetest
from lovense.deciding.activation import activation_id
from lovense.deciding.turns import next_turn
from lovense.devices import verification
from lovense.menus import publishing
from lovense.menus.vibration import PATTERNS
from lovense.models import Performer, Submitter
from lovense.rows import DeviceTest, Item
from tips.log import eventlog
from tips.models import Priority, QueueRequest, RequestType
from tips.queue import counts
from tips.queue import requests as queue
from tips.rows import Payload, RequestRow

LIMIT, WINDOW = 60, timedelta(minutes=1)
DEPTH = 10_000
TYPES = (RequestType.TEST.value, RequestType.MANUAL.value)
FIELDS = ("type", "amount", "item", "priority", "idempotencyKey", "performerId")
ITEM_FIELDS = ("title", "pattern", "intensity", "durationSec")
_TITLES = {RequestType.TEST: "Test", RequestType.MANUAL: "Played by hand"}


class TooManySubmissions(Refusal):
    """An account submits at most LIMIT in any minute; `resets_at` is when the next one is taken."""

    code, status = "too_many_requests", 429

    def __init__(self, resets_at: datetime, *, now: datetime) -> None:
        super().__init__(f"At most {LIMIT} a minute.")
        self.resets_at = resets_at
        self.details = {"resetAt": clock.iso(resets_at)}
        self.retry_after = max(1, math.ceil((resets_at - now).total_seconds()))


class QueueFull(Refusal):
    """While DEPTH requests wait in the deployment, people have to wait with theirs."""

    code, status = "QUEUE_FULL", 503

    def __init__(self) -> None:
        super().__init__(f"{DEPTH} requests wait; try again later.")
        self.details = {"limit": DEPTH}


class NoTestNow(Refusal):
    """No test is taken while she has pressed stop."""

    code, status, words = "stopped", 409, "She has pressed stop; resume first."


class SubmissionKeyReused(Refusal):
    """An idempotency key belongs to one content."""

    code, status = "idempotency_key_reused", 422
    words = "This idempotencyKey was used for other content."


@dataclass(frozen=True, slots=True)
class Submission:
    """What somebody asks for: either the amount that her menu answers, or an item of its own; that
    for all that plays, or to test one function of the toy `device`; without a `function`, to play a
    pattern on it. `viewer`: who sends it in a rehearsal."""

    type: RequestType
    amount: int
    item: Mapping[str, Any] | None
    priority: Priority
    key: str = ""
    device: str = ""
    function: str = ""
    viewer: str = ""


@dataclass(frozen=True, slots=True)
class Submitted:
    """The row of the queue. `is_new` is False where the same was submitted before under this
    key."""

    row: RequestRow
    is_new: bool


# --- reading -------------------------------------------------------------------------------------


def parse(fields: Fields) -> Submission:
    """Raises Malformed, which names the field and the rule it breaks."""
    fields.only(*FIELDS)
    if fields.text("type", maximum=20) not in TYPES:
        raise Malformed("type", f"must be one of {', '.join(TYPES)}")
    kind = RequestType(fields.text("type", maximum=20))
    if fields.has("amount") == fields.has("item"):
        raise Malformed("amount", "give either amount (what the menu answers) or item")
    return Submission(
        type=kind,
        amount=fields.integer("amount", minimum=1, maximum=MAX_AMOUNT)
        if fields.has("amount")
        else 0,
        item=_item(fields.object("item"), kind) if fields.has("item") else None,
        priority=_priority(fields.raw("priority")),
        key=fields.reference("idempotencyKey", ""),
    )


def item_of(title: str, pattern: str, intensity: int, seconds: int) -> Item:
    """An item of a test's own."""
    given = {"title": title, "pattern": pattern, "intensity": intensity, "durationSec": seconds}
    return publishing.validated([given | {"itemId": RequestType.TEST.value, "minimum": 1}])[0]


def _item(fields: Fields, kind: RequestType) -> Item:
    """As a menu's item is checked, and with all that a menu's item has."""
    fields.only(*ITEM_FIELDS)
    given = {name: fields.raw(name) for name in ITEM_FIELDS}
    if fields.raw("pattern") not in PATTERNS:
        raise Malformed("item.pattern", f"must be one of {', '.join(PATTERNS)}")
    title = fields.text_or("title", _TITLES[kind], maximum=publishing.MAXIMUM_TITLE)
    try:
        return publishing.validated([given | {"title": title, "itemId": kind.value, "minimum": 1}])[
            0
        ]
    except publishing.InvalidMenu as bad:
        raise Malformed(f"item.{bad.errors[0].field}", bad.errors[0].rule) from None


def _priority(given: object) -> Priority:
    """By its name or its number."""
    if given is None:
        return Priority.NORMAL
    named: dict[object, Priority] = {each.name: each for each in Priority}
    found = named.get(given) if isinstance(given, str) else None
    if type(given) is int and given in Priority.values:
        found = Priority(given)
    if found is None:
        raise Malformed(
            "priority",
            f"must be one of {', '.join(f'{each.name} ({each.value})' for each in Priority)}",
        )
    return found


# --- submitting ----------------------------------------------------------------------------------


def submit(
    submission: Submission, *, lane: str, account: str, name: str, key: str, now: datetime
) -> Submitted:
    """Puts it into the lane. `key` tells repeats of this account apart; `name` is whom the records
    show.

    Raises SubmissionKeyReused, TooManySubmissions, QueueFull, NoTestNow. An attempt that found the
    queue full counts as one of the minute's."""
    row = row_of(submission, lane, own_key(submission.type, account, key), name, now)
    existing = queue.find(row["_id"])
    if existing is None:
        _count(account, now)
        _check_depth()
        existing = _insert(row, now)
    if existing is not None and _content(existing) != _content(row):
        raise SubmissionKeyReused
    return Submitted(existing or row, is_new=existing is None)


def known(kind: RequestType, *, account: str, key: str) -> RequestRow | None:
    """What this account submitted under this key."""
    return queue.find(queue.request_id(own_key(kind, account, key)))


def own_key(kind: RequestType, account: str, key: str) -> str:
    """Never a tip's, and never another account's."""
    digest = hashlib.sha256(f"{account}/{key}".encode()).hexdigest()
    return f"{kind.value.rpartition('.')[2]}-{digest[:32]}"


def row_of(submission: Submission, lane: str, key: str, name: str, now: datetime) -> RequestRow:
    """Pure. Its place in the lane is given where it is put in."""
    payload: Payload = {
        "amount": submission.amount,
        "tipper": {"username": submission.viewer or name[:64]},
        "userId": "",
    }
    if submission.viewer:
        payload["rehearsal"] = True
    if submission.item is not None:
        payload["item"] = dict(submission.item)
    if submission.device:
        payload |= {"device": submission.device, "function": submission.function}
    row = queue.new_row(
        key, submission.type, payload, lane=lane, position=0, priority=submission.priority, now=now
    )
    return row | {"submitted_by": name[:64]}


def _content(row: RequestRow) -> tuple[Any, ...]:
    return row["type"], row["lane"], row["priority"], row["payload"]


def _insert(row: RequestRow, now: datetime) -> RequestRow | None:
    """None when the row is ours; else the one that was there first. In a turn: its place is after
    every tip that was accepted before, and whoever keeps the lane in memory reads it again."""

    def body(session: ClientSession) -> None:
        if row["type"] == RequestType.TEST:
            _check_stop(row["lane"], session)
        row["position"] = eventlog.length()
        row["turn"] = next_turn(row["lane"], row["position"])
        collection(QueueRequest).insert_one(row, session=session)
        if devicetest.is_of_function(row["payload"]):
            _note(row, now, session)

    try:
        journal.run(body, touched=journal.of_lane(row["lane"]), now=now)
    except DuplicateKeyError:
        return queue.find(row["_id"])
    return None


def _note(row: RequestRow, now: datetime, session: ClientSession) -> None:
    """Her device remembers it until she says how it moved."""
    toy_id, function = row["payload"]["device"], row["payload"]["function"]
    test: DeviceTest = {"activation": activation_id(row["idempotency_key"]), "at": now}
    verification.asked(row["lane"], toy_id, {function: test}, now=now, session=session)


def _check_stop(lane: str, session: ClientSession) -> None:
    stopped = {"_id": lane, "stopped_at": {"$ne": None}}
    if collection(Performer).find_one(stopped, {"_id": 1}, session=session):
        raise NoTestNow


# --- the limits ----------------------------------------------------------------------------------


def _count(account: str, now: datetime) -> None:
    """One guarded write decides and counts, so any number at once get no more than LIMIT between
    them."""
    recent = {
        "$filter": {"input": {"$ifNull": ["$at", []]}, "cond": {"$gt": ["$$this", now - WINDOW]}}
    }
    taken = {
        "$cond": [
            {"$lt": [{"$size": "$$recent"}, LIMIT]},
            {"$concatArrays": ["$$recent", [now]]},
            "$$recent",
        ]
    }
    changes = [{"$set": {"at": {"$let": {"vars": {"recent": recent}, "in": taken}}}}]
    before = collection(Submitter).find_one_and_update({"_id": account}, changes, upsert=True)
    counted = sorted(at for at in (before or {"at": []})["at"] if at > now - WINDOW)
    if len(counted) >= LIMIT:
        raise TooManySubmissions(counted[-LIMIT] + WINDOW, now=now)


def _check_depth() -> None:
    if counts.depth(limit=DEPTH) >= DEPTH:
        raise QueueFull
