"""Settlement: the only place where a tip becomes SETTLED and its TipActivated event is born.

Facts 2 and 3. One transaction takes deliveries in order: records the tips, asks the ledger to move
the tokens, reads the posted entries back as proof, and for every proven tip logs the event and
queues its request. A tip without the tokens waits as `pending` for its grace period and is then
`failed`. A tip whose transfer is not in our own books is recorded as `pending`, and
`tips/settlement/polling.py` asks its ledger for it. Nothing here knows what a device is."""

import logging
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, NamedTuple, cast

from django.conf import settings
from django.db import DatabaseError
from pymongo import UpdateOne
from pymongo.client_session import ClientSession
from pymongo.errors import BulkWriteError, PyMongoError

from ground.inbox import inbox
from ground.inbox.models import DeliveryRow
from ground.journal import journal
from ground.json.fields import MAX_AMOUNT
from ground.mongodb import transactions, unique
from ground.mongodb.collections import collection
from ledger import gateway
from ledger.gateway import (
    COMMISSION,
    Group,
    InsufficientFunds,
    KeyReused,
    Order,
    Posted,
    PostedEntry,
    Refused,
    Result,
    performer_account,
    user_account,
)
from tips.intake import payloads
from tips.intake.payloads import TipOrder
from tips.intake.purchases import Purchase
from tips.log import events
from tips.models import ChainHead, SettlementStatus, Tip, TipActivated, TipStatus
from tips.queue import requests as queue
from tips.rows import EventRow, HeadRow, Payload, TipRow
from tips.settlement import commission, proof

log = logging.getLogger(__name__)

PENDING, SETTLED = SettlementStatus.PENDING.value, SettlementStatus.SETTLED.value
_STATUS = {
    "tip.succeeded": TipStatus.SUCCESS,
    "tip.cancelled": TipStatus.CANCELLED,
    "tip.failed": TipStatus.FAILED,
}

# To which settlement status a tip may move, and from where; settled is final. `docs/states.md`
# shows the same table. Nothing moves to processing: a tip is settled in the transaction that holds
# its proof. A row that says so is settled or failed.
PREDECESSORS: dict[SettlementStatus, frozenset[SettlementStatus]] = {
    SettlementStatus.PENDING: frozenset(),
    SettlementStatus.PROCESSING: frozenset(),
    SettlementStatus.SETTLED: frozenset({SettlementStatus.PENDING, SettlementStatus.PROCESSING}),
    SettlementStatus.CANCELLED: frozenset({SettlementStatus.PENDING}),
    SettlementStatus.FAILED: frozenset({SettlementStatus.PENDING, SettlementStatus.PROCESSING}),
}
FINAL = frozenset({SettlementStatus.SETTLED, SettlementStatus.CANCELLED, SettlementStatus.FAILED})
AFTER_SETTLEMENT = "_after_settlement"
CONTRADICTS = "contradicts_the_tip"  # why a delivery about a known tip was not applied
POSTPONED = timedelta(minutes=1)  # a tip that cannot be ended comes again after it
# A tip that is settled or has ended waits neither for tokens nor for the ledger, and no doubt about
# it is left.
_NOTHING_AWAITED = {
    "funding_until": None,
    "next_look_at": None,
    "look_error": "",
    "needs_reconciliation": "",
}


class RoundOvertaken(Exception):
    """Another round processed some of these deliveries: each is settled in one round, so this one
    begins again without them."""


@dataclass(frozen=True, slots=True)
class Delivery:
    """A stored delivery with its parsed message."""

    key: str
    event_type: str
    order: payloads.Order | None
    received_at: datetime


@dataclass(slots=True)
class Drained:
    """What one drain did: rows handled, and the performers whose queues grew."""

    handled: int = 0
    performers: set[str] = field(default_factory=set)
    is_looking: bool = False  # tips were recorded for which the ledger is to be asked
    accounts: frozenset[str] = field(default=frozenset(), compare=False)  # that may have moved


def together(parts: Sequence[Drained]) -> Drained:
    performers = set().union(*(part.performers for part in parts))
    return Drained(
        sum(part.handled for part in parts), performers, any(part.is_looking for part in parts)
    )


def _touched(done: Drained) -> journal.Touched:
    return journal.Touched(done.accounts, frozenset(done.performers))


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
        return journal.run(
            lambda session: _Batch(session, now).settle([], late),
            touched=_touched,
            now=now,
        )
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
            return journal.run(
                lambda session: _Batch(session, now, are_new=True).settle(deliveries),
                touched=_touched,
                now=now,
            )
        except BulkWriteError as error:
            unique.clashes(error)
    return journal.run(
        lambda session: _Batch(session, now).settle(deliveries), touched=_touched, now=now
    )


def _give_up_for_now(row: DeliveryRow, error: Exception, now: datetime) -> Drained:
    log.error("settlement_failed", extra={"error_code": type(error).__name__}, exc_info=error)
    inbox.mark_failed(row["_id"], error=type(error).__name__, now=now)
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


class Writes:
    """What one transaction writes about tips: rows recorded and changed, and for every settled one
    its event and its request.

    The only place where an event is born, for tips that we place and for tips that we look at.
    Holds no state outside the transaction, so the transaction may run it again."""

    def __init__(self, session: ClientSession, now: datetime) -> None:
        self.session, self.now = session, now
        self._new: dict[str, TipRow] = {}
        self._changed: list[UpdateOne] = []
        self._payloads: list[Payload] = []
        self._tipped_at: dict[str, datetime] = {}

    def record(self, tip: TipRow) -> None:
        self._new[tip["_id"]] = tip

    def settle(
        self,
        tip: TipRow,
        entries: Sequence[PostedEntry],
        *,
        look_at: datetime | None = None,
    ) -> None:
        """`settled` is the effect of the proof: without posted entries of this source_ref there is
        none. `look_at`: a look that is still to come, since the ledger had news meanwhile."""
        payload, posted_at = _event_of(tip, entries, self.now)
        self._payloads.append(payload)
        self._tipped_at[tip["_id"]] = queue.tipped_at(tip)
        settled = {"settlement_status": SETTLED, "settled_at": posted_at}
        self.change(tip, **settled, **_NOTHING_AWAITED | {"next_look_at": look_at})

    def end(
        self,
        tip: TipRow,
        status: TipStatus,
        reason: str,
        *,
        look_at: datetime | None = None,
    ) -> None:
        settlement = (
            SettlementStatus.CANCELLED if status is TipStatus.CANCELLED else SettlementStatus.FAILED
        )
        ended = {"failure_reason": reason, "ended_at": self.now, **_NOTHING_AWAITED}
        ended["next_look_at"] = look_at
        self.change(tip, status=status.value, settlement_status=settlement.value, **ended)

    def change(self, tip: TipRow, **changes: Any) -> None:
        """Guarded by the state from which it may happen: another worker may have been first."""
        before = tip["settlement_status"]
        tip.update(cast(TipRow, changes))
        if tip["_id"] not in self._new:
            to = changes.get("settlement_status")
            froms = (
                [status.value for status in PREDECESSORS[SettlementStatus(to)]] if to else [before]
            )
            self._changed.append(
                UpdateOne(
                    {"_id": tip["_id"], "settlement_status": {"$in": froms}}, {"$set": changes}
                )
            )

    def write(self) -> set[str]:
        """All of it; the performers whose queues grew."""
        if self._new:
            collection(Tip).insert_many(list(self._new.values()), session=self.session)
        if self._changed:
            collection(Tip).bulk_write(self._changed, session=self.session)
        if self._payloads:
            queue.submit_tips(
                self._log(), tipped_at=self._tipped_at, now=self.now, session=self.session
            )
        return {payload["performerId"] for payload in self._payloads}

    def _log(self) -> list[EventRow]:
        """Where this process ended the chain is where it most likely still ends; the guard of the
        update says if it is not."""
        return (_head and self._append(_head)) or self._append(self._read_head(), is_certain=True)

    def _read_head(self) -> HeadRow:
        head: HeadRow | None = collection(ChainHead).find_one(
            {"_id": events.HEAD}, {"sequence": 1, "digest": 1}, session=self.session
        )
        return head or {"_id": events.HEAD, "sequence": 0, "digest": events.GENESIS}

    def _append(self, head: HeadRow, *, is_certain: bool = False) -> list[EventRow]:
        """Nothing, when another process has moved the head."""
        rows, digest = events.chain(
            self._payloads, sequence=head["sequence"], previous=head["digest"], now=self.now
        )
        length = head["sequence"] + len(rows)
        end: HeadRow = {"_id": events.HEAD, "sequence": length, "digest": digest}
        changes = {"sequence": length, "digest": digest}
        moved = collection(ChainHead).update_one(
            head, {"$set": changes}, upsert=is_certain, session=self.session
        )
        if not moved.matched_count and not is_certain:
            return []
        collection(TipActivated).insert_many(rows, session=self.session)
        transactions.after_commit(lambda: _remember(end))
        return rows


_head: HeadRow | None = None  # of the event log, as this process left it


def _remember(head: HeadRow) -> None:
    global _head
    _head = head


class _Batch:
    """One transaction's worth of deliveries. Where we place the transfers in our own books, their
    tips are settled in it too."""

    def __init__(self, session: ClientSession, now: datetime, *, are_new: bool = False) -> None:
        self._session, self._now = session, now
        self._ledger = gateway.current()
        self._places = self._ledger.places_tips and self._ledger.joins_transactions
        self._are_new = (
            are_new and self._places
        )  # all of them, so that nobody looks; a unique key ends the transaction if not
        self._writes = Writes(session, now)
        self._known: dict[str, TipRow] = {}
        self._late: frozenset[str] = frozenset()
        self._contradictions: dict[str, str] = {}
        self._is_looking = False

    def settle(self, deliveries: Sequence[Delivery], late: Sequence[str] = ()) -> Drained:
        """`late`: tips whose grace is over, and which end here when they are not settled. Nothing
        else ends a grace: tokens that came in time may be in the next round."""
        self._late = frozenset(late)
        purchases = (
            {d.key: d.order for d in deliveries if isinstance(d.order, Purchase)}
            if self._places
            else {}
        )
        tips = [d.order for d in deliveries if isinstance(d.order, TipOrder)]
        self._known = (
            {}
            if self._are_new
            else self._load([tip.tip_id for tip in tips], purchases.values(), late)
        )
        taken = set() if self._places else self._taken({tip.source_ref for tip in tips})
        ready = self._candidates(deliveries, taken)
        # Tokens first: a batch that holds a purchase and the tip it pays for needs no second look.
        groups = [(purchase.order,) for purchase in purchases.values()] + [
            orders(tip) for tip in ready
        ]
        results = self._transfer(groups) if groups else []
        self._apply(ready, results[len(purchases) :])
        performers = self._writes.write()
        self._mark(deliveries, purchases, results)
        handled = len(deliveries) + len(late)
        return Drained(handled, performers, self._is_looking, gateway.accounts_in(groups))

    def _transfer(self, groups: Sequence[Group]) -> list[Result]:
        # tips that waited in our own books when the ledger was changed: no tokens will come for
        # them there
        if not self._places:
            return [InsufficientFunds() for _ in groups]
        return self._ledger.transfer(
            groups, now=self._now, session=self._session, are_new=self._are_new
        )

    def _mark(
        self,
        deliveries: Sequence[Delivery],
        purchases: Mapping[str, Purchase],
        results: Sequence[Result],
    ) -> None:
        """Where we only look, the platform's ledger has the purchase already: ours to keep, not to
        post."""
        kept = [] if self._places else [d.key for d in deliveries if isinstance(d.order, Purchase)]
        done = [d.key for d in deliveries if d.key not in kept]
        marked = inbox.mark_processed(done, now=self._now, session=self._session)
        if kept:
            marked += inbox.mark_ignored(kept, now=self._now, session=self._session)
        if marked != len(deliveries):
            raise RoundOvertaken
        refused = {
            key: result.reason
            for key, result in zip(purchases, results, strict=False)
            if isinstance(result, Refused)
        }
        inbox.mark_refused(refused | self._contradictions, now=self._now, session=self._session)

    def _load(
        self, tip_ids: list[str], purchases: Collection[Purchase], late: Sequence[str]
    ) -> dict[str, TipRow]:
        found = list(
            collection(Tip).find({"_id": {"$in": [*tip_ids, *late]}}, session=self._session)
        )
        turn = {tip_id: number for number, tip_id in enumerate(late)}
        found.sort(
            key=lambda row: (row["created_at"], turn.get(row["_id"], 0))
        )  # who waited longest is served first
        if purchases:
            funded = {
                "settlement_status": PENDING,
                "tipper_id": {"$in": [purchase.user_id for purchase in purchases]},
            }
            found += (
                collection(Tip)
                .find(funded, session=self._session)
                .sort("created_at", 1)
                .limit(settings.DRAIN_LIMIT)
            )
        return {row["_id"]: row for row in found}

    def _taken(self, source_refs: set[str]) -> set[str]:
        """Which of these are the proof of another tip already. (index
        `tip_looked_at_source_ref`)"""
        looked_at = {"source_ref": {"$in": list(source_refs)}, "looks": {"$gte": 0}}
        found = collection(Tip).find(looked_at, {"source_ref": 1, "_id": 0}, session=self._session)
        return {row["source_ref"] for row in found}

    def _candidates(self, deliveries: Sequence[Delivery], taken: set[str]) -> list[TipRow]:
        """The tips whose tokens we should move now: those that waited, then the new ones in order
        of arrival."""
        waited = {
            key: row
            for key, row in self._known.items()
            if row["settlement_status"] not in FINAL and row["looks"] is None
        }
        fresh: dict[str, TipRow] = {}
        for delivery in deliveries:
            if not isinstance(delivery.order, TipOrder):
                continue
            tip_id, status = delivery.order.tip_id, _STATUS[delivery.event_type]
            if tip_id in self._known:
                if not _agrees(delivery.order, self._known[tip_id]):
                    self._contradictions[delivery.key] = CONTRADICTS
                elif status is not TipStatus.SUCCESS:
                    waited.pop(tip_id, None)
                    self._end_by_platform(self._known[tip_id], status)
                continue
            received = ReceivedAs(delivery.key, delivery.received_at)
            row = self._known[tip_id] = tip_row(delivery.order, received, self._now, status)
            self._writes.record(row)
            if status is not TipStatus.SUCCESS:
                continue
            if self._places:
                fresh[tip_id] = waited[tip_id] = row
            else:
                self._look_at(row, taken)
        return [row for key, row in waited.items() if key not in fresh] + [
            row for key, row in fresh.items() if key in waited
        ]

    def _end_by_platform(self, tip: TipRow, status: TipStatus) -> None:
        """Settled is final: when the platform takes back a tip whose tokens have moved, a person
        must decide."""
        if tip["settlement_status"] not in FINAL:
            # The look that is to come stays: a transfer may be on its way, or posted unseen.
            self._writes.end(tip, status, "by_platform", look_at=tip["next_look_at"])
        elif tip["settlement_status"] == SETTLED:
            self._writes.change(tip, needs_reconciliation=f"{status.value}{AFTER_SETTLEMENT}")

    def _look_at(self, tip: TipRow, taken: set[str]) -> None:
        if tip["source_ref"] in taken:
            self._writes.end(tip, TipStatus.FAILED, KeyReused.reason)
            return
        taken.add(tip["source_ref"])
        self._is_looking = True
        self._writes.change(tip, looks=0, next_look_at=self._now)
        if self._ledger.places_tips:
            self._writes.change(tip, funding_until=self._grace_ends)

    @property
    def _grace_ends(self) -> datetime:
        return self._now + timedelta(seconds=settings.TIP_FUNDING_GRACE_SECONDS)

    def _apply(self, tips: list[TipRow], results: Sequence[Result]) -> None:
        for tip, result in zip(tips, results, strict=True):
            if isinstance(result, Posted):
                self._writes.settle(tip, result.entries)
            elif not isinstance(result, InsufficientFunds):
                self._writes.end(tip, TipStatus.FAILED, result.reason)
            elif tip["funding_until"] is None:
                self._writes.change(tip, funding_until=self._grace_ends)
            elif tip["_id"] in self._late:
                self._writes.end(tip, TipStatus.FAILED, result.reason)


def _agrees(order: TipOrder, tip: TipRow) -> bool:
    return order.agrees(tip["total"], tip["tipper_id"], tip["performer_id"], tip["source_ref"])


def orders(tip: TipRow) -> tuple[Order, ...]:
    """The tip's two transfers: the total to the performer, then the platform's commission from
    her."""
    performer, subject = performer_account(tip["performer_id"]), f"tip/{tip['_id']}"
    total = Order(
        tip["source_ref"],
        subject,
        user_account(tip["tipper_id"]),
        performer,
        tip["total"],
        tip["happened_at"],
    )
    cut = tip["total"] - tip["net"]
    if not cut:
        return (total,)
    return total, Order(
        f"{tip['source_ref']}_COMMISSION", subject, performer, COMMISSION, cut, tip["happened_at"]
    )


def payload_of(tip: TipRow, entries: Sequence[PostedEntry], now: datetime) -> Payload:
    """The event of a tip that these entries prove."""
    return _event_of(tip, entries, now)[0]


def _event_of(
    tip: TipRow, entries: Sequence[PostedEntry], now: datetime
) -> tuple[Payload, datetime]:
    found = proof.of(tip, entries)
    if found is None or tip["type"] != "tip" or tip["status"] != TipStatus.SUCCESS:
        raise events.InvalidEvent("only a successful tip with posted entries is settled")
    source = _balance(entries, user_account(tip["tipper_id"]))
    recipient = _balance(entries, performer_account(tip["performer_id"]))
    payload = events.build(tip, found, source=source, recipient=recipient, now=now)
    return payload, found.posted_at


def accounts_of(tipper_id: str, performer_id: str) -> tuple[str, str, str]:
    """The accounts that a tip may move."""
    return user_account(tipper_id), performer_account(performer_id), COMMISSION


def _balance(entries: Sequence[PostedEntry], account: str) -> events.Balance | None:
    """Around all of them; a ledger that posts a single entry tells one side only."""
    mine = [entry for entry in entries if entry.account == account]
    if not mine or any(abs(entry.balance_after) > MAX_AMOUNT for entry in mine):
        return None  # optional in the event, and every number of it is one that JSON readers hold
    return events.Balance(
        before=mine[0].balance_after - mine[0].points_delta, after=mine[-1].balance_after
    )


class ReceivedAs(NamedTuple):
    """The delivery that recorded a tip: its key, and when we had it."""

    key: str
    at: datetime


def settled_row(order: TipOrder, received: ReceivedAs, event: EventRow) -> TipRow:
    """The row of a tip that was settled as it came; what was decided then is in its event."""
    payload = event["payload"]
    row = tip_row(order, received, event["created_at"])
    row["net"], row["commission"] = payload["netPrice"], payload["commission"]
    return settled(row, event)


def settled(tip: TipRow, event: EventRow) -> TipRow:
    """The same tip after the settlement that this event tells of."""
    row = tip.copy()
    row["settlement_status"], row["settled_at"] = SETTLED, event["posted_at"]
    return row


def tip_row(
    order: TipOrder, received: ReceivedAs, now: datetime, status: TipStatus = TipStatus.SUCCESS
) -> TipRow:
    """A tip as it is recorded."""
    settlement = {
        TipStatus.CANCELLED: SettlementStatus.CANCELLED,
        TipStatus.FAILED: SettlementStatus.FAILED,
    }
    percent = settings.TIP_DEFAULT_COMMISSION if order.commission is None else order.commission
    return {
        "_id": order.tip_id,
        "type": "tip",
        "status": status.value,
        "settlement_status": settlement.get(status, SettlementStatus.PENDING).value,
        "failure_reason": "" if status is TipStatus.SUCCESS else "by_platform",
        "total": order.total,
        "net": commission.split(order.total, percent)[0],
        "commission": percent,
        "studio_commission": order.studio_commission,
        "tipper_id": order.tipper_id,
        "tipper_username": order.tipper_username,
        "tipper_role": order.tipper_role,
        "is_anonymous": order.is_anonymous,
        "performer_id": order.performer_id,
        "performer_username": order.performer_username,
        "studio_id": order.studio_id,
        "conversation_id": order.conversation_id,
        "conversation_type": order.conversation_type,
        "stream_type": order.stream_type,
        "message": order.message,
        "source_ref": order.source_ref,
        "delivery": received.key,
        "happened_at": order.happened_at,
        "tipped_at": min(order.happened_at, received.at),
        "created_at": now,
        "settled_at": None,
        "ended_at": None if status is TipStatus.SUCCESS else now,
        "funding_until": None,
        "next_look_at": None,
        "look_error": "",
        "needs_reconciliation": "",
        "looks": None,
        "look_asked_by": "",
        "look_asked_at": None,
    }
