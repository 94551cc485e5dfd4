"""The beat: what runs on the clock. Every task is the very drain that a doorbell rings for; a lost
ring costs one beat.

Its process only sends messages, so it carries neither Django's applications nor our code.
"""

import contextlib
import os
from functools import lru_cache
from typing import Any

import redis
from celery import signals

from config import commandline
from config.broker import application
from ground.hops import heartbeat

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")

SECONDS = {
    "tips.settle": 1.0,
    "tips.end_grace": 1.0,
    "tips.look": 1.0,
    "tips.emit": 1.0,
    "tips.keep_daily_heads": 60.0,
    "journal.trim": 60.0,  # a run a day; while one has more to do, a run a minute
    "ledger.announce": 1.0,
    "lovense.dispatch": 1.0,
    "lovense.heal": 1.0,
    "adminpanel.heartbeat": 1.0,
}

commandline.check_settings()
app = application(fixups=[])  # Celery's own fix-up would set Django up
app.conf.beat_schedule = {
    # expires: beats that pile up while no worker runs are dropped, the next one does the same work
    name: {"task": name, "schedule": seconds, "options": {"expires": 5}}
    for name, seconds in SECONDS.items()
}


@lru_cache(maxsize=1)
def connection() -> redis.Redis:
    return redis.Redis.from_url(app.conf.broker_url, socket_timeout=1, socket_connect_timeout=1)


@signals.after_task_publish.connect(sender="adminpanel.heartbeat")
def show_that_it_beats(**kwargs: Any) -> None:
    with contextlib.suppress(redis.RedisError, OSError):
        heartbeat.show(connection())
