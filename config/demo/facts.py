"""What became of each tip: the six facts with their times, read from the database in a few queries
for the whole show."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db.models import Model

from ground.inbox.models import WebhookDelivery
from ground.mongodb.collections import Document, collection
from lovense.facts import SIX
from lovense.models import Activation
from tips.models import SettlementStatus, Tip, TipActivated

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
    drawn_seconds: int = 0  # where they were drawn at random

    @property
    def is_over(self) -> bool:
        return self.verdict.split()[0] in ENDED


def trails(tip_ids: Iterable[str]) -> dict[str, TipTimes]:
    wanted = list(tip_ids)
    keys = {
        WebhookDelivery: ("subject", [f"tip.succeeded/{tip}" for tip in wanted]),
        Tip: ("_id", wanted),
        TipActivated: ("_id", wanted),
        Activation: ("_id", [f"{tip}.all" for tip in wanted]),
    }
    rows = {model: _rows(model, column, values) for model, (column, values) in keys.items()}
    return {tip: _trail(tip, {model: rows[model].get(tip, {}) for model in rows}) for tip in wanted}


def _rows(model: type[Model], column: str, values: list[str]) -> dict[str, Document]:
    """The rows that prove facts, by their tip."""
    fact = next(fact for fact in SIX if fact.model is model)
    found = collection(model).find({column: {"$in": values}}, {"body": 0, "payload": 0})
    return {fact.tip_of(row): row for row in found}


def conflicts(tip_id: str) -> int:
    """How many contradicting deliveries were kept for the record."""
    needle = f'"tipId":"{tip_id}"'.encode()
    found = collection(WebhookDelivery).find({"status": "conflict"}, {"body": 1})
    return sum(needle in bytes(row["body"]) for row in found)


def _trail(tip_id: str, rows: Mapping[type[Model], Document]) -> TipTimes:
    tip, activation = rows[Tip], rows[Activation]
    return TipTimes(
        tip_id=tip_id,
        times=tuple(fact.at(rows[fact.model]) for fact in SIX),
        verdict=_verdict(rows[WebhookDelivery], tip, activation),
        position=activation.get("position", 0),
        item=(activation.get("item") or {}).get("title", ""),
        total=tip.get("total", 0),
        drawn_seconds=_drawn_seconds(activation),
    )


def _drawn_seconds(activation: Mapping[str, Any]) -> int:
    return int(activation["item"]["durationSec"]) if activation.get("drawn_by") else 0


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
