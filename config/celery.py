"""Celery's worker, and what web processes and commands ring with: the doorbell, never the
memory."""

import contextlib
import os
from typing import Any

import redis
from celery import signals
from kombu.exceptions import OperationalError

from config import commandline
from config.broker import application
from config.schedule import EXPIRES_SECONDS, HEARTBEAT, Beat

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
# Celery would run every check of Django, and load all routes and their libraries for it.
os.environ.setdefault("CELERY_SKIP_CHECKS", "1")

commandline.check_settings()
app = application()
app.autodiscover_tasks()


@signals.setup_logging.connect
def keep_our_logging(**kwargs: Any) -> None:
    """A receiver here stops Celery from putting its own formatters beside the allow-list of
    `config/logging.py`."""


@signals.worker_init.connect
def refuse_wrong_settings(**kwargs: Any) -> None:
    commandline.check_combinations()


@signals.worker_ready.connect
def take_over(**kwargs: Any) -> None:
    """A restarted worker looks at once at what its predecessor held."""
    from django.conf import settings

    from adminpanel.watch.readiness import Pulse
    from ground import clock
    from ground.hops import doorbell
    from ground.mongodb import abandoned
    from lovense.sending import leases

    Pulse(settings.STACK_SLOT).start()
    abandoned.end(settings.STACK_SLOT)
    leases.recover(settings.STACK_SLOT, now=clock.now())
    for hop in (
        "tips.settle",
        "ledger.announce",
        "tips.look",
        "lovense.heal",
        "lovense.dispatch",
        "lovense.owe",
        "lovense.repairs",
        "tips.emit",
    ):
        doorbell.answered(hop)
        doorbell.ring(hop)


@signals.worker_ready.connect
def begin_the_beat(**kwargs: Any) -> None:
    from django.conf import settings

    if settings.STACK_BEAT == "worker":
        beat.start()


@signals.worker_shutting_down.connect
def end_the_beat(**kwargs: Any) -> None:
    beat.stop()


def run_here(name: str) -> None:
    """The heartbeat alone goes the way of a ring, so that it shows whether rings arrive."""
    if name == HEARTBEAT:
        show_that_it_beats()
    else:
        app.tasks[name]()


def show_that_it_beats() -> None:
    from ground.hops import doorbell, heartbeat

    with contextlib.suppress(redis.RedisError, OSError, OperationalError):
        app.send_task(HEARTBEAT, expires=EXPIRES_SECONDS, retry=False)
        heartbeat.show(doorbell.connection())


beat = Beat(run_here)
