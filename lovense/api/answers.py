"""The answers of the queue's doors: rows as the JSON that `lovense/api/schema.py` describes.
Nothing is decided here."""

from datetime import datetime
from typing import Any

from ground import clock
from lovense.deciding.activation import LIVE, S, activation_id
from lovense.lane import lanes
from lovense.lane.eta import Foreseen
from lovense.menus.compiler import NOTES
from lovense.models import Activation
from lovense.page import outcome
from lovense.rows import Json, LegRow
from tips.models import RequestStatus
from tips.rows import RequestRow


def lane(found: lanes.Lane, now: datetime) -> Json:
    paused, stopped = found.paused, found.stopped
    return {
        "performerId": found.performer_id,
        "mode": found.mode.value,
        "isPlatformMode": found.is_platform_mode,
        "paused": paused
        and {**paused, "since": clock.iso(paused["since"]), "until": _iso(paused["until"])},
        "stopped": stopped and {**stopped, "since": clock.iso(stopped["since"])},
        "isDraining": found.is_draining,
        "running": [request(row) for row in found.running],
        "waiting": [
            request(start.request) | {"eta": expected(start.foreseen, now)}
            for start in found.waiting
        ],
        "waitingCount": found.waiting_count,
        "isCountedOut": found.is_counted_out,
    }


def request(row: RequestRow) -> Json:
    payload = row["payload"]
    return {
        "requestId": row["_id"],
        "type": row["type"],
        "status": row["status"],
        "priority": row.get("item_priority") or row["priority"],
        "performerId": row["lane"],
        "tipId": payload.get("tipId"),
        "amount": payload.get("amount") or 0,
        "tipper": (payload.get("tipper") or {}).get("username") or "Anonymous",
        "submittedBy": row.get("submitted_by"),
        "attempts": row["attempts"],
        "createdAt": clock.iso(row["created_at"]),
        "availableAt": clock.iso(row["available_at"]),
        "delayedBy": row.get("delayed_by"),
        "claimedAt": _iso(row["claimed_at"]),
        "finishedAt": _iso(row["finished_at"]),
        "cause": row.get("cause"),
        "lastError": row["errors"][-1]["error"] if row["errors"] else None,
    }


def status(row: RequestRow, *, now: datetime) -> Json:
    place, eta = None, None
    if row["status"] == RequestStatus.PENDING:
        place, foreseen = lanes.outlook(row, now=now)
        eta = expected(foreseen, now)
    return request(row) | {"place": place, "eta": eta, "activation": _activation(row)}


def expected(foreseen: Foreseen, now: datetime) -> Json:
    seconds = foreseen.seconds(now)
    return {
        "at": _iso(foreseen.at),
        "seconds": seconds and round(seconds, 3),
        "isEstimate": foreseen.is_estimate,
        "why": foreseen.why,
    }


def _activation(row: RequestRow) -> Json | None:
    found = Activation.objects.filter(pk=activation_id(row["idempotency_key"])).first()
    if found is None:
        return None
    return {
        "activationId": found.activation_id,
        "status": found.status,
        "reason": found.reason,
        "text": outcome.of(found).text,
        "notes": [{"code": code, "text": NOTES[code]} for code in found.notes or ()],
        "promisedSeconds": found.promised_seconds,
        "deliveredSeconds": found.delivered_seconds,
        "isCancelling": outcome.is_ending(found) and S(found.status) in LIVE,
        "isPartial": outcome.is_partial(found),
        "devices": [_device(leg) for leg in found.legs or ()],
    }


def _device(leg: LegRow) -> Json:
    return {
        "toyId": leg["toyId"],
        "nickname": leg["nickname"],
        "offsetMs": leg["offsetMs"],
        "note": _note(leg),
        "promisedSeconds": leg["promised"],
        "deliveredSeconds": leg["delivered"],
        "outcome": leg["outcome"] or None,
        "code": leg["code"] or None,
        "slices": [
            {"start": each["start"], "until": each["until"], "state": each["state"]}
            for each in leg["slices"]
        ],
    }


def _note(leg: LegRow) -> str | None:
    """What its path could not keep."""
    asked = leg.get("askedMs")
    if asked is None:
        return None
    return f"Begins {leg['offsetMs']} ms after the run, not {asked}: this path is not finer."


def _iso(moment: Any) -> str | None:
    return clock.iso(moment) if moment is not None else None
