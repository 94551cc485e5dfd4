"""A tip's record: its row from the call that brought it, what it orders of a ledger, the event that
posted entries make of it, and between which states it moves.

The only place where an event is born. Here are pure functions of rows alone, because a tip that is
settled from rows (`batch.py`, `polling.py`) and one that is settled in memory (`rounds.py`,
`projection.py`) must come out alike."""

from collections.abc import Sequence
from datetime import datetime
from typing import NamedTuple

from django.conf import settings

from ground.json.fields import MAX_AMOUNT
from ledger.gateway import COMMISSION, Order, PostedEntry, performer_account, user_account
from tips.intake.payloads import TipOrder
from tips.log import events
from tips.models import SettlementStatus, TipStatus
from tips.rows import EventRow, Payload, TipRow
from tips.settlement import commission, proof

PENDING, SETTLED = SettlementStatus.PENDING.value, SettlementStatus.SETTLED.value
# What becomes of a tip that does not succeed.
ENDED_AS = {
    TipStatus.CANCELLED: SettlementStatus.CANCELLED.value,
    TipStatus.FAILED: SettlementStatus.FAILED.value,
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
AFTER_SETTLEMENT = "_after_settlement"  # of a doubt: the platform ended it, and it was settled


# --- its row -------------------------------------------------------------------------------------


class ReceivedAs(NamedTuple):
    """The delivery that recorded a tip: its key, and when we had it."""

    key: str
    at: datetime


def tip_row(
    order: TipOrder, received: ReceivedAs, now: datetime, status: TipStatus = TipStatus.SUCCESS
) -> TipRow:
    """A tip as it is recorded."""
    percent = settings.TIP_DEFAULT_COMMISSION if order.commission is None else order.commission
    return {
        "_id": order.tip_id,
        "type": "tip",
        "status": status.value,
        "settlement_status": ENDED_AS.get(status, PENDING),
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


# --- its tokens ----------------------------------------------------------------------------------


def accounts_of(tipper_id: str, performer_id: str) -> tuple[str, str, str]:
    """The accounts that a tip may move."""
    return user_account(tipper_id), performer_account(performer_id), COMMISSION


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


# --- its event -----------------------------------------------------------------------------------


def payload_of(tip: TipRow, entries: Sequence[PostedEntry], now: datetime) -> Payload:
    """The event of a tip that these entries prove."""
    return event_of(tip, entries, now)[0]


def event_of(
    tip: TipRow, entries: Sequence[PostedEntry], now: datetime
) -> tuple[Payload, datetime]:
    """The same, and when they were posted."""
    found = proof.of(tip, entries)
    if found is None or tip["type"] != "tip" or tip["status"] != TipStatus.SUCCESS:
        raise events.InvalidEvent("only a successful tip with posted entries is settled")
    source = _balance(entries, user_account(tip["tipper_id"]))
    recipient = _balance(entries, performer_account(tip["performer_id"]))
    payload = events.build(tip, found, source=source, recipient=recipient, now=now)
    return payload, found.posted_at


def _balance(entries: Sequence[PostedEntry], account: str) -> events.Balance | None:
    """Around all of them; a ledger that posts a single entry tells one side only."""
    mine = [entry for entry in entries if entry.account == account]
    if not mine or any(abs(entry.balance_after) > MAX_AMOUNT for entry in mine):
        return None  # optional in the event, and every number of it is one that JSON readers hold
    return events.Balance(
        before=mine[0].balance_after - mine[0].points_delta, after=mine[-1].balance_after
    )
