"""REST doors of what she has to mend: her repairs, the doctor of one device, and the preflight.

Hers alone, by her session or her token; another performer's device is answered as one that does not
exist."""

from typing import Any

from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.decorators import api_view
from rest_framework.request import Request
from rest_framework.response import Response

from ground import clock
from ground.json.shapes import Shape, refusal
from lovense.api import deviceschema
from lovense.api.calls import (
    OF_ASKING,
    OF_READING,
    REFUSED,
    WITH_A_BODY,
    answering_outages,
    body_of,
    caller,
    derived_key,
    key_of,
    performer_of,
    wake,
)
from lovense.api.devices import KEY
from lovense.api.schema import AT, REQUEST_ID, example
from lovense.models import RepairKind, RepairWeight
from lovense.repairs import doctor, listing, preflight, words
from lovense.repairs.doctor import Asking, Diagnosis
from lovense.rows import Json, RepairRow
from lovense.sending import groups

LONGEST_REQUEST_ID = 36


class RepairButton(Shape):
    name = serializers.ChoiceField(
        tuple(words.LABELS), help_text="What helps: pair the app again, or do that with the device"
    )
    words = serializers.CharField()


class RepairOut(Shape):
    id = serializers.CharField()
    kind = serializers.ChoiceField(RepairKind.choices)
    weight = serializers.ChoiceField(RepairWeight.choices)
    wrong = serializers.CharField(help_text="One sentence: what is wrong")
    todo = serializers.CharField(help_text="What to do about it")
    button = RepairButton()
    deviceId = serializers.CharField(allow_null=True, help_text="null: it is about an app")
    hostId = serializers.CharField(allow_null=True, help_text="The paired app, where there is one")
    function = serializers.CharField(allow_null=True)
    since = serializers.DateTimeField(help_text="Its first spell began")
    lastSeenAt = serializers.DateTimeField(help_text="It was looked at, and was so")
    times = serializers.IntegerField(help_text="Spells, where it comes and goes")
    closedAt = serializers.DateTimeField(allow_null=True)


class RepairsOut(Shape):
    repairs = RepairOut(many=True)


class RepairsQuery(serializers.Serializer[Any]):
    closed = serializers.BooleanField(
        default=False, help_text="Those that are over, instead of those that are open"
    )


class DiagnoseIn(Shape):
    requestId = serializers.CharField(
        required=False,
        max_length=LONGEST_REQUEST_ID,
        help_text="The test of an earlier answer, to go on with; without it, a new one is sent",
    )


class DiagnosisStep(Shape):
    name = serializers.ChoiceField(sorted({*doctor.OF_AN_APP, *doctor.OF_A_PAGE}))
    state = serializers.ChoiceField(("ok", "failed", "waiting", "skipped"))
    code = serializers.CharField(allow_blank=True, help_text="Why it failed, as a stable code")


class DiagnosisOut(Shape):
    steps = DiagnosisStep(many=True, help_text="Up to the first that failed; the rest is skipped")
    question = serializers.BooleanField(
        help_text="It has played: say in `verified` of the device whether it moved"
    )
    requestId = serializers.CharField(allow_null=True, help_text="The test; null: none was sent")


class PreflightCheck(Shape):
    name = serializers.ChoiceField(tuple(preflight.CHECKS))
    state = serializers.ChoiceField(("ok", "warn", "bad"))
    words = serializers.CharField()


class PreflightOut(Shape):
    checks = PreflightCheck(many=True)
    isReady = serializers.BooleanField(help_text="Nothing is bad")


REPAIR = {
    "id": "507f191e810c19729de860eb.device_lost.d6c35f0a1b2c.1767413700000",
    "kind": "device_lost",
    "weight": "serious",
    "wrong": "Gravity is not connected.",
    "todo": "Switch it on and keep it near the phone. Or play without it.",
    "button": {"name": "switch_off", "words": "Switch off"},
    "deviceId": deviceschema.DEVICE_ID,
    "hostId": "5d0b6f1c2a525a0e9a633d1f",
    "function": None,
    "since": AT,
    "lastSeenAt": AT,
    "times": 1,
    "closedAt": None,
}
_WELL = [{"name": name, "state": "ok", "code": ""} for name in ("paired", "reach", "toy")]
_WELL.append({"name": "function", "state": "ok", "code": ""})
DIAGNOSED = {
    "steps": [
        *_WELL,
        {"name": "pulse", "state": "ok", "code": ""},
        {"name": "moved", "state": "waiting", "code": ""},
    ],
    "question": True,
    "requestId": REQUEST_ID,
}
FOUND = {
    "steps": [
        {"name": "paired", "state": "ok", "code": ""},
        {"name": "reach", "state": "failed", "code": "app_offline"},
        *(
            {"name": name, "state": "skipped", "code": ""}
            for name in ("toy", "function", "pulse", "moved")
        ),
    ],
    "question": False,
    "requestId": None,
}
CHECKED = {
    "checks": [
        {"name": "bridge", "state": "ok", "words": "Your toys are told by this server."},
        {"name": "battery", "state": "warn", "words": "The lowest is Gravity: 18 %."},
    ],
    "isReady": True,
}


@extend_schema(
    operation_id="lovense_repairs",
    summary="What she has to mend",
    description="What is open and has stayed so for ten seconds, the heaviest first; it closes by "
    "itself. Or the last 50 that are closed, of at most 90 days. What changes is told over the "
    "socket as news of the topic `devices`.",
    parameters=[RepairsQuery],
    responses={200: RepairsOut, **OF_ASKING},
    examples=[example("A toy is away", {"repairs": [REPAIR]}, 200)],
)
@api_view(["GET"])
@answering_outages
def repairs(request: Request) -> Response:
    """Hers."""
    whose, query = performer_of(request), RepairsQuery(data=request.query_params)
    query.is_valid(raise_exception=True)
    is_closed = query.validated_data["closed"]
    rows = listing.closed(whose) if is_closed else listing.shown(whose, now=clock.now())
    return Response({"repairs": [_shown(row) for row in rows]})


def _shown(row: RepairRow) -> Json:
    advice = words.of(row)
    return {
        "id": row["_id"],
        "kind": row["kind"],
        "weight": row["weight"],
        "wrong": advice.wrong,
        "todo": advice.todo,
        "button": {"name": advice.button, "words": advice.label},
        "deviceId": row["device_id"] or None,
        "hostId": row["host_id"] or None,
        "function": row["function"] or None,
        "since": clock.iso(row["since"]),
        "lastSeenAt": clock.iso(row["last_seen_at"]),
        "times": row["times"],
        "closedAt": clock.iso(row["closed_at"]) if row["closed_at"] else None,
    }


@extend_schema(
    operation_id="devices_diagnose",
    summary="Find out why a device does not move",
    description="Goes from the pairing to the toy and stops at the first step that fails. Where "
    "all is well it sends a test, as `test` does; ask again with its `requestId` until it has "
    "played. A device that a page reports has the steps `page`, `toy` and `pulse`.",
    parameters=[deviceschema.DEVICE_PATH, KEY],
    request=DiagnoseIn,
    responses={
        200: DiagnosisOut,
        **REFUSED,
        **WITH_A_BODY,
        422: refusal("The key was used for another test"),
        429: refusal("Too many in this minute: `details.resetAt`, and `Retry-After` in seconds"),
    },
    examples=[
        example("From the beginning", {}),
        example("Further", {"requestId": REQUEST_ID}),
        example("Did it move?", DIAGNOSED, 200),
        example("The phone is not in front", FOUND, 200),
    ],
)
@api_view(["POST"])
@answering_outages
def diagnose(request: Request, device_id: str) -> Response:
    """Once per Idempotency-Key, as a test is."""
    whose, body = performer_of(request), body_of(request)
    body.only("requestId")
    asking = Asking(
        performer_id=whose,
        device_id=device_id,
        account=str(request.user.pk),
        by=caller(request),
        key=key_of(request) or derived_key(request),
        request_id=body.text_or("requestId", "", maximum=LONGEST_REQUEST_ID),
    )
    found = doctor.diagnose(asking, now=clock.now())
    if found.request_id:
        groups.news.mark([whose], "devices")
        wake(whose)
    return Response(_diagnosed(found))


def _diagnosed(found: Diagnosis) -> Json:
    return {
        "steps": [
            {"name": each.name, "state": each.state, "code": each.code} for each in found.steps
        ],
        "question": found.question,
        "requestId": found.request_id or None,
    }


@extend_schema(
    operation_id="lovense_preflight",
    summary="Whether all is ready for a show",
    responses={200: PreflightOut, **OF_READING},
    examples=[example("Ready, with a low battery", CHECKED, 200)],
)
@api_view(["GET"])
@answering_outages
def ready(request: Request) -> Response:
    """Reads only."""
    found = preflight.checks(performer_of(request), now=clock.now())
    told = [{"name": each.name, "state": each.state, "words": each.words} for each in found]
    return Response({"checks": told, "isReady": preflight.is_ready(found)})
