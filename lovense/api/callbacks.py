"""Callbacks of apps at the wire, as the API's description shows them. Nothing is parsed here."""

from typing import Any

from drf_spectacular.utils import (
    OpenApiExample,
    OpenApiResponse,
    extend_schema,
    extend_schema_field,
)
from rest_framework import serializers
from rest_framework.decorators import api_view
from rest_framework.request import Request
from rest_framework.response import Response

from ground.json.shapes import Shape, refusal
from lovense.devices.callbacks import LONGEST_SECRET
from lovense.devices.readings import MAX_TOYS


@extend_schema_field({"oneOf": [{"type": "string"}, {"type": "number"}]})
class WordIn(serializers.Field):  # type: ignore[type-arg]
    """Text or a number: apps differ."""


@extend_schema_field(
    {
        "oneOf": [
            {"type": "object", "additionalProperties": {"type": "object"}},
            {"type": "array", "items": {"type": "object"}},
            {"type": "string"},
        ]
    }
)
class ToysIn(serializers.Field):  # type: ignore[type-arg]
    """A map by id, a list, or either as JSON text."""


@extend_schema_field({})
class AnythingIn(serializers.Field):  # type: ignore[type-arg]
    """What is none is left out, and refuses nothing."""


_OPTIONAL: dict[str, Any] = {"required": False, "allow_null": True}


class CallbackIn(Shape):
    uid = serializers.CharField(max_length=LONGEST_SECRET, help_text="As its pairing gave it")
    utoken = serializers.CharField(max_length=LONGEST_SECRET, help_text="The pairing's secret")
    domain = AnythingIn(
        **_OPTIONAL,
        help_text="`192-168-1-44.lovense.club`: a private IPv4 address, with dots or dashes",
    )
    httpPort = WordIn(**_OPTIONAL)
    httpsPort = WordIn(**_OPTIONAL)
    wsPort = WordIn(**_OPTIONAL)
    wssPort = WordIn(**_OPTIONAL)
    appType = WordIn(**_OPTIONAL)
    appVersion = WordIn(**_OPTIONAL)
    platform = WordIn(**_OPTIONAL)
    version = WordIn(**_OPTIONAL)
    toys = ToysIn(
        **_OPTIONAL,
        help_text=f"All of them; the first {MAX_TOYS} are kept, the rest is counted",
    )


class CallbackTaken(Shape):
    result = serializers.BooleanField()
    message = serializers.CharField()


CALLBACK = {
    "uid": "Zs4PcnX0rW2uN8vT1qLk5A",
    "utoken": "the-secret-of-her-pairing",
    "domain": "192-168-1-44.lovense.club",
    "httpPort": "34567",
    "httpsPort": "34568",
    "wsPort": "34567",
    "wssPort": "34568",
    "appType": "remote",
    "appVersion": "7.95.1",
    "platform": "ios",
    "version": "101",
    "toys": {"d1c0a2f3b4e5": {"id": "d1c0a2f3b4e5", "name": "lush", "nickName": "", "status": 1}},
}


@extend_schema(
    operation_id="lovense_webhook",
    summary="An app reports its toys",
    description="The callback address of the vendor's dashboard. Every well-formed call gets the "
    "same answer, whether it is believed or not: only the secret of a pairing, or of an app that "
    "is paired, changes anything. Unknown fields are passed over.",
    auth=[],
    request=CallbackIn,
    responses={
        200: OpenApiResponse(CallbackTaken, "What was to be kept of it is durable"),
        400: refusal("The field and the rule that it breaks are in details; nothing was changed"),
        413: refusal("The body is too long"),
        429: refusal("Too many in this minute; `Retry-After` in seconds"),
        503: refusal("Not stored; the next heartbeat says it again"),
    },
    examples=[
        OpenApiExample("A phone", CALLBACK, request_only=True),
        OpenApiExample(
            "Taken",
            {"result": True, "message": "success"},
            response_only=True,
            status_codes=["200"],
        ),
    ],
)
@api_view(["POST"])
def lovense_webhook(request: Request) -> Response:
    """Never routed: `lovense.webhooks` answers."""
    raise NotImplementedError
