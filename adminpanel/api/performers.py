"""`PUT /api/admin/lovense/performers/:id/overrides`: what the platform sets for one performer, for
staff."""

from datetime import datetime

from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.decorators import api_view, permission_classes
from rest_framework.request import Request
from rest_framework.response import Response

from adminpanel.api.schema import OF_STAFF, example
from adminpanel.doors import ByTable
from adminpanel.handling import performers as handling
from adminpanel.people.deeds import deed_of, reason_of, refusals_recorded
from ground import clock
from ground.audit.log import LONGEST_WHY
from ground.json.fields import MAX_AMOUNT, Fields
from ground.json.shapes import Shape, refusal
from lovense.api.calls import WITH_A_BODY, body_of
from lovense.performers import overrides
from lovense.performers.overrides import InvalidOverride, OverrideWish
from lovense.rows import Json


class OverridesIn(Shape):
    limits = serializers.DictField(
        child=serializers.JSONField(),
        help_text=f"Some of {', '.join(overrides.NAMES)}: all of them that there are to be",
    )
    until = serializers.DateTimeField(
        allow_null=True, required=False, help_text="In the future; null only without limits"
    )
    version = serializers.IntegerField(help_text="The one that was seen; 0: there were none")
    reason = serializers.CharField(min_length=3, max_length=LONGEST_WHY)


class OverridesNowOut(Shape):
    limits = serializers.DictField(child=serializers.JSONField())
    until = serializers.DateTimeField()
    at = serializers.DateTimeField()
    by = serializers.CharField()
    why = serializers.CharField()


class OverridesOut(Shape):
    version = serializers.IntegerField()
    overrides = OverridesNowOut(allow_null=True)


WISH: Json = {
    "limits": {"maximumSeconds": 10, "maximumIntensity": 8},
    "until": "2026-01-10T00:00:00.000Z",
    "version": 0,
    "reason": "agreed with her after a complaint",
}
NOW: Json = {
    "version": 1,
    "overrides": {
        "limits": WISH["limits"],
        "until": WISH["until"],
        "at": "2026-01-03T04:15:00.000Z",
        "by": "dina",
        "why": WISH["reason"],
    },
}


@extend_schema(
    operation_id="admin_performer_overrides",
    summary="Set what binds one performer more strictly",
    request=OverridesIn,
    responses={
        200: OverridesOut,
        400: refusal("The body is not as described"),
        **OF_STAFF,
        404: refusal("There is no such performer"),
        409: refusal("`outdated`: they changed meanwhile; `details` has `present` and `version`"),
        **WITH_A_BODY,
        422: refusal("A value is looser than the platform's, or the end is past: `details.rule`"),
    },
    examples=[
        example("Calmer for a week", WISH, is_request=True),
        example("As they are now", NOW),
    ],
)
@api_view(["PUT"])
@permission_classes([ByTable])
def set_overrides(request: Request, performer_id: str) -> Response:
    """They take the place of those before; without limits there are none any more."""
    deed = deed_of(request.user, now=clock.now())
    with refusals_recorded(deed, "set_overrides", handling.target(performer_id)):
        body = body_of(request)
        body.only("limits", "until", "version", "reason")
        wish = OverrideWish(body.object("limits").whole, _until(body))
        seen = body.integer("version", minimum=0, maximum=MAX_AMOUNT)
        deed = deed._replace(why=reason_of(body.raw("reason")))
        row = handling.override(performer_id, wish, seen=seen, deed=deed)
    return Response({"version": overrides.version_of(row), "overrides": overrides.told(row)})


def _until(body: Fields) -> datetime | None:
    said = body.raw("until")
    if said is None:
        return None
    try:
        return clock.parse(said)
    except (ValueError, TypeError, AttributeError):
        raise InvalidOverride("until", "must be a moment, as 2026-01-10T00:00:00Z") from None
