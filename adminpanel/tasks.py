"""Celery's doors into the admin panel: the heartbeat, which beat sends and a worker runs, so that
its row proves that what is sent is done; the minutes, the counting of hours, and what needs a
person's look."""

from celery import shared_task
from django.conf import settings

from adminpanel.doubt import keeping
from adminpanel.watch import minutes, readiness, recounting
from ground import clock
from ground.hops.rounds import Hop


@shared_task(name="adminpanel.heartbeat", ignore_result=True)
def heartbeat() -> None:
    readiness.beat(now=clock.now())


RECOUNTER = recounting.Recounter()


def _recount() -> bool:
    """What a round leaves is the next minute's."""
    RECOUNTER.run(now=clock.now(), limit=settings.DRAIN_LIMIT)
    return False


RECOUNT = Hop(_recount, name="recount")


@shared_task(name="adminpanel.recount_hours", ignore_result=True)
def recount_hours() -> None:
    RECOUNT.run()


def _minutes() -> bool:
    """What a round leaves is the next minute's."""
    minutes.keep(now=clock.now())
    return False


MINUTES = Hop(_minutes, name="minutes")


@shared_task(name="adminpanel.minutes", ignore_result=True)
def keep_minutes() -> None:
    MINUTES.run()


DOUBT_ROUNDS = keeping.DoubtRounds()


def _doubts() -> bool:
    """What a round leaves is the next minute's."""
    DOUBT_ROUNDS.keep(now=clock.now())
    return False


DOUBTS = Hop(_doubts, name="doubts")


@shared_task(name="adminpanel.doubts", ignore_result=True)
def keep_doubts() -> None:
    DOUBTS.run()
