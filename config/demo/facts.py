"""What became of each tip: the six facts with their times, read from the database in a few queries
for the whole show."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from ground.inbox.models import WebhookDelivery
from ground.mongodb.collections import Document, collection
from lovense.models import Activation
from tips.models import SettlementStatus, Tip

NOT_RECORDED = "not recorded"
WAITING = "waiting"
ENDED = {"completed", "skipped", "failed", "timeout", "expired", "cancelled", "dead"}


@dataclass(frozen=True)
class TipTimes:
    """`times` are facts 1 to 6: None while, or because, a tip did not get there."""

    tip_id: str
    times: tuple[datetime | None, ...]
    verdict: str
    position: int = 0
    item: str = ""
    total: int = 0

    @property
    def is_over(self) -> bool:
        return self.verdict.split()[0] in ENDED


def trails(tip_ids: Iterable[str]) -> dict[str, TipTimes]:
    wanted = list(tip_ids)
    tips = _by_id(collection(Tip).find({"_id": {"$in": wanted}}))
    activations = {
        row["tip_id"]: row
        for row in collection(Activation).find({"_id": {"$in": [f"{tip}.all" for tip in wanted]}})
    }
    subjects = [f"tip.succeeded/{tip}" for tip in wanted]
    deliveries = {
        row["subject"]: row
        for row in collection(WebhookDelivery).find({"subject": {"$in": subjects}}, {"body": 0})
    }
    return {
        tip: _trail(
            tip,
            deliveries.get(f"tip.succeeded/{tip}", {}),
            tips.get(tip, {}),
            activations.get(tip, {}),
        )
        for tip in wanted
    }


def conflicts(tip_id: str) -> int:
    """How many contradicting deliveries were kept for the record."""
    needle = f'"tipId":"{tip_id}"'.encode()
    found = collection(WebhookDelivery).find({"status": "conflict"}, {"body": 1})
    return sum(needle in bytes(row["body"]) for row in found)


def _by_id(rows: Iterable[Document]) -> dict[str, Document]:
    return {row["_id"]: row for row in rows}


def _trail(
    tip_id: str, delivery: Mapping[str, Any], tip: Mapping[str, Any], activation: Mapping[str, Any]
) -> TipTimes:
    times = (
        delivery.get("received_at"),
        delivery.get("processed_at"),
        tip.get("settled_at"),
        activation.get("created_at"),
        activation.get("dispatched_at"),
        activation.get("finished_at") if activation.get("dispatched_at") else None,
    )
    return TipTimes(
        tip_id=tip_id,
        times=times,
        verdict=_verdict(delivery, tip, activation),
        position=activation.get("position", 0),
        item=(activation.get("item") or {}).get("title", ""),
        total=tip.get("total", 0),
    )


def _verdict(
    delivery: Mapping[str, Any], tip: Mapping[str, Any], activation: Mapping[str, Any]
) -> str:
    if activation:
        return _with_reason(activation["status"], activation["reason"])
    if not tip:
        return WAITING if delivery else NOT_RECORDED
    if tip["settlement_status"] in {SettlementStatus.FAILED, SettlementStatus.CANCELLED}:
        return _with_reason(tip["settlement_status"], tip["failure_reason"])
    return WAITING


def _with_reason(status: str, reason: str) -> str:
    return f"{status} ({reason})" if reason else status
