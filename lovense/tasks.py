"""Celery's doors into lovense: the dispatch of what waits, and the healing of what was lost."""

from typing import Any

from celery import shared_task
from django.conf import settings

from ground import clock
from ground.hops import doorbell
from ground.hops.rounds import Hop
from lovense.deciding import batch
from lovense.lane import controls
from lovense.sending import dispatch, groups, leases
from tips.queue import claims

LANES = claims.MAX_CLAIMS  # started in one round; the next round takes the rest


def _dispatch() -> bool:
    doorbell.answered("lovense.dispatch")
    return dispatch.drain(now=clock.now(), limit=LANES)


DISPATCH = Hop(_dispatch, name="dispatch")


@shared_task(name="lovense.dispatch", ignore_result=True)
def dispatch_waiting() -> None:
    DISPATCH.run()


HEALING = leases.Healing()


@shared_task(name="lovense.heal", ignore_result=True)
def heal() -> None:
    now, limit = clock.now(), settings.DRAIN_LIMIT
    healed = (
        leases.expire(now=now, limit=limit)
        + batch.heal(now=now, limit=limit)
        + controls.heal(now=now, limit=limit)
        + (leases.expire_offline(now=now, limit=limit) if HEALING.has_lasted(now) else 0)
    )
    if healed:
        DISPATCH.ask()


def requests_queued(sender: Any, *, performer_ids: set[str], **kwargs: Any) -> None:
    """Tips announces that queues grew, in the process that settled them."""
    DISPATCH.ask()
    groups.news.mark(performer_ids, "queue")
