"""Celery's doors into lovense: the dispatch of what waits, and the healing of what was lost."""

from typing import Any

from celery import shared_task
from django.conf import settings

from ground import clock
from ground.hops import doorbell
from ground.hops.rounds import Hop
from ground.journal import journal
from lovense.deciding import revealing
from lovense.devices import pairing, silence
from lovense.devices.summary import PAGE
from lovense.lane import healing
from lovense.owed import keeping
from lovense.repairs import looking, mailing
from lovense.sending import dispatch, groups, pages
from lovense.shows import keeping as shows
from lovense.shows import sums
from tips.queue import claims

LANES = claims.MAX_CLAIMS  # started in one round; the next round takes the rest


def _dispatch() -> bool:
    """Lanes are the pen's while there is one: it is told, and finds by itself what it is not."""
    doorbell.answered("lovense.dispatch")
    if journal.has_writer(now=clock.now()):
        doorbell.tell_writer()
        return False
    return dispatch.drain(now=clock.now(), limit=LANES)


DISPATCH = Hop(_dispatch, name="dispatch")


@shared_task(name="lovense.dispatch", ignore_result=True)
def dispatch_waiting() -> None:
    DISPATCH.run()


def _owe() -> bool:
    doorbell.answered("lovense.owe")
    limit = settings.DRAIN_LIMIT
    kept = keeping.drain(now=clock.now(), limit=limit)
    if kept:
        DISPATCH.ask()  # some of it may be to play again
    return kept >= limit


OWE = Hop(_owe, name="owe")


@shared_task(name="lovense.owe", ignore_result=True)
def keep_owed() -> None:
    OWE.run()


HEALING = healing.Healer()


@shared_task(name="lovense.heal", ignore_result=True)
def heal() -> None:
    now = clock.now()
    if not journal.has_writer(now=now) and HEALING.heal(now=now, limit=settings.DRAIN_LIMIT):
        DISPATCH.ask()


@shared_task(name="lovense.sweep_devices", ignore_result=True)
def sweep_devices() -> None:
    now = clock.now()
    if silent := silence.unheard(now=now):
        by_page = {row["performer_id"] for row in silent if row["host_id"] == PAGE}
        holding = pages.holders(now=now, among=by_page) if by_page else {}
        groups.devices_changed(silence.end(silent, holding=holding, now=now))


def _look() -> bool:
    doorbell.answered(groups.REPAIRS)
    found = looking.look(now=clock.now(), limit=settings.DRAIN_LIMIT)
    groups.news.mark(found.news, "devices")
    return found.has_more


REPAIRS = Hop(_look, name="repairs")


@shared_task(name=groups.REPAIRS, ignore_result=True)
def look_for_repairs() -> None:
    REPAIRS.run()


def _reveal() -> bool:
    limit = settings.DRAIN_LIMIT
    return revealing.drain(now=clock.now(), limit=limit) >= limit


REVEAL = Hop(_reveal, name="reveal")


@shared_task(name="lovense.reveal_draws", ignore_result=True)
def reveal_draws() -> None:
    REVEAL.run()


def _keep_shows() -> bool:
    now, limit = clock.now(), settings.DRAIN_LIMIT
    kept = shows.drain(now=now, limit=limit)
    return sums.drain(now=now, limit=SHOWS) >= SHOWS or kept >= limit


SHOWS = 20  # summed in one round: each reads all of its activations
KEEP_SHOWS = Hop(_keep_shows, name="shows")


@shared_task(name="lovense.keep_shows", ignore_result=True)
def keep_shows() -> None:
    KEEP_SHOWS.run()


def _mail() -> bool:
    if not settings.EMAIL_HOST:  # this site sends none
        return False
    return mailing.drain(now=clock.now(), limit=MAILS).has_more


MAILS = 20  # of one round: each is a conversation with a mail server
MAIL = Hop(_mail, name="mail")


@shared_task(name="lovense.mail_notices", ignore_result=True)
def mail_notices() -> None:
    MAIL.run()


@shared_task(name="lovense.end_pairings", ignore_result=True)
def end_pairings() -> None:
    groups.news.mark(pairing.expire(now=clock.now()), "devices")


def requests_queued(sender: Any, *, performer_ids: set[str], **kwargs: Any) -> None:
    """Tips announces that queues grew, in the process that settled them."""
    DISPATCH.ask()
    groups.news.mark(performer_ids, "queue")
