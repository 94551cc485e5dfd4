"""How the queue is and what it did in a period, over REST, for staff."""

from typing import Any

from drf_spectacular.utils import OpenApiExample, OpenApiParameter, extend_schema
from pymongo.errors import PyMongoError
from rest_framework import serializers
from rest_framework.decorators import api_view, permission_classes
from rest_framework.request import Request
from rest_framework.response import Response

from adminpanel.doors import ByTable
from adminpanel.watch import health as rules
from adminpanel.watch import metrics as periods
from ground import clock
from ground.json.errors import DatabaseAway
from ground.json.shapes import Shape, refusal
from lovense.deciding import platform


class ReadingOut(Shape):
    code = serializers.ChoiceField(
        ["depth", "failures", "dead", "set_aside", "refused", "skew"],
        help_text="`failures`: of the last hour. `dead`: not reviewed. `set_aside`: deliveries "
        "that could not be processed. `refused`: rows of the journal that an index refused. "
        "`skew`: milliseconds between the clock of a process and MongoDB's",
    )
    status = serializers.ChoiceField([status.value for status in rules.Status])
    saw = serializers.IntegerField()
    isAtLeast = serializers.BooleanField(help_text="It was not counted any further")
    degradedAbove = serializers.IntegerField()
    unhealthyAbove = serializers.IntegerField()


class HopOut(Shape):
    hop = serializers.ChoiceField(list(rules.COUNTS))
    depth = serializers.IntegerField(help_text="How many wait before it")
    isAtLeast = serializers.BooleanField()
    lagSeconds = serializers.FloatField(allow_null=True, help_text="How long the oldest has waited")


class HealthOut(Shape):
    status = serializers.ChoiceField(
        [status.value for status in rules.Status], help_text="The worst of the readings"
    )
    readings = ReadingOut(many=True)
    oldestPendingSeconds = serializers.FloatField(allow_null=True)
    hops = HopOut(many=True, help_text="The journal's, then in the order of the facts")
    isDraining = serializers.BooleanField()


HEALTHY = {
    "status": "degraded",
    "readings": [
        {
            "code": "depth",
            "status": "healthy",
            "saw": 12,
            "isAtLeast": False,
            "degradedAbove": 7000,
            "unhealthyAbove": 9000,
        },
        {
            "code": "failures",
            "status": "healthy",
            "saw": 0,
            "isAtLeast": False,
            "degradedAbove": 50,
            "unhealthyAbove": 100,
        },
        {
            "code": "dead",
            "status": "degraded",
            "saw": 21,
            "isAtLeast": False,
            "degradedAbove": 20,
            "unhealthyAbove": 50,
        },
    ],
    "oldestPendingSeconds": 3.2,
    "hops": [
        {"hop": "entries", "depth": 0, "isAtLeast": False, "lagSeconds": None},
        {"hop": "deliveries", "depth": 0, "isAtLeast": False, "lagSeconds": None},
        {"hop": "looks", "depth": 0, "isAtLeast": False, "lagSeconds": None},
        {"hop": "requests", "depth": 12, "isAtLeast": False, "lagSeconds": 3.2},
        {"hop": "claims", "depth": 0, "isAtLeast": False, "lagSeconds": None},
    ],
    "isDraining": False,
}
_STAFF_ONLY = {
    401: refusal("No session and no token, or an unknown one"),
    403: refusal("Not staff"),
    503: refusal("The database did not answer"),
}


@extend_schema(
    operation_id="queue_health",
    summary="How the queue is",
    description="`degraded`: more than 7000 wait, or more than 50 failed in the last hour, or "
    "more than 20 dead letters have no "
    "review, or one delivery is set aside, or one row was refused. `unhealthy`: more than 9000, "
    "100, 50, 50, 50. Nothing is counted further than it matters.",
    responses={200: HealthOut, **_STAFF_ONLY},
    examples=[
        OpenApiExample("Dead letters to review", HEALTHY, response_only=True, status_codes=["200"])
    ],
)
@api_view(["GET"])
@permission_classes([ByTable])
def health(request: Request) -> Response:
    """Its health, and how much waits before each hop, for how long."""
    try:
        found, is_draining = rules.read(now=clock.now()), platform.is_draining()
    except PyMongoError:
        raise DatabaseAway from None
    return Response(
        {
            "status": found.status.value,
            "readings": [_reading(reading) for reading in found.readings],
            "oldestPendingSeconds": found.hop("requests").lag_seconds,
            "hops": [
                {
                    "hop": hop.name,
                    "depth": hop.depth,
                    "isAtLeast": hop.is_at_least,
                    "lagSeconds": hop.lag_seconds,
                }
                for hop in found.hops
            ],
            "isDraining": is_draining,
        }
    )


def _reading(reading: rules.Reading) -> dict[str, Any]:
    return {
        "code": reading.measure.code,
        "status": reading.status.value,
        "saw": reading.saw,
        "isAtLeast": reading.is_at_least,
        "degradedAbove": reading.measure.degraded,
        "unhealthyAbove": reading.measure.unhealthy,
    }


class WaitsOut(Shape):
    count = serializers.IntegerField()
    mean = serializers.FloatField(allow_null=True)
    p50 = serializers.FloatField(allow_null=True)
    p95 = serializers.FloatField(allow_null=True)
    p99 = serializers.FloatField(allow_null=True)


class CountsOut(Shape):
    submitted = serializers.FloatField()
    completed = serializers.FloatField()
    failed = serializers.FloatField()
    dead = serializers.FloatField()
    cancelled = serializers.FloatField()


class MetricsOut(Shape):
    period = serializers.CharField()
    since = serializers.DateTimeField()
    until = serializers.DateTimeField()
    submitted = serializers.IntegerField(help_text="Settled tips, and what people submitted")
    completed = serializers.IntegerField(
        help_text="Ended in the period, whenever they came; an answer may be to do nothing"
    )
    failed = serializers.IntegerField()
    dead = serializers.IntegerField()
    cancelled = serializers.IntegerField()
    successRate = serializers.FloatField(
        allow_null=True, help_text="Completed, of completed, failed and dead"
    )
    waitSeconds = WaitsOut(
        help_text="From the settlement to the (last) start; percentiles are right to one percent"
    )
    perHour = CountsOut()


MEASURED = {
    "period": "1h",
    "since": "2026-01-03T03:15:00.000Z",
    "until": "2026-01-03T04:15:00.000Z",
    "submitted": 120,
    "completed": 117,
    "failed": 1,
    "dead": 0,
    "cancelled": 2,
    "successRate": 0.9915,
    "waitSeconds": {"count": 118, "mean": 4.2, "p50": 0.05, "p95": 18.9, "p99": 31.4},
    "perHour": {
        "submitted": 120.0,
        "completed": 117.0,
        "failed": 1.0,
        "dead": 0.0,
        "cancelled": 2.0,
    },
}


@extend_schema(
    operation_id="queue_metrics",
    summary="What the queue did in a period",
    parameters=[
        OpenApiParameter(
            "period",
            str,
            description="Minutes, hours or days up to now, as 30m, 24h or 7d; default 1h",
        )
    ],
    responses={
        200: MetricsOut,
        400: refusal("The period breaks its rule; see details"),
        **_STAFF_ONLY,
    },
    examples=[OpenApiExample("?period=1h", MEASURED, response_only=True, status_codes=["200"])],
)
@api_view(["GET"])
@permission_classes([ByTable])
def metrics(request: Request) -> Response:
    """Counts, rates and waits, up to 90 days back."""
    text = request.query_params.get("period", "1h")
    try:
        found = periods.read(periods.period(text), now=clock.now())
    except PyMongoError:
        raise DatabaseAway from None
    return Response(_metrics(text, found))


def _metrics(text: str, found: periods.Metrics) -> dict[str, Any]:
    ended = {status.value: found.ended[status] for status in periods.ENDS}
    counts = {"submitted": found.submitted, **ended}
    return {
        "period": text,
        "since": clock.iso(found.since),
        "until": clock.iso(found.until),
        **counts,
        "successRate": found.success_rate,
        "waitSeconds": {
            "count": found.waits.count,
            "mean": found.waits.mean,
            **found.waits.percentiles,
        },
        "perHour": {name: found.per_hour(count) for name, count in counts.items()},
    }
