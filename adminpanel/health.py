"""Is anything down or stuck: liveness, readiness, and the parts that readiness speaks for."""

from datetime import datetime, timedelta

import redis
from django.http import HttpRequest, JsonResponse
from django.views.decorators.http import require_safe
from pymongo.errors import PyMongoError

from adminpanel.models import Heartbeat
from ledger import clock, database, doorbell
from ledger.database import collection

# A beat task arrives once a second; this long without one, and its worker or beat is down.
SILENCE = timedelta(seconds=5)
CLOCK = "clock"


def beat(*, now: datetime) -> None:
    collection(Heartbeat).update_one({"_id": CLOCK}, {"$set": {"at": now}}, upsert=True)


def parts(*, now: datetime) -> dict[str, bool]:
    """Which parts answer. `worker` and `beat` are proven together: a task that beat sent and a worker ran."""
    mongodb = database.answers()
    clock_alive = mongodb and _clock_beats(now)
    return {"mongodb": mongodb, "redis": _redis_answers(), "worker": clock_alive, "beat": clock_alive}


def _clock_beats(now: datetime) -> bool:
    try:
        row = collection(Heartbeat).find_one({"_id": CLOCK})
    except PyMongoError:
        return False
    return row is not None and now - row["at"] < SILENCE


def _redis_answers() -> bool:
    try:
        return bool(doorbell.connection().ping())
    except (redis.RedisError, OSError):
        return False


@require_safe
def healthz(request: HttpRequest) -> JsonResponse:
    """This process answers; it says nothing about the others."""
    return JsonResponse({"ok": True})


@require_safe
def readyz(request: HttpRequest) -> JsonResponse:
    """200 only when every part is up: tips that arrive now will be settled and played."""
    found = parts(now=clock.now())
    ready = all(found.values())
    answer = JsonResponse({"ready": ready, **found}, status=200 if ready else 503)
    answer._has_been_logged = True  # type: ignore[attr-defined]  # a 503 here is an answer, not an error for the log
    return answer
