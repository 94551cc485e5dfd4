"""Celery's door into the ledger: announces what its notices say to the floors above."""

from celery import shared_task
from django.conf import settings

from ground import clock
from ground.hops import doorbell
from ground.hops.rounds import Hop
from ledger import signals
from ledger.rrr import events as rrr_events


def _announce() -> bool:
    """Announced first, marked then: a receiver that fails, or a death in between, announces
    again."""
    doorbell.answered("ledger.announce")
    news = rrr_events.waiting(limit=settings.DRAIN_LIMIT)
    if news.posted:
        signals.entries_posted.send(None, source_refs=news.posted)
    if news.reversed:
        signals.entries_reversed.send(None, source_refs=news.reversed)
    if news.keys:
        rrr_events.announced(news, now=clock.now())
    return len(news.keys) >= settings.DRAIN_LIMIT


ANNOUNCE = Hop(_announce, name="announce")


@shared_task(name="ledger.announce", ignore_result=True)
def announce() -> None:
    ANNOUNCE.run()
