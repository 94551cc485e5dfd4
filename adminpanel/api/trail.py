"""`GET /api/admin/lovense/tips/:id`: all that is recorded of a tip, as its page shows it, for
staff."""

from typing import Any

from django.http import Http404
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import serializers
from rest_framework.decorators import api_view, permission_classes
from rest_framework.request import Request
from rest_framework.response import Response

from adminpanel.api import tips
from adminpanel.api.schema import OF_STAFF, example
from adminpanel.doors import ByTable
from adminpanel.tip import deliveries, entries, story, timeline, trail
from adminpanel.tip.story import Story
from ground import clock
from ground.json.shapes import Shape, refusal
from lovense.models import Activation
from lovense.rows import Json
from tips import schema


class FactOut(Shape):
    number = serializers.IntegerField()
    name = serializers.CharField()
    key = serializers.CharField(allow_blank=True)
    state = serializers.ChoiceField(["done", "waiting", "never"])
    at = serializers.DateTimeField(allow_null=True)
    waitsFor = serializers.CharField(allow_blank=True)


class TrailGateOut(Shape):
    gate = serializers.CharField()
    passed = serializers.BooleanField()
    saw = serializers.CharField(allow_blank=True)


class TrailEntryOut(Shape):
    account = serializers.CharField(help_text="Masked where the tip is anonymous")
    side = serializers.ChoiceField(["debit", "credit"])
    tokens = serializers.IntegerField()
    balanceAfter = serializers.IntegerField(allow_null=True)
    isReversal = serializers.BooleanField()


class TrailEventOut(Shape):
    eventId = serializers.CharField()
    sequence = serializers.IntegerField()
    payloadHash = serializers.CharField()
    previousHash = serializers.CharField()
    isChainWhole = serializers.BooleanField(help_text="Around it, computed now")


class TrailDeliveryOut(Shape):
    key = serializers.CharField()
    status = serializers.CharField()
    receivedAt = serializers.DateTimeField()
    failedAttempts = serializers.IntegerField()
    error = serializers.CharField(allow_blank=True)


class TrailRunOut(Shape):
    activationId = serializers.CharField()
    status = serializers.CharField()
    told = serializers.ListField(
        child=serializers.CharField(), help_text="Attempts, words of the page, seconds owed"
    )


class ConsumerOut(Shape):
    name = serializers.CharField()
    state = serializers.ChoiceField(["waiting", "taken", "dead", "delivered"])


class TrailOut(Shape):
    tip = tips.TipOut()
    facts = FactOut(many=True)
    gates = TrailGateOut(many=True)
    entries = TrailEntryOut(many=True)
    event = TrailEventOut(allow_null=True)
    deliveries = TrailDeliveryOut(many=True)
    runs = TrailRunOut(many=True)
    consumers = ConsumerOut(many=True)
    audit = serializers.ListField(
        child=serializers.CharField(), help_text="Ids of entries of the audit log, newest first"
    )


_AT = "2026-01-03T04:15:00.000Z"
ONE: Json = {
    "tip": tips.PLAYED,
    "facts": [
        {
            "number": 1,
            "name": "Delivery stored",
            "key": "payments/msg_1",
            "state": "done",
            "at": _AT,
            "waitsFor": "",
        }
    ],
    "gates": [{"gate": "kill_switch", "passed": True, "saw": "activations are on"}],
    "entries": [
        {
            "account": "user:507f191e810c19729de860ea",
            "side": "debit",
            "tokens": 100,
            "balanceAfter": 900,
            "isReversal": False,
        }
    ],
    "event": {
        "eventId": schema.SETTLED_EXAMPLE["eventId"],
        "sequence": 1,
        "payloadHash": "a" * 64,
        "previousHash": "0" * 64,
        "isChainWhole": True,
    },
    "deliveries": [
        {
            "key": "payments/msg_1",
            "status": "processed",
            "receivedAt": _AT,
            "failedAttempts": 0,
            "error": "",
        }
    ],
    "runs": [
        {
            "activationId": f"{schema.TIP_ID}.all",
            "status": "completed",
            "told": ["Attempt 1: 04:15:00.000 UTC by page-1"],
        }
    ],
    "consumers": [{"name": "rollups", "state": "taken"}],
    "audit": [],
}


@extend_schema(
    operation_id="admin_tip_trail",
    summary="All that is recorded of a tip",
    parameters=[
        OpenApiParameter(
            "tip_id", str, OpenApiParameter.PATH, description="24 lower-case hexadecimal digits"
        )
    ],
    responses={200: TrailOut, 404: refusal("No delivery ever named this tip"), **OF_STAFF},
    examples=[example("Played", ONE)],
)
@api_view(["GET"])
@permission_classes([ByTable])
def trail_of_tip(request: Request, tip_id: str) -> Response:
    """The six facts, the gates, the money, the event and the log's chain around it, deliveries with
    those that repeat them, what was played, consumers, and what staff did."""
    found = story.read(tip_id)
    if found is None:
        raise Http404
    return Response(
        {
            "tip": tips.as_json(found),
            "facts": [_fact(fact) for fact in timeline.of(found)],
            "gates": _gates(found),
            "entries": [_entry(line) for line in entries.of(found)],
            "event": _event(found),
            "deliveries": [_delivery(row) for row in found.deliveries] + _repeats(found),
            "runs": [_run(found, row) for row in found.activations],
            "consumers": [
                {"name": each.consumer, "state": each.state}
                for each in trail.consumers(found.event)
            ],
            "audit": [str(entry["_id"]) for entry in trail.entries(found)],
        }
    )


def _fact(fact: timeline.FactOfTip) -> Json:
    return {
        "number": fact.number,
        "name": fact.title,
        "key": fact.key,
        "state": fact.state,
        "at": clock.iso(fact.at) if fact.at else None,
        "waitsFor": fact.waits,
    }


def _gates(found: Story) -> list[Json]:
    asked = found.activation.gates if found.activation else []
    return [
        {"gate": row["gate"], "passed": row["passed"], "saw": story.shown_gate(row)["saw"]}
        for row in asked
    ]


def _entry(line: entries.Line) -> Json:
    return {
        "account": line.account,
        "side": line.side,
        "tokens": line.amount,
        "balanceAfter": line.after,
        "isReversal": line.is_reversal,
    }


def _event(found: Story) -> Json | None:
    event, checked = found.event, trail.chain_around(found.event)
    if event is None or checked is None:
        return None
    return {
        "eventId": event.event_id,
        "sequence": event.sequence,
        "payloadHash": event.payload_hash,
        "previousHash": event.previous_hash,
        "isChainWhole": not checked.broken,
    }


def _delivery(row: Any) -> Json:
    return {
        "key": row.key,
        "status": row.status,
        "receivedAt": clock.iso(row.received_at),
        "failedAttempts": row.attempts,
        "error": row.error,
    }


def _repeats(found: Story) -> list[Json]:
    return [
        {
            "key": row.key,
            "status": row.status,
            "receivedAt": clock.iso(row.received_at),
            "failedAttempts": 0,
            "error": "",
        }
        for row in deliveries.repeats(found).rows
    ]


def _run(found: Story, row: Activation) -> Json:
    told = [f"{name}: {words}" for name, words in timeline.said(found, row)]
    return {"activationId": row.activation_id, "status": row.status, "told": told}
