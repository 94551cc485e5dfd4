"""REST doors of the controls: pause, resume, skip, clear, mode, cancel, and those of the order:
move up, place, play next."""

from django.http import Http404
from drf_spectacular.utils import OpenApiParameter, OpenApiResponse, extend_schema
from rest_framework.decorators import api_view
from rest_framework.request import Request
from rest_framework.response import Response

from ground import clock
from ground.audit.log import LONGEST_WHY
from ground.json.fields import Fields, Malformed
from ground.json.shapes import refusal
from lovense.api import answers, schema
from lovense.api.calls import (
    REFUSED,
    WITH_A_BODY,
    answering_outages,
    body_of,
    caller,
    coming_from,
    lane_again,
    named_lane,
    reach,
    wake,
    why_of,
)
from lovense.lane import controls, placing
from tips.models import Mode
from tips.queue import requests as queue
from tips.rows import Statement


@extend_schema(
    operation_id="queue_cancel",
    summary="Take one request out, wherever it is on its way",
    description="What has not been handed over is cancelled here and now. What a page was handed "
    "is told to stop there, and is over when the page confirms it, at the latest when its lease "
    "ends. A tip stays settled: no tokens move back. The reason may be given as `?why=`.",
    parameters=[
        schema.REQUEST_PATH,
        OpenApiParameter("why", str, description="For the audit log, at most 200 characters"),
    ],
    responses={
        200: OpenApiResponse(schema.StatusOut, "Cancelled: it will not play"),
        202: OpenApiResponse(schema.StatusOut, "Its page has been told to end it; ask `status`"),
        **REFUSED,
        409: refusal(
            "`already_over`: details.status says how it ended. `part_of_run`: a batch plays as "
            "one run; skip ends it"
        ),
    },
    examples=[
        schema.example("Cancelled", schema.CANCELLED, 200),
        schema.example("Playing, and told to stop", schema.CANCELLING, 202),
    ],
)
@api_view(["DELETE"])
@answering_outages
def cancel(request: Request, request_id: str) -> Response:
    """Again, it answers the same and changes nothing."""
    reached = reach(request, request_id, is_change=True)
    why = Fields(request.query_params.dict(), "").text_or("why", "", maximum=LONGEST_WHY)
    with coming_from(request):
        ended = controls.cancel(
            request_id=request_id,
            performer_id=reached["lane"],
            by=caller(request),
            why=why,
            now=clock.now(),
        )
    return _ended(ended)


def _ended(ended: controls.Ended) -> Response:
    wake(ended.performer_id)
    row = queue.find(ended.request_id)
    if row is None:  # the queue is being rebuilt at this moment
        raise Http404
    return Response(
        answers.status(row, now=clock.now()), status=202 if ended.status == "cancelling" else 200
    )


CONTROLS = {**REFUSED, **WITH_A_BODY}
LONGEST_ID = 36


@extend_schema(
    operation_id="queue_pause",
    summary="Pause a lane",
    description="Nothing more starts, until then or until it is resumed; what plays, plays to its "
    "end, or, `now`, is skipped, and its rest is owed. Tips go on waiting.",
    request=schema.PauseIn,
    responses={200: schema.LaneOut, **CONTROLS},
    examples=[
        schema.example("For a while", schema.PAUSE),
        schema.example("Paused", schema.PAUSED, 200),
    ],
)
@api_view(["POST"])
@answering_outages
def pause(request: Request) -> Response:
    """Pausing again changes until when and why."""
    body = body_of(request)
    body.only("until", "when", "why", "performerId")
    when = body.choice("when", ("after", "now"), "after")
    until = body.moment("until", ahead=controls.LONGEST_PAUSE) if body.has("until") else None
    whose, by, now = named_lane(request, body, is_calming=True), caller(request), clock.now()
    with coming_from(request):
        held: Statement = {"performer_id": whose, "by": by, "why": why_of(body), "now": now}
        controls.pause(**held, until=until, ends_playing=when == "now")
    return lane_again(whose)


@extend_schema(
    operation_id="queue_resume",
    summary="Resume a lane",
    request=schema.LaneIn,
    responses={200: schema.LaneOut, **CONTROLS},
    examples=[schema.example("Her own", {}), schema.example("Going on", schema.LANE, 200)],
)
@api_view(["POST"])
@answering_outages
def resume(request: Request) -> Response:
    """Goes on where it stood. Resuming what is not paused changes nothing."""
    body = body_of(request)
    body.only("performerId")
    whose = named_lane(request, body)
    with coming_from(request):
        controls.resume(performer_id=whose, by=caller(request), now=clock.now())
    return lane_again(whose)


@extend_schema(
    operation_id="queue_play_one",
    summary="Let one request start while the lane is paused",
    request=schema.PlayOneIn,
    responses={
        200: schema.PlayingOne,
        **CONTROLS,
        409: refusal(
            "`not_paused`: it is not. `stopped`: she has pressed stop. `nothing_waits`: there is "
            "none. `order_changed`: another one is the next; details.order is the present order"
        ),
    },
    examples=[
        schema.example("The next", {}),
        schema.example("It starts", {"requestId": schema.REQUEST_ID}, 200),
    ],
)
@api_view(["POST"])
@answering_outages
def play_one(request: Request) -> Response:
    """Then the pause holds on. While that one waits or plays, saying it again changes nothing."""
    body = body_of(request)
    body.only("requestId", "performerId")
    only, whose = body.optional_text("requestId", maximum=LONGEST_ID), named_lane(request, body)
    with coming_from(request):
        started = controls.play_one(
            performer_id=whose, by=caller(request), now=clock.now(), request_id=only
        )
    wake(whose)
    return Response({"requestId": started})


@extend_schema(
    operation_id="queue_skip",
    summary="End what plays, and go on with the next",
    request=schema.SkipIn,
    responses={
        200: OpenApiResponse(schema.StatusOut, "It had not been sent yet, and will not be"),
        202: OpenApiResponse(
            schema.StatusOut, "Its page has been told to end it; the next starts when it is over"
        ),
        **CONTROLS,
        409: refusal("`nothing_plays`: there is nothing to skip, or no longer this one"),
    },
    examples=[
        schema.example("Whatever plays", {"why": "too strong"}),
        schema.example("Not yet sent", schema.CANCELLED, 200),
        schema.example("Told to stop", schema.CANCELLING, 202),
    ],
)
@api_view(["POST"])
@answering_outages
def skip(request: Request) -> Response:
    """With a requestId it ends this one only, so a second press does not end the next one."""
    body = body_of(request)
    body.only("why", "requestId", "performerId")
    only, whose = body.optional_text("requestId", maximum=36), named_lane(request, body)
    with coming_from(request):
        ended = controls.skip(
            performer_id=whose,
            by=caller(request),
            why=why_of(body),
            now=clock.now(),
            request_id=only,
        )
    return _ended(ended)


@extend_schema(
    operation_id="queue_clear",
    summary="Take out everything that waits",
    description="Says how many first: `expected` is the number that waits, as the lane gives it, "
    "and nothing is done when it is "
    "another one by now. What plays goes on. Tips stay settled.",
    request=schema.ClearIn,
    responses={
        200: OpenApiResponse(schema.Cleared, "So many were taken out"),
        **CONTROLS,
        409: refusal("`count_changed`: details.waiting is how many wait now; nothing was done"),
    },
    examples=[
        schema.example("Three", {"expected": 3, "why": "end of the show"}),
        schema.example("Done", {"cleared": 3}, 200),
    ],
)
@api_view(["POST"])
@answering_outages
def clear(request: Request) -> Response:
    """All that waits in the lane, each with its record."""
    body = body_of(request)
    body.only("expected", "why", "performerId")
    expected, whose = body.integer("expected", minimum=0, maximum=10**9), named_lane(request, body)
    with coming_from(request):
        cleared = controls.clear(
            performer_id=whose,
            expected=expected,
            by=caller(request),
            why=why_of(body),
            now=clock.now(),
        )
    return Response({"cleared": cleared})


@extend_schema(
    operation_id="queue_mode",
    summary="Choose in what order a lane is worked off",
    description="It holds from the next request on; nothing that waits is lost, doubled or moved.",
    request=schema.ModeIn,
    responses={200: schema.LaneOut, **CONTROLS},
    examples=[
        schema.example("By priority", {"mode": "priority"}),
        schema.example("The lane", schema.LANE | schema.BY_PRIORITY, 200),
    ],
)
@api_view(["POST"])
@answering_outages
def mode(request: Request) -> Response:
    """fifo, priority or batch; null is the platform's."""
    body = body_of(request)
    body.only("mode", "performerId")
    chosen = None if body.is_null("mode") else body.choice("mode", tuple(Mode.values), "")
    whose = named_lane(request, body)
    with coming_from(request):
        controls.set_mode(performer_id=whose, mode=chosen, by=caller(request), now=clock.now())
    return lane_again(whose)


@extend_schema(
    operation_id="queue_move_up",
    summary="Let a waiting request change places with the one before it",
    parameters=[schema.REQUEST_PATH],
    request=None,
    responses={
        200: schema.StatusOut,
        **REFUSED,
        409: refusal(
            "`already_first`: nothing is before it that it could change places with. "
            "`already_over`: it waits no longer"
        ),
    },
    examples=[schema.example("Next", schema.WAITING, 200)],
)
@api_view(["POST"])
@answering_outages
def move_up(request: Request, request_id: str) -> Response:
    """One place."""
    whose = reach(request, request_id, is_change=True)["lane"]
    with coming_from(request):
        controls.move_up(
            request_id=request_id, performer_id=whose, by=caller(request), now=clock.now()
        )
    return Response(answers.status(reach(request, request_id, is_change=True), now=clock.now()))


@extend_schema(
    operation_id="queue_place",
    summary="Move a waiting request to another place",
    parameters=[schema.REQUEST_PATH],
    request=schema.PlaceIn,
    responses={
        200: schema.StatusOut,
        **CONTROLS,
        409: refusal(
            "`order_changed`: details.order is the present one. `already_tried`: what was tried "
            "before is neither moved nor overtaken. `already_over`: it waits no longer"
        ),
    },
    examples=[
        schema.example("Before that one", schema.PLACE),
        schema.example("Next", schema.WAITING, 200),
    ],
)
@api_view(["POST"])
@answering_outages
def place(request: Request, request_id: str) -> Response:
    """`before` null or left out: behind all of `order`. Again, it changes nothing."""
    whose, body = reach(request, request_id, is_change=True)["lane"], body_of(request)
    body.only("before", "order")
    order = _order(body)
    before = body.optional_text("before", maximum=LONGEST_ID) or ""
    with coming_from(request):
        placing.place(
            request_id=request_id,
            before=before,
            order=order,
            performer_id=whose,
            by=caller(request),
            now=clock.now(),
        )
    return Response(answers.status(reach(request, request_id, is_change=True), now=clock.now()))


def _order(body: Fields) -> list[str]:
    given = body.raw("order")
    if not isinstance(given, list) or not all(isinstance(each, str) for each in given):
        raise Malformed("order", "must be a list of request ids")
    return given


@extend_schema(
    operation_id="queue_play_next",
    summary="Let a waiting request play next",
    parameters=[schema.REQUEST_PATH],
    request=None,
    responses={
        200: schema.StatusOut,
        **REFUSED,
        409: refusal(
            "`already_tried`: it was tried before, and goes first by itself. `out_of_sight`: it is "
            "not among the first 200. `already_over`: it waits no longer"
        ),
    },
    examples=[schema.example("Next", schema.WAITING, 200)],
)
@api_view(["POST"])
@answering_outages
def play_next(request: Request, request_id: str) -> Response:
    """Before all that was not tried before."""
    whose = reach(request, request_id, is_change=True)["lane"]
    with coming_from(request):
        placing.play_next(
            request_id=request_id, performer_id=whose, by=caller(request), now=clock.now()
        )
    return Response(answers.status(reach(request, request_id, is_change=True), now=clock.now()))
