"""REST doors of pairing: open one, look where it stands, show its picture, cancel it. The
performers' alone; another performer's is answered as what does not exist."""

from typing import Any

from django.http import HttpResponse
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, OpenApiResponse, extend_schema
from rest_framework import serializers
from rest_framework.decorators import api_view
from rest_framework.request import Request
from rest_framework.response import Response

from ground import clock
from ground.clock import iso
from ground.json.shapes import Shape, refusal
from lovense.api import calls
from lovense.api.calls import (
    REFUSED,
    WITH_A_BODY,
    answering_outages,
    body_of,
    caller,
    coming_from,
    performer_of,
)
from lovense.api.schema import AT, example
from lovense.devices import pairing as pairings
from lovense.rows import Json, PairingRow
from lovense.sending import groups
from tips.schema import HexId

# An SVG may bring a style of its own, and nothing else.
POLICY = "default-src 'none'; style-src 'unsafe-inline'"

# --- at the wire ---------------------------------------------------------------------------------


class PairIn(Shape):
    hostId = HexId(
        required=False, help_text="One of your paired apps, to pair it again; else a new one"
    )


class PairingOut(Shape):
    pairingId = HexId()
    code = serializers.CharField(
        allow_null=True, help_text="For the app, where it cannot scan; null when there is none"
    )
    qrImage = serializers.CharField(
        allow_null=True, help_text="A path of this site; null when there is no picture"
    )
    expiresAt = serializers.DateTimeField()
    step = serializers.ChoiceField(
        pairings.STEPS,
        help_text="`scanned`: the app has called back, and none of its toys is connected",
    )
    toys = serializers.IntegerField(help_text="Connected ones, as the app reported last")


PAIRING_PATH = OpenApiParameter(
    "pairing_id", str, OpenApiParameter.PATH, description="As `POST /api/lovense/devices/pair` said"
)
KEY = calls.key_parameter("pairing")
PAIRING_ID = "65957c3ff1a2b3c4d5e6f708"
WAITING = {
    "pairingId": PAIRING_ID,
    "code": "QX7K2A",
    "qrImage": f"/api/lovense/pairings/{PAIRING_ID}/qr",
    "expiresAt": AT,
    "step": "waiting",
    "toys": 0,
}
CONNECTED = WAITING | {"code": None, "qrImage": None, "step": "connected", "toys": 2}
ALONE = {**REFUSED, 403: refusal("No performer; or a session's call without its CSRF token")}
OF_ONE = {status: ALONE[status] for status in (401, 403, 404, 503)}


def _told(row: PairingRow) -> Json:
    is_open = row["status"] in pairings.OPEN
    has_picture = row["image"] is not None
    return {
        "pairingId": row["_id"],
        "code": row["code"] or None if is_open else None,
        "qrImage": f"/api/lovense/pairings/{row['_id']}/qr" if has_picture else None,
        "expiresAt": iso(row["expires_at"]),
        "step": pairings.step_of(row),
        "toys": row["toys_count"],
    }


# --- doors ---------------------------------------------------------------------------------------


@extend_schema(
    operation_id="lovense_pair",
    summary="Open a pairing",
    description="Asks the vendor for a code and its picture, by which an app on a phone or PC "
    "becomes yours. You have one open pairing at a time: a new one replaces it. Where the vendor "
    "gives nothing that can be shown, the pairing stays open (`details.pairingId`), and the same "
    "call under the same key asks again.",
    parameters=[KEY],
    request=PairIn,
    responses={
        201: OpenApiResponse(PairingOut, "Opened"),
        200: OpenApiResponse(PairingOut, "Opened before under this key; as it is now"),
        **ALONE,
        **WITH_A_BODY,
        409: refusal("`too_many_hosts`: four apps are paired; unpair one first"),
        422: refusal("The key was used to pair another app"),
        502: refusal(
            "`vendor_answer`: there is no picture that can be shown; `details.code` is the code "
            "to type in, if the vendor gave one"
        ),
        503: refusal(
            "`try_later`: the vendor does not answer, see `Retry-After`. `operator_fault`: it "
            "refuses this site. `unavailable`: the database did not answer"
        ),
    },
    examples=[
        example("A new app", {}),
        example("One of yours again", {"hostId": "65957c3ff1a2b3c4d5e6f709"}),
        example("To be scanned", WAITING, 201),
        example("Scanned meanwhile", CONNECTED, 200),
    ],
)
@api_view(["POST"])
@answering_outages
def pair(request: Request) -> Response:
    """Once per Idempotency-Key."""
    whose, body = performer_of(request), body_of(request)
    body.only("hostId")
    host_id, key, now = body.optional_hex_id("hostId"), calls.key_of(request), clock.now()
    try:
        with coming_from(request):
            row = pairings.pair(
                performer_id=whose, host_id=host_id, key=key, by=caller(request), now=now
            )
    finally:  # it is open, too, where the vendor's answer cannot be shown
        groups.news.mark({whose}, "devices")
    is_new = row["opened_at"] == now
    return Response(_told(row), status=201 if is_new else 200)


@extend_schema(
    methods=["GET"],
    operation_id="lovense_pairing",
    summary="Where a pairing stands",
    description="Its steps are told over the socket, too, as news of the topic `devices`.",
    parameters=[PAIRING_PATH],
    responses={200: PairingOut, **OF_ONE},
    examples=[
        example("To be scanned", WAITING, 200),
        example("Two toys are connected", CONNECTED, 200),
    ],
)
@extend_schema(
    methods=["DELETE"],
    operation_id="lovense_pairing_cancel",
    summary="Cancel a pairing",
    description="Its code and its picture lead nowhere any more. What has ended stays as it is.",
    parameters=[PAIRING_PATH],
    responses={204: OpenApiResponse(None, "It is open no more"), **OF_ONE},
)
@api_view(["GET", "DELETE"])
@answering_outages
def pairing(request: Request, pairing_id: str) -> Response:
    """Hers."""
    whose = performer_of(request)
    if request.method == "GET":
        return Response(_told(pairings.find(whose, pairing_id)))
    with coming_from(request):
        pairings.cancel(
            performer_id=whose, pairing_id=pairing_id, by=caller(request), now=clock.now()
        )
    groups.news.mark({whose}, "devices")
    return Response(status=204)


_PICTURES: dict[Any, Any] = {
    (200, kind): OpenApiResponse(OpenApiTypes.BINARY, "The picture")
    for kind in ("image/png", "image/jpeg", "image/svg+xml")
}


@extend_schema(
    operation_id="lovense_pairing_picture",
    summary="The picture to scan",
    description="From this site, and never from the vendor's. 404 where there is none, as for a "
    "pairing that has ended.",
    parameters=[PAIRING_PATH],
    responses=_PICTURES | OF_ONE,
)
@api_view(["GET"])
@answering_outages
def picture(request: Request, pairing_id: str) -> HttpResponse:
    """Hers, and kept by nobody on the way."""
    row = pairings.find(performer_of(request), pairing_id)
    if row["image"] is None:
        raise pairings.NoSuchPairing
    headers = {"Cache-Control": "no-store", "Content-Security-Policy": POLICY}
    return HttpResponse(row["image"], content_type=row["image_type"], headers=headers)
