"""A performer's screen as she sees it, read only: a page that asks why, and then, for a while, her
Live page and her History, rendered by their own views with all that can be pressed taken out.

Nothing of these pages speaks to the server: no script runs, no socket is opened, no form is sent,
and the browser is told so. What she and her devices do is not touched by who looks."""

from collections.abc import Callable
from functools import partial

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.template.loader import render_to_string
from django.urls import reverse

from adminpanel import doors
from adminpanel.handling import screens
from adminpanel.performer import straining
from adminpanel.performer.straining import ScreenAddresses
from adminpanel.views.acts import Act, AskedAct, Pressed, answered, shown, status_of
from ground import clock
from ground.people import Role, role_of
from lovense.models import Performer
from lovense.page import days
from lovense.performers.seenby import SEE
from lovense.views import history as her_history
from lovense.views import live as her_live

ON = "staff-performers"
OPEN = "open-screen"
NO_HANDS = {each: ["'none'"] for each in ("script-src", "connect-src", "form-action")}

Look = Callable[[HttpRequest, Performer], HttpResponse]


# --- why -----------------------------------------------------------------------------------------


@doors.page
def asked(request: HttpRequest, performer_id: str) -> HttpResponse:
    return _asked(request, _found(performer_id))


def _asked(request: HttpRequest, her: Performer, pressed: Pressed | None = None) -> HttpResponse:
    words = "She reads your name, your role and what you say here on her account page."
    address = reverse("staff-performer-screen-open", args=[her.pk])
    act = Act(OPEN, "Open her screen", words, "Open her screen", address, kind="main")
    context = {
        "her": her,
        "lasts": f"It stays open for {int(screens.OPEN_FOR.total_seconds()) // 60} minutes",
        "opened": screens.opened(request.session, her.pk, now=clock.now()),
        "acts": shown([act], pressed),
        "pressed": pressed,
    }
    status = status_of(pressed)
    return doors.show(request, "adminpanel/screen.html", context, on=ON, status=status)


@doors.button
def begin(request: HttpRequest, performer_id: str) -> HttpResponse:
    her, role = _found(performer_id), role_of(request.user) or Role.SUPPORT
    return answered(
        request,
        AskedAct(SEE, screens.target(performer_id)),
        lambda deed: screens.begin(request.session, performer_id, role=role, deed=deed),
        then=lambda _: redirect("staff-performer-screen-live", performer_id),
        back=lambda why: _asked(request, her, why._replace(act=OPEN)),
    )


# --- seen ----------------------------------------------------------------------------------------


@doors.page
def live(request: HttpRequest, performer_id: str) -> HttpResponse:
    return _seen(request, performer_id, her_live.look)


@doors.page
def history(request: HttpRequest, performer_id: str) -> HttpResponse:
    return _seen(request, performer_id, her_history.look)


@doors.page
def run(request: HttpRequest, performer_id: str, activation_id: str) -> HttpResponse:
    look = partial(her_history.look_at_run, activation_id=activation_id)
    return _seen(request, performer_id, look)


def _seen(request: HttpRequest, performer_id: str, look: Look) -> HttpResponse:
    her, now = _found(performer_id), clock.now()
    opened = screens.opened(request.session, performer_id, now=now)
    if opened is None:
        messages.warning(request, "Her screen is not open to you: say why you look at it.")
        return redirect("staff-performer-screen", performer_id)
    about = {"her": her, "opened": opened, "now": now, "zone": days.zone_of(her).key}
    frame = render_to_string("adminpanel/_screen.html", about | {"here": request.get_full_path()})
    hers = look(request, her).content.decode()
    page = straining.strained(
        hers, _addresses(her), head=render_to_string("adminpanel/_screen_head.html"), frame=frame
    )
    answer = HttpResponse(page)
    answer._csp_replace = NO_HANDS  # type: ignore[attr-defined]  # read by django-csp
    return answer


def _addresses(her: Performer) -> ScreenAddresses:
    seen = [
        reverse(f"staff-performer-screen-{each}", args=[her.pk]) for each in ("live", "history")
    ]
    return ScreenAddresses(reverse("live"), reverse("history"), *seen)


def _found(performer_id: str) -> Performer:
    her = Performer.objects.filter(pk=performer_id).first()
    if her is None:
        raise Http404
    return her
