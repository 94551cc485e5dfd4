"""A batch: what one transaction makes of a round's deliveries.

It records the tips, asks the ledger to move the tokens, reads the posted entries back as proof and
settles what is proven. It knows one transaction and holds no state outside it, so the transaction
may run it again; which deliveries are taken together, and what becomes of those that fail, is
`settlement.py`'s."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.conf import settings
from pymongo.client_session import ClientSession

from ground.inbox import inbox
from ground.mongodb.collections import collection
from ledger import gateway
from ledger.gateway import Group, InsufficientFunds, KeyReused, Posted, Refused, Result
from tips.intake import payloads
from tips.intake.payloads import TipOrder
from tips.intake.purchases import Purchase
from tips.models import Tip, TipStatus
from tips.rows import TipRow
from tips.settlement.record import (
    AFTER_SETTLEMENT,
    FINAL,
    PENDING,
    SETTLED,
    ReceivedAs,
    orders,
    tip_row,
)
from tips.settlement.writes import Drained, Writes

_STATUS = {
    "tip.succeeded": TipStatus.SUCCESS,
    "tip.cancelled": TipStatus.CANCELLED,
    "tip.failed": TipStatus.FAILED,
}
CONTRADICTS = "contradicts_the_tip"  # why a delivery about a known tip was not applied


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


class Batch:
    """One transaction's worth of deliveries. Where we place the transfers in our own books, their
    tips are settled in it too."""

    def __init__(self, session: ClientSession, now: datetime, *, are_new: bool = False) -> None:
        self._session, self._now = session, now
        self._ledger = gateway.current()
        self._places = self._ledger.places_tips and self._ledger.joins_transactions
        # All of them, so that nobody looks; a unique key ends the transaction if not.
        self._are_new = are_new and self._places
        self._writes = Writes(session, now)
        self._known: dict[str, TipRow] = {}
        self._late: frozenset[str] = frozenset()
        self._contradictions: dict[str, str] = {}
        self._is_looking = False

    def settle(self, deliveries: Sequence[Delivery], late: Sequence[str] = ()) -> Drained:
        """`late`: tips whose grace is over, and which end here when they are not settled. Nothing
        else ends a grace: tokens that came in time may be in the next round."""
        self._late = frozenset(late)
        bought = {d.key: d.order for d in deliveries if isinstance(d.order, Purchase)}
        purchases = bought if self._places else {}
        tips = [d.order for d in deliveries if isinstance(d.order, TipOrder)]
        if not self._are_new:
            self._known = self._load([tip.tip_id for tip in tips], purchases.values(), late)
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
        # Tips that waited in our own books when the ledger was changed: no tokens will come for
        # them there.
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
        named = {"_id": {"$in": [*tip_ids, *late]}}
        found = list(collection(Tip).find(named, session=self._session))
        turn = {tip_id: number for number, tip_id in enumerate(late)}
        # Who waited longest is served first.
        found.sort(key=lambda row: (row["created_at"], turn.get(row["_id"], 0)))
        if purchases:
            buyers = [purchase.user_id for purchase in purchases]
            funded = {"settlement_status": PENDING, "tipper_id": {"$in": buyers}}
            waiting = collection(Tip).find(funded, session=self._session).sort("created_at", 1)
            found += waiting.limit(settings.DRAIN_LIMIT)
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
        ready = {
            key: row
            for key, row in self._known.items()
            if row["settlement_status"] not in FINAL and row["looks"] is None
        }
        for delivery in deliveries:
            if not isinstance(delivery.order, TipOrder):
                continue
            tip_id, status = delivery.order.tip_id, _STATUS[delivery.event_type]
            known = self._known.get(tip_id)
            if known is None:
                row = self._record(delivery, delivery.order, status)
                if status is TipStatus.SUCCESS and self._places:
                    ready[tip_id] = row
                elif status is TipStatus.SUCCESS:
                    self._look_at(row, taken)
            elif not _agrees(delivery.order, known):
                self._contradictions[delivery.key] = CONTRADICTS
            elif status is not TipStatus.SUCCESS:
                ready.pop(tip_id, None)
                self._end_by_platform(known, status)
        return list(ready.values())

    def _record(self, delivery: Delivery, order: TipOrder, status: TipStatus) -> TipRow:
        received = ReceivedAs(delivery.key, delivery.received_at)
        row = self._known[order.tip_id] = tip_row(order, received, self._now, status)
        self._writes.record(row)
        return row

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
