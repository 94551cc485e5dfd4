"""The beat as a process of its own (STACK_BEAT=process): it only sends messages, so it carries
neither Django's applications nor our code."""

import contextlib
import os
from functools import lru_cache
from typing import Any

import redis
from celery import signals

from config import commandline
from config.broker import application
from config.schedule import EXPIRES_SECONDS, HEARTBEAT, SECONDS
from ground.hops import heartbeat

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")

commandline.check_settings()
app = application(fixups=[])  # Celery's own fix-up would set Django up
app.conf.beat_schedule = {
    name: {"task": name, "schedule": seconds, "options": {"expires": EXPIRES_SECONDS}}
    for name, seconds in SECONDS.items()
}


@lru_cache(maxsize=1)
def connection() -> redis.Redis:
    return redis.Redis.from_url(app.conf.broker_url, socket_timeout=1, socket_connect_timeout=1)


@signals.after_task_publish.connect(sender=HEARTBEAT)
def show_that_it_beats(**kwargs: Any) -> None:
    with contextlib.suppress(redis.RedisError, OSError):
        heartbeat.show(connection())
