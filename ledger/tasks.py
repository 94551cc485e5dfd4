"""Celery's door into the ledger: announces what its notices say to the floors above."""

from collections.abc import Sequence
from datetime import datetime

from celery import shared_task
from django.conf import settings
from django.db import DatabaseError
from pymongo.errors import PyMongoError

from ground import clock
from ground.hops import doorbell
from ground.hops.rounds import Hop
from ledger import signals
from ledger.rrr import events as rrr_events


def _announce() -> bool:
    """Announced first, marked then: a receiver that fails, or a death in between, announces
    again."""
    doorbell.answered("ledger.announce")
    now = clock.now()
    found = rrr_events.waiting(now=now, limit=settings.DRAIN_LIMIT)
    if found:
        _tell(found, now)
    return len(found) >= settings.DRAIN_LIMIT


def _tell(parts: Sequence[rrr_events.LedgerNews], now: datetime) -> None:
    """Together; if that fails each alone, since one of them must not hold up the others."""
    news = rrr_events.together(parts)
    try:
        if news.posted:
            signals.entries_posted.send(None, source_refs=news.posted)
        if news.reversed:
            signals.entries_reversed.send(None, source_refs=news.reversed)
        rrr_events.announced(news, now=now)
    except (DatabaseError, PyMongoError):
        raise  # the database, not a notice: all of them wait for the next round
    except Exception as error:
        if len(parts) == 1:
            rrr_events.not_announced(news, error, now=now)
        else:
            for part in parts:
                _tell([part], now)


ANNOUNCE = Hop(_announce, name="announce")


@shared_task(name="ledger.announce", ignore_result=True)
def announce() -> None:
    ANNOUNCE.run()
