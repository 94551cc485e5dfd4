"""REST doors of her show: whether she is on air, ending it, going on air, and the shows before it.

Hers alone, by her session or her token."""

from datetime import datetime

from drf_spectacular.utils import OpenApiParameter, OpenApiResponse, extend_schema
from rest_framework import serializers
from rest_framework.decorators import api_view
from rest_framework.request import Request
from rest_framework.response import Response

from ground import clock
from ground.json.fields import Fields, Malformed
from ground.json.shapes import Shape
from lovense.api.calls import (
    OF_ASKING,
    OF_READING,
    answering_outages,
    caller,
    coming_from,
    performer_of,
)
from lovense.api.schema import AT, example
from lovense.deciding.shortfall import TENTHS
from lovense.rows import Json, ShowRow, ShowSums
from lovense.shows import ending, onair


class OnAirOut(Shape):
    since = serializers.DateTimeField()
    isHeld = serializers.BooleanField(help_text="A page or this server holds her devices now")
    endsAt = serializers.DateTimeField(
        allow_null=True, help_text="It is over then, unless her devices are taken again"
    )


class BestItemOut(Shape):
    title = serializers.CharField()
    times = serializers.IntegerField()
    tokens = serializers.IntegerField()


class ShowSumsOut(Shape):
    tips = serializers.IntegerField()
    tokens = serializers.IntegerField()
    played = serializers.IntegerField(help_text="Tips of which something has played")
    promisedSeconds = serializers.FloatField()
    deliveredSeconds = serializers.FloatField()
    owedSeconds = serializers.FloatField(help_text="What is open of it by now")
    bestItem = BestItemOut(allow_null=True, help_text="The one with the most tokens")
    longestWaitSeconds = serializers.IntegerField(allow_null=True)
    isWhole = serializers.BooleanField(help_text="false: there were more than are read")


class ShowOut(Shape):
    beganAt = serializers.DateTimeField()
    endedAt = serializers.DateTimeField()
    endedBy = serializers.CharField(allow_blank=True, help_text="Empty: it ended by itself")
    sums = ShowSumsOut(allow_null=True, help_text="null: they are worked out within seconds")


class ShowsOut(Shape):
    onAir = OnAirOut(allow_null=True, help_text="null: she is off air")
    shows = ShowOut(many=True, help_text="Those that are over, the newest first")


class ShowEndedOut(Shape):
    show = ShowOut(allow_null=True, help_text="The last one; null: she has never been on air")


class ShowBegunOut(Shape):
    onAir = OnAirOut(allow_null=True, help_text="null until her devices are taken")


_SUMS: ShowSums = {
    "tips": 14,
    "tokens": 1250,
    "played": 13,
    "promised": 1800,
    "delivered": 1755,
    "owed": 45,
    "best": {"title": "Fireworks", "times": 6, "tokens": 600},
    "longest_wait": 42,
    "is_whole": True,
}
_ENDED = {"beganAt": AT, "endedAt": AT, "endedBy": "ana"}
_ON_AIR = {"since": AT, "isHeld": True, "endsAt": None}


def _summed(sums: ShowSums) -> Json:
    return {
        "tips": sums["tips"],
        "tokens": sums["tokens"],
        "played": sums["played"],
        "promisedSeconds": sums["promised"] / TENTHS,
        "deliveredSeconds": sums["delivered"] / TENTHS,
        "owedSeconds": sums["owed"] / TENTHS,
        "bestItem": sums["best"],
        "longestWaitSeconds": sums["longest_wait"],
        "isWhole": sums["is_whole"],
    }


def _shown(row: ShowRow) -> Json:
    ended_at, sums = row["ended_at"], row["sums"]
    assert ended_at is not None
    span = {"beganAt": clock.iso(row["began_at"]), "endedAt": clock.iso(ended_at)}
    return {**span, "endedBy": row["ended_by"], "sums": _summed(sums) if sums else None}


def _on_air(performer_id: str) -> Json | None:
    found = onair.current(performer_id, now=clock.now())
    if found is None:
        return None
    ends_at = found["ends_at"]
    ends = clock.iso(ends_at) if ends_at else None
    return {"since": clock.iso(found["since"]), "isHeld": found["is_held"], "endsAt": ends}


@extend_schema(
    operation_id="shows",
    summary="Whether she is on air, and her shows that are over",
    parameters=[
        OpenApiParameter("before", str, description="Only those that began before this moment")
    ],
    responses={200: ShowsOut, **OF_ASKING},
    examples=[
        example(
            "On air",
            {"onAir": _ON_AIR, "shows": [_ENDED | {"sums": _summed(_SUMS)}]},
            200,
        )
    ],
)
@api_view(["GET"])
@answering_outages
def shows(request: Request) -> Response:
    """At most 50 of them."""
    whose, query = performer_of(request), Fields(request.query_params.dict(), "")
    before = _moment(query.text("before", maximum=40)) if query.has("before") else None
    found = onair.ended(whose, limit=onair.LISTED, before=before)
    return Response({"onAir": _on_air(whose), "shows": [_shown(row) for row in found]})


def _moment(text: str) -> datetime:
    try:
        return clock.parse(text)
    except ValueError:
        raise Malformed("before", "must be a moment, as `beganAt` gives it") from None


@extend_schema(
    operation_id="show_end",
    summary="End the show",
    description="Whoever holds her devices stops them and lets them go, at the latest when the "
    "lease is over; nobody takes them until she goes on air again, or names a page that does. "
    "What plays ends, and the rest of it is owed. Again, it changes nothing.",
    request=None,
    responses={200: OpenApiResponse(ShowEndedOut, "The last show"), **OF_READING},
    examples=[example("It is over", {"show": _ENDED | {"sums": _summed(_SUMS)}}, 200)],
)
@api_view(["POST"])
@answering_outages
def end(request: Request) -> Response:
    """With the summary of what it was."""
    whose = performer_of(request)
    with coming_from(request):
        ended = ending.end(performer_id=whose, by=caller(request), now=clock.now())
    return Response({"show": _shown(ended.show) if ended.show else None})


@extend_schema(
    operation_id="show_begin",
    summary="Go on air",
    description="After the end of a show: whoever may hold her devices takes them within a second. "
    "Elsewhere it changes nothing.",
    request=None,
    responses={200: ShowBegunOut, **OF_READING},
    examples=[example("Within a second", {"onAir": None}, 200)],
)
@api_view(["POST"])
@answering_outages
def begin(request: Request) -> Response:
    """The page that waits for longest, or this server."""
    whose = performer_of(request)
    with coming_from(request):
        ending.begin(performer_id=whose, by=caller(request), now=clock.now())
    return Response({"onAir": _on_air(whose)})
