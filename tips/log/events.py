"""TipActivated: one immutable payload, its canonical bytes, the hash chain of the log, and its two
projections.

Queues and ledgers expect two different payloads (docs/integrators.md); we store their union once
and project it strictly. The log's rows are appended in a transaction that also advances
the chain's head, and are never updated."""

import hashlib
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from types import MappingProxyType
from typing import Any

import orjson

from ground import clock, ids
from ledger.gateway import Proof
from tips.rows import EventRow, NamedTipper, Payload, TipRow

EVENT_NAME = "TipActivated"
TIP_ACTIVATED_CHANNEL = "TIP_ACTIVATED_CHANNEL"
SETTLED = "SETTLED"
GENESIS = "0" * 64
HEAD = "tip_activated"


class InvalidEvent(Exception):
    """A payload breaks a rule of the event; the message names it. Such an event is never
    stored."""


@dataclass(frozen=True, slots=True)
class Balance:
    """An account's tokens around the tip; `change` is negative for the tipper."""

    before: int
    after: int

    def as_payload(self) -> dict[str, int]:
        return {"before": self.before, "after": self.after, "change": self.after - self.before}


def build(
    tip: TipRow,
    proof: Proof,
    *,
    source: Balance | None,
    recipient: Balance | None,
    now: datetime,
    settlement_id: str | None = None,
) -> Payload:
    """The union payload of a settled tip. `tip` is a row of `tips`; times are ours, ISO 8601 UTC
    with milliseconds."""
    posted_at = clock.iso(proof.posted_at)
    payload = _without_nulls(
        {
            "tipId": tip["_id"],
            "idempotencyKey": tip["_id"],
            "eventId": ids.fresh(),
            "eventType": EVENT_NAME,
            "eventName": EVENT_NAME,
            "eventTimestamp": clock.iso(now),
            "createdAt": clock.iso(tip["created_at"]),
            "userId": tip["tipper_id"],
            "performerId": tip["performer_id"],
            "conversationId": tip["conversation_id"],
            "amount": tip["total"],
            "totalPrice": tip["total"],
            "netPrice": tip["net"],
            "commission": tip["commission"],
            "studioCommission": tip["studio_commission"],
            **_parties(tip),
            "ledger": _balances(tip, source, recipient) | _references(tip, proof, posted_at),
            "settlement": _without_nulls(
                {"status": SETTLED, "settledAt": posted_at, "settlementId": settlement_id}
            ),
            "context": _without_nulls(
                {
                    "conversationType": tip["conversation_type"],
                    "streamType": tip["stream_type"],
                    "customMessage": tip["message"],
                }
            ),
        }
    )
    check(payload)
    return payload


def _parties(tip: TipRow) -> Payload:
    recipient = {
        "performerId": tip["performer_id"],
        "username": tip["performer_username"],
        "studioId": tip["studio_id"],
    }
    return {
        "tipper": {
            "userId": tip["tipper_id"],
            "username": tipper_name(tip),
            "role": tip["tipper_role"],
        },
        "recipient": _without_nulls(recipient),
    }


def _balances(tip: TipRow, source: Balance | None, recipient: Balance | None) -> Payload:
    return _without_nulls(
        {
            "transactionId": tip["_id"],
            "conversationId": tip["conversation_id"],
            "sourceBalance": source.as_payload() if source else None,
            "recipientBalance": recipient.as_payload() if recipient else None,
        }
    )


def _references(tip: TipRow, proof: Proof, posted_at: str) -> Payload:
    """Both refs are there or both are null, as the ledger gave them."""
    return {
        "ledgerId": proof.ledger_id,
        "sourceRef": tip["source_ref"],
        "debitRef": proof.debit_ref,
        "creditRef": proof.credit_ref,
        "status": SETTLED,
        "postedAt": posted_at,
    }


def tipper_name(tip: NamedTipper) -> str:
    """An anonymous tip carries no name from here on: not in the log, on a page, nor at the
    device."""
    return ANONYMOUS if tip["is_anonymous"] else str(tip["tipper_username"])


NOBODY = "0" * 24  # in place of an anonymous viewer's id, for whoever only reads about the tip
ANONYMOUS = "Anonymous"
MESSAGE = "customMessage"


def masked(payload: Payload) -> Payload:
    """The payload, or a part of it, as staff may read it: without a viewer's message, and an
    anonymous viewer has neither name nor id."""
    shown = payload
    if "context" in payload:
        told = {name: said for name, said in payload["context"].items() if name != MESSAGE}
        shown = payload | {"context": told}
    if (payload.get("tipper") or {}).get("username") != ANONYMOUS:
        return shown
    shown |= {"tipper": payload["tipper"] | {"userId": NOBODY}}
    return shown | {"userId": NOBODY} if "userId" in shown else shown


def _without_nulls(fields: Payload) -> Payload:
    return {key: value for key, value in fields.items() if value is not None}


# What both projections require; the refs of a single entry are null, but they are there.
_REQUIRED: dict[str, tuple[str, ...]] = {
    "": (
        "tipId",
        "idempotencyKey",
        "eventId",
        "eventTimestamp",
        "createdAt",
        "userId",
        "performerId",
        "amount",
        "totalPrice",
    ),
    "tipper": ("userId",),
    "recipient": ("performerId",),
    "ledger": ("transactionId", "ledgerId", "sourceRef", "status", "postedAt"),
    "settlement": ("status", "settledAt"),
}


def check(payload: Payload) -> None:
    """The required fields, identities and signs of an event; raises InvalidEvent."""
    for part, names in _REQUIRED.items():
        found = payload.get(part, {}) if part else payload
        for name in names:
            if found.get(name) in (None, ""):
                raise InvalidEvent(f"{part}{'.' if part else ''}{name} is required")
    ledger, settlement = payload["ledger"], payload["settlement"]
    rules = {
        "eventType = eventName = TipActivated": payload.get("eventType")
        == payload.get("eventName")
        == EVENT_NAME,
        "amount = totalPrice > 0": payload["amount"] == payload["totalPrice"] > 0,
        "userId = tipper.userId": payload["userId"] == payload["tipper"]["userId"],
        "performerId = recipient.performerId": payload["performerId"]
        == payload["recipient"]["performerId"],
        "tipId = idempotencyKey = ledger.transactionId": payload["tipId"]
        == payload["idempotencyKey"]
        == ledger["transactionId"],
        "ledger.status = settlement.status = SETTLED": ledger["status"]
        == settlement["status"]
        == SETTLED,
        "settlement.settledAt = ledger.postedAt": settlement["settledAt"] == ledger["postedAt"],
        "both refs or none": (ledger.get("debitRef") is None) == (ledger.get("creditRef") is None),
        "only change may be negative": not any(_negatives(payload)),
    }
    for rule, holds in rules.items():
        if not holds:
            raise InvalidEvent(rule)


def _negatives(payload: Payload) -> Iterator[bool]:
    yield from (
        payload[name] < 0
        for name in ("netPrice", "commission", "studioCommission")
        if payload.get(name) is not None
    )
    for side in ("sourceBalance", "recipientBalance"):
        balance = payload["ledger"].get(side)
        # The issuer's account never tips, so a tipper or performer below zero is a fault of the
        # books.
        yield balance is not None and (balance["before"] < 0 or balance["after"] < 0)


# --- canonical bytes and the chain ---------------------------------------------------------------


def canonical(value: Any) -> bytes:
    """JSON with sorted keys, no spaces, UTF-8: equal content gives equal bytes."""
    return orjson.dumps(value, option=orjson.OPT_SORT_KEYS)


def digest(value: Any) -> str:
    return hashlib.sha256(canonical(value)).hexdigest()


def row_digest(row: EventRow) -> str:
    """The digest of a whole row of the log, which the next row carries as its `previous_hash`."""
    sealed = {key: value for key, value in row.items() if key != "payload"}
    sealed["posted_at"], sealed["created_at"] = (
        clock.iso(row["posted_at"]),
        clock.iso(row["created_at"]),
    )
    return digest(sealed)


def chain(
    payloads: Iterable[Payload], *, sequence: int, previous: str, now: datetime
) -> tuple[list[EventRow], str]:
    """The rows that append these payloads after row number `sequence`, and the digest of the
    last."""
    rows = []
    for number, payload in enumerate(payloads, start=sequence + 1):
        row: EventRow = {
            "_id": payload["tipId"],
            "event_id": payload["eventId"],
            "ledger_id": payload["ledger"]["ledgerId"],
            "source_ref": payload["ledger"]["sourceRef"],
            "posted_at": clock.parse(payload["ledger"]["postedAt"]),
            "payload": payload,
            "payload_hash": digest(payload),
            "sequence": number,
            "previous_hash": previous,
            "created_at": now,
        }
        previous = row_digest(row)
        rows.append(row)
    return rows, previous


class BrokenChain(Exception):
    """The log differs from what was written; `sequence` is the first row that shows it."""

    def __init__(self, sequence: int, why: str) -> None:
        super().__init__(f"row {sequence}: {why}")
        self.sequence = sequence


def verify(
    rows: Iterable[EventRow],
    *,
    head_sequence: int,
    head_digest: str,
    after: int = 0,
    previous: str = GENESIS,
    kept: Mapping[int, str] = MappingProxyType({}),
    progress: Callable[[int], object] = lambda rows: None,
) -> int:
    """Walks the log in sequence order and returns the last row's number; raises BrokenChain at the
    first bad one.

    A part of the log begins `after` a row, whose digest is `previous`. `kept` are digests of rows
    that were noted earlier."""
    sequence = after
    for row in rows:
        if row["sequence"] != sequence + 1:
            raise BrokenChain(sequence + 1, "is missing")
        sequence += 1
        try:
            _verify_row(row, previous)
            previous = row_digest(row)
        except (KeyError, AttributeError, TypeError, ValueError):
            raise BrokenChain(sequence, "a field of it is missing or of another kind") from None
        if kept.get(sequence, previous) != previous:
            raise BrokenChain(
                sequence, "it, or one before it, is not what it was when its digest was kept"
            )
        progress(1)
    if (sequence, previous) != (head_sequence, head_digest):
        raise BrokenChain(
            sequence, f"the chain's head says row {head_sequence} with another digest"
        )
    return sequence


def _verify_row(row: EventRow, previous: str) -> None:
    payload = row["payload"]
    if row["previous_hash"] != previous:
        raise BrokenChain(row["sequence"], "the row before it, or its previous_hash, was changed")
    if digest(payload) != row["payload_hash"]:
        raise BrokenChain(row["sequence"], "its payload was changed")
    columns = (
        row["_id"],
        row["event_id"],
        row["ledger_id"],
        row["source_ref"],
        row["posted_at"],
        row["created_at"],
    )
    if columns != _columns(payload):
        raise BrokenChain(row["sequence"], "its columns and its payload disagree")


def _columns(payload: Payload) -> tuple[object, ...]:
    """What a row's columns repeat of its payload, so that a changed column shows at its own row and
    not only at the next."""
    ledger = payload["ledger"]
    moments = (clock.parse(ledger["postedAt"]), clock.parse(payload["eventTimestamp"]))
    return (payload["tipId"], payload["eventId"], ledger["ledgerId"], ledger["sourceRef"], *moments)


# --- projections ---------------------------------------------------------------------------------

_QUEUE_KEYS = (
    "tipId",
    "idempotencyKey",
    "eventType",
    "eventTimestamp",
    "totalPrice",
    "netPrice",
    "commission",
    "studioCommission",
    "tipper",
    "recipient",
)
_QUEUE_LEDGER_KEYS = ("transactionId", "conversationId", "sourceBalance", "recipientBalance")
_LEDGER_KEYS = ("tipId", "userId", "performerId", "conversationId", "amount")
_LEDGER_LEDGER_KEYS = ("ledgerId", "sourceRef", "debitRef", "creditRef", "status", "postedAt")


def as_queue_spec(
    payload: Payload,
    *,
    processed: bool = False,
    processed_at: datetime | None = None,
    error: str = "",
) -> Payload:
    """Exactly the keys that a queue expects. The three processing flags live on the queue request
    and are merged on read."""
    flags: Payload = {"processed": processed}
    if processed_at:
        flags["processedAt"] = clock.iso(processed_at)
    if error:
        flags["processingError"] = error
    return {
        **_only(payload, _QUEUE_KEYS),
        "ledger": _only(payload["ledger"], _QUEUE_LEDGER_KEYS),
        "settlement": payload["settlement"],
        "context": payload["context"],
        **flags,
    }


def as_ledger_spec(payload: Payload) -> Payload:
    """Exactly the keys that a ledger expects."""
    return {
        **_only(payload, _LEDGER_KEYS),
        "ledger": _only(payload["ledger"], _LEDGER_LEDGER_KEYS),
        "createdAt": payload["createdAt"],
    }


def _only(source: Payload, keys: tuple[str, ...]) -> Payload:
    return {key: source[key] for key in keys if key in source}


def envelope(payload: Payload) -> Payload:
    """What a consumer of the channel receives."""
    return {"channel": TIP_ACTIVATED_CHANNEL, "eventName": EVENT_NAME, "data": payload}
