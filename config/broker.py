"""How our processes talk through Celery: one queue of doorbells, and a broker that may be away for
as long as it likes."""

from typing import Any

from celery import Celery
from celery.app.amqp import AMQP
from kombu.connection import Connection
from kombu.entity import Queue
from kombu.transport import redis

DOORBELLS = "doorbells"
# Celery itself would pause 2 s, then 4 s, up to 30 s between attempts.
PAUSES = {"interval_start": 0.1, "interval_step": 0.2, "interval_max": 2.0}


class Channel(redis.Channel):
    def basic_ack(self, *args: Any, **kwargs: Any) -> None:
        """Nothing is kept about a ring, so there is nothing to take away.

        Upstream asks Redis all the same, even on a channel whose connection was lost meanwhile:
        that ended the whole worker."""


class Transport(redis.Transport):
    Channel = Channel


class PromptConnection(Connection):
    def get_transport_cls(self) -> type[Transport]:
        return Transport

    def ensure_connection(self, *args: Any, **kwargs: Any) -> Any:
        told = {**PAUSES, **kwargs}
        return super().ensure_connection(*args, **told)  # type: ignore[no-untyped-call]


class PromptBroker(AMQP):  # type: ignore[misc]
    """The part of a Celery application that opens connections."""

    Connection = PromptConnection


def application(**options: Any) -> Celery:
    """A Celery application of ours; the broker's address comes from the settings."""
    app = Celery("tips", amqp=PromptBroker, **options)
    app.config_from_object("django.conf:settings", namespace="CELERY")
    app.conf.update(
        task_ignore_result=True,
        task_default_queue=DOORBELLS,
        # A doorbell is a hint, so nobody keeps books about its delivery: the facts wait in MongoDB,
        # the beat rings again.
        task_queues=[Queue(DOORBELLS, no_ack=True)],  # type: ignore[no-untyped-call]
        task_serializer="json",
        worker_prefetch_multiplier=4,
        worker_hijack_root_logger=False,
        worker_send_task_events=False,
        broker_connection_retry_on_startup=True,
        broker_connection_max_retries=None,
        broker_transport_options={"socket_timeout": 5, "socket_connect_timeout": 2},
        timezone="UTC",
    )
    return app
