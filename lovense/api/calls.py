"""What the queue's doors have in common: who calls about whose lane, the bounded body, and what
they answer while the database is away."""

import hashlib
import logging
import re
from collections.abc import Callable
from contextlib import AbstractContextManager
from functools import wraps
from typing import Any, TypeVar

from django.conf import settings
from django.db import DatabaseError
from django.http import Http404, HttpResponse
from drf_spectacular.utils import OpenApiParameter
from pymongo.errors import PyMongoError
from rest_framework.exceptions import PermissionDenied, UnsupportedMediaType
from rest_framework.request import Request
from rest_framework.response import Response

from ground import clock
from ground.audit import log as audit_log
from ground.audit.log import LONGEST_WHY
from ground.json import fields
from ground.json.errors import DatabaseAway, TooLarge
from ground.json.fields import Fields, Malformed
from ground.json.shapes import refusal
from ground.people import may_calm, may_decide, role_of
from lovense.api import answers
from lovense.lane import lanes
from lovense.models import Performer
from lovense.sending import groups
from tips import signals
from tips.queue import requests as queue
from tips.rows import RequestRow

log = logging.getLogger(__name__)
Answered = TypeVar("Answered", bound=HttpResponse)
MOST_SHOWN = 100
KEY_HEADER = "Idempotency-Key"
DERIVED = ". Default: derived from X-Request-ID and the content"
_KEY = re.compile(r"[\x20-\x7e]{1,64}")
REFUSED = {
    400: refusal("The field and the rule that it breaks are in details; nothing was done"),
    401: refusal("No session and no token, or an unknown one"),
    403: refusal(
        "Neither a performer nor an administrator; or a session's call without its CSRF token"
    ),
    404: refusal("There is no such thing, or it is another performer's"),
    503: refusal("The database did not answer; try again"),
}
# What a door answers that only reads, one whose question may be wrong, and one of a single thing.
OF_READING = {status: REFUSED[status] for status in (401, 403, 503)}
OF_ASKING = {**OF_READING, 400: REFUSED[400]}
OF_ONE = {**OF_READING, 404: REFUSED[404]}
WITH_A_BODY = {
    413: refusal("The body is too long"),
    415: refusal("The body is not application/json"),
}


def key_parameter(what: str, *, default: str = "") -> OpenApiParameter:
    """The header by which a call that is repeated is the same `what`."""
    words = f"Yours, 1 to 64 printable characters: the same again is the same {what}{default}"
    return OpenApiParameter(KEY_HEADER, str, OpenApiParameter.HEADER, description=words)


def answering_outages(view: Callable[..., Answered]) -> Callable[..., Answered]:
    """What the rules refuse answers for itself (`ground/json/errors.py`); this is what no rule can
    foresee."""

    @wraps(view)
    def answering(request: Request, *args: Any, **named: Any) -> Answered:
        try:
            return view(request, *args, **named)
        except (PyMongoError, DatabaseError) as failure:
            log.warning("queue_door_failed", extra={"error_code": type(failure).__name__})
            raise DatabaseAway from failure

    return answering


def telling(topic: str) -> Callable[[Callable[..., Answered]], Callable[..., Answered]]:
    """What she has changed through this door, her pages are told at once."""

    def of(view: Callable[..., Answered]) -> Callable[..., Answered]:
        @wraps(view)
        def told(request: Request, *args: Any, **named: Any) -> Answered:
            answer = view(request, *args, **named)
            if request.method not in {"GET", "HEAD"} and answer.status_code < 400:
                groups.news.at_once(filter(None, [own_lane(request)]), topic)
            return answer

        return told

    return of


def own_lane(request: Request) -> str | None:
    """The performer's, asked once in a call; None for anybody else."""
    call = request._request
    found: str | None = getattr(call, "own_lane", None)
    if found is None:
        hers = Performer.objects.filter(user_id=request.user.pk)
        found = hers.values_list("pk", flat=True).first()
        call.own_lane = found  # type: ignore[attr-defined]
    return found


def performer_of(request: Request) -> str:
    """The performer herself: of what is hers alone, staff has none."""
    own = own_lane(request)
    if own is None:
        raise PermissionDenied
    return own


def lane_of(
    request: Request, named: str | None, *, is_change: bool, is_calming: bool = False
) -> str:
    """Whose lane a call is about. Staff may look at any; of them only administrators change
    something, and support what makes it calmer."""
    own = own_lane(request)
    if own is not None:
        if named not in (None, own):
            raise Http404
        return own
    _check_staff(request, is_change=is_change, is_calming=is_calming)
    if named is None:
        raise Malformed("performerId", "is required of staff")
    if not Performer.objects.filter(pk=named).exists():
        raise Http404
    return named


def _check_staff(request: Request, *, is_change: bool, is_calming: bool = False) -> None:
    user = request.user
    if not is_change:
        may = role_of(user) is not None
    else:
        may = may_calm(user) if is_calming else may_decide(user)
    if not may:
        raise PermissionDenied


def reach(request: Request, request_id: str, *, is_change: bool) -> RequestRow:
    """A request of the caller's lane; of any lane, for staff."""
    own = own_lane(request)
    if own is None:
        _check_staff(request, is_change=is_change)
    row = queue.find(request_id)
    if row is None or own not in (None, row["lane"]):
        raise Http404
    return row


def body_of(request: Request, *, limit: int | None = None) -> Fields:
    """The body as one JSON object; none at all is an empty one."""
    length = request.META.get("CONTENT_LENGTH") or "0"
    longest = settings.WEBHOOK_MAX_BODY_BYTES if limit is None else limit
    if not length.isdigit() or int(length) > longest:
        raise TooLarge("The body is too long.")
    if length == "0":
        return Fields({}, "")
    if (request.content_type or "").partition(";")[0].strip().lower() != "application/json":
        raise UnsupportedMediaType(request.content_type or "")
    return fields.read(bytes(request.body))


def named_lane(request: Request, body: Fields, *, is_calming: bool = False) -> str:
    named = body.optional_hex_id("performerId")
    return lane_of(request, named, is_change=True, is_calming=is_calming)


def key_of(request: Request) -> str:
    """The caller's own, to repeat a call by; empty where there is none."""
    key = request.headers.get(KEY_HEADER)
    if key is None:
        return ""
    if not _KEY.fullmatch(key):
        raise Malformed(KEY_HEADER, "must be 1 to 64 printable ASCII characters")
    return key


def derived_key(request: Request) -> str:
    """A caller that repeats a call under the X-Request-ID of the first one repeats itself."""
    request_id = request._request.request_id  # type: ignore[attr-defined]
    return f"{request_id}/{hashlib.sha256(request.body).hexdigest()}"


def why_of(body: Fields) -> str:
    return body.text_or("why", "", maximum=LONGEST_WHY)


def caller(request: Request) -> str:
    return request.user.get_username()


def coming_from(request: Request) -> AbstractContextManager[None]:
    return audit_log.coming_from(request.META.get("REMOTE_ADDR", ""))


def wake(whose: str) -> None:
    """Something of this lane may start now."""
    signals.requests_queued.send(None, performer_ids={whose})


def lane_again(whose: str) -> Response:
    wake(whose)
    now = clock.now()
    return Response(answers.lane(lanes.read(whose, limit=MOST_SHOWN, now=now), now))
