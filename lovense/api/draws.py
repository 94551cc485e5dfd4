"""The REST door to the draws of a published version: `GET /api/public/draws/<menu>`. Anybody may
ask; it makes one call into a rule and translates.

Nothing stands there of who tipped, how much or when: of a tip its id alone, which its viewer knows
and without which no draw can be checked."""

from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import serializers
from rest_framework.decorators import api_view, authentication_classes, permission_classes
from rest_framework.request import Request
from rest_framework.response import Response

from ground import clock
from ground.json.shapes import Shape, refusal
from lovense.api.calls import REFUSED, answering_outages
from lovense.api.menutermschema import RandomShape
from lovense.api.schema import AT, example
from lovense.deciding import revealing
from lovense.deciding.revealing import WAITS_FOR, CheckedDraw, DrawnVersion
from lovense.page import drawspage
from lovense.page.drawspage import after_in, let_in, next_of
from lovense.rows import Json

# --- the JSON at the wire ------------------------------------------------------------------------


class DrawnShape(Shape):
    intensity = serializers.IntegerField(required=False)
    durationSec = serializers.IntegerField(required=False)
    pattern = serializers.CharField(required=False)


class DrawOut(Shape):
    tip = serializers.CharField(help_text="Its id, as the platform calls it")
    item = serializers.CharField(help_text="The `itemId`")
    title = serializers.CharField()
    random = RandomShape(allow_null=True, help_text="null: the version draws nothing for it")
    got = DrawnShape(help_text="What the tip got")
    expected = DrawnShape(help_text="What the secret says that it had to get")
    isRight = serializers.BooleanField()


class DrawsOut(Shape):
    menu = serializers.CharField(help_text="The key of the version, as each draw names it")
    commitment = serializers.CharField(help_text="SHA-256 of the secret")
    publishedAt = serializers.DateTimeField()
    retiredAt = serializers.DateTimeField(allow_null=True)
    revealedAt = serializers.DateTimeField(allow_null=True, help_text="null: not yet revealed")
    waitsFor = serializers.ChoiceField(
        tuple(WAITS_FOR), allow_null=True, help_text="null: it is revealed"
    )
    secret = serializers.CharField(allow_null=True, help_text="64 hex digits")
    isKept = serializers.BooleanField(
        allow_null=True, help_text="The secret is the one of the commitment"
    )
    draws = DrawOut(many=True, help_text="By their tips")
    next = serializers.CharField(allow_null=True, help_text="`after` of those that follow")


def told(version: DrawnVersion, found: list[CheckedDraw]) -> Json:
    menu, retired_at = version.menu, version.menu.get("retired_at")
    is_told = version.secret is not None
    return {
        "menu": menu["_id"],
        "commitment": menu["commitment"],
        "publishedAt": clock.iso(menu["published_at"]),
        "retiredAt": clock.iso(retired_at) if retired_at else None,
        "revealedAt": clock.iso(version.revealed_at) if version.revealed_at else None,
        "waitsFor": version.waits_for(clock.now()) or None,
        "secret": version.secret.hex() if version.secret is not None else None,
        "isKept": version.is_kept if is_told else None,
        "draws": [_draw(each) for each in found],
        "next": next_of(found),
    }


def _draw(each: CheckedDraw) -> Json:
    return {
        "tip": each.tip,
        "item": each.item_id,
        "title": each.title,
        "random": each.random,
        "got": each.kept,
        "expected": each.expected,
        "isRight": each.is_right,
    }


WAITING: Json = {
    "menu": "65a1b2c3d4e5f60718293a4b.3",
    "commitment": "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08",
    "publishedAt": AT,
    "retiredAt": None,
    "revealedAt": None,
    "waitsFor": revealing.IN_FORCE,
    "secret": None,
    "isKept": None,
    "draws": [],
    "next": None,
}


# --- the door ------------------------------------------------------------------------------------


@extend_schema(
    operation_id="public_draws",
    summary="The random draws of a published version",
    description="Before the version is over only the commitment is told, and what it waits for; "
    "then the secret too, and each draw with its bounds. For anybody, without an account.",
    auth=[],
    parameters=[
        OpenApiParameter(
            "menu", str, OpenApiParameter.PATH, description="`<performer id>.<version>`"
        ),
        OpenApiParameter("after", str, description="The `next` of the answer before"),
    ],
    responses={
        200: DrawsOut,
        400: REFUSED[400],
        404: refusal("There is no such version that draws anything"),
        429: refusal("Too many looks in this minute; `Retry-After` in seconds"),
        503: REFUSED[503],
    },
    examples=[example("Not yet revealed", WAITING, 200)],
)
@api_view(["GET"])
@authentication_classes([])
@permission_classes([])
@answering_outages
def draws(request: Request, menu: str) -> Response:
    let_in(request.META.get("REMOTE_ADDR", ""), request.headers.get("X-Forwarded-For", ""))
    after, version = after_in(request.query_params.get("after")), revealing.of(menu)
    found = drawspage.shown(version, after)
    return Response(told(version, found))
