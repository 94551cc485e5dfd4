"""Settlement: the only place where a tip becomes SETTLED and its TipActivated event is born.

Facts 2 and 3. One transaction takes deliveries in order: records the tips, asks the ledger to move the tokens, reads the
posted entries back as proof, and for every proven tip logs the event and queues its request. A tip without the tokens
waits as `pending` for its grace period and is then `failed`. Nothing here knows what a device is.
"""

import logging
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from django.db import DatabaseError
from pymongo import UpdateOne
from pymongo.client_session import ClientSession
from pymongo.errors import PyMongoError

from ledger import gateway, inbox, transactions
from ledger.database import collection
from ledger.gateway import COMMISSION, InsufficientFunds, Order, Posted, Refused, Result, performer_account, user_account
from ledger.purchases import Purchase
from tips import commission, events, placement, queue
from tips.models import ChainHead, SettlementStatus, Tip, TipActivated, TipStatus
from tips.placement import TipOrder

log = logging.getLogger(__name__)

PENDING, SETTLED = SettlementStatus.PENDING.value, SettlementStatus.SETTLED.value
_STATUS = {"tip.succeeded": TipStatus.SUCCESS, "tip.cancelled": TipStatus.CANCELLED, "tip.failed": TipStatus.FAILED}

# To which settlement status a tip may move, and from where; settled is final. `docs/states.md` shows the same table.
# Nothing moves to processing: the embedded ledger settles in the transaction that looks. A row that says so is settled or failed.
PREDECESSORS: dict[SettlementStatus, frozenset[SettlementStatus]] = {
    SettlementStatus.PENDING: frozenset(),
    SettlementStatus.PROCESSING: frozenset(),
    SettlementStatus.SETTLED: frozenset({SettlementStatus.PENDING, SettlementStatus.PROCESSING}),
    SettlementStatus.CANCELLED: frozenset({SettlementStatus.PENDING}),
    SettlementStatus.FAILED: frozenset({SettlementStatus.PENDING, SettlementStatus.PROCESSING}),
}
FINAL = frozenset({SettlementStatus.SETTLED, SettlementStatus.CANCELLED, SettlementStatus.FAILED})


class Overtaken(Exception):
    """Another round processed some of these deliveries: each is settled in one round, so this one begins again without them."""


@dataclass(frozen=True, slots=True)
class Delivery:
    """A stored delivery with its parsed message."""

    key: str
    event_type: str
    order: placement.Order | None


@dataclass(slots=True)
class Drained:
    """What one drain did: deliveries handled, and the performers whose queues grew."""

    handled: int = 0
    performers: set[str] = field(default_factory=set)


def drain(*, now: datetime, limit: int) -> Drained:
    """Settles the deliveries that wait, oldest first, at most `limit` of them in one transaction."""
    return settle(inbox.waiting(limit=limit), now=now)


def settle(rows: list[dict[str, Any]], *, now: datetime) -> Drained:
    """Settles these deliveries of the inbox, in their order, in one transaction."""
    return _settle(rows, now) if rows else Drained()


def end_grace(*, now: datetime, limit: int) -> Drained:
    """Looks a last time at tips whose grace period for finding their tokens is over: settled after all, or failed."""
    due = {"settlement_status": PENDING, "funding_until": {"$lte": now}}
    late = [row["_id"] for row in collection(Tip).find(due, {"_id": 1}).limit(limit)]
    return transactions.run(lambda session: _Batch(session, now).settle([], late)) if late else Drained()


def _settle(rows: list[dict[str, Any]], now: datetime) -> Drained:
    try:
        return transactions.run(lambda session: _Batch(session, now).settle(_parsed(rows)))
    except Overtaken:
        left = inbox.still_waiting(row["_id"] for row in rows)
        return settle([row for row in rows if row["_id"] in left], now=now)
    except (DatabaseError, PyMongoError):
        raise  # the database, not a delivery: all of them wait for the next round
    except Exception as error:
        if len(rows) == 1:
            return _give_up_for_now(rows[0], error)
    # One delivery that cannot be processed must not hold up the others: each alone.
    parts = [_settle([row], now) for row in rows]
    return Drained(sum(part.handled for part in parts), set().union(*(part.performers for part in parts)))


def _give_up_for_now(row: dict[str, Any], error: Exception) -> Drained:
    log.error("settlement_failed", extra={"error_code": type(error).__name__}, exc_info=error)
    inbox.mark_failed(row["_id"], error=type(error).__name__)
    return Drained()


def _parsed(rows: Iterable[dict[str, Any]]) -> list[Delivery]:
    return [Delivery(row["_id"], row["event_type"], placement.parse(bytes(row["body"])).order) for row in rows]


class _Batch:
    """One transaction's worth of settlement. Holds no state outside it, so the transaction may run it again."""

    def __init__(self, session: ClientSession, now: datetime) -> None:
        self._session, self._now = session, now
        self._known: dict[str, dict[str, Any]] = {}
        self._recorded: frozenset[str] = frozenset()  # tips that earlier batches recorded: changed by guarded update
        self._new: list[dict[str, Any]] = []
        self._changed: list[UpdateOne] = []

    def settle(self, deliveries: Sequence[Delivery], late: Sequence[str] = ()) -> Drained:
        purchases = {d.key: d.order for d in deliveries if isinstance(d.order, Purchase)}
        self._known = self._load([d.order.tip_id for d in deliveries if isinstance(d.order, TipOrder)], purchases.values(), late)
        self._recorded = frozenset(self._known)
        tips = self._candidates(deliveries)
        # Tokens first: a batch that holds a purchase and the tip it pays for needs no second look.
        groups = [(purchase.order,) for purchase in purchases.values()] + [_orders(tip) for tip in tips]
        results = gateway.current().transfer(groups, now=self._now, session=self._session) if groups else []
        settled = self._apply(tips, results[len(purchases) :])
        self._write(settled)
        if inbox.mark_processed([d.key for d in deliveries], now=self._now, session=self._session) != len(deliveries):
            raise Overtaken
        refused = {key: result.reason for key, result in zip(purchases, results, strict=False) if isinstance(result, Refused)}
        inbox.mark_refused(refused, now=self._now, session=self._session)
        return Drained(len(deliveries) + len(late), {payload["performerId"] for payload in settled})

    def _load(self, tip_ids: list[str], purchases: Collection[Purchase], late: Sequence[str]) -> dict[str, dict[str, Any]]:
        found = list(collection(Tip).find({"_id": {"$in": [*tip_ids, *late]}}, session=self._session))
        if purchases:
            funded = {"settlement_status": PENDING, "tipper_id": {"$in": [purchase.user_id for purchase in purchases]}}
            found += collection(Tip).find(funded, session=self._session).sort("created_at", 1).limit(settings.DRAIN_LIMIT)
        return {row["_id"]: row for row in found}

    def _candidates(self, deliveries: Sequence[Delivery]) -> list[dict[str, Any]]:
        """The tips whose tokens should move now: those that waited, then the new ones in order of arrival."""
        waited = {key: row for key, row in self._known.items() if row["settlement_status"] not in FINAL}
        fresh: dict[str, dict[str, Any]] = {}
        for delivery in deliveries:
            if not isinstance(delivery.order, TipOrder):
                continue
            tip_id, status = delivery.order.tip_id, _STATUS[delivery.event_type]
            if tip_id in self._known:
                if status is not TipStatus.SUCCESS and tip_id in waited:
                    del waited[tip_id]
                    self._end(self._known[tip_id], status, "by_platform")
                continue
            row = _new_tip(delivery, status, self._now)
            self._known[tip_id] = row
            self._new.append(row)
            if status is TipStatus.SUCCESS:
                fresh[tip_id] = waited[tip_id] = row
        return [row for key, row in waited.items() if key not in fresh] + [row for key, row in fresh.items() if key in waited]

    def _apply(self, tips: list[dict[str, Any]], results: Sequence[Result]) -> list[events.Payload]:
        payloads = []
        for tip, result in zip(tips, results, strict=True):
            if isinstance(result, Posted):
                payloads.append(self._settled(tip, result))
            elif not isinstance(result, InsufficientFunds):
                self._end(tip, TipStatus.FAILED, result.reason)
            elif tip["funding_until"] is None:
                tip["funding_until"] = self._now + timedelta(seconds=settings.TIP_FUNDING_GRACE_SECONDS)
            elif tip["funding_until"] <= self._now:
                self._end(tip, TipStatus.FAILED, result.reason)
        return payloads

    def _settled(self, tip: dict[str, Any], posted: Posted) -> events.Payload:
        """`settled` is the effect of the proof: without posted entries of this source_ref there is none."""
        proof = gateway.read([entry for entry in posted.entries if entry.source_ref == tip["source_ref"]])
        if proof is None or tip["type"] != "tip" or tip["status"] != TipStatus.SUCCESS:
            raise events.InvalidEvent("only a successful tip with posted entries is settled")
        self._change(tip, settlement_status=SETTLED, settled_at=proof.posted_at, funding_until=None)
        source, recipient = (
            _balance(posted, user_account(tip["tipper_id"])),
            _balance(posted, performer_account(tip["performer_id"])),
        )
        return events.build(tip, proof, source=source, recipient=recipient, now=self._now)

    def _end(self, tip: dict[str, Any], status: TipStatus, reason: str) -> None:
        settlement = SettlementStatus.CANCELLED if status is TipStatus.CANCELLED else SettlementStatus.FAILED
        ended = {"failure_reason": reason, "funding_until": None, "ended_at": self._now}
        self._change(tip, status=status.value, settlement_status=settlement.value, **ended)

    def _change(self, tip: dict[str, Any], **changes: Any) -> None:
        tip.update(changes)
        if tip["_id"] in self._recorded:
            froms = [status.value for status in PREDECESSORS[SettlementStatus(tip["settlement_status"])]]
            self._changed.append(UpdateOne({"_id": tip["_id"], "settlement_status": {"$in": froms}}, {"$set": changes}))

    def _write(self, payloads: list[events.Payload]) -> None:
        if self._new:
            collection(Tip).insert_many(self._new, session=self._session)
        if self._changed:
            collection(Tip).bulk_write(self._changed, session=self._session)
        if payloads:
            queue.submit_tips(self._log(payloads), now=self._now, session=self._session)
        else:
            self._take_turn()

    def _take_turn(self) -> None:
        """Rounds follow each other, whether they log events or not: every one writes the head. Else one that brings tokens and
        one that misses them, both at once, would not see each other, and the tip would wait for tokens that are there."""
        first = {"sequence": 0, "digest": events.GENESIS}
        turn = {"$inc": {"rounds": 1}, "$setOnInsert": first}
        collection(ChainHead).update_one({"_id": events.HEAD}, turn, upsert=True, session=self._session)

    def _log(self, payloads: list[events.Payload]) -> list[dict[str, Any]]:
        heads = collection(ChainHead)
        head = heads.find_one({"_id": events.HEAD}, session=self._session) or {"sequence": 0, "digest": events.GENESIS}
        rows, digest = events.chain(payloads, sequence=head["sequence"], previous=head["digest"], now=self._now)
        end = {"sequence": head["sequence"] + len(rows), "digest": digest}
        heads.update_one({"_id": events.HEAD}, {"$set": end}, upsert=True, session=self._session)
        collection(TipActivated).insert_many(rows, session=self._session)
        return rows


def _orders(tip: dict[str, Any]) -> tuple[Order, ...]:
    """The tip's two transfers: the total to the performer, then the platform's commission from her."""
    performer, subject = performer_account(tip["performer_id"]), f"tip/{tip['_id']}"
    total = Order(tip["source_ref"], subject, user_account(tip["tipper_id"]), performer, tip["total"], tip["happened_at"])
    cut = tip["total"] - tip["net"]
    if not cut:
        return (total,)
    return total, Order(f"{tip['source_ref']}_COMMISSION", subject, performer, COMMISSION, cut, tip["happened_at"])


def _balance(posted: Posted, account: str) -> events.Balance:
    mine = [entry for entry in posted.entries if entry.account == account]
    return events.Balance(before=mine[0].balance_after - mine[0].points_delta, after=mine[-1].balance_after)


def _new_tip(delivery: Delivery, status: TipStatus, now: datetime) -> dict[str, Any]:
    order = delivery.order
    assert isinstance(order, TipOrder)
    settlement = {TipStatus.CANCELLED: SettlementStatus.CANCELLED, TipStatus.FAILED: SettlementStatus.FAILED}
    return {
        "_id": order.tip_id,
        "type": "tip",
        "status": status.value,
        "settlement_status": settlement.get(status, SettlementStatus.PENDING).value,
        "failure_reason": "" if status is TipStatus.SUCCESS else "by_platform",
        "total": order.total,
        "net": commission.split(order.total, order.commission)[0],
        "commission": order.commission,
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
        "delivery": delivery.key,
        "happened_at": order.happened_at,
        "created_at": now,
        "settled_at": None,
        "ended_at": None if status is TipStatus.SUCCESS else now,
        "funding_until": None,
    }
