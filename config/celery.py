"""Celery's worker, and what web processes and commands ring with: the doorbell, never the
memory."""

import os
from typing import Any

from celery import signals

from config import commandline
from config.broker import application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")

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
        "tips.emit",
    ):
        doorbell.answered(hop)
        doorbell.ring(hop)
