"""How a page and a button of the staff's come in: who asks is looked up in the table
(`adminpanel/access.py`), what is refused of a button is recorded, and every page stands in the same
frame. No page lives here."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from functools import wraps
from typing import Any, NamedTuple

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST, require_safe
from rest_framework.permissions import BasePermission
from rest_framework.request import Request
from rest_framework.views import APIView

from adminpanel import access
from adminpanel.lists import times
from adminpanel.setting import told
from adminpanel.watch import lasthour
from adminpanel.watch.lasthour import LastHour
from ground import clock
from ground.audit import log as audit_log
from ground.json.errors import Refusal
from ground.people import Role, role_of
from ground.ui import charts
from lovense.deciding import platform

View = Callable[..., HttpResponseBase]

SETTLED = 3  # the fact that the strip counts


class RailPage(NamedTuple):
    route: str
    icon: str
    word: str


RAIL = (
    (
        "Watch",
        (
            RailPage("staff", "activity", "Overview"),
            RailPage("staff-queue", "list-ordered", "Queue"),
            RailPage("staff-devices", "smartphone", "Devices"),
            RailPage("staff-statistics", "chart-column", "Statistics"),
        ),
    ),
    (
        "Find",
        (
            RailPage("staff-tips", "coins", "Tips"),
            RailPage("staff-deliveries", "download", "Deliveries"),
            RailPage("staff-performers", "user", "Performers"),
            RailPage("staff-audit", "history", "Audit"),
        ),
    ),
    (
        "Mend",
        (
            RailPage("staff-dead-letters", "inbox", "Dead letters"),
            RailPage("staff-emissions", "radio", "Emissions"),
            RailPage("staff-reconciliation", "equal", "Reconciliation"),
        ),
    ),
    (
        "Set",
        (
            RailPage("staff-settings", "sliders-horizontal", "Settings"),
            RailPage("staff-access", "users", "Access"),
        ),
    ),
)


def page(view: View) -> View:
    return never_cache(require_safe(_allowed(view)))


def button(view: View) -> View:
    return never_cache(require_POST(_allowed(view)))


def _allowed(view: View) -> View:
    """Whoever is not logged in is asked to; who is, and may not, is refused."""

    @wraps(view)
    def guarded(request: HttpRequest, *args: str, **named: str) -> HttpResponseBase:
        route = request.resolver_match.url_name if request.resolver_match else ""
        if not access.may(role_of(request.user), str(route), str(request.method)):
            _record_refusal(request, str(route))
            raise PermissionDenied
        return view(request, *args, **named)

    return login_required(guarded)


def _record_refusal(request: HttpRequest, route: str) -> None:
    """A look that is refused changes nothing and is not worth a row."""
    if request.method == "POST":
        audit_log.record(
            kind="access",
            action="refused",
            by=request.user.get_username(),
            target=route,
            now=clock.now(),
            success=False,
        )


class ByTable(BasePermission):
    """The same table for the API."""

    def has_permission(self, request: Request, view: APIView) -> bool:
        match = request._request.resolver_match
        route = str(match.url_name) if match else ""
        return access.may(role_of(request.user), route, str(request.method))


def may(request: HttpRequest, route: str) -> bool:
    """Whether a page shows this person the button of a route."""
    return access.may(role_of(request.user), route, "POST")


def show(
    request: HttpRequest,
    template: str,
    context: Mapping[str, Any],
    *,
    on: str,
    status: int = 200,
) -> HttpResponse:
    """The page in its frame; to HTMX, which fetches a region of it again, the region alone. `on`:
    the route of the rail's entry that is marked."""
    is_region = bool(request.htmx)  # type: ignore[attr-defined]
    frame: dict[str, Any] = {
        "layout": "adminpanel/_region.html" if is_region else "adminpanel/frame.html",
        "rail": _rail(role_of(request.user)),
        "on": on,
    }
    if not is_region:
        frame |= {"strip": strip(request, context.get("hour"))}
        frame |= {"has_local_times": times.are_local(request.session)}
    return render(request, template, {**frame, **context}, status=status)


def strip(request: HttpRequest, hour: LastHour | None = None) -> dict[str, Any]:
    """What every page says of everything. `hour`: where it was read already."""
    hour, settings = hour or lasthour.read(now=clock.now()), platform.current()
    return {
        "hour": hour,
        "fresh_seconds": int(lasthour.FRESH.total_seconds()),
        "held": told.held(settings),
        "is_on": settings.enable_lovense,
        "is_draining": settings.is_draining,
        "may_settle": may(request, "staff-setting-set"),
        "rate": hour.rate(SETTLED),
        "drawn": charts.trend(hour.passed(SETTLED)),
    }


def _rail(role: Role | None) -> list[tuple[str, list[RailPage]]]:
    """What this person may look at."""
    return [
        (group, [page for page in pages if access.may(role, page.route, "GET")])
        for group, pages in RAIL
    ]


@contextmanager
def refusals_said(request: HttpRequest, more: str = "") -> Iterator[None]:
    """What a rule refuses is a message of the page that comes next."""
    try:
        yield
    except Refusal as why:
        messages.error(request, f"{why}{more}")
