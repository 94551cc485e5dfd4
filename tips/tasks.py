"""Celery's doors into tips. A round of a drain first takes its doorbell's mark away: what comes later rings again."""

from celery import shared_task
from django.conf import settings

from ledger import clock, doorbell
from ledger.drains import Hop
from tips import settlement, signals


def _settle() -> bool:
    doorbell.answered("tips.settle")
    return _announce(settlement.drain(now=clock.now(), limit=settings.DRAIN_LIMIT))


def _announce(done: settlement.Drained) -> bool:
    if done.performers:
        signals.requests_queued.send(None, performer_ids=done.performers)
    return done.handled >= settings.DRAIN_LIMIT


SETTLE = Hop(_settle, name="settle")


@shared_task(name="tips.settle", ignore_result=True)
def settle() -> None:
    SETTLE.run()


@shared_task(name="tips.end_grace", ignore_result=True)
def end_grace() -> None:
    """Tips whose time to find their tokens is over."""
    _announce(settlement.end_grace(now=clock.now(), limit=settings.DRAIN_LIMIT))
