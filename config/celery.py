"""Celery: the doorbell and the clock, never the memory. What runs on the clock is the table below.

Every beat task is the very drain that its doorbell rings for; a lost ring costs at most one beat.
"""

import os
from typing import Any

from celery import Celery, signals
from kombu.entity import Queue

from config.broker import PromptBroker

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")

DOORBELLS = "doorbells"

app = Celery("tips", amqp=PromptBroker)
app.config_from_object("django.conf:settings", namespace="CELERY")
app.conf.update(
    task_ignore_result=True,
    task_default_queue=DOORBELLS,
    # A doorbell is a hint, so nobody keeps books about its delivery: the facts wait in MongoDB, the beat rings again.
    task_queues=[Queue(DOORBELLS, no_ack=True)],  # type: ignore[no-untyped-call]
    task_serializer="json",
    worker_prefetch_multiplier=4,
    worker_hijack_root_logger=False,
    worker_send_task_events=False,
    broker_connection_retry_on_startup=True,
    broker_connection_max_retries=None,  # Redis may be away for as long as it likes
    broker_transport_options={"socket_timeout": 5, "socket_connect_timeout": 2},
    timezone="UTC",
    beat_schedule={
        # expires: beats that pile up while no worker runs are dropped, the next one does the same work
        name: {"task": name, "schedule": seconds, "options": {"expires": 5}}
        for name, seconds in {
            "tips.settle": 1.0,
            "tips.end_grace": 1.0,
            "lovense.dispatch": 1.0,
            "lovense.heal": 1.0,
            "adminpanel.heartbeat": 1.0,
        }.items()
    },
)
app.autodiscover_tasks()


@signals.setup_logging.connect
def keep_our_logging(**kwargs: Any) -> None:
    """A receiver here stops Celery from putting its own formatters beside the allow-list of `config/logging.py`."""


@signals.worker_ready.connect
def take_over(**kwargs: Any) -> None:
    """A restarted worker looks at once at what its predecessor held."""
    from django.conf import settings

    from ledger import clock, doorbell, orphans
    from lovense import dispatch

    orphans.end(settings.STACK_SLOT)
    dispatch.recover(settings.STACK_SLOT, now=clock.now())
    for hop in ("tips.settle", "lovense.heal", "lovense.dispatch"):
        doorbell.answered(hop)
        doorbell.ring(hop)
