"""REST doors for what people submit to a queue, and for where a request stands."""

from drf_spectacular.utils import OpenApiResponse, extend_schema
from rest_framework.decorators import api_view
from rest_framework.request import Request
from rest_framework.response import Response

from ground import clock
from ground.json.shapes import refusal
from lovense.api import answers, schema
from lovense.api.calls import (
    OF_ONE,
    REFUSED,
    WITH_A_BODY,
    answering_outages,
    body_of,
    derived_key,
    lane_of,
    reach,
    wake,
)
from lovense.lane import submissions


@extend_schema(
    operation_id="queue_submit",
    summary="Put a test, or something to play, into the queue",
    description="For the performer's own devices. Its turn comes after everything that has "
    "settled by now. Nothing is charged "
    "and no tokens move. At most 60 a minute for an account; refused while 10 000 requests wait. "
    "Neither limit touches a tip.",
    request=schema.SubmissionIn,
    responses={
        201: OpenApiResponse(schema.SubmittedOut, "It waits for its turn"),
        200: OpenApiResponse(
            schema.SubmittedOut,
            "The same was submitted before under this key: that request, as it is now",
        ),
        **REFUSED,
        **WITH_A_BODY,
        409: refusal("`stopped`: she has pressed stop, and no test starts before she resumes"),
        422: refusal("The key was used for other content"),
        429: refusal("Too many in this minute: `details.resetAt`, and `Retry-After` in seconds"),
        503: refusal(
            "`QUEUE_FULL`: too much waits in the whole deployment; or the database did not answer"
        ),
    },
    examples=[
        schema.example("A test", schema.TEST),
        schema.example("What the menu answers", schema.MANUAL),
        schema.example("Waiting", schema.WAITING, 201),
        schema.example("Played meanwhile", schema.COMPLETED, 200),
    ],
)
@api_view(["POST"])
@answering_outages
def submit(request: Request) -> Response:
    """Once per idempotency key."""
    body = body_of(request)
    lane = lane_of(request, body.optional_hex_id("performerId"), is_change=True)
    submission, now = submissions.parse(body), clock.now()
    name, account = request.user.get_username(), str(request.user.pk)
    key = submission.key or derived_key(request)
    made = submissions.submit(submission, lane=lane, account=account, name=name, key=key, now=now)
    if made.is_new:
        wake(lane)
    return Response(answers.status(made.row, now=clock.now()), status=201 if made.is_new else 200)


@extend_schema(
    operation_id="queue_status",
    summary="Where a request of the queue stands",
    parameters=[schema.REQUEST_PATH],
    responses={
        200: schema.StatusOut,
        **OF_ONE,
    },
    examples=[schema.example("Waiting", schema.WAITING, 200)],
)
@api_view(["GET"])
@answering_outages
def status(request: Request, request_id: str) -> Response:
    """The request, its place in its lane while it waits, and its activation once its turn has
    come."""
    return Response(answers.status(reach(request, request_id, is_change=False), now=clock.now()))
