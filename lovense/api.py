"""REST doors of the performance queue: `/api/performance-queue/*`. A performer has her own lane; an administrator names one.

What is another performer's is answered as what does not exist. Each door makes one call into a rule and translates.
"""

import hashlib
import logging
import math
from collections.abc import Callable
from contextlib import AbstractContextManager
from functools import wraps
from typing import Any

from django.conf import settings
from django.contrib.auth.models import User
from django.db import DatabaseError
from django.http import Http404
from drf_spectacular.utils import OpenApiParameter, OpenApiResponse, extend_schema
from pymongo.errors import PyMongoError
from rest_framework import serializers
from rest_framework.decorators import api_view
from rest_framework.exceptions import APIException, PermissionDenied, UnsupportedMediaType
from rest_framework.request import Request
from rest_framework.response import Response

from ledger import clock, fields, trail
from ledger.door import error
from ledger.fields import Fields, Malformed
from ledger.trail import LONGEST_WHY
from ledger.wire import refusal
from lovense import answers, controls, lanes, submissions, wire
from lovense.activation import Row
from lovense.models import Performer
from tips import queue, signals
from tips.models import Mode

log = logging.getLogger(__name__)

View = Callable[..., Response]

MOST_SHOWN = 100
DECIDES = "tips.change_queuerequest"  # Django's permission; staff without it may look
REFUSED = {
    400: refusal("The field and the rule that it breaks are in details; nothing was done"),
    401: refusal("No session and no token, or an unknown one"),
    403: refusal("Neither a performer nor an administrator; or a session's call without its CSRF token"),
    404: refusal("There is no such thing, or it is another performer's"),
    503: refusal("The database did not answer; try again"),
}
WITH_A_BODY = {413: refusal("The body is too long"), 415: refusal("The body is not application/json")}


def refused(status: int, code: str, message: str, details: Any = None) -> Response:
    return Response(error(code, message, details), status=status)


def _answering(view: View) -> View:
    """The refusals of the rules behind these doors, in one place."""

    @wraps(view)
    def answering(request: Request, *args: Any, **named: Any) -> Response:
        try:
            return view(request, *args, **named)
        except Malformed as bad:
            return refused(400, "malformed", f"{bad}.", {"field": bad.field, "rule": bad.rule})
        except controls.InvalidPause:
            return refused(400, "malformed", "until: must be in the future.", {"field": "until", "rule": "must be in the future"})
        except controls.NotFound:
            return refused(404, "not_found", "Not found.")
        except tuple(CLASHES) as clash:
            code, details = CLASHES[type(clash)]
            return refused(409, code, str(clash) or code.replace("_", " "), details(clash))
        except (PyMongoError, DatabaseError) as failure:
            log.warning("queue_door_failed", extra={"error_code": type(failure).__name__})
            return refused(503, "unavailable", "The database did not answer; try again.")

    return answering


# What a control cannot do as things stand: its code, and what the caller has to know.
CLASHES: dict[type[Exception], tuple[str, Callable[[Any], Any]]] = {
    controls.AlreadyOver: ("already_over", lambda clash: {"status": clash.status}),
    controls.PartOfRun: ("part_of_run", lambda clash: {"leader": clash.leader}),
    controls.NothingPlays: ("nothing_plays", lambda clash: None),
    controls.CountChanged: ("count_changed", lambda clash: {"waiting": clash.actual}),
    controls.AlreadyFirst: ("already_first", lambda clash: None),
}


# --- who calls, about whose lane -------------------------------------------------------------------------------------------


def _own_lane(request: Request) -> str | None:
    """The performer's; None for anybody else."""
    return Performer.objects.filter(user_id=request.user.pk).values_list("pk", flat=True).first()


def _lane(request: Request, named: str | None, *, is_change: bool) -> str:
    """Whose lane a call is about. Staff may look at any; of them only administrators change something."""
    own = _own_lane(request)
    if own is not None:
        if named not in (None, own):
            raise Http404
        return own
    _check_staff(request, is_change=is_change)
    if named is None:
        raise Malformed("performerId", "is required of staff")
    if not Performer.objects.filter(pk=named).exists():
        raise Http404
    return named


def _check_staff(request: Request, *, is_change: bool) -> None:
    if not (isinstance(request.user, User) and request.user.is_staff and (not is_change or request.user.has_perm(DECIDES))):
        raise PermissionDenied


def _reach(request: Request, request_id: str, *, is_change: bool) -> Row:
    """A request of the caller's lane; of any lane, for staff."""
    own = _own_lane(request)
    if own is None:
        _check_staff(request, is_change=is_change)
    row = queue.find(request_id)
    if row is None or own not in (None, row["lane"]):
        raise Http404
    return row


def _body(request: Request) -> Fields:
    """The body as one JSON object; none at all is an empty one."""
    length = request.META.get("CONTENT_LENGTH") or "0"
    if not length.isdigit() or int(length) > settings.WEBHOOK_MAX_BODY_BYTES:
        raise TooLarge
    if length == "0":
        return Fields({}, "")
    if (request.content_type or "").partition(";")[0].strip().lower() != "application/json":
        raise UnsupportedMediaType(request.content_type or "")
    return fields.read(bytes(request.body))


class TooLarge(APIException):
    """A body has at most WEBHOOK_MAX_BODY_BYTES."""

    status_code = 413
    default_code = "too_large"
    default_detail = "The body is too long."


# --- submitting ------------------------------------------------------------------------------------------------------------


@extend_schema(
    operation_id="queue_submit",
    summary="Put a test, or something to play, into the queue",
    description="For the performer's own devices. Its turn comes after everything that has settled by now. Nothing is charged "
    "and no tokens move. At most 60 a minute for an account; refused while 10 000 requests wait. Neither limit touches a tip.",
    request=wire.SubmissionIn,
    responses={
        201: OpenApiResponse(wire.SubmittedOut, "It waits for its turn"),
        200: OpenApiResponse(wire.SubmittedOut, "The same was submitted before under this key: that request, as it is now"),
        **REFUSED,
        **WITH_A_BODY,
        422: refusal("The key was used for other content"),
        429: refusal("Too many in this minute: `details.resetAt`, and `Retry-After` in seconds"),
        503: refusal("`QUEUE_FULL`: too much waits in the whole deployment; or the database did not answer"),
    },
    examples=[
        wire.example("A test", wire.TEST),
        wire.example("What the menu answers", wire.MANUAL),
        wire.example("Waiting", wire.WAITING, 201),
        wire.example("Played meanwhile", wire.COMPLETED, 200),
    ],
)
@api_view(["POST"])
@_answering
def submit(request: Request) -> Response:
    """Once per idempotency key."""
    body = _body(request)
    lane = _lane(request, body.optional_hex_id("performerId"), is_change=True)
    submission, now = submissions.parse(body), clock.now()
    name, account = request.user.get_username(), str(request.user.pk)
    key = submission.key or _derived_key(request)
    try:
        made = submissions.submit(submission, lane=lane, account=account, name=name, key=key, now=now)
    except submissions.TooManySubmissions as many:
        answer = refused(
            429, "too_many_requests", f"At most {submissions.LIMIT} a minute.", {"resetAt": clock.iso(many.resets_at)}
        )
        answer["Retry-After"] = str(max(1, math.ceil((many.resets_at - now).total_seconds())))
        return answer
    except submissions.QueueFull:
        return refused(503, "QUEUE_FULL", f"{submissions.DEPTH} requests wait; try again later.", {"limit": submissions.DEPTH})
    except submissions.KeyReused:
        return refused(422, "idempotency_key_reused", "This idempotencyKey was used for other content.")
    if made.is_new:
        _wake(lane)
    return Response(answers.status(made.row, now=clock.now()), status=201 if made.is_new else 200)


def _derived_key(request: Request) -> str:
    """A caller that repeats a call under the X-Request-ID of the first one repeats itself."""
    return f"{request._request.request_id}/{hashlib.sha256(request.body).hexdigest()}"  # type: ignore[attr-defined]


# --- looking ---------------------------------------------------------------------------------------------------------------


@extend_schema(
    operation_id="queue_status",
    summary="Where a request of the queue stands",
    parameters=[wire.REQUEST_PATH],
    responses={200: wire.StatusOut, **{status: REFUSED[status] for status in (401, 403, 404, 503)}},
    examples=[wire.example("Waiting", wire.WAITING, 200)],
)
@api_view(["GET"])
@_answering
def status(request: Request, request_id: str) -> Response:
    """The request, its place in its lane while it waits, and its activation once its turn has come."""
    return Response(answers.status(_reach(request, request_id, is_change=False), now=clock.now()))


class LaneQuery(serializers.Serializer[Any]):
    limit = serializers.IntegerField(min_value=1, max_value=MOST_SHOWN, default=50, help_text="How many of those that wait")


@extend_schema(
    operation_id="queue_lane",
    summary="A lane: what plays, what waits, and whether it is paused",
    parameters=[
        LaneQuery,
        OpenApiParameter("performerId", str, description="Whose; staff has to say it, a performer has her own"),
    ],
    responses={200: wire.LaneOut, **REFUSED},
    examples=[wire.example("One plays and one waits", wire.LANE, 200)],
)
@api_view(["GET"])
@_answering
def lane(request: Request) -> Response:
    """The performer's own lane, in the order of the turns."""
    query = LaneQuery(data=request.query_params)
    query.is_valid(raise_exception=True)
    whose = _lane(request, request.query_params.get("performerId"), is_change=False)
    now = clock.now()
    return Response(answers.lane(lanes.read(whose, limit=query.validated_data["limit"], now=now), now))


# --- controls --------------------------------------------------------------------------------------------------------------


@extend_schema(
    operation_id="queue_cancel",
    summary="Take one request out, wherever it is on its way",
    description="What has not been sent is cancelled here and now. What was sent to the page is told to stop there, and is over "
    "when the page confirms it, at the latest when its lease ends. A tip stays settled: no tokens move back. The reason may be "
    "given as `?why=`.",
    parameters=[wire.REQUEST_PATH, OpenApiParameter("why", str, description="For the audit trail, at most 200 characters")],
    responses={
        200: OpenApiResponse(wire.StatusOut, "Cancelled: it will not play"),
        202: OpenApiResponse(wire.StatusOut, "Its page has been told to end it; ask `status`"),
        **REFUSED,
        409: refusal("`already_over`: details.status says how it ended. `part_of_run`: a batch plays as one run; skip ends it"),
    },
    examples=[wire.example("Cancelled", wire.CANCELLED, 200), wire.example("Playing, and told to stop", wire.CANCELLING, 202)],
)
@api_view(["DELETE"])
@_answering
def cancel(request: Request, request_id: str) -> Response:
    """Again, it answers the same and changes nothing."""
    reached = _reach(request, request_id, is_change=True)
    why = Fields(request.query_params.dict(), "").text_or("why", "", maximum=LONGEST_WHY)
    with _trail(request):
        ended = controls.cancel(request_id=request_id, performer_id=reached["lane"], by=_by(request), why=why, now=clock.now())
    return _ended(ended)


def _ended(ended: controls.Ended) -> Response:
    _wake(ended.performer_id)
    row = queue.find(ended.request_id)
    if row is None:  # the queue is being rebuilt at this moment
        raise Http404
    return Response(answers.status(row, now=clock.now()), status=202 if ended.status == "cancelling" else 200)


CONTROLS = {**REFUSED, **WITH_A_BODY}


@extend_schema(
    operation_id="queue_pause",
    summary="Pause a lane",
    description="Nothing more starts, until then or until it is resumed; what plays, plays to its end, and tips go on waiting.",
    request=wire.PauseIn,
    responses={200: wire.LaneOut, **CONTROLS},
    examples=[wire.example("For a while", wire.PAUSE), wire.example("Paused", wire.PAUSED, 200)],
)
@api_view(["POST"])
@_answering
def pause(request: Request) -> Response:
    """Pausing again changes until when and why."""
    body = _body(request)
    body.only("until", "why", "performerId")
    until = body.moment("until") if body.has("until") else None
    whose, by, now = _named_lane(request, body), _by(request), clock.now()
    with _trail(request):
        controls.pause(performer_id=whose, by=by, why=_why(body), until=until, now=now)
    return _lane_again(whose)


@extend_schema(
    operation_id="queue_resume",
    summary="Resume a lane",
    request=wire.LaneIn,
    responses={200: wire.LaneOut, **CONTROLS},
    examples=[wire.example("Her own", {}), wire.example("Going on", wire.LANE, 200)],
)
@api_view(["POST"])
@_answering
def resume(request: Request) -> Response:
    """Goes on where it stood. Resuming what is not paused changes nothing."""
    body = _body(request)
    body.only("performerId")
    whose = _named_lane(request, body)
    with _trail(request):
        controls.resume(performer_id=whose, by=_by(request), now=clock.now())
    return _lane_again(whose)


@extend_schema(
    operation_id="queue_skip",
    summary="End what plays, and go on with the next",
    request=wire.SkipIn,
    responses={
        200: OpenApiResponse(wire.StatusOut, "It had not been sent yet, and will not be"),
        202: OpenApiResponse(wire.StatusOut, "Its page has been told to end it; the next starts when it is over"),
        **CONTROLS,
        409: refusal("`nothing_plays`: there is nothing to skip, or no longer this one"),
    },
    examples=[
        wire.example("Whatever plays", {"why": "too strong"}),
        wire.example("Not yet sent", wire.CANCELLED, 200),
        wire.example("Told to stop", wire.CANCELLING, 202),
    ],
)
@api_view(["POST"])
@_answering
def skip(request: Request) -> Response:
    """With a requestId it ends this one only, so a second press does not end the next one."""
    body = _body(request)
    body.only("why", "requestId", "performerId")
    only, whose = body.optional_text("requestId", maximum=36), _named_lane(request, body)
    with _trail(request):
        ended = controls.skip(performer_id=whose, by=_by(request), why=_why(body), now=clock.now(), request_id=only)
    return _ended(ended)


@extend_schema(
    operation_id="queue_clear",
    summary="Take out everything that waits",
    description="Says how many first: `expected` is the number that waits, as the lane gives it, and nothing is done when it is "
    "another one by now. What plays goes on. Tips stay settled.",
    request=wire.ClearIn,
    responses={
        200: OpenApiResponse(wire.Cleared, "So many were taken out"),
        **CONTROLS,
        409: refusal("`count_changed`: details.waiting is how many wait now; nothing was done"),
    },
    examples=[wire.example("Three", {"expected": 3, "why": "end of the show"}), wire.example("Done", {"cleared": 3}, 200)],
)
@api_view(["POST"])
@_answering
def clear(request: Request) -> Response:
    """All that waits in the lane, each with its record."""
    body = _body(request)
    body.only("expected", "why", "performerId")
    expected, whose = body.integer("expected", minimum=0, maximum=10**9), _named_lane(request, body)
    with _trail(request):
        cleared = controls.clear(performer_id=whose, expected=expected, by=_by(request), why=_why(body), now=clock.now())
    return Response({"cleared": cleared})


@extend_schema(
    operation_id="queue_mode",
    summary="Choose in what order a lane is worked off",
    description="It holds from the next request on; nothing that waits is lost, doubled or moved.",
    request=wire.ModeIn,
    responses={200: wire.LaneOut, **CONTROLS},
    examples=[wire.example("By priority", {"mode": "priority"}), wire.example("The lane", wire.LANE | wire.BY_PRIORITY, 200)],
)
@api_view(["POST"])
@_answering
def mode(request: Request) -> Response:
    """fifo, priority or batch; null is the platform's."""
    body = _body(request)
    body.only("mode", "performerId")
    chosen = None if body.is_null("mode") else body.choice("mode", tuple(Mode.values), "")
    whose = _named_lane(request, body)
    with _trail(request):
        controls.set_mode(performer_id=whose, mode=chosen, by=_by(request), now=clock.now())
    return _lane_again(whose)


@extend_schema(
    operation_id="queue_move_up",
    summary="Let a waiting request change places with the one before it",
    parameters=[wire.REQUEST_PATH],
    request=None,
    responses={
        200: wire.StatusOut,
        **REFUSED,
        409: refusal(
            "`already_first`: nothing is before it that it could change places with. `already_over`: it waits no longer"
        ),
    },
    examples=[wire.example("Next", wire.WAITING, 200)],
)
@api_view(["POST"])
@_answering
def move_up(request: Request, request_id: str) -> Response:
    """One place."""
    whose = _reach(request, request_id, is_change=True)["lane"]
    with _trail(request):
        controls.move_up(request_id=request_id, performer_id=whose, by=_by(request), now=clock.now())
    return Response(answers.status(_reach(request, request_id, is_change=True), now=clock.now()))


def _named_lane(request: Request, body: Fields) -> str:
    return _lane(request, body.optional_hex_id("performerId"), is_change=True)


def _why(body: Fields) -> str:
    return body.text_or("why", "", maximum=LONGEST_WHY)


def _by(request: Request) -> str:
    return request.user.get_username()


def _trail(request: Request) -> AbstractContextManager[None]:
    return trail.coming_from(request.META.get("REMOTE_ADDR", ""))


def _wake(whose: str) -> None:
    """Something of this lane may start now."""
    signals.requests_queued.send(None, performer_ids={whose})


def _lane_again(whose: str) -> Response:
    _wake(whose)
    now = clock.now()
    return Response(answers.lane(lanes.read(whose, limit=MOST_SHOWN, now=now), now))
