"""How a worker and the beat get their broker back: Celery itself would pause 2 s, then 4 s, up to 30 s between attempts."""

from typing import Any

from celery.app.amqp import AMQP
from kombu.connection import Connection

PAUSES = {"interval_start": 0.1, "interval_step": 0.2, "interval_max": 2.0}


class PromptConnection(Connection):
    def ensure_connection(self, *args: Any, **kwargs: Any) -> Any:
        return super().ensure_connection(*args, **{**PAUSES, **kwargs})  # type: ignore[no-untyped-call]


class PromptBroker(AMQP):  # type: ignore[misc]
    """The part of a Celery application that opens connections."""

    Connection = PromptConnection
