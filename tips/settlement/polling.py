"""Looking: tips in a ledger that is not our own books. We ask it until it has posted them, and
settle what is proven.

A tip is recorded as `pending` and looked at immediately, then ever more rarely for two days: a
ledger may take that long. The ledger is asked outside any transaction; one transaction then writes
what the answers mean, through the very code that settles the tips of our own books. What cannot be
settled and will not change by itself is marked for a person to look at.

Usually the platform has caused the posting. With LEDGER_PLACES_TIPS we place the transfer when a
look finds none: its key is the tip's source_ref, so that an answer that was lost is found by the
next look, or the transfer repeated without harm."""

import logging
import time
from collections.abc import Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import islice

from django.db import DatabaseError
from pymongo.client_session import ClientSession
from pymongo.errors import PyMongoError

from ground import clock
from ground.journal import journal
from ground.mongodb.collections import collection
from ledger import gateway
from ledger.gateway import (
    InsufficientFunds,
    LedgerError,
    NeedsReconciliation,
    Posted,
    PostedEntry,
    performer_account,
    user_account,
)
from tips.log import events
from tips.models import Tip, TipStatus
from tips.rows import Statement, TipRow
from tips.settlement import proof
from tips.settlement.record import AFTER_SETTLEMENT, FINAL, SETTLED, orders
from tips.settlement.writes import Drained, Writes, together

log = logging.getLogger(__name__)

# Seconds until the next look, after the first, the second, … look; the last one repeats.
INTERVALS = (1, 2, 5, 10, 30, 60, 120, 300, 900, 3600)
PATIENCE = timedelta(hours=48)
# A ledger that does not answer is asked again after a tenth of the tip's age: soon for new tips,
# sparingly in a long outage.
SHORTEST_RETRY, LONGEST_RETRY = timedelta(seconds=5), timedelta(minutes=5)
THREADS = 8
MARGIN = timedelta(days=1)  # how much older than its tip a posting is searched for: clocks differ
BUDGET_SECONDS = 5.0  # of one round: what was not asked by then stays due
MAX_REFS = 1000  # in one statement of a hint to look again, which may name more
ENDED = FINAL - {SETTLED}

_pool = ThreadPoolExecutor(THREADS, thread_name_prefix="look")


@dataclass(frozen=True, slots=True)
class LedgerAnswer:
    """What the ledger said about one tip, or the `error` why it did not. `asked_for` is the
    appointment that this look kept."""

    tip_id: str
    asked_for: datetime | None
    entries: Sequence[PostedEntry] = ()
    error: str = ""
    refused: str = ""  # why the ledger will not post the transfer that we asked it for
    pause: float = 0.0  # seconds for which the ledger wants to be left alone


def drain(*, now: datetime, limit: int) -> Drained:
    """Asks the ledger for the tips that are due, at most `limit`, and writes what the answers mean
    in one transaction."""
    due = _due(now, limit)
    until = time.monotonic() + BUDGET_SECONDS
    answers = [answer for answer in _pool.map(lambda tip: _ask(tip, now, until), due) if answer]
    return _concluded(answers, now) if answers else Drained()


def look_again(source_refs: Iterable[str], *, now: datetime, settled_too: bool = False) -> int:
    """The ledger has news of these: looks at once, also where we had given up. How many tips that
    concerns. A settled tip is only looked at when the ledger says that it took something back."""
    wanted: Statement = {"looks": {"$gte": 0}}
    if not settled_too:
        wanted["settlement_status"] = {"$ne": SETTLED}
    refs, concerned = iter(source_refs), 0
    while some := list(islice(refs, MAX_REFS)):
        named = wanted | {"source_ref": {"$in": some}}
        changes = {"$set": {"next_look_at": now}}
        concerned += collection(Tip).update_many(named, changes).matched_count
    return concerned


def look_for_somebody(
    tip_id: str, *, seen: int, by: str, now: datetime, session: ClientSession
) -> bool:
    """Looks once more at a tip in doubt, because somebody asks for it: who that was stays with the
    tip. False where nothing is in doubt, a look is due already, or was taken since the `seen`
    one."""
    doubted = {"_id": tip_id, "looks": seen, "needs_reconciliation": {"$gt": ""}}
    asked = {"next_look_at": now, "look_asked_by": by, "look_asked_at": now}
    found = collection(Tip).update_one(
        doubted | {"next_look_at": None}, {"$set": asked}, session=session
    )
    return found.modified_count == 1


def _due(now: datetime, limit: int) -> list[TipRow]:
    wanted = {"looks": {"$gte": 0}, "next_look_at": {"$lte": now}}
    return list(collection(Tip).find(wanted).sort("next_look_at", 1).limit(limit))


def backlog(*, now: datetime, limit: int) -> tuple[int, datetime | None]:
    """How many tips are due to be looked at, counted no further than the limit, and since when the
    first of them is."""
    wanted = {"looks": {"$gte": 0}, "next_look_at": {"$lte": now}}
    found = collection(Tip).aggregate(
        [
            {"$match": wanted},
            {"$sort": {"next_look_at": 1}},
            {"$limit": limit},
            {"$group": {"_id": None, "n": {"$sum": 1}, "since": {"$first": "$next_look_at"}}},
        ]
    )
    return next(((row["n"], row["since"]) for row in found), (0, None))


def _ask(tip: TipRow, now: datetime, until: float) -> LedgerAnswer | None:
    if time.monotonic() > until:
        return None
    try:
        entries, refused = _asked(tip, now)
    except LedgerError as error:
        code = error.code or type(error).__name__
        log.warning("ledger_did_not_answer", extra={"tip_id": tip["_id"], "error_code": code})
        return LedgerAnswer(
            tip["_id"], tip["next_look_at"], error=code, pause=error.retry_after or 0.0
        )
    except PyMongoError:
        raise  # our own database: no tip can be settled now
    # an answer that nobody foresaw: it must not keep the tips behind it from being looked at
    except Exception as error:
        log.error(
            "look_failed",
            extra={"tip_id": tip["_id"], "error_code": type(error).__name__},
            exc_info=error,
        )
        return LedgerAnswer(tip["_id"], tip["next_look_at"], error=type(error).__name__)
    return LedgerAnswer(tip["_id"], tip["next_look_at"], entries, refused=refused)


def _asked(tip: TipRow, now: datetime) -> tuple[Sequence[PostedEntry], str]:
    """The entries, and why the ledger refuses to make them."""
    ledger = gateway.current()
    accounts = (user_account(tip["tipper_id"]), performer_account(tip["performer_id"]))
    since = clock.before(min(tip["happened_at"], tip["created_at"]), MARGIN)
    entries = ledger.entries_for(tip["source_ref"], accounts=accounts, since=since)
    # Ours to place: it was recorded as such, with a time until which it waits for its tokens.
    is_ours = tip["funding_until"] is not None and tip["settlement_status"] not in FINAL
    if entries or not is_ours or not ledger.places_tips:
        return entries, ""
    (result,) = ledger.transfer([orders(tip)], now=now)
    return (result.entries, "") if isinstance(result, Posted) else ((), result.reason)


def _concluded(answers: list[LedgerAnswer], now: datetime) -> Drained:
    try:
        return journal.run(
            lambda session: _conclude(session, now, answers), touched=journal.EVERYTHING, now=now
        )
    except (DatabaseError, PyMongoError):
        raise  # the database, not an answer: all of them wait for the next round
    except Exception as error:
        if len(answers) == 1:
            return _concluded([_unreadable(answers[0], error)], now)
    # One answer that cannot be written must not hold up the others: each alone.
    return together([_concluded([answer], now) for answer in answers])


def _unreadable(answer: LedgerAnswer, error: Exception) -> LedgerAnswer:
    log.error(
        "look_failed",
        extra={"tip_id": answer.tip_id, "error_code": type(error).__name__},
        exc_info=error,
    )
    return LedgerAnswer(answer.tip_id, answer.asked_for, error=type(error).__name__)


def _conclude(session: ClientSession, now: datetime, answers: Sequence[LedgerAnswer]) -> Drained:
    found = collection(Tip).find(
        {"_id": {"$in": [answer.tip_id for answer in answers]}}, session=session
    )
    tips = {row["_id"]: row for row in found}
    writes = Writes(session, now)
    for answer in answers:
        _weigh(writes, tips[answer.tip_id], answer)
    return Drained(len(answers), writes.write())


def _weigh(writes: Writes, tip: TipRow, answer: LedgerAnswer) -> None:
    if answer.error:
        _ask_later(writes, tip, answer)
        return
    is_open = tip["settlement_status"] not in FINAL
    try:
        found = proof.of(tip, answer.entries)
        if found is not None and is_open:
            writes.settle(tip, answer.entries, look_at=_still_to_come(tip, answer))
            return
    except NeedsReconciliation as contradiction:
        _contradicted(writes, tip, answer, contradiction.reason)
        return
    except events.InvalidEvent:
        _give_up(writes, tip, answer, "invalid_event")
        return
    if is_open:
        _wait(writes, tip, answer)
    else:
        _compare(writes, tip, answer, is_posted=found is not None)


def _contradicted(writes: Writes, tip: TipRow, answer: LedgerAnswer, reason: str) -> None:
    if reason == NeedsReconciliation.REVERSED and tip["settlement_status"] in ENDED:
        _agree(writes, tip, answer)  # paid for nothing, and given back
    else:
        _give_up(writes, tip, answer, reason)


def _compare(writes: Writes, tip: TipRow, answer: LedgerAnswer, *, is_posted: bool) -> None:
    """A tip that is settled, or ended: what the ledger has posted agrees, unless it has lost a
    settled tip's posting, or has one of a tip that the platform ended."""
    is_ended = tip["settlement_status"] in ENDED
    if is_ended and is_posted:
        _give_up(writes, tip, answer, f"posted_although_{tip['status']}")
    elif is_ended and answer.entries and writes.now - tip["created_at"] < PATIENCE:
        _appoint(writes, tip, answer)  # entries without their time: they may yet be posted
    else:
        _agree(writes, tip, answer, is_solved=is_ended or is_posted)


def _still_to_come(
    tip: TipRow, answer: LedgerAnswer, at: datetime | None = None
) -> datetime | None:
    """When to look next: `at`, unless somebody made another appointment while we were asking. What
    he knows is younger than this answer."""
    made_meanwhile = tip["next_look_at"] != answer.asked_for
    return tip["next_look_at"] if made_meanwhile else at


def _ask_later(writes: Writes, tip: TipRow, answer: LedgerAnswer) -> None:
    """No answer says nothing about the tip, whatever became of it: the look is still to come and
    every doubt stays. A tip that nobody answers for within two days is shown to a person
    besides."""
    age = writes.now - tip["created_at"]
    at = writes.now + _retry(age, answer.pause)
    changes: Statement = {"look_error": answer.error}
    if tip["settlement_status"] not in FINAL and age < PATIENCE:
        at = min(at, tip["created_at"] + PATIENCE)
    elif tip["settlement_status"] not in FINAL and not tip["needs_reconciliation"]:
        changes["needs_reconciliation"] = _doubtful(tip, "not_answered")
    writes.change(tip, next_look_at=_still_to_come(tip, answer, at), **changes)


def _wait(writes: Writes, tip: TipRow, answer: LedgerAnswer) -> None:
    if answer.refused and not _waits_for_tokens(writes, tip, answer):
        look_at = _still_to_come(tip, answer)
        writes.end(tip, TipStatus.FAILED, answer.refused, look_at=look_at)
    elif writes.now - tip["created_at"] >= PATIENCE:
        _give_up(writes, tip, answer, "not_posted")
    else:
        _appoint(writes, tip, answer)


def _agree(writes: Writes, tip: TipRow, answer: LedgerAnswer, *, is_solved: bool = True) -> None:
    look_at = _still_to_come(tip, answer)
    writes.change(tip, next_look_at=look_at, look_error="", **(_solved(tip) if is_solved else {}))


def _solved(tip: TipRow) -> Statement:
    """The ledger has put right what it had said; that the platform ended a settled tip it cannot
    put right."""
    return (
        {}
        if tip["needs_reconciliation"].endswith(AFTER_SETTLEMENT)
        else {"needs_reconciliation": ""}
    )


def _waits_for_tokens(writes: Writes, tip: TipRow, answer: LedgerAnswer) -> bool:
    until = tip["funding_until"]
    return until is not None and answer.refused == InsufficientFunds.reason and writes.now < until


def _appoint(writes: Writes, tip: TipRow, answer: LedgerAnswer) -> None:
    """Not posted yet: when to look next."""
    looks = (tip["looks"] or 0) + 1
    wait = timedelta(seconds=INTERVALS[min(looks, len(INTERVALS)) - 1])
    end = tip["funding_until"] if answer.refused else tip["created_at"] + PATIENCE
    at = min(writes.now + wait, end) if end else writes.now + wait
    look_at = _still_to_come(tip, answer, at)
    writes.change(tip, looks=looks, next_look_at=look_at, look_error="")


def _retry(age: timedelta, pause: float) -> timedelta:
    return min(LONGEST_RETRY, max(SHORTEST_RETRY, age / 10, timedelta(seconds=pause)))


def _give_up(writes: Writes, tip: TipRow, answer: LedgerAnswer, reason: str) -> None:
    looks, look_at = (tip["looks"] or 0) + 1, _still_to_come(tip, answer)
    doubt = _doubtful(tip, reason)
    writes.change(tip, looks=looks, next_look_at=look_at, look_error="", needs_reconciliation=doubt)


def _doubtful(tip: TipRow, reason: str) -> str:
    log.warning("tip_needs_reconciliation", extra={"tip_id": tip["_id"], "error_code": reason})
    return reason
