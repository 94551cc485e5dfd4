"""The performer's history: what her tips became, one page of them and one page for each. Finds
whose it is, reads once, renders."""

from collections.abc import Mapping
from functools import partial

from django.conf import settings
from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpRequest, HttpResponse, StreamingHttpResponse
from django.http.response import HttpResponseBase
from django.urls import reverse
from django.views.decorators.http import require_POST, require_safe

from ground import clock
from ground.audit.log import LONGEST_WHY
from ground.words import cleaned
from lovense.deciding.shortfall import TENTHS
from lovense.history import browsing
from lovense.models import Performer
from lovense.owed import choices, keeping
from lovense.owed.choices import OwedChoice
from lovense.page import historyfile
from lovense.page.historypage import HistoryPage
from lovense.page.verdictpage import VerdictPage
from lovense.rows import Json
from lovense.views.buttons import Buttons
from lovense.views.pages import NOT_KEPT, PageLook, not_a_performer, page, performer_of

TEMPLATE, OF_RUN = "lovense/history.html", "lovense/verdict.html"


@require_safe
@login_required
def history(request: HttpRequest) -> HttpResponse:
    """Values that are none stand beside their field; the rest is applied."""
    return page(request, "history", TEMPLATE, partial(_shown, request.GET))


def look(request: HttpRequest, performer: Performer) -> HttpResponse:
    """The same page for who may look at hers."""
    return PageLook(request, "history", performer, partial(_shown, request.GET)).whole(TEMPLATE)


def _shown(query: Mapping[str, str], performer: Performer) -> Json:
    return {"shown": HistoryPage(performer, query, clock.now())}


@require_safe
@login_required
def file(request: HttpRequest) -> HttpResponseBase:
    """What the same address shows, all of it, as it is read."""
    performer = performer_of(request)
    if performer is None:
        return not_a_performer(request)
    lines = historyfile.lines(performer, request.GET)
    answer = StreamingHttpResponse(lines, content_type="text/csv; charset=utf-8")
    answer["Content-Disposition"] = 'attachment; filename="history.csv"'
    answer["Cache-Control"] = NOT_KEPT
    return answer


@require_safe
@login_required
def run(request: HttpRequest, activation_id: str) -> HttpResponse:
    """What became of one of hers; what is not hers is not found."""
    shown, address = partial(_shown_run, activation_id), _address(activation_id)
    return page(request, "history-run", OF_RUN, shown, address=address)


def look_at_run(request: HttpRequest, performer: Performer, activation_id: str) -> HttpResponse:
    """The same page for who may look at hers."""
    shown, address = partial(_shown_run, activation_id), _address(activation_id)
    return PageLook(request, "history-run", performer, shown, address).whole(OF_RUN)


def _shown_run(activation_id: str, performer: Performer) -> Json:
    row = browsing.owned(performer.performer_id, activation_id)
    if row is None:
        raise Http404
    return {"shown": VerdictPage(performer, row, clock.now())}


def _address(activation_id: str) -> str:
    return reverse("history-run", args=[activation_id])


# --- what is owed --------------------------------------------------------------------------------

_page = Buttons(
    news=("queue",),
    words={
        choices.TooShort: "Less than 2 s are owed, and no device runs for less. Waive them.",
        choices.UnderWay: "It plays again already. What it owes is known when that has ended.",
        choices.AlreadyDecided: "That is decided already.",
    },
    home="history",
)


@require_POST
@_page.hers
def play(request: HttpRequest, performer: Performer, activation_id: str) -> HttpResponse:
    """What is owed plays after all; the page has said where it may have played before."""
    done = choices.requeue(_choice(request, performer, activation_id), is_confirmed=True)
    return _page.told(f"{done.owed['requeued'] // TENTHS}\u00a0s wait in your queue.")


@require_POST
@_page.hers
def waive(request: HttpRequest, performer: Performer, activation_id: str) -> HttpResponse:
    why = cleaned(request.POST.get("why", "")[:LONGEST_WHY], maximum=LONGEST_WHY)
    choice = _choice(request, performer, activation_id, why)
    choices.owed(choice)  # what is not hers is not there, whatever else is missing
    if not why:
        return _page.told("Say why they are waived. Nothing was changed.", tone="warn")
    choices.waive(choice)
    return _page.told("They are owed no more.")


def _choice(
    request: HttpRequest, performer: Performer, activation_id: str, why: str = ""
) -> OwedChoice:
    """What has just ended is kept first, so that it can be decided."""
    now, whose = clock.now(), performer.performer_id
    keeping.drain(now=now, limit=settings.DRAIN_LIMIT, performer_id=whose)
    return OwedChoice(activation_id, whose, request.user.get_username(), now, why)
