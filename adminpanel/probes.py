"""Doors for machines that watch: `/healthz`, `/readyz`, `/metrics`. They change nothing and tell
nothing about people."""

import hmac

from django.conf import settings
from django.db import DatabaseError
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.views.decorators.http import require_safe
from pymongo.errors import PyMongoError
from rest_framework.authentication import TokenAuthentication
from rest_framework.exceptions import AuthenticationFailed

from adminpanel.watch import exposition, readiness
from ground import clock
from ground.json.errors import error
from ground.people import role_of

LOOPBACK = ("127.0.0.1", "::1")


@require_safe
def healthz(request: HttpRequest) -> JsonResponse:
    """This process answers; it says nothing about the others."""
    return JsonResponse({"ok": True})


@require_safe
def readyz(request: HttpRequest) -> JsonResponse:
    """200 only when every part is up: tips that arrive now will be settled and played, or wait
    while it is drained."""
    found = readiness.parts(now=clock.now())
    said = {"draining": found.is_draining, "clockSkewMs": found.skew_ms}
    body = {"ready": found.is_ready, **found.up, **said}
    return _quiet(JsonResponse(body, status=200 if found.is_ready else 503))


@require_safe
def metrics(request: HttpRequest) -> HttpResponse:
    """Prometheus' text format, also while MongoDB is away: then it says so."""
    if not _may_measure(request):
        body = error("not_authenticated", "Show METRICS_TOKEN as a bearer token, or be staff.")
        return _quiet(JsonResponse(body, status=401, headers={"WWW-Authenticate": "Bearer"}))
    return HttpResponse(exposition.text(now=clock.now()), content_type=exposition.CONTENT_TYPE)


def _may_measure(request: HttpRequest) -> bool:
    scheme, _, shown = request.headers.get("Authorization", "").partition(" ")
    if scheme == "Bearer":
        return bool(settings.METRICS_TOKEN) and hmac.compare_digest(
            shown.strip().encode(), settings.METRICS_TOKEN.encode()
        )
    return _is_staff(request) or _is_development_here(request)


def _is_staff(request: HttpRequest) -> bool:
    try:
        # It reads a header, which both kinds of request have.
        found = TokenAuthentication().authenticate(request)  # type: ignore[arg-type]
        user = found[0] if found else request.user
        return role_of(user) is not None
    except (
        AuthenticationFailed,
        DatabaseError,
        PyMongoError,
    ):  # while MongoDB is away only METRICS_TOKEN is known
        return False


def _is_development_here(request: HttpRequest) -> bool:
    """In production this machine is nobody: behind a proxy on it, every caller comes from here."""
    is_open = not settings.PRODUCTION and not settings.METRICS_TOKEN
    return (
        is_open
        and "X-Forwarded-For" not in request.headers
        and request.META.get("REMOTE_ADDR") in LOOPBACK
    )


def _quiet(answer: JsonResponse) -> JsonResponse:
    """An answer like this is no error for the log."""
    answer._has_been_logged = True  # type: ignore[attr-defined]
    return answer
