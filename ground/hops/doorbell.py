"""Doorbells: "there is work for this hop". A ring makes the hop sooner; the beat makes it certain.

Rings coalesce: while one is on its way, further ones are dropped. A drain takes the mark away as
each of its rounds begins, so work recorded after that rings again, once for each round however many
rows. Losing Redis loses rings, never work."""

import logging
from collections.abc import Iterable
from functools import lru_cache

import redis
from celery import current_app
from django.conf import settings
from kombu.exceptions import OperationalError

from ground.hops.soon import Soon

log = logging.getLogger(__name__)

# Longer than a ring's way to an idle worker; short, so that a ring lost with its worker mutes the
# hop only briefly.
MARK_MILLISECONDS = 500


@lru_cache(maxsize=1)
def connection() -> redis.Redis:
    return redis.Redis.from_url(settings.REDIS_URL, socket_timeout=2, socket_connect_timeout=2)


def ring(hop: str) -> bool:
    """Wakes the task `hop` (`tips.settle`, `lovense.dispatch`) unless a ring for it is already on
    its way."""
    try:
        if not connection().set(f"doorbell:{hop}", 1, nx=True, px=MARK_MILLISECONDS):
            return False
        current_app.send_task(hop, ignore_result=True, retry=False)
    except (redis.RedisError, OSError, OperationalError):
        log.warning("doorbell_failed", extra={"mode": hop})
        return False
    return True


WRITER = "journal:work"  # Redis channel on which the writer of the journal is told


def tell_writer() -> None:
    """There is work for whoever writes the journal; it looks once a second without being told."""
    try:
        connection().publish(WRITER, 1)
    except (redis.RedisError, OSError):
        log.warning("doorbell_failed", extra={"mode": WRITER})


def _ring_all(hops: Iterable[str]) -> None:
    for hop in hops:
        ring(hop)


_soon: Soon[str] = Soon(_ring_all, name="doorbell")


def ring_soon(hop: str) -> None:
    """Rings on a thread of its own, so that the write that made the work is not followed by a wait
    for the bell."""
    _soon.ask([hop])


def answered(hop: str) -> None:
    """Called by a drain as a round begins."""
    try:
        connection().delete(f"doorbell:{hop}")
    except (redis.RedisError, OSError):
        log.warning("doorbell_failed", extra={"mode": hop})
