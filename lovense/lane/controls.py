"""What a person may do with a queue: hold it and let it go on, end what plays, take out what waits,
change an order.

Every control is a stored fact that survives a restart, written in one transaction with its entry in
the audit log: who, when and why. A repeat is no error. Doors ring `lovense.dispatch` afterwards;
the beat would find the same a second later."""

from collections.abc import Iterable
from contextlib import suppress
from datetime import datetime, timedelta
from typing import Any

from pymongo.client_session import ClientSession

from ground import clock
from ground.audit import log as audit_log
from ground.journal import journal
from ground.json.errors import Refusal
from ground.json.fields import Malformed
from ground.mongodb.collections import collection
from lovense.deciding import platform, priorities
from lovense.deciding.rules import Rules, is_paused, is_test
from lovense.lane import cancellation, placing
from lovense.lane.cancellation import (
    AlreadyOver,
    CountChanged,
    Ended,
    NoSuchRequest,
    NothingPlays,
    PartOfRun,
    Wish,
)
from lovense.models import Performer
from lovense.rows import PerformerRow
from lovense.sending import groups, pages
from lovense.stopping import halts
from tips.models import Mode, QueueRequest
from tips.queue import claims, ordering
from tips.queue import requests as queue
from tips.rows import RequestRow, Statement

__all__ = ["AlreadyOver", "CountChanged", "Ended", "NoSuchRequest", "NothingPlays", "PartOfRun"]

SWITCHED_OFF = "activations were switched off"
LONGEST_PAUSE = timedelta(days=366)


class AlreadyFirst(Refusal):
    """Nothing is before it that it could change places with."""

    code, status = "already_first", 409


class NotPaused(Refusal):
    """Only while she has paused one is let through."""

    code, status, words = "not_paused", 409, "The queue is not paused."


class HeldByStop(Refusal):
    """Nothing starts while she has pressed stop."""

    code, status, words = "stopped", 409, "She has pressed stop; resume first."


class NothingWaits(Refusal):
    """There is none that could start."""

    code, status, words = "nothing_waits", 409, "Nothing waits."


class InvalidPause(Malformed):
    """A pause ends in the future, or when she resumes."""


class UnknownMode(Malformed):
    """A queue has one of the modes of `tips/queue/ordering.py`."""


# --- holding a queue -----------------------------------------------------------------------------


def pause(
    *,
    performer_id: str,
    by: str,
    why: str,
    until: datetime | None = None,
    ends_playing: bool = False,
    now: datetime,
) -> None:
    """Nothing more of hers starts, until then or until she resumes; tips go on waiting. What plays,
    plays to its end; or, `ends_playing`, it is skipped once nothing can follow it."""
    if until is not None and until <= now:
        raise InvalidPause("until", "must be in the future")
    if until is not None and until > now + LONGEST_PAUSE:
        raise InvalidPause("until", f"must be at most {LONGEST_PAUSE.days} days from now")

    def paused(row: PerformerRow) -> Statement:
        since = row["paused_at"] if is_paused(row, now) else now
        return {
            "paused_at": since,
            "paused_until": until,
            "paused_by": by[:64],
            "paused_why": why[:200],
            **({} if is_paused(row, now) else _taken_back(row)),
        }

    _change(performer_id, "pause", paused, by=by, why=why, now=now)
    if ends_playing:
        with suppress(NothingPlays, AlreadyOver):
            skip(performer_id=performer_id, by=by, why=why, now=now)


def _taken_back(row: PerformerRow) -> Statement:
    """One that she let through while she had paused."""
    return {"plays_one": None} if row.get("plays_one") else {}


def resume(*, performer_id: str, by: str, now: datetime) -> None:
    """Only a pause; her stop is another thing (`lovense/stopping/stop.py`), which she alone
    lifts."""
    free = {"paused_at": None, "paused_until": None, "paused_by": "", "paused_why": ""}
    _change(performer_id, "resume", lambda row: free | _taken_back(row), by=by, why="", now=now)


def play_one(*, performer_id: str, by: str, now: datetime, request_id: str | None = None) -> str:
    """While she has paused: the next one starts as soon as her lane is free, and no other; which
    one it is. As long as that one waits or plays, said again it changes nothing. Her row names the
    request, so nothing has to be used up, and no restart or failed attempt makes it two.

    `request_id`: only if that is the next one. Raises NoSuchRequest, NotPaused, HeldByStop,
    NothingWaits, OrderChanged."""

    def body(session: ClientSession) -> str:
        row: PerformerRow | None = collection(Performer).find_one(
            {"_id": performer_id}, session=session
        )
        if row is None:
            raise NoSuchRequest
        if row.get("stopped_at") is not None:
            raise HeldByStop
        if not is_paused(row, now):
            raise NotPaused
        if (let := _goes_on(row.get("plays_one"), session)) is not None:
            return let
        chosen = _next_one(performer_id, request_id, now)
        changes: Statement = {"plays_one": chosen}
        collection(Performer).update_one({"_id": performer_id}, {"$set": changes}, session=session)
        place: Statement = {"kind": "request", "target": chosen, "lane": performer_id}
        audit_log.record(action="play_one", by=by, now=now, session=session, **place)
        return chosen

    chosen = journal.run(body, touched=journal.of_lane(performer_id), now=now)
    groups.news.at_once([performer_id], "queue")
    return chosen


def _goes_on(request_id: str | None, session: ClientSession) -> str | None:
    """It waits or plays."""
    is_live = {"_id": request_id, "status": {"$in": [queue.PENDING, queue.CLAIMED]}}
    found = request_id and collection(QueueRequest).find_one(is_live, {"_id": 1}, session=session)
    return request_id if found else None


def _next_one(performer_id: str, only: str | None, now: datetime) -> str:
    """But for her tests, which no pause holds."""
    found = placing.present(performer_id, now=now)
    chosen = next((row["_id"] for row in found.rows if not is_test(row)), None)
    if chosen is None:
        raise NothingWaits
    if only not in (None, chosen):
        raise placing.OrderChanged(found.order)
    return chosen


def set_mode(*, performer_id: str, mode: str | None, by: str, now: datetime) -> None:
    """None: the platform's. The order follows from the heads of her lines, so no row moves."""
    if mode is not None and mode not in Mode.values:
        raise UnknownMode("mode", f"must be one of {', '.join(Mode.values)}")
    _change(performer_id, "set_mode", lambda row: {"queue_mode": mode}, by=by, why="", now=now)


def _change(
    performer_id: str, action: str, changes_of: Any, *, by: str, why: str, now: datetime
) -> None:
    """The change and its entry. What is so already is left as it is."""

    def body(session: ClientSession) -> None:
        row = collection(Performer).find_one({"_id": performer_id}, session=session)
        if row is None:
            raise NoSuchRequest
        after = changes_of(row)
        before = {key: row.get(key) for key in after}
        if before == after:
            return
        collection(Performer).update_one({"_id": performer_id}, {"$set": after}, session=session)
        place: Statement = {
            "kind": "performer",
            "action": action,
            "target": performer_id,
            "lane": performer_id,
        }
        audit_log.record(
            **place,
            by=by,
            why=why,
            now=now,
            before=_told(before),
            after=_told(after),
            session=session,
        )

    journal.run(body, touched=journal.of_lane(performer_id), now=now)
    groups.news.at_once([performer_id], "queue")


def _told(changes: Statement) -> Statement:
    return {
        key: clock.iso(value) if isinstance(value, datetime) else value
        for key, value in changes.items()
    }


# --- ending what plays or waits ------------------------------------------------------------------


def skip(
    *, performer_id: str, by: str, why: str, now: datetime, request_id: str | None = None
) -> Ended:
    """Ends what has its turn now, with all that plays as part of its run; NothingPlays when there
    is none.

    `request_id`: only if it is still this one's turn, so that a second press does not end the next
    one."""
    return cancellation.skip(
        performer_id=performer_id, request_id=request_id, wish=Wish(by, why, now)
    )


def cancel(*, request_id: str, performer_id: str | None, by: str, why: str, now: datetime) -> Ended:
    """Takes one request out, wherever it is on its way. `performer_id` None: staff, whoever's it
    is.

    NoSuchRequest, AlreadyOver or PartOfRun say why it cannot be.
    """
    return cancellation.cancel(
        request_id=request_id, performer_id=performer_id, wish=Wish(by, why, now)
    )


def waiting(*, performer_id: str) -> int:
    """How many `clear` would take out."""
    return cancellation.waiting(performer_id)


def clear(*, performer_id: str, expected: int, by: str, why: str, now: datetime) -> int:
    """Takes out all that waits; CountChanged, and nothing is done, when it is not as many as
    expected."""
    return cancellation.clear(performer_id=performer_id, expected=expected, wish=Wish(by, why, now))


# --- the order -----------------------------------------------------------------------------------


def move_up(*, request_id: str, performer_id: str, by: str, now: datetime) -> None:
    """It changes places with the one before it: the line, the turn, and since when that place has
    waited.

    AlreadyFirst when there is none, or when that one was tried before: what may be on a device is
    not overtaken. Where the places follow from items, what waits is looked at first."""
    rules = Rules.read([performer_id])
    if priorities.are_used(performer_id, rules):
        priorities.look([performer_id], rules)

    def body(session: ClientSession) -> None:
        row = collection(QueueRequest).find_one(
            {"_id": request_id, "lane": performer_id}, session=session
        )
        if row is None:
            raise NoSuchRequest
        if row["status"] != queue.PENDING:
            raise AlreadyOver(row["status"])
        before = _before(row, Rules.read([performer_id]).mode_of(performer_id), session)
        if before is None or ordering.is_tried(before):
            raise AlreadyFirst
        _take_place(row, before, session)
        _take_place(before, row, session)
        place: Statement = {
            "kind": "request",
            "action": "move_up",
            "target": request_id,
            "lane": performer_id,
        }
        turn: Statement = {"before": {"turn": row["turn"]}, "after": {"turn": before["turn"]}}
        audit_log.record(**place, **turn, by=by, now=now, session=session)

    journal.run(body, touched=journal.of_lane(performer_id), now=now)
    groups.news.at_once([performer_id], "queue")


def _before(row: RequestRow, mode: Mode, session: ClientSession) -> RequestRow | None:
    """Of each line the last one whose turn comes before this one's; of those the latest."""
    found = [
        each
        for each in (
            _last_before(row, line, mode, session) for line in ordering.lines([row["lane"]])
        )
        if each
    ]
    return max(
        found, key=ordering.aged if mode is Mode.PRIORITY else ordering.in_order, default=None
    )


def _last_before(
    row: RequestRow, line: str, mode: Mode, session: ClientSession
) -> RequestRow | None:
    wanted: Statement = {"status": queue.PENDING, "line": line}
    if mode is not Mode.PRIORITY or line == row["line"]:
        wanted["turn"] = {"$lt": row["turn"]}
    else:
        ahead = ordering.AGEING * (ordering.priority_in(line) - ordering.priority_of(row))
        wanted["waiting_since"] = {"$lte": row["waiting_since"] + ahead}
    found: Iterable[RequestRow] = (
        collection(QueueRequest).find(wanted, session=session).sort("turn", -1).limit(1)
    )
    return next(
        (
            each
            for each in found
            if mode is not Mode.PRIORITY or ordering.aged(each) < ordering.aged(row)
        ),
        None,
    )


def _take_place(row: RequestRow, of: RequestRow, session: ClientSession) -> None:
    """A person has decided about it: no item moves it any more."""
    place: Statement = {key: of[key] for key in ("line", "turn", "waiting_since")}
    place["item_priority"] = ordering.priority_of(of)
    collection(QueueRequest).update_one(
        {"_id": row["_id"], "status": queue.PENDING}, {"$set": place}, session=session
    )


# --- the whole platform --------------------------------------------------------------------------


def set_platform(*, key: str, value: str, by: str, why: str = "", now: datetime) -> platform.Change:
    """One setting, from its text. Switching activations off (the kill switch) ends what plays,
    too, on every page that holds devices."""
    made = platform.change(key=key, value=value, by=by, why=why, now=now)
    _end_what_is_switched_off({made.key: made.after}, by=by, why=why, now=now)
    return made


def set_seen(changes: Statement, *, seen: int, by: str, why: str, now: datetime) -> Statement:
    """The same for some that were read before, where the settings have the version that was seen;
    what they were. Raises SettingsChanged."""
    before = platform.change_seen(changes, seen=seen, by=by, why=why, now=now)
    _end_what_is_switched_off(changes, by=by, why=why, now=now)
    return before


def _end_what_is_switched_off(changes: Statement, *, by: str, why: str, now: datetime) -> None:
    if changes.get(platform.SWITCH) is False:
        cancellation.end_all(wish=Wish(by, why or SWITCHED_OFF, now))
        halts.tell(pages.holders(now=now))


def set_draining(*, is_on: bool, by: str, why: str, now: datetime) -> None:
    """On, for a deploy: nothing starts any more; what plays, plays to its end. Nothing is lost,
    everything waits."""
    platform.change_seen({platform.DRAIN: is_on}, by=by, why=why, now=now)


def under_way() -> int:
    """How many have their turn now, in all queues: what a drain waits for."""
    return claims.count_claimed()


def heal(*, now: datetime, limit: int) -> int:
    """What a control has decided, and whoever carried it out could not bring to its end."""
    return _keep_off(now) + cancellation.heal(now=now, limit=limit)


def _keep_off(now: datetime) -> int:
    """A worker that had read the settings before the switch may have sent one after it; or whoever
    switched has died."""
    if platform.current().enable_lovense:
        return 0
    said = platform.last_change(platform.SWITCH) or {"actor": "", "why": ""}
    wish = Wish(said["actor"], said["why"] or SWITCHED_OFF, now)
    return len(cancellation.end_all(wish=wish))
