"""Where a tip stands, over REST: for staff and for the platform that placed it."""

from typing import Any

from django.http import Http404
from drf_spectacular.utils import OpenApiExample, OpenApiParameter, extend_schema
from rest_framework import serializers
from rest_framework.decorators import api_view, permission_classes
from rest_framework.request import Request
from rest_framework.response import Response

from adminpanel.tip import story, verdict
from ground.json.shapes import refusal
from lovense.page import outcome
from tips import schema
from tips.api import IsStaffOrPlatform


class VerdictOut(serializers.Serializer[Any]):
    status = serializers.CharField(
        help_text="completed, skipped, failed, timeout, expired, dead, cancelled, or pending "
        "while it may change"
    )
    reason = serializers.CharField(
        help_text="A stable code; empty when there is nothing to explain"
    )
    text = serializers.CharField(help_text="One sentence for people")


class ActivationOut(serializers.Serializer[Any]):
    activationId = serializers.CharField()
    status = serializers.CharField()
    promisedSeconds = serializers.IntegerField()
    deliveredSeconds = serializers.FloatField(allow_null=True)
    owedSeconds = serializers.FloatField(
        help_text="Promised, not delivered, and neither requeued nor waived"
    )
    isPartial = serializers.BooleanField(
        help_text="It has played to its end, and not on all of its devices"
    )


class TipOut(serializers.Serializer[Any]):
    tipId = serializers.CharField()
    status = serializers.CharField()
    settlementStatus = serializers.CharField()
    eventId = serializers.CharField(allow_null=True)
    verdict = VerdictOut()
    activations = ActivationOut(many=True)


PLAYED = {
    "tipId": schema.TIP_ID,
    "status": "success",
    "settlementStatus": "settled",
    "eventId": schema.SETTLED_EXAMPLE["eventId"],
    "verdict": {
        "status": "completed",
        "reason": "",
        "text": "100 tokens from user123: “Fireworks” played for 10 s.",
    },
    "activations": [
        {
            "activationId": f"{schema.TIP_ID}.all",
            "status": "completed",
            "promisedSeconds": 10,
            "deliveredSeconds": 10.0,
            "owedSeconds": 0.0,
            "isPartial": False,
        }
    ],
}


@extend_schema(
    operation_id="tips_standing",
    summary="Where a tip stands",
    parameters=[
        OpenApiParameter(
            "tip_id", str, OpenApiParameter.PATH, description="24 lower-case hexadecimal digits"
        )
    ],
    responses={
        200: TipOut,
        401: refusal("No token, or an unknown one"),
        403: refusal("Neither a platform's token nor staff"),
        404: refusal("No delivery ever named this tip"),
    },
    examples=[OpenApiExample("Played", PLAYED, response_only=True, status_codes=["200"])],
)
@api_view(["GET"])
@permission_classes([IsStaffOrPlatform])
def tip(request: Request, tip_id: str) -> Response:
    """The tip's status, its verdict in words, and what it made the performer's devices do."""
    found = story.read(tip_id)
    if found is None:
        raise Http404
    return Response(as_json(found))


def as_json(found: story.Story) -> dict[str, Any]:
    told = verdict.of(found)
    return {
        "tipId": found.tip_id,
        "status": found.tip.status if found.tip else "pending",
        "settlementStatus": found.tip.settlement_status if found.tip else "pending",
        "eventId": found.event.event_id if found.event else None,
        "verdict": {"status": told.status, "reason": told.reason, "text": told.text},
        "activations": [
            {
                "activationId": row.activation_id,
                "status": row.status,
                "promisedSeconds": row.promised_seconds,
                "deliveredSeconds": row.delivered_seconds,
                "owedSeconds": found.owed_seconds(row.activation_id),
                "isPartial": outcome.is_partial(row),
            }
            for row in found.activations
        ],
    }
