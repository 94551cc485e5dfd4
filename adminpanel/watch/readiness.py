"""Is anything down: each part speaks for itself, so that it can be told which.

mongodb   takes a write that a majority keeps redis     answers worker    its own thread says so
every second, and what beat sends is done beat      leaves its mark in Redis
(`ground/hops/heartbeat.py`); while Redis is down it is down too, because it can ring nobody"""

import logging
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

import pymongo
import redis
from pymongo.errors import PyMongoError

from adminpanel.models import Heartbeat
from ground import clock
from ground.hops import doorbell, heartbeat
from ground.mongodb.collections import collection
from lovense.deciding import platform

log = logging.getLogger(__name__)

SILENCE = timedelta(seconds=heartbeat.SILENCE_SECONDS)
PULSE_SECONDS = 1.0
ASK_SECONDS = 2.0  # MongoDB answers within it, or it is down
TRUSTED_SECONDS = (
    1.0  # a proven write is believed for so long: whoever asks often must not make us write often
)
CLOCK, READY, WORKERS = "clock", "ready", "worker/"


@dataclass(frozen=True, slots=True)
class Parts:
    mongodb: bool
    redis: bool
    worker: bool
    beat: bool
    is_draining: bool

    @property
    def up(self) -> dict[str, bool]:
        return {
            "mongodb": self.mongodb,
            "redis": self.redis,
            "worker": self.worker,
            "beat": self.beat,
        }

    @property
    def is_ready(self) -> bool:
        """Draining is somebody's wish: tips are taken and settled meanwhile."""
        return all(self.up.values())


def parts(*, now: datetime) -> Parts:
    mongodb, answers = _takes_writes(now), _redis_answers()
    beat = answers and _beat_shows()
    worker = mongodb and _worker_works(now, is_sent_work=beat)
    return Parts(mongodb, answers, worker, beat, is_draining=mongodb and _is_draining())


# --- what the parts say of themselves ------------------------------------------------------------


def beat(*, now: datetime) -> None:
    """By the task that beat sends and a worker runs: what is sent is done."""
    _mark(CLOCK, now)


class Pulse:
    """A worker's own thread, so that a worker to whom nobody sends anything is known to live."""

    def __init__(self, slot: str, *, time: Callable[[], datetime] = clock.now) -> None:
        self._name, self._time, self._ended = f"{WORKERS}{slot}", time, threading.Event()
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
            if self._ended.wait(PULSE_SECONDS):
                return


def _mark(what: str, now: datetime) -> None:
    collection(Heartbeat).update_one({"_id": what}, {"$set": {"at": now}}, upsert=True)


# --- asking --------------------------------------------------------------------------------------

_written_at = float("-inf")


def _takes_writes(now: datetime) -> bool:
    """Whether a majority keeps what is written now, which no read can tell."""
    global _written_at
    if time.monotonic() - _written_at < TRUSTED_SECONDS:
        return True
    try:
        with pymongo.timeout(ASK_SECONDS):
            _mark(READY, now)
    except PyMongoError:
        return False
    _written_at = time.monotonic()
    return True


def _redis_answers() -> bool:
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
