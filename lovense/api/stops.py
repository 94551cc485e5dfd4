"""REST doors of her stop: pressing it, lifting it, and what was pressed before.

Hers alone: by her session or her token. No press is confirmed, refused for its number or for its
body, or held up by a drain."""

from typing import Any

from drf_spectacular.utils import OpenApiParameter, OpenApiResponse, extend_schema
from rest_framework import serializers
from rest_framework.decorators import api_view
from rest_framework.exceptions import PermissionDenied, UnsupportedMediaType
from rest_framework.request import Request
from rest_framework.response import Response

from ground import clock
from ground.audit.log import LONGEST_WHY
from ground.json.errors import Refusal
from ground.json.fields import Fields, Malformed
from ground.json.shapes import Shape
from lovense.api.calls import (
    OF_ASKING,
    OF_READING,
    answering_outages,
    body_of,
    caller,
    coming_from,
    own_lane,
    wake,
)
from lovense.api.schema import AT, example
from lovense.models import Performer
from lovense.rows import Json, StopPressRow
from lovense.stopping import paths, presses, stop
from tips.schema import PERFORMER_ID

DOOR = "api"


class StopIn(Shape):
    why = serializers.CharField(
        required=False, max_length=LONGEST_WHY, help_text="For the audit log"
    )


class StopOut(Shape):
    stopEpoch = serializers.IntegerField(help_text="Nothing decided under a lower one runs")
    stoppedAt = serializers.DateTimeField()


class PressedOut(StopOut):
    byHand = serializers.CharField(
        required=False, help_text="What cannot be stopped from here, and how she stops it herself"
    )


class ResumeOut(Shape):
    stopEpoch = serializers.IntegerField()


class StopAnswerOut(Shape):
    page = serializers.CharField(help_text="As the page names itself")
    toyId = serializers.CharField(allow_blank=True, help_text="Empty: that page holds no toys")
    ms = serializers.FloatField(allow_null=True, help_text="From hearing of it to stillness")
    answer = serializers.CharField(allow_blank=True)
    at = serializers.DateTimeField()


class StopPressOut(StopOut):
    by = serializers.CharField()
    why = serializers.CharField(allow_blank=True)
    through = serializers.CharField(help_text="`api`, `page`, `socket` or `command`")
    answers = StopAnswerOut(many=True, help_text="What her pages said, as they said it")


class StopsOut(Shape):
    stops = StopPressOut(many=True, help_text="The newest first")
    next = serializers.IntegerField(allow_null=True, help_text="`before` of those that follow")


STOPPED = {"stopEpoch": 4, "stoppedAt": AT}
ANSWER = {
    "page": "5f0c9d1e2ab34c56",
    "toyId": f"virtual-{PERFORMER_ID[-6:]}",
    "ms": 84.0,
    "answer": "still",
    "at": AT,
}
PRESSED = STOPPED | {"by": "ana", "why": "too strong", "through": DOOR, "answers": [ANSWER]}


def _hers(request: Request) -> str:
    own = own_lane(request)
    if own is None:
        raise PermissionDenied
    return own


@extend_schema(
    operation_id="stop",
    summary="Stop everything, at once",
    description="All her pages are told before anything is written. Then nothing starts until she "
    "resumes: neither tips, which wait, nor tests. Pressing again does all of it again. Whatever "
    "else is wrong with the body, it is a press. Answered 503, it is not recorded yet: repeat it.",
    request=StopIn,
    responses={
        200: OpenApiResponse(PressedOut, "It is recorded"),
        **OF_READING,
    },
    examples=[
        example("With a reason", {"why": "too strong"}),
        example("Stopped", STOPPED, 200),
    ],
)
@api_view(["POST"])
@answering_outages
def press(request: Request) -> Response:
    """No body is needed."""
    whose, by_hand = _hers_and_by_hand(request)
    told = {"by": caller(request), "why": _why(request), "through": DOOR}
    with coming_from(request):
        state = stop.press(performer_id=whose, now=clock.now(), **told)
    answer = {"stopEpoch": state.epoch, "stoppedAt": _at(state.stopped_at)}
    return Response(answer | ({"byHand": by_hand} if by_hand else {}))


def _hers_and_by_hand(request: Request) -> tuple[str, str]:
    """Whose press it is, and what she has to stop herself; in one look, before the press."""
    found = Performer.objects.filter(user_id=request.user.pk).values_list("pk", "bridge").first()
    if found is None:
        raise PermissionDenied
    return found[0], paths.by_hand(found[1])


def _why(request: Request) -> str:
    """As far as it can be read."""
    try:
        return body_of(request).shown("why", maximum=LONGEST_WHY)
    except (Refusal, UnsupportedMediaType):
        return ""


@extend_schema(
    operation_id="stop_resume",
    summary="Resume after a stop",
    description="Lifts the stop, and a pause with it: what waited plays on. What was under way "
    "when she pressed is never played again.",
    request=None,
    responses={200: ResumeOut, **OF_READING},
    examples=[example("Going on", {"stopEpoch": 4}, 200)],
)
@api_view(["POST"])
@answering_outages
def resume(request: Request) -> Response:
    """Resuming what is neither stopped nor paused changes nothing."""
    whose = _hers(request)
    with coming_from(request):
        state = stop.resume(performer_id=whose, by=caller(request), now=clock.now())
    wake(whose)
    return Response({"stopEpoch": state.epoch})


@extend_schema(
    operation_id="stops",
    summary="Presses of the stop, and what her pages said after each",
    parameters=[
        OpenApiParameter("before", int, description="Only presses of lower epochs; see `next`")
    ],
    responses={200: StopsOut, **OF_ASKING},
    examples=[example("One press", {"stops": [PRESSED], "next": None}, 200)],
)
@api_view(["GET"])
@answering_outages
def stops(request: Request) -> Response:
    """At most 50 of them, the newest first."""
    whose, query = _hers(request), Fields(request.query_params.dict(), "")
    before = _epoch(query.text("before", maximum=15)) if query.has("before") else None
    found = presses.newest(whose, before=before, limit=presses.SHOWN + 1)
    shown = found[: presses.SHOWN]
    follows = shown[-1]["epoch"] if len(found) > len(shown) else None
    return Response({"stops": [_shown(row) for row in shown], "next": follows})


def _epoch(text: str) -> int:
    if not (text.isascii() and text.isdigit()):
        raise Malformed("before", "must be an epoch, as `next` gives it")
    return int(text)


def _shown(row: StopPressRow) -> Json:
    answers = [{**answer, "at": _at(answer["at"])} for answer in row["answers"]]
    pressed: Json = {"stopEpoch": row["epoch"], "stoppedAt": _at(row["at"])}
    told = {name: row[name] for name in ("by", "why", "through")}
    return {**pressed, **told, "answers": answers}


def _at(moment: Any) -> str:
    return clock.iso(moment)
