"""Celery's doors into tips. A round of a drain first takes its doorbell's mark away: what comes
later rings again."""

from typing import Any

from celery import shared_task
from django.conf import settings

from ground import clock
from ground.hops import doorbell
from ground.hops.rounds import BREATH_SECONDS, Hop
from ground.journal import journal
from tips import signals
from tips.log import daily_heads, emission
from tips.settlement import polling, settlement
from tips.settlement.writes import Drained


def _settle() -> bool:
    """While somebody holds the pen, the inbox is its to settle."""
    doorbell.answered("tips.settle")
    if journal.has_writer(now=clock.now()):
        doorbell.tell_writer()
        return False
    return _announce(settlement.drain(now=clock.now(), limit=settings.DRAIN_LIMIT))


def _announce(done: Drained) -> bool:
    if done.performers:
        signals.requests_queued.send(None, performer_ids=done.performers)
    if done.is_looking:
        LOOK.ask()
    return done.handled >= settings.DRAIN_LIMIT


SETTLE = Hop(_settle, name="settle", breath_seconds=BREATH_SECONDS)


@shared_task(name="tips.settle", ignore_result=True)
def settle() -> None:
    SETTLE.run()


@shared_task(name="tips.end_grace", ignore_result=True)
def end_grace() -> None:
    """Tips whose time to find their tokens is over."""
    _announce(settlement.end_grace(now=clock.now(), limit=settings.DRAIN_LIMIT))


EMIT = Hop(lambda: emission.drain(now=clock.now()), name="emit")


@shared_task(name="tips.emit", ignore_result=True)
def emit() -> None:
    """What is new in the log, handed to its consumers: with the beat, so that a second's events
    share one round."""
    EMIT.run()


@shared_task(name="tips.keep_daily_heads", ignore_result=True)
def keep_daily_heads() -> None:
    """Days that have ended since the last one that was kept."""
    daily_heads.keep(now=clock.now())


def _look() -> bool:
    doorbell.answered("tips.look")
    return _announce(polling.drain(now=clock.now(), limit=settings.DRAIN_LIMIT))


LOOK = Hop(_look, name="look")


@shared_task(name="tips.look", ignore_result=True)
def look() -> None:
    """Tips whose postings we wait for."""
    LOOK.run()


def entries_posted(sender: Any, *, source_refs: set[str], **kwargs: Any) -> None:
    """The ledger announces that transfers were posted."""
    if polling.look_again(source_refs, now=clock.now()):
        LOOK.ask()


def entries_reversed(sender: Any, *, source_refs: set[str], **kwargs: Any) -> None:
    """The ledger announces that transfers were taken back: that concerns settled tips too."""
    if polling.look_again(source_refs, now=clock.now(), settled_too=True):
        LOOK.ask()
