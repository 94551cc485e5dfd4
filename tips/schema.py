"""The JSON of tips at the wire, as the API's description shows it. Nothing is parsed here:
`placement` and `events` decide.

The payment webhook is no view of the API's framework, so its description is a view of its own that
is never routed."""

from typing import Any

from drf_spectacular.utils import (
    OpenApiExample,
    OpenApiParameter,
    OpenApiResponse,
    PolymorphicProxySerializer,
    extend_schema,
)
from rest_framework import serializers
from rest_framework.decorators import api_view
from rest_framework.request import Request
from rest_framework.response import Response

from ground.json.fields import MAX_AMOUNT
from ground.json.shapes import Shape, refusal
from tips.intake.payloads import ROLES, STREAMS, TIP_TYPES
from tips.models import SettlementStatus, TipStatus

HEX24 = r"^[0-9a-f]{24}$"
TIP_ID, USER_ID, PERFORMER_ID = (
    "507f1f77bcf86cd799439011",
    "507f191e810c19729de860ea",
    "507f191e810c19729de860eb",
)
AT = "2026-01-03T04:15:00.000Z"


class HexId(serializers.RegexField):
    """24 lower-case hexadecimal digits."""

    def __init__(self, **options: Any) -> None:
        super().__init__(HEX24, **options)


# --- a tip, as a platform describes it -----------------------------------------------------------


class TipperIn(Shape):
    userId = HexId()
    username = serializers.CharField(required=False, max_length=64)
    role = serializers.ChoiceField(ROLES, required=False, default="user")


class RecipientIn(Shape):
    performerId = HexId()
    username = serializers.CharField(required=False, max_length=64)
    studioId = HexId(required=False, allow_null=True)


class ContextIn(Shape):
    conversationType = serializers.CharField(required=False, max_length=40)
    streamType = serializers.ChoiceField(STREAMS, required=False)
    customMessage = serializers.CharField(required=False, max_length=500)


class TipIn(Shape):
    tipId = HexId(
        help_text="Yours; it makes the tip unique, whichever way and however often it is sent"
    )
    sourceRef = serializers.RegexField(
        r"^[A-Za-z0-9_.\-]{1,120}$", required=False, help_text="Default: TIP_<tipId>"
    )
    totalPrice = serializers.IntegerField(
        min_value=1, max_value=MAX_AMOUNT, help_text="Whole tokens"
    )
    commission = serializers.IntegerField(
        min_value=0, max_value=100, required=False, help_text="Percent kept by the platform"
    )
    studioCommission = serializers.IntegerField(min_value=0, max_value=100, required=False)
    tipper = TipperIn()
    recipient = RecipientIn()
    conversationId = HexId(required=False, allow_null=True)
    context = ContextIn(required=False)  # type: ignore[assignment]
    isAnonymous = serializers.BooleanField(required=False, default=False)
    createdAt = serializers.DateTimeField(help_text="When it was made, ISO 8601 with its offset")


class PurchaseIn(Shape):
    purchaseId = serializers.RegexField(r"^[A-Za-z0-9_.\-]{1,120}$")
    userId = HexId()
    tokens = serializers.IntegerField(min_value=1, max_value=MAX_AMOUNT)
    createdAt = serializers.DateTimeField()


TIP_EXAMPLE = {
    "tipId": TIP_ID,
    "totalPrice": 100,
    "commission": 25,
    "tipper": {"userId": USER_ID, "username": "user123"},
    "recipient": {"performerId": PERFORMER_ID},
    "createdAt": AT,
}


# --- where a tip stands --------------------------------------------------------------------------


class TipPlaced(Shape):
    tipId = HexId()
    status = serializers.ChoiceField(TipStatus.choices)
    settlementStatus = serializers.ChoiceField(SettlementStatus.choices)
    failureReason = serializers.CharField(
        allow_blank=True, help_text="A stable code when it was not settled for good; else empty"
    )
    eventId = serializers.UUIDField(
        allow_null=True, help_text="Of its TipActivated, once it is settled"
    )


SETTLED_EXAMPLE = {
    "tipId": TIP_ID,
    "status": "success",
    "settlementStatus": "settled",
    "failureReason": "",
    "eventId": "0b5c2e9e-7f0c-4c0f-9a43-5b7f4b1a2f60",
}


# --- TipActivated: the stored union and its two projections --------------------------------------


class Party(Shape):
    userId = HexId()
    username = serializers.CharField(help_text="Anonymous when the tipper asked for it")
    role = serializers.ChoiceField(ROLES)


class Recipient(Shape):
    performerId = HexId()
    username = serializers.CharField()
    studioId = HexId(required=False)


class BalanceChange(Shape):
    before = serializers.IntegerField()
    after = serializers.IntegerField()
    change = serializers.IntegerField(help_text="Negative for the tipper")


class LedgerBalances(Shape):
    transactionId = HexId()
    conversationId = HexId(required=False)
    sourceBalance = BalanceChange(required=False)
    recipientBalance = BalanceChange(required=False)


class LedgerReferences(Shape):
    ledgerId = serializers.CharField()
    sourceRef = serializers.CharField()
    debitRef = serializers.CharField(
        allow_null=True, help_text="Null when the ledger gave a single entry"
    )
    creditRef = serializers.CharField(allow_null=True)
    status = serializers.ChoiceField(["SETTLED"])
    postedAt = serializers.DateTimeField()


class LedgerUnion(LedgerBalances, LedgerReferences):
    """The queue's and the ledger's view of the posting."""


class Settlement(Shape):
    status = serializers.ChoiceField(["SETTLED"])
    settledAt = serializers.DateTimeField()
    settlementId = serializers.CharField(required=False)


class Context(Shape):
    conversationType = serializers.CharField(required=False)
    streamType = serializers.ChoiceField(STREAMS, required=False)
    customMessage = serializers.CharField(required=False)


class Priced(Shape):
    tipId = HexId()
    idempotencyKey = HexId(help_text="The tip id: an outside consumer handles an event once by it")
    eventType = serializers.ChoiceField(["TipActivated"])
    eventTimestamp = serializers.DateTimeField()
    totalPrice = serializers.IntegerField()
    netPrice = serializers.IntegerField()
    commission = serializers.IntegerField()
    studioCommission = serializers.IntegerField()
    tipper = Party()
    recipient = Recipient()
    settlement = Settlement()
    context = Context()  # type: ignore[assignment]


class TipActivatedUnion(Priced):
    """The stored payload: everything that either projection shows."""

    eventId = serializers.UUIDField()
    eventName = serializers.ChoiceField(["TipActivated"])
    createdAt = serializers.DateTimeField()
    userId = HexId()
    performerId = HexId()
    conversationId = HexId(required=False)
    amount = serializers.IntegerField()
    ledger = LedgerUnion()


class TipActivatedForQueue(Priced):
    """`?projection=queue`: how the performance queue is specified, with how far it got."""

    ledger = LedgerBalances()
    processed = serializers.BooleanField()
    processedAt = serializers.DateTimeField(required=False)
    processingError = serializers.CharField(required=False)


class TipActivatedForLedger(Shape):
    """`?projection=ledger`: how the ledger's event is specified."""

    tipId = HexId()
    userId = HexId()
    performerId = HexId()
    conversationId = HexId(required=False)
    amount = serializers.IntegerField()
    ledger = LedgerReferences()
    createdAt = serializers.DateTimeField()


class FeedRow(Shape):
    sequence = serializers.IntegerField(min_value=1)
    data = PolymorphicProxySerializer(  # type: ignore[assignment]
        component_name="TipActivatedData",
        serializers=[TipActivatedUnion, TipActivatedForQueue, TipActivatedForLedger],
        resource_type_field_name=None,
    )


class FeedPage(Shape):
    events = FeedRow(many=True)
    next = serializers.IntegerField(
        help_text="The position to ask after the next time; yours again when there was nothing new"
    )


FEED_EXAMPLE = {
    "events": [
        {
            "sequence": 42,
            "data": {
                "tipId": TIP_ID,
                "userId": USER_ID,
                "performerId": PERFORMER_ID,
                "amount": 100,
                "ledger": {
                    "ledgerId": f"TIP_{TIP_ID}:debit",
                    "sourceRef": f"TIP_{TIP_ID}",
                    "debitRef": f"TIP_{TIP_ID}:debit",
                    "creditRef": f"TIP_{TIP_ID}:credit",
                    "status": "SETTLED",
                    "postedAt": AT,
                },
                "createdAt": AT,
            },
        }
    ],
    "next": 42,
}


# --- the payment webhook -------------------------------------------------------------------------


class TipMessage(Shape):
    type = serializers.ChoiceField(TIP_TYPES)
    timestamp = serializers.DateTimeField()
    data = TipIn()  # type: ignore[assignment]


class PurchaseMessage(Shape):
    type = serializers.ChoiceField(["tokens.purchased"])
    timestamp = serializers.DateTimeField()
    data = PurchaseIn()  # type: ignore[assignment]


class Received(Shape):
    received = serializers.BooleanField()
    tipId = HexId(required=False)
    purchaseId = serializers.CharField(required=False)


def _header(name: str, words: str) -> OpenApiParameter:
    return OpenApiParameter(name, str, OpenApiParameter.HEADER, required=True, description=words)


@extend_schema(
    operation_id="payments_webhook",
    summary="A payment system reports a tip or a purchase",
    description="Signed as Standard Webhooks 1.0 over the raw bytes. Send it as often as you "
    "like, in any order; it is handled "
    "once. Other event types are stored and not acted on.",
    auth=[],
    parameters=[
        _header("webhook-id", "The delivery's id, the same on every repeat"),
        _header("webhook-timestamp", "Whole seconds since 1970, within five minutes of now"),
        _header(
            "webhook-signature",
            "`v1,` and the base64 HMAC-SHA256 of `id.timestamp.body`; several separated by spaces",
        ),
    ],
    request=PolymorphicProxySerializer(
        component_name="PaymentMessage",
        serializers=[TipMessage, PurchaseMessage],
        resource_type_field_name=None,
    ),
    responses={
        202: OpenApiResponse(Received, "Stored durably, for the first time"),
        200: OpenApiResponse(Received, "A repeat; the body is the same as the first time"),
        400: refusal("The field and the rule that it breaks are in details; nothing was stored"),
        401: refusal("The signature, its time or its id is wrong; nothing was read"),
        409: refusal("Other content was received under this id; the first one stands"),
        413: refusal("The body is too long"),
        503: refusal("Not stored; send it again"),
    },
    examples=[
        OpenApiExample(
            "A tip",
            {"type": "tip.succeeded", "timestamp": AT, "data": TIP_EXAMPLE},
            request_only=True,
        ),
        OpenApiExample(
            "Tokens bought",
            {
                "type": "tokens.purchased",
                "timestamp": AT,
                "data": {
                    "purchaseId": "order-17",
                    "userId": USER_ID,
                    "tokens": 500,
                    "createdAt": AT,
                },
            },
            request_only=True,
        ),
        OpenApiExample(
            "Received",
            {"received": True, "tipId": TIP_ID},
            response_only=True,
            status_codes=["200", "202"],
        ),
    ],
)
@api_view(["POST"])
def payments_webhook(request: Request) -> Response:
    """Never routed: `tips.webhooks` answers."""
    raise NotImplementedError
