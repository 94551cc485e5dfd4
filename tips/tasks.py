"""Celery's doors into tips: each takes its doorbell's mark away, then drains."""

from celery import shared_task
from django.conf import settings

from ledger import clock, doorbell
from ledger.drains import Hop
from tips import settlement, signals


def _settle() -> int:
    done = settlement.drain(now=clock.now(), limit=settings.DRAIN_LIMIT)
    if done.performers:
        signals.requests_queued.send(None, performer_ids=done.performers)
    return done.handled


SETTLE = Hop(_settle)


@shared_task(name="tips.settle", ignore_result=True)
def settle() -> None:
    doorbell.answered("tips.settle")
    SETTLE.run()
