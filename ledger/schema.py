"""JSON at the wire, as the API's description shows it: an error, and the ledger's webhook. Nothing
is parsed here."""

from drf_spectacular.utils import OpenApiExample, OpenApiParameter, OpenApiResponse, extend_schema
from rest_framework import serializers
from rest_framework.decorators import api_view
from rest_framework.request import Request
from rest_framework.response import Response

from ground.json.shapes import Shape, refusal
from ledger.rrr import events as rrr_events
from ledger.rrr import signing

# --- RRR's webhook -------------------------------------------------------------------------------

NOTICE = {
    "event_id": "evt_1",
    "event_type": "POINTS_POSTED",
    "data": {"source_ref": "TIP_507f1f77bcf86cd799439011"},
}


class NoticeIn(Shape):
    event_id = serializers.CharField(
        max_length=120, help_text="Printable ASCII without spaces; the same on every repeat"
    )
    event_type = serializers.CharField(
        max_length=40,
        help_text=f"{', '.join(sorted(rrr_events.POSTED | rrr_events.REVERSED))} act; others are "
        f"stored and ignored",
    )
    data = serializers.DictField(  # type: ignore[assignment]  # Shape says why
        help_text="Every source_ref in it, however deep, is looked at again"
    )


class NoticeReceived(Shape):
    received = serializers.BooleanField()
    eventId = serializers.CharField()


_WORDS = {
    signing.TENANT: "Whose ledger it is",
    signing.KEY_ID: "Which of the active secrets signed",
    signing.TIMESTAMP: "RFC 3339, within five minutes of now",
    signing.NONCE: "8 to 128 printable ASCII characters, once per tenant",
    signing.SIGNATURE: "Lower-case hex HMAC-SHA256 of "
    "`METHOD\\nPATH?query\\nTIMESTAMP\\nNONCE\\nSHA256HEX(body)`",
}


@extend_schema(
    operation_id="rrr_webhook",
    summary="RedRoomRewards reports that its ledger has news",
    description="A valid call only makes us look at the ledger again; what the ledger answers "
    "decides.",
    auth=[],
    parameters=[
        OpenApiParameter(name, str, OpenApiParameter.HEADER, required=True, description=words)
        for name, words in _WORDS.items()
    ],
    request=NoticeIn,
    responses={
        200: OpenApiResponse(NoticeReceived, "Stored durably, now or before: the body is the same"),
        400: refusal("The field and the rule that it breaks are in details; nothing was stored"),
        401: refusal("The signature or its time is wrong, or the nonce was used"),
        409: refusal("Other references were received under this event id; the first ones stand"),
        413: refusal("The body is too long"),
        503: refusal("Not stored; send it again"),
    },
    examples=[
        OpenApiExample("Posted", NOTICE, request_only=True),
        OpenApiExample(
            "Received",
            {"received": True, "eventId": "evt_1"},
            response_only=True,
            status_codes=["200"],
        ),
    ],
)
@api_view(["POST"])
def rrr_webhook(request: Request) -> Response:
    """Never routed: `ledger.webhooks` answers."""
    raise NotImplementedError
