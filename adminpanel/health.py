"""Is anything down or stuck: liveness, readiness and the parts that it speaks for, and the consumers of the event log."""

from dataclasses import dataclass
from datetime import datetime, timedelta

import redis
from django.http import HttpRequest, JsonResponse
from django.views.decorators.http import require_safe
from pymongo.errors import PyMongoError

from adminpanel.models import Heartbeat
from ledger import clock, database, doorbell
from ledger.database import collection
from tips import emission

# A beat task arrives once a second; this long without one, and its worker or beat is down.
SILENCE = timedelta(seconds=5)
CLOCK = "clock"
# A consumer that is well takes an event within two seconds.
LATE = timedelta(seconds=10)


def beat(*, now: datetime) -> None:
    collection(Heartbeat).update_one({"_id": CLOCK}, {"$set": {"at": now}}, upsert=True)


def parts(*, now: datetime) -> dict[str, bool]:
    """Which parts answer. `worker` and `beat` are proven together: a task that beat sent and a worker ran."""
    mongodb = database.answers()
    clock_alive = mongodb and _clock_beats(now)
    return {"mongodb": mongodb, "redis": _redis_answers(), "worker": clock_alive, "beat": clock_alive}


@dataclass(frozen=True, slots=True)
class ConsumerHealth:
    """A consumer of the event log: where it stands, how late it is, and a word for it."""

    standing: emission.Standing
    lag_seconds: int
    word: str
    tone: str


def consumers(*, now: datetime) -> list[ConsumerHealth]:
    return [_consumer(standing, now) for standing in emission.standings()]


def _consumer(standing: emission.Standing, now: datetime) -> ConsumerHealth:
    lag = max(timedelta(), now - standing.waits_since) if standing.waits_since else timedelta()
    if standing.attempts:
        found = ("Held up", "bad")
    elif lag > LATE:
        found = ("Behind", "warn")
    elif standing.dead:
        found = ("Has dead events", "warn")
    else:
        found = ("Up to date", "good")
    return ConsumerHealth(standing, int(lag.total_seconds()), *found)


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
