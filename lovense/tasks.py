"""Celery's doors into lovense: the dispatch of what waits, and the healing of what was lost."""

from typing import Any

from celery import shared_task
from django.conf import settings

from ledger import clock, doorbell
from ledger.drains import Hop
from lovense import batch, controls, dispatch, groups
from tips import queue

LANES = queue.MAX_CLAIMS  # started in one round; the next round takes the rest


def _dispatch() -> bool:
    doorbell.answered("lovense.dispatch")
    return dispatch.drain(now=clock.now(), limit=LANES)


DISPATCH = Hop(_dispatch, name="dispatch")


@shared_task(name="lovense.dispatch", ignore_result=True)
def dispatch_waiting() -> None:
    DISPATCH.run()


@shared_task(name="lovense.heal", ignore_result=True)
def heal() -> None:
    now, limit = clock.now(), settings.DRAIN_LIMIT
    healed = (
        dispatch.expire(now=now, limit=limit)
        + batch.heal(now=now, limit=limit)
        + controls.heal(now=now, limit=limit)
        + dispatch.expire_offline(now=now, limit=limit)
    )
    if healed:
        DISPATCH.ask()


def requests_queued(sender: Any, *, performer_ids: set[str], **kwargs: Any) -> None:
    """Tips announces that queues grew, in the process that settled them."""
    DISPATCH.ask()
    groups.news.mark(performer_ids, "queue")
