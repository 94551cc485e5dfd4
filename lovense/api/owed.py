"""REST doors of the seconds owed: what is owed, and the two things that she may decide about it.

Hers alone, by her session or her token. What has just ended is kept before it is listed."""

from typing import Any

from django.conf import settings
from drf_spectacular.utils import OpenApiParameter, OpenApiResponse, extend_schema
from rest_framework import serializers
from rest_framework.decorators import api_view
from rest_framework.request import Request
from rest_framework.response import Response

from ground import clock
from ground.audit.log import LONGEST_WHY
from ground.json.fields import Fields, Malformed
from ground.json.shapes import Shape, refusal
from lovense.api.calls import (
    OF_ASKING,
    REFUSED,
    WITH_A_BODY,
    answering_outages,
    body_of,
    caller,
    coming_from,
    performer_of,
    wake,
)
from lovense.api.schema import AT, REQUEST_ID, example
from lovense.deciding.shortfall import TENTHS
from lovense.models import OwedCause, OwedPolicy, OwedState
from lovense.owed import choices, keeping, listing
from lovense.owed.choices import OwedChoice
from lovense.rows import Json, OwedRow
from tips.schema import TIP_ID, HexId

LONGEST_PLACE = 120


class OwedOut(Shape):
    activationId = serializers.CharField()
    seconds = serializers.FloatField(
        help_text="Promised and not delivered: owed, requeued and waived together"
    )
    cause = serializers.ChoiceField(OwedCause.choices)
    state = serializers.ChoiceField(OwedState.choices)
    promisedSeconds = serializers.FloatField()
    deliveredSeconds = serializers.FloatField()
    owedSeconds = serializers.FloatField(help_text="Nobody has decided about them")
    requeuedSeconds = serializers.FloatField()
    waivedSeconds = serializers.FloatField()
    policy = serializers.ChoiceField(
        OwedPolicy.choices, help_text="Her preference when it became owed"
    )
    itemName = serializers.CharField(allow_blank=True)
    tipper = serializers.CharField(help_text="`Anonymous` stays so")
    tipId = HexId(allow_null=True, help_text="null unless a settled tip made it")
    requestId = serializers.CharField(
        allow_null=True, help_text="The request as which it plays; null unless requeued"
    )
    why = serializers.CharField(allow_blank=True, help_text="Why it, or a rest of it, was waived")
    by = serializers.CharField(allow_blank=True, help_text="`policy` where her preference did")
    endedAt = serializers.DateTimeField(help_text="When the activation did")
    decidedAt = serializers.DateTimeField(allow_null=True)


class OwedListOut(Shape):
    owed = OwedOut(many=True, help_text="What ended last comes first")
    next = serializers.CharField(allow_null=True, help_text="`after` of those that follow")


class RequeueIn(Shape):
    isConfirmed = serializers.BooleanField(
        required=False, help_text="Play it although it may have played: of the cause `unknown`"
    )


class WaiveIn(Shape):
    why = serializers.CharField(max_length=LONGEST_WHY)


OWED = {
    "activationId": f"{TIP_ID}.all",
    "seconds": 6.8,
    "cause": "stop",
    "state": "open",
    "promisedSeconds": 10.0,
    "deliveredSeconds": 3.2,
    "owedSeconds": 6.8,
    "requeuedSeconds": 0.0,
    "waivedSeconds": 0.0,
    "policy": "report",
    "itemName": "Wave",
    "tipper": "user123",
    "tipId": TIP_ID,
    "requestId": None,
    "why": "",
    "by": "",
    "endedAt": AT,
    "decidedAt": None,
}
DECIDED = {"owedSeconds": 0.0, "by": "ana", "decidedAt": AT}
REQUEUED = OWED | DECIDED | {"state": "requeued", "requeuedSeconds": 6.0, "waivedSeconds": 0.8}
REQUEUED |= {"requestId": REQUEST_ID, "why": "less than a second of it"}
WAIVED = OWED | DECIDED | {"state": "waived", "waivedSeconds": 6.8, "why": "agreed in the chat"}
_DECIDED = {**REFUSED, **WITH_A_BODY}
_ACTIVATION = OpenApiParameter(
    "activation_id", str, OpenApiParameter.PATH, description="As the list names it"
)
_ELSE = "`already_decided`: it is waived or delivered; `under_way`: it plays again already"


@extend_schema(
    operation_id="owed",
    summary="Seconds that were promised and not delivered",
    parameters=[
        OpenApiParameter("after", str, description="Goes on from there; see `next`"),
        OpenApiParameter("state", str, enum=OwedState.values, description="Only those"),
    ],
    responses={200: OwedListOut, **OF_ASKING},
    examples=[example("After a stop", {"owed": [OWED], "next": None}, 200)],
)
@api_view(["GET"])
@answering_outages
def listed(request: Request) -> Response:
    """At most 50 of them, what ended last first."""
    whose, query = performer_of(request), Fields(request.query_params.dict(), "")
    after = query.text("after", maximum=LONGEST_PLACE) if query.has("after") else ""
    state = query.choice("state", tuple(OwedState.values), "") if query.has("state") else ""
    _keep(whose)
    rows, following = listing.newest(whose, after=after, state=state)
    return Response({"owed": [_shown(row) for row in rows], "next": following or None})


@extend_schema(
    operation_id="owed_requeue",
    summary="Play what is owed",
    description="Puts the same item into her queue for the whole seconds that are owed; what is "
    "less than one of them is waived. It moves no tokens. Requeued before, it answers the same.",
    parameters=[_ACTIVATION],
    request=RequeueIn,
    responses={
        200: OpenApiResponse(OwedOut, "It was requeued before: the same request"),
        201: OpenApiResponse(OwedOut, "It waits in her queue"),
        **_DECIDED,
        409: refusal(
            "`too_short`: less than 2 s. `unknown_outcome`: it may have played; say isConfirmed. "
            + _ELSE
        ),
    },
    examples=[
        example("Plainly", {}),
        example("Although it may have played", {"isConfirmed": True}),
        example("Waits", REQUEUED, 201),
        example("Again", REQUEUED, 200),
    ],
)
@api_view(["POST"])
@answering_outages
def requeue(request: Request, activation_id: str) -> Response:
    """No body is needed."""
    whose, body = performer_of(request), body_of(request)
    body.only("isConfirmed")
    is_confirmed = body.flag("isConfirmed") if body.has("isConfirmed") else False
    _keep(whose)
    choice = OwedChoice(activation_id, whose, caller(request), clock.now())
    with coming_from(request):
        requeued = choices.requeue(choice, is_confirmed=is_confirmed)
    wake(whose)
    return Response(_shown(requeued.owed), status=201 if requeued.is_new else 200)


@extend_schema(
    operation_id="owed_waive",
    summary="Waive what is owed, and say why",
    parameters=[_ACTIVATION],
    request=WaiveIn,
    responses={
        200: OpenApiResponse(OwedOut, "It is owed no more"),
        **_DECIDED,
        409: refusal(_ELSE),
    },
    examples=[
        example("With its reason", {"why": "agreed in the chat"}),
        example("Waived", WAIVED, 200),
    ],
)
@api_view(["POST"])
@answering_outages
def waive(request: Request, activation_id: str) -> Response:
    """Waived before, it answers the same and keeps its reason."""
    whose, body = performer_of(request), body_of(request)
    body.only("why")
    why = body.text("why", maximum=LONGEST_WHY).strip()
    if not why:
        raise Malformed("why", "must say why")
    _keep(whose)
    choice = OwedChoice(activation_id, whose, caller(request), clock.now(), why)
    with coming_from(request):
        row = choices.waive(choice)
    return Response(_shown(row))


def _keep(whose: str) -> None:
    keeping.drain(now=clock.now(), limit=settings.DRAIN_LIMIT, performer_id=whose)


def _shown(row: OwedRow) -> Json:
    together = row["owed"] + row["requeued"] + row["waived"]
    return {
        "activationId": row["_id"],
        "seconds": together / TENTHS,
        "cause": row["cause"],
        "state": row["state"],
        "promisedSeconds": row["promised"] / TENTHS,
        "deliveredSeconds": (row["promised"] - together) / TENTHS,
        "owedSeconds": row["owed"] / TENTHS,
        "requeuedSeconds": row["requeued"] / TENTHS,
        "waivedSeconds": row["waived"] / TENTHS,
        "policy": row["policy"],
        "itemName": row["title"],
        "tipper": row["tipper_name"],
        "tipId": row["tip_id"],
        "requestId": row["requeued_as"] or None,
        "why": row["why"],
        "by": row["by"],
        "endedAt": clock.iso(row["ended_at"]),
        "decidedAt": _at(row["settled_at"]),
    }


def _at(moment: Any) -> str | None:
    return clock.iso(moment) if moment is not None else None
