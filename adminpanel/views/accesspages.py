"""What the pages of access have in common: the tabs between them, and a link or a token that is
shown this once. No page lives here."""

from typing import Any

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.urls import reverse

from adminpanel import doors
from adminpanel.views.acts import Pressed, status_of
from ground.audit import log as audit_log

ON = "staff-access"
_TABS = (
    ("staff-access", "Staff"),
    ("staff-access-performers", "Performers"),
    ("staff-access-clients", "Platform clients"),
    ("staff-access-log-ins", "Failed log-ins"),
)


def show(
    request: HttpRequest,
    template: str,
    context: dict[str, Any],
    *,
    tab: str,
    pressed: Pressed | None = None,
) -> HttpResponse:
    tabs = [{"href": reverse(name), "words": words, "on": name == tab} for name, words in _TABS]
    about = {"tabs": tabs, "pressed": pressed}
    shown = {**about, **context}
    return doors.show(request, template, shown, on=ON, status=status_of(pressed))


def done_to(name: str, *, limit: int) -> list[dict[str, Any]]:
    """What was done to it, in words, the newest first."""
    rows = audit_log.of(name, limit=limit)
    return [{**row, "what": row["action"].replace("_", " ").capitalize()} for row in rows]


def link_of(token: str) -> str:
    """Where a one-time link leads, for whoever hands it on."""
    return f"{settings.PUBLIC_BASE_URL}{reverse('one-time-link', args=[token])}"
