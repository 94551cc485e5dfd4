"""The performer's live page and its buttons. Each finds whose page it is, makes one call into a
rule and says what came of it.

One view answers the page or, to HTMX, one region of it by name. A button answers with no page at
all: it says in the header what happened, and that regions of the page have changed; the page
fetches those again. Another performer's request is not found."""

import json
from collections.abc import Callable
from datetime import datetime, timedelta
from functools import wraps
from typing import Any, TypedDict

from django.contrib.auth.decorators import login_required
from django.contrib.auth.models import User
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from ground import clock
from ground.audit import log as audit_log
from ground.hops import doorbell
from ground.json.errors import Refusal
from lovense.deciding.activation import new_row
from lovense.lane import controls
from lovense.models import Performer
from lovense.page.livepage import METER, LivePage, tokens
from lovense.stopping import stop as stopping
from tips.queue import requests as queue

REGIONS = frozenset({"queue", "devices", "notices", "feed", "stop"})
PAUSES: dict[str, tuple[timedelta | None, str]] = {
    "5": (timedelta(minutes=5), "5 min"),
    "15": (timedelta(minutes=15), "15 min"),
    "60": (timedelta(minutes=60), "1 h"),
    "": (None, "Until I resume"),
}
# In the audit log: through which door it came.
BY_HAND = "on the live page"


@never_cache
@require_safe
@login_required
def live(request: HttpRequest) -> HttpResponse:
    performer = _performer(request)
    if performer is None:
        return _not_a_performer(request)
    region = request.GET.get("region", "")
    is_region = _is_htmx(request) and region in REGIONS
    context = {
        "live": LivePage(performer, clock.now()),
        "performer": performer,
        "bars": METER,
        "region": region,
    }
    context["pauses"] = [(minutes, words) for minutes, (_, words) in PAUSES.items()]
    return render(
        request,
        "lovense/live.html",
        context | {"layout": "lovense/_region.html" if is_region else "base.html"},
    )


def _performer(request: HttpRequest) -> Performer | None:
    return Performer.objects.filter(user_id=request.user.pk).first()


def _is_htmx(request: HttpRequest) -> bool:
    return bool(request.htmx)  # type: ignore[attr-defined]


def _not_a_performer(request: HttpRequest) -> HttpResponse:
    if isinstance(request.user, User) and request.user.is_staff:
        return redirect("staff-tips")
    raise PermissionDenied


# --- buttons -------------------------------------------------------------------------------------


def _told(said: str, *, tone: str = "good") -> HttpResponse:
    events = {"said": {"text": said, "tone": tone}, "news-queue": {}, "news-notices": {}}
    return HttpResponse(status=204, headers={"HX-Trigger": json.dumps(events)})


# As the performer reads it; what is not here speaks for itself.
_REFUSED: dict[type[Refusal], str] = {
    controls.PartOfRun: "It plays together with others as one run. “Skip” ends the whole run.",
    controls.AlreadyOver: "It is over already.",
    controls.NothingPlays: "It does not play any more.",
    controls.AlreadyFirst: "It cannot move further up.",
}


def _refused(why: Refusal) -> HttpResponse:
    """What stands against it as things are is said; a thing that is not there, or a value that the
    page never offers, has its status."""
    if why.status == 404:
        raise Http404
    if why.status == 400:
        return HttpResponse(status=400)
    return _told(_REFUSED.get(type(why), str(why)), tone="warn")


def _hers(press: Callable[..., HttpResponse]) -> Callable[..., HttpResponse]:
    """A button of a performer's own page; what it started is looked at now."""

    @never_cache
    @login_required
    @wraps(press)
    def view(request: HttpRequest, **names: str) -> HttpResponse:
        performer = _performer(request)
        if performer is None:
            raise PermissionDenied
        try:
            with audit_log.coming_from(request.META.get("REMOTE_ADDR") or ""):
                answer = press(request, performer, **names)
        except Refusal as why:
            answer = _refused(why)
        if request.method == "POST":
            doorbell.ring("lovense.dispatch")
        return answer

    return view


class _Asked(TypedDict):
    performer_id: str
    by: str
    now: datetime


def _by(request: HttpRequest, performer: Performer) -> _Asked:
    return {
        "performer_id": performer.performer_id,
        "by": request.user.get_username(),
        "now": clock.now(),
    }


@require_POST
@_hers
def pause(request: HttpRequest, performer: Performer) -> HttpResponse:
    if (minutes := request.POST.get("minutes", "")) not in PAUSES:
        return HttpResponse(status=400)
    by, (length, words) = _by(request, performer), PAUSES[minutes]
    controls.pause(**by, why=BY_HAND, until=_later(by["now"], length))
    return _told(f"Paused for {words}." if length else "Paused until you resume.")


def _later(now: datetime, length: timedelta | None) -> datetime | None:
    return now + length if length else None


@require_POST
@_hers
def resume(request: HttpRequest, performer: Performer) -> HttpResponse:
    controls.resume(**_by(request, performer))
    return _told("The queue goes on.")


def _or_back(request: HttpRequest, answer: HttpResponse) -> HttpResponse:
    """Also for a page whose scripts do not run."""
    return answer if _is_htmx(request) else redirect("live")


@require_POST
@_hers
def stop(request: HttpRequest, performer: Performer) -> HttpResponse:
    """Never asks back."""
    stopping.press(**_by(request, performer), why=BY_HAND, through="page")
    return _or_back(request, _told("Stopped. Nothing starts until you resume.", tone="warn"))


@require_POST
@_hers
def resume_all(request: HttpRequest, performer: Performer) -> HttpResponse:
    """After a stop: the pause ends with it."""
    stopping.resume(**_by(request, performer))
    return _or_back(request, _told("What waited plays on."))


@require_POST
@_hers
def mode(request: HttpRequest, performer: Performer) -> HttpResponse:
    controls.set_mode(**_by(request, performer), mode=request.POST.get("mode", ""))
    return _told("The order has changed.")


@require_POST
@_hers
def skip(request: HttpRequest, performer: Performer) -> HttpResponse:
    """Without asking back: it is also how she stops what plays. The id keeps a second press from
    ending the next one."""
    ended = controls.skip(
        **_by(request, performer), why=BY_HAND, request_id=request.POST.get("request") or None
    )
    return _told("Ending it." if ended.status == "cancelling" else "Skipped.")


@require_POST
@_hers
def up(request: HttpRequest, performer: Performer, request_id: str) -> HttpResponse:
    controls.move_up(**_by(request, performer), request_id=request_id)
    return _told("Moved up.")


@require_http_methods(["GET", "POST"])
@_hers
def remove(request: HttpRequest, performer: Performer, request_id: str) -> HttpResponse:
    """GET: the question, in words; POST: done."""
    if request.method == "POST":
        ended = controls.cancel(**_by(request, performer), request_id=request_id, why=BY_HAND)
        return _told("Ending it." if ended.status == "cancelling" else "Removed from the queue.")
    row = queue.find(request_id, "lane", "status", "payload", "type", "idempotency_key", "position")
    if row is None or row["lane"] != performer.performer_id:
        raise controls.NoSuchRequest
    told = new_row(row, clock.now())
    title = f"Remove “{tokens(told['amount'], row['type'])}” from {told['tipper_name']}?"
    return _asked(
        request, title, reverse("live-remove", args=[request_id]), label="Remove it", keep="Keep it"
    )


@require_http_methods(["GET", "POST"])
@_hers
def clear(request: HttpRequest, performer: Performer) -> HttpResponse:
    """GET: how many there are; POST: done, if it is still as many."""
    counted = controls.waiting(performer_id=performer.performer_id)
    changed = False
    if request.method == "POST":
        try:
            cleared = controls.clear(
                **_by(request, performer),
                why=BY_HAND,
                expected=_number(request.POST.get("expected", "")),
            )
            return _told(f"{cleared} removed from the queue.")
        except controls.CountChanged as error:
            counted, changed = error.actual, True
    title = (
        f"Remove all {counted} that wait?"
        if counted > 1
        else "Remove the one that waits?"
        if counted
        else "Nothing waits"
    )
    more = {"expected": counted, "count": counted, "is_changed": changed}
    return _asked(
        request, title, reverse("live-clear"), label=f"Remove {counted}", keep="Keep them", **more
    )


def _number(text: str) -> int:
    return int(text) if text.isascii() and text.isdigit() and len(text) < 10 else -1


def _asked(request: HttpRequest, title: str, url: str, **more: Any) -> HttpResponse:
    return render(request, "lovense/_confirm.html", {"title": title, "url": url, "count": 1} | more)
