"""The heartbeat of beat: where it has a process of its own that carries no Django and no database,
so it leaves a mark in Redis that runs out by itself.

The worker's is a row in MongoDB (`adminpanel/watch/readiness.py`); so it can be told which of the
two is down."""

import redis

KEY = "heartbeat:beat"
SILENCE_SECONDS = 5  # beat rings every second; this long without, and it is down


def show(connection: redis.Redis) -> None:
    """Called by beat when a message of its was taken by the broker."""
    connection.set(KEY, 1, ex=SILENCE_SECONDS)


def is_shown(connection: redis.Redis) -> bool:
    return bool(connection.exists(KEY))
