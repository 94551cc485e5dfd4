"""What every HTTP request and answer has in common: its id, where it came from, and the one shape
of an error."""

import json
import logging
import os
import re
from collections.abc import Callable
from http import HTTPStatus
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from rest_framework.exceptions import APIException, ValidationError
from rest_framework.response import Response
from rest_framework.views import exception_handler

from config.logging import trace_id
from ground.audit import log as audit_log
from ground.json.errors import DatabaseAway, Refusal, error
from ground.mongodb.away import is_away

log = logging.getLogger(__name__)
PROBES = frozenset({"/healthz", "/readyz", "/metrics"})
_SANE = re.compile(r"[A-Za-z0-9._-]{1,64}", re.ASCII)


def request_id_of(offered: str | None) -> str:
    """The caller's id when it is harmless in a header and a log line, else a new one."""
    return offered if offered and _SANE.fullmatch(offered) else os.urandom(16).hex()


class RequestIdMiddleware:
    """Puts X-Request-ID on every answer, and the id on the request and in the log lines written
    meanwhile."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        found = request_id_of(request.headers.get("X-Request-ID"))
        request.request_id = found  # type: ignore[attr-defined]
        token = trace_id.set(found)
        try:
            response = self.get_response(request)
        finally:
            trace_id.reset(token)
        response["X-Request-ID"] = found
        return response


class AuditOriginMiddleware:
    """What is changed in answering a request is recorded with the hash of the address it came
    from."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        with audit_log.coming_from(request.META.get("REMOTE_ADDR", "")):
            return self.get_response(request)


class ProbeMiddleware:
    """A balancer asks by address. No answer of a probe is made from the name it was called by, so
    any will do."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        if request.path_info in PROBES:
            request.get_host = lambda: "localhost"  # type: ignore[method-assign]
        return self.get_response(request)


class ErrorMiddleware:
    """Errors that no door of ours has written: under /api in its one shape, whoever refused; to
    HTMX as a sentence for the place where its page says what happened; and a database that is away
    is 503 on every page."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        response = self.get_response(request)
        if response.status_code >= 400 and is_api(request):
            _say_as_json(response)
        elif 400 <= response.status_code < 500 and request.headers.get("HX-Request") == "true":
            _say_as_partial(response)
        return response

    def process_exception(self, request: HttpRequest, exception: Exception) -> HttpResponse | None:
        return answer_away(request, exception)


def answer_away(request: HttpRequest, exception: Exception) -> HttpResponse | None:
    """503, where a database is away; None: it is something else."""
    if not is_away(exception):
        return None
    log.warning("database_away", extra={"error_code": type(exception).__name__})
    status, body = DatabaseAway().answer()
    if is_api(request):
        return HttpResponse(json.dumps(body), status=status, content_type="application/json")
    return render(None, "503.html", status=status)


def is_api(request: HttpRequest) -> bool:
    return request.path_info == "/api" or request.path_info.startswith("/api/")


def _say_as_json(response: HttpResponse) -> None:
    """Its status and its headers stay."""
    if response.get("Content-Type", "").partition(";")[0] == "application/json":
        return
    status = HTTPStatus(response.status_code)
    code = _CODES.get(status, status.phrase.lower().replace(" ", "_"))
    response.content = json.dumps(error(code, f"{status.description or status.phrase}."))
    response["Content-Type"] = "application/json"
    response["Content-Length"] = str(len(response.content))


def _say_as_partial(response: HttpResponse) -> None:
    """What a door has written as a partial stays, and a page with the form that it refuses; another
    page, or nothing, would be swapped in."""
    if getattr(response, "has_refused_form", False):
        return
    if response.content and response.content.lstrip()[:9].lower() != b"<!doctype":
        return
    words = _WORDS.get(response.status_code, "That did not work.")
    response.content = f"{words} Nothing was changed."
    response["Content-Type"] = "text/html; charset=utf-8"
    response["Content-Length"] = str(len(response.content))
    response["HX-Retarget"], response["HX-Reswap"] = "[data-told]", "innerHTML"


_WORDS = {
    400: "That is not possible here.",
    403: "This account may not do that, or its page is out of date: reload it.",
    404: "That is not there any more.",
    429: "That was too often: try again in a moment.",
}


# As the framework's own views say it.
_CODES = {HTTPStatus.FORBIDDEN: "permission_denied", HTTPStatus.INTERNAL_SERVER_ERROR: "error"}


def api_error(exc: Exception, context: dict[str, Any]) -> Response | None:
    """DRF's exception handler. A refusal of a rule has its answer; what the framework refuses keeps
    status and headers, in our shape; None (a 500) for what nobody anticipated."""
    if is_away(exc):
        log.warning("database_away", extra={"error_code": type(exc).__name__})
        exc = DatabaseAway()
    if isinstance(exc, Refusal):
        status, body = exc.answer()
        return Response(body, status=status, headers=exc.headers)
    response = exception_handler(exc, context)
    if response is not None:
        response.data = _shaped(exc, response)
    return response


def _shaped(exc: Exception, response: Response) -> dict[str, Any]:
    if isinstance(exc, ValidationError):
        return error("invalid", "Some fields are wrong; see details.", response.data)
    # Http404 and PermissionDenied come from Django: exception_handler has translated them into
    # DRF's words.
    detail = response.data.get("detail", "") if isinstance(response.data, dict) else ""
    code = getattr(detail, "code", None) or (
        exc.default_code if isinstance(exc, APIException) else "error"
    )
    return error(str(code), str(detail))
