"""Settlement: what waits is taken in order and settled together, and what cannot be is put aside.

Facts 2 and 3. A round hands its deliveries to one transaction (`batch.py`). A tip without the
tokens waits as `pending` for its grace period and is then `failed`. A tip whose transfer is not in
our own books is recorded as `pending`, and `polling.py` asks its ledger for it. One delivery or tip
that fails does not hold up the others. Nothing here knows what a device is."""

import logging
from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta

from django.db import DatabaseError
from pymongo.errors import BulkWriteError, PyMongoError

from ground.inbox import inbox
from ground.inbox.models import DeliveryRow
from ground.journal import journal
from ground.mongodb import unique
from ground.mongodb.collections import collection
from tips.intake import payloads
from tips.intake.payloads import TipOrder
from tips.models import Tip
from tips.settlement.batch import Batch, Delivery, RoundOvertaken
from tips.settlement.record import PENDING
from tips.settlement.writes import Drained, together

log = logging.getLogger(__name__)

POSTPONED = timedelta(minutes=1)  # a tip that cannot be ended comes again after it


def drain(*, now: datetime, limit: int) -> Drained:
    """Settles the deliveries that wait, oldest first, at most `limit` of them in one
    transaction."""
    return settle(inbox.waiting(payloads.SOURCES, now=now, limit=limit), now=now)


def settle(rows: list[DeliveryRow], *, now: datetime) -> Drained:
    """Settles these deliveries of the inbox, in their order, in one transaction."""
    return _settle(rows, now) if rows else Drained()


def end_grace(*, now: datetime, limit: int) -> Drained:
    """Looks a last time at tips whose grace period for finding their tokens is over: settled after
    all, or failed. Those wait on whose end is behind a delivery that is still to be processed:
    their tokens may have come in time, and we were late."""
    if not _late(now, 1):
        return Drained()
    unread = inbox.oldest(payloads.SOURCES)
    return end_grace_until(now if unread is None else min(now, unread), now=now, limit=limit)


def end_grace_until(until: datetime, *, now: datetime, limit: int) -> Drained:
    """Whatever waits in the inbox."""
    late = _late(until, limit)
    return _end_grace(late, now) if late else Drained()


def _late(until: datetime, limit: int) -> list[str]:
    due = {"settlement_status": PENDING, "looks": None, "funding_until": {"$lte": until}}
    found = collection(Tip).find(due, {"_id": 1}).sort("funding_until", 1).limit(limit)
    return [row["_id"] for row in found]


def _end_grace(late: list[str], now: datetime) -> Drained:
    try:
        return _in_one_transaction([], now, late=late)
    except (DatabaseError, PyMongoError):
        raise  # the database, not a tip: all of them wait for the next round
    except Exception as error:
        if len(late) == 1:
            return _postpone(late[0], error, now)
    # One tip that cannot be ended must not hold up the others: each alone.
    return together([_end_grace([tip_id], now) for tip_id in late])


def _postpone(tip_id: str, error: Exception, now: datetime) -> Drained:
    """Its turn comes again, behind the others: were it always due first, many such tips would fill
    every round."""
    log.error(
        "grace_not_ended",
        extra={"tip_id": tip_id, "error_code": type(error).__name__},
        exc_info=error,
    )
    waits = {"_id": tip_id, "settlement_status": PENDING}
    # It is shown to a person besides: it may never end by itself.
    changes = {"funding_until": now + POSTPONED, "needs_reconciliation": "not_ended"}
    collection(Tip).update_one(waits, {"$set": changes})
    return Drained()


def _settle(rows: list[DeliveryRow], now: datetime) -> Drained:
    try:
        return _settle_together(_parsed(rows), now)
    except RoundOvertaken:
        left = inbox.still_waiting(row["_id"] for row in rows)
        return settle([row for row in rows if row["_id"] in left], now=now)
    except (DatabaseError, PyMongoError):
        raise  # the database, not a delivery: all of them wait for the next round
    except Exception as error:
        if len(rows) == 1:
            return _give_up_for_now(rows[0], error, now)
    # One delivery that cannot be processed must not hold up the others: each alone.
    return together([_settle([row], now) for row in rows])


def _settle_together(deliveries: Sequence[Delivery], now: datetime) -> Drained:
    """Tips are nearly always new, and a unique key says when one is not: then all of it again, with
    a look at what there is."""
    if all(
        isinstance(delivery.order, TipOrder) and delivery.event_type == "tip.succeeded"
        for delivery in deliveries
    ):
        try:
            return _in_one_transaction(deliveries, now, are_new=True)
        except BulkWriteError as error:
            unique.clashes(error)
    return _in_one_transaction(deliveries, now)


def _in_one_transaction(
    deliveries: Sequence[Delivery],
    now: datetime,
    *,
    late: Sequence[str] = (),
    are_new: bool = False,
) -> Drained:
    return journal.run(
        lambda session: Batch(session, now, are_new=are_new).settle(deliveries, late),
        touched=_touched,
        now=now,
    )


def _touched(done: Drained) -> journal.Touched:
    return journal.Touched(done.accounts, frozenset(done.performers))


def _give_up_for_now(row: DeliveryRow, error: Exception, now: datetime) -> Drained:
    log.error("settlement_failed", extra={"error_code": type(error).__name__}, exc_info=error)
    code, place = type(error).__name__, inbox.place_of(error)
    inbox.mark_failed(row["_id"], error=code, place=place, now=now)
    return Drained()


def _parsed(rows: Iterable[DeliveryRow]) -> list[Delivery]:
    return [
        Delivery(
            row["_id"],
            row["event_type"],
            payloads.parse(bytes(row["body"])).order,
            row["received_at"],
        )
        for row in rows
    ]
