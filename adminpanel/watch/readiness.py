"""Is anything down: each part speaks for itself, so that it can be told which.

mongodb   takes a write that a majority keeps redis     answers worker    its own thread says so
every second, and what beat sends is done beat      leaves its mark in Redis
(`ground/hops/heartbeat.py`); while Redis is down it is down too, because it can show itself to
nobody clock     this process's goes with MongoDB's: leases are moments that one machine writes and
another reads mark      this process has said of which kind its deployment is
(`config/marking.py`); until then it takes nothing that could be money"""

import logging
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

import psutil
import pymongo
import redis
from django.conf import settings
from pymongo.errors import PyMongoError

from adminpanel.models import Heartbeat
from ground import clock
from ground.hops import doorbell, heartbeat
from ground.mongodb.collections import collection
from lovense.deciding import platform

log = logging.getLogger(__name__)

SILENCE = timedelta(seconds=heartbeat.SILENCE_SECONDS)
PULSE_SECONDS, WEB_PULSE_SECONDS = 1.0, 5.0
ASK_SECONDS = 2.0  # MongoDB answers within it, or it is down
TRUSTED_SECONDS = (
    1.0  # a proven write is believed for so long: whoever asks often must not make us write often
)
CLOCK, READY, WEB, WORKERS = "clock", "ready/", "web/", "worker/"  # in this order
# A lease of a page is 5 s long and is renewed every second: what is off by less harms nobody.
SKEW_MS = 2000
SKEW_KEPT_MS = 60_000  # so long a process is believed to be as it last said


@dataclass(frozen=True, slots=True)
class Parts:
    mongodb: bool
    redis: bool
    worker: bool
    beat: bool
    is_draining: bool
    skew_ms: int | None = None  # of this process; None: not known, because MongoDB does not answer
    mark: bool = True  # of this process

    @property
    def up(self) -> dict[str, bool]:
        return {
            "mongodb": self.mongodb,
            "redis": self.redis,
            "worker": self.worker,
            "beat": self.beat,
            "clock": self.skew_ms is not None and abs(self.skew_ms) <= SKEW_MS,
            "mark": self.mark,
        }

    @property
    def is_ready(self) -> bool:
        """Draining is somebody's wish: tips are taken and settled meanwhile."""
        return all(self.up.values())


def parts(*, now: datetime) -> Parts:
    mongodb, answers = _takes_writes(now), redis_answers()
    beat = answers and _beat_shows()
    worker = mongodb and _worker_works(now, is_sent_work=beat)
    is_draining, skew_ms = mongodb and _is_draining(), _skew_ms if mongodb else None
    return Parts(mongodb, answers, worker, beat, is_draining, skew_ms, _is_marked)


# --- what the parts say of themselves ------------------------------------------------------------


def beat(*, now: datetime) -> None:
    """By the task that beat sends and a worker runs: what is sent is done."""
    _mark(CLOCK, now)


class Pulse:
    """A process's own thread, so that one to whom nobody sends anything is known to live."""

    def __init__(
        self,
        slot: str,
        *,
        of: str = WORKERS,
        seconds: float = PULSE_SECONDS,
        time: Callable[[], datetime] = clock.now,
    ) -> None:
        self._name, self._seconds = f"{of}{slot}", seconds
        self._time, self._ended = time, threading.Event()
        self._thread = threading.Thread(target=self._run, name="pulse", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        self._ended.set()
        self._thread.join(ASK_SECONDS)

    def _run(self) -> None:
        while True:
            try:
                _mark(self._name, self._time())
            except PyMongoError as error:
                log.warning("pulse_missed", extra={"error_code": type(error).__name__})
            if self._ended.wait(self._seconds):
                return


def _mark(what: str, now: datetime) -> int:
    """How far our clock is ahead of MongoDB's."""
    skew = _measured(now)
    memory = psutil.Process().memory_info().rss
    own = {"memory_mb": memory >> 20, "version": settings.VERSION}
    mark = {"$set": {"at": now, "skew_ms": skew, **own}}
    collection(Heartbeat).update_one({"_id": what}, mark, upsert=True)
    return skew


_is_marked = True  # a process that takes no calls has nothing to say


def say_marked(*, is_marked: bool) -> None:
    global _is_marked
    _is_marked = is_marked


def is_marked() -> bool:
    return _is_marked


# --- clocks --------------------------------------------------------------------------------------


def _measured(now: datetime) -> int:
    hearts, asked = collection(Heartbeat), time.monotonic()
    told = hearts.database.command("hello", codec_options=hearts.codec_options)["localTime"]
    return skew_ms(now, told, now + timedelta(seconds=time.monotonic() - asked))


def skew_ms(asked: datetime, told: datetime, answered: datetime) -> int:
    """How far we are ahead, at least: MongoDB looked at its clock between question and answer, and
    a slow answer is no skew. Negative: we are behind."""
    off = max(asked - told, timedelta()) - max(told - answered, timedelta())
    return off // timedelta(milliseconds=1)


def worst_skew_ms() -> int:
    """Among the workers, and the web processes that were asked whether they are ready, as they said
    within the last minute of MongoDB's clock."""
    said = {"$subtract": ["$at", {"$ifNull": ["$skew_ms", 0]}]}
    lately = {"$gt": [said, {"$subtract": ["$$NOW", SKEW_KEPT_MS]}]}
    wanted = {"_id": {"$gte": READY}, "$expr": lately}
    found = collection(Heartbeat).find(wanted, {"skew_ms": 1})
    return max((abs(row.get("skew_ms") or 0) for row in found), default=0)


# --- asking --------------------------------------------------------------------------------------

_written_at = float("-inf")
_skew_ms: int | None = None  # as it was then


def _takes_writes(now: datetime) -> bool:
    """Whether a majority keeps what is written now, which no read can tell."""
    global _written_at, _skew_ms
    if time.monotonic() - _written_at < TRUSTED_SECONDS:
        return True
    try:
        with pymongo.timeout(ASK_SECONDS):
            _skew_ms = _mark(f"{READY}{settings.STACK_SLOT}", now)
    except PyMongoError:
        return False
    _written_at = time.monotonic()
    return True


def redis_answers() -> bool:
    try:
        return bool(doorbell.connection().ping())
    except (redis.RedisError, OSError):
        return False


def _beat_shows() -> bool:
    try:
        return heartbeat.is_shown(doorbell.connection())
    except (redis.RedisError, OSError):
        return False


def _worker_works(now: datetime, *, is_sent_work: bool) -> bool:
    try:
        with pymongo.timeout(ASK_SECONDS):
            lately = {"at": {"$gt": now - SILENCE}}
            lives = collection(Heartbeat).find_one({"_id": {"$regex": f"^{WORKERS}"}, **lately})
            return lives is not None and (
                not is_sent_work
                or collection(Heartbeat).find_one({"_id": CLOCK, **lately}) is not None
            )
    except PyMongoError:
        return False


def _is_draining() -> bool:
    try:
        with pymongo.timeout(ASK_SECONDS):
            return platform.is_draining()
    except PyMongoError:
        return False
