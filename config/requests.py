"""What every HTTP request and answer has in common: its id, where it came from, and the one shape
of an error."""

import re
import uuid
from collections.abc import Callable
from typing import Any

from django.http import HttpRequest, HttpResponse
from rest_framework.exceptions import APIException, ValidationError
from rest_framework.response import Response
from rest_framework.views import exception_handler

from config.logging import trace_id
from ground.audit import log as audit_log
from ground.json.errors import Refusal, error

_SANE = re.compile(r"[A-Za-z0-9._-]{1,64}", re.ASCII)


def request_id_of(offered: str | None) -> str:
    """The caller's id when it is harmless in a header and a log line, else a new one."""
    return offered if offered and _SANE.fullmatch(offered) else uuid.uuid4().hex


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


def api_error(exc: Exception, context: dict[str, Any]) -> Response | None:
    """DRF's exception handler. A refusal of a rule has its answer; what the framework refuses keeps
    status and headers, in our shape; None (a 500) for what nobody anticipated."""
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
