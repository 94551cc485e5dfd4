"""The first run: six screens that can be skipped and gone on with, and their buttons. Each finds
whose it is, makes one call into a rule and leads to the next screen."""

import json
import uuid

from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.views.decorators.http import require_POST, require_safe

from ground import clock
from ground.json.fields import Malformed
from lovense.deciding import starting
from lovense.deciding.linting import Linter
from lovense.lane import firsttip
from lovense.menus import drafts, versions
from lovense.menus.drafts import Writing
from lovense.menus.report import items_of
from lovense.menus.versions import Publication
from lovense.models import Performer
from lovense.page import welcomepage
from lovense.page.livepage import METER, LivePage
from lovense.page.welcomepage import LIMITS_OFFERED, OFFERED, STEPS, WelcomePage
from lovense.performers import firstrun, preferences
from lovense.rows import Json
from lovense.views.buttons import Buttons, by
from lovense.views.live import Panels
from lovense.views.pages import page

_page = Buttons(news=("menu", "preferences"), words={}, home="welcome")


@require_safe
@login_required
def welcome(request: HttpRequest, step: str = "") -> HttpResponse:
    """A screen, or the first whose thing is not there yet. As the Live page it may hold devices."""
    if step and step not in STEPS:
        raise Http404
    panels = Panels()

    def shown(performer: Performer) -> Json:
        live = LivePage(performer, clock.now())
        walk = WelcomePage(performer, live, step)
        return panels.of(performer) | {"live": live, "shown": walk, "bars": METER}

    address = welcomepage.step_url(step) if step else reverse("welcome")
    answer = page(request, "welcome", "lovense/welcome.html", shown, address=address)
    return panels.allowing(answer)


@require_POST
@_page.hers
def menu(request: HttpRequest, performer: Performer) -> HttpResponse:
    """`template`: one of those that are offered, which fills an empty draft; the draft is
    published. Empty: what the draft has."""
    named = request.POST.get("template", "")
    if named and named not in OFFERED:
        raise Malformed("template", f"must be one of {', '.join(OFFERED)}")
    who = by(request, performer)
    writing = Writing(who["performer_id"], None, who["by"], who["now"])
    if named:
        drafts.start(writing, items_of(starting.of_template(named)), replaces=False)
    key: str = request.request_id  # type: ignore[attr-defined]
    linter = Linter.read(performer.performer_id)
    versions.publish(Publication(writing, key, errors=linter.errors))
    return _on(_page.told("Published: viewers can tip for it."), welcomepage.LIMITS)


@require_POST
@_page.hers
def limits(request: HttpRequest, performer: Performer) -> HttpResponse:
    """`limits`: one of those that are offered."""
    named = request.POST.get("limits", "")
    if named not in LIMITS_OFFERED:
        raise Malformed("limits", f"must be one of {', '.join(LIMITS_OFFERED)}")
    preferences.change(**by(request, performer), changes=welcomepage.limits_of(named))
    said = f"Your limits: {LIMITS_OFFERED[named].title.lower()}."
    return _on(_page.told(said), welcomepage.REHEARSAL)


@require_POST
@_page.hers
def tip(request: HttpRequest, performer: Performer) -> HttpResponse:
    """Each press is another one."""
    whose, account = by(request, performer), str(request.user.pk)
    firsttip.send(**whose, account=account, key=uuid.uuid4().hex)
    return _page.shown()


@require_POST
@_page.hers
def skip(request: HttpRequest, performer: Performer) -> HttpResponse:
    """What is not there yet stays on Live."""
    firstrun.skip(performer_id=performer.performer_id, now=clock.now())
    if not request.htmx:  # type: ignore[attr-defined]
        return redirect("live")
    return _to(_page.told("What is left to set up stands on Live."), reverse("live"))


def _on(answer: HttpResponse, step: str) -> HttpResponse:
    return _to(answer, welcomepage.step_url(step))


def _to(answer: HttpResponse, address: str) -> HttpResponse:
    """The next page, in the same document."""
    there = {"path": address, "target": "#content", "select": "#content"}
    answer["HX-Location"] = json.dumps(there | {"swap": "outerSync show:none"})
    return answer
