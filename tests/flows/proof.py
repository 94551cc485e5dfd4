"""The end state that every crash must lead to: each settled tip once in every collection, an unbroken chain,
balanced books."""

from collections import Counter, defaultdict
from collections.abc import Collection, Sequence
from operator import itemgetter
from typing import Any

from pymongo.asynchronous.database import AsyncDatabase

from lovense.deciding.activation import FINAL as FINAL_ACTIVATIONS
from tips.log import events
from tips.models import RequestStatus

Database = AsyncDatabase[dict[str, Any]]

_OVER = [status.value for status in FINAL_ACTIVATIONS]
_ENDED = [status.value for status in (RequestStatus.COMPLETED, RequestStatus.FAILED, RequestStatus.DEAD)]
ISSUER = "issuer:tokens"


async def is_over(database: Database, tip_ids: Sequence[str]) -> bool:
    """Has every one of these tips a final verdict, and has its request ended?"""
    ended = await database.queue_requests.count_documents(
        {"idempotency_key": {"$in": tip_ids}, "status": {"$in": _ENDED}}
    )
    if ended < len(tip_ids):
        return False
    over = await database.activations.count_documents({"tip_id": {"$in": tip_ids}, "status": {"$in": _OVER}})
    return over >= len(tip_ids)


async def of_facts(database: Database, tip_ids: Collection[str], *, verdicts: Collection[str]) -> None:
    """One row for each tip in every collection, and one of the verdicts."""
    once = dict.fromkeys(tip_ids, 1)
    deliveries = database.webhook_deliveries.find(
        {"subject": {"$in": [f"tip.succeeded/{tip_id}" for tip_id in tip_ids]}}
    )
    assert await _counted(deliveries, lambda row: row["subject"].partition("/")[2]) == once, (
        "deliveries that count"
    )
    tips = await database.tips.find({"_id": {"$in": list(tip_ids)}}).to_list()
    assert {row["_id"]: row["settlement_status"] for row in tips} == dict.fromkeys(tip_ids, "settled"), (
        "settled tips"
    )
    assert (
        await _counted(
            database.tip_activated_event_log.find({"_id": {"$in": list(tip_ids)}}), lambda row: row["_id"]
        )
        == once
    )
    requests = database.queue_requests.find({"idempotency_key": {"$in": list(tip_ids)}})
    assert await _counted(requests, lambda row: row["idempotency_key"]) == once, "queue requests"
    activations = await database.activations.find({"tip_id": {"$in": list(tip_ids)}}).to_list()
    assert Counter(row["tip_id"] for row in activations) == once, "activations"
    others = {
        row["_id"]: (row["status"], row["reason"]) for row in activations if row["status"] not in verdicts
    }
    assert not others, f"verdicts: {others}"


async def _counted(rows: Any, key: Any) -> Counter[str]:
    return Counter([key(row) async for row in rows])


async def of_the_chain(database: Database) -> None:
    rows = await database.tip_activated_event_log.find().sort("sequence", 1).to_list()
    head = await database.tip_activated_chain_head.find_one({"_id": events.HEAD}) or {
        "sequence": 0,
        "digest": events.GENESIS,
    }
    assert events.verify(rows, head_sequence=head["sequence"], head_digest=head["digest"]) == len(rows)


async def of_the_consumers(database: Database) -> None:
    """Everybody has taken everything, and the roll-ups are the sums over the log."""
    payloads = [row["payload"] async for row in database.tip_activated_event_log.find()]
    positions = {row["_id"]: row["position"] async for row in database.event_consumers.find()}
    assert positions == dict.fromkeys(("activation", "analytics", "notification"), len(payloads))
    expected = len(payloads), sum(row["amount"] for row in payloads), sum(row["netPrice"] for row in payloads)
    for rollup in (database.tip_hours, database.performer_tip_hours):
        rows = await rollup.find().to_list()
        assert tuple(sum(row[name] for row in rows) for name in ("tips", "tokens", "net")) == expected, (
            rollup.name
        )
    assert await database.failed_emissions.count_documents({}) == 0


async def of_the_books(database: Database) -> None:
    """Every posting sums to zero, and every balance is the fold of its account's legs, version by version."""
    postings = await database.ledger_postings.find().to_list()
    assert all(sum(leg["delta"] for leg in posting["legs"]) == 0 for posting in postings)
    legs = [{"posting": posting["_id"], **leg} for posting in postings for leg in posting["legs"]]
    folded: dict[str, tuple[int, int]] = defaultdict(lambda: (0, 0))
    for leg in sorted(legs, key=itemgetter("account", "version")):
        balance, version = folded[leg["account"]]
        balance, version = balance + leg["delta"], version + 1
        assert (leg["balance"], leg["version"]) == (balance, version), leg
        assert balance >= 0 or leg["account"] == ISSUER, leg
        folded[leg["account"]] = balance, version
    accounts = {row["_id"]: (row["balance"], row["version"]) async for row in database.ledger_accounts.find()}
    assert accounts == folded


async def trail(database: Database, tip_ids: Sequence[str]) -> list[str]:
    """Where each of these tips is now, one line each."""
    lines = []
    for tip_id in tip_ids:
        tip = await database.tips.find_one({"_id": tip_id}) or {}
        request = await database.queue_requests.find_one({"idempotency_key": tip_id}) or {}
        activation = await database.activations.find_one({"tip_id": tip_id}) or {}
        shown = {
            "tip": tip.get("settlement_status"),
            "request": {
                key: request.get(key)
                for key in ("status", "attempts", "lease_until", "available_at", "claimed_by")
            },
            "activation": {
                key: activation.get(key)
                for key in ("status", "reason", "attempt", "received_at", "started_at")
            },
        }
        lines.append(f"{tip_id}: {shown}")
    return lines
