"""What staff asks over REST: where a tip stands (the platform may, too), how the queue is, what it did in a period,
and its dead letters."""

from typing import Any

from django.contrib.auth.models import User
from django.http import Http404
from drf_spectacular.utils import OpenApiExample, OpenApiParameter, extend_schema
from pymongo.errors import ExecutionTimeout, PyMongoError
from rest_framework import serializers
from rest_framework.decorators import api_view, permission_classes
from rest_framework.exceptions import ValidationError
from rest_framework.permissions import SAFE_METHODS, BasePermission
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from adminpanel import audit
from adminpanel import health as rules
from adminpanel import metrics as periods
from adminpanel import wire as shapes
from ledger import clock, doorbell
from ledger.door import error
from ledger.wire import Shape, refusal
from lovense import deadletters
from tips import wire
from tips.api import IsStaffOrPlatform


class VerdictOut(serializers.Serializer[Any]):
    status = serializers.CharField(
        help_text="completed, skipped, failed, timeout, expired, dead, cancelled, or pending while it may change"
    )
    reason = serializers.CharField(help_text="A stable code; empty when there is nothing to explain")
    text = serializers.CharField(help_text="One sentence for people")


class ActivationOut(serializers.Serializer[Any]):
    activationId = serializers.CharField()
    status = serializers.CharField()
    promisedSeconds = serializers.IntegerField()
    deliveredSeconds = serializers.FloatField(allow_null=True)


class TipOut(serializers.Serializer[Any]):
    tipId = serializers.CharField()
    status = serializers.CharField()
    settlementStatus = serializers.CharField()
    eventId = serializers.CharField(allow_null=True)
    verdict = VerdictOut()
    activations = ActivationOut(many=True)


PLAYED = {
    "tipId": wire.TIP_ID,
    "status": "success",
    "settlementStatus": "settled",
    "eventId": wire.SETTLED_EXAMPLE["eventId"],
    "verdict": {"status": "completed", "reason": "", "text": "100 tokens from user123: “Fireworks” played for 10 s."},
    "activations": [
        {"activationId": f"{wire.TIP_ID}.all", "status": "completed", "promisedSeconds": 10, "deliveredSeconds": 10.0}
    ],
}


@extend_schema(
    operation_id="tips_standing",
    summary="Where a tip stands",
    parameters=[OpenApiParameter("tip_id", str, OpenApiParameter.PATH, description="24 lower-case hexadecimal digits")],
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
    found = audit.trail(tip_id)
    if found is None:
        raise Http404
    return Response(as_json(found))


def as_json(found: audit.Trail) -> dict[str, Any]:
    verdict = found.verdict
    return {
        "tipId": found.tip_id,
        "status": found.tip.status if found.tip else "pending",
        "settlementStatus": found.tip.settlement_status if found.tip else "pending",
        "eventId": found.event.event_id if found.event else None,
        "verdict": {"status": verdict.status, "reason": verdict.reason, "text": verdict.text},
        "activations": [
            {
                "activationId": row.activation_id,
                "status": row.status,
                "promisedSeconds": row.promised_seconds,
                "deliveredSeconds": row.delivered_seconds,
            }
            for row in found.activations
        ],
    }


# --- the queue -------------------------------------------------------------------------------------------------------------


class IsStaff(BasePermission):
    """Of whatever role: it only looks."""

    def has_permission(self, request: Request, view: APIView) -> bool:
        return isinstance(request.user, User) and request.user.is_staff


class ReadingOut(Shape):
    code = serializers.ChoiceField(["depth", "failures", "dead"], help_text="`failures`: of the last hour. `dead`: not reviewed")
    status = serializers.ChoiceField([status.value for status in rules.Status])
    saw = serializers.IntegerField()
    isAtLeast = serializers.BooleanField(help_text="It was not counted any further")
    degradedAbove = serializers.IntegerField()
    unhealthyAbove = serializers.IntegerField()


class HopOut(Shape):
    hop = serializers.ChoiceField(list(rules.HOPS))
    depth = serializers.IntegerField(help_text="How many wait before it")
    isAtLeast = serializers.BooleanField()
    lagSeconds = serializers.FloatField(allow_null=True, help_text="How long the oldest has waited")


class HealthOut(Shape):
    status = serializers.ChoiceField([status.value for status in rules.Status], help_text="The worst of the readings")
    readings = ReadingOut(many=True)
    oldestPendingSeconds = serializers.FloatField(allow_null=True)
    hops = HopOut(many=True, help_text="In the order of the facts")
    isDraining = serializers.BooleanField()


HEALTHY = {
    "status": "degraded",
    "readings": [
        {"code": "depth", "status": "healthy", "saw": 12, "isAtLeast": False, "degradedAbove": 7000, "unhealthyAbove": 9000},
        {"code": "failures", "status": "healthy", "saw": 0, "isAtLeast": False, "degradedAbove": 50, "unhealthyAbove": 100},
        {"code": "dead", "status": "degraded", "saw": 21, "isAtLeast": False, "degradedAbove": 20, "unhealthyAbove": 50},
    ],
    "oldestPendingSeconds": 3.2,
    "hops": [
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


def _unavailable() -> Response:
    return Response(error("unavailable", "The database did not answer; try again."), status=503)


@extend_schema(
    operation_id="queue_health",
    summary="How the queue is",
    description="`degraded`: more than 7000 wait, or more than 50 failed in the last hour, or more than 20 dead letters have no "
    "review. `unhealthy`: more than 9000, 100, 50. Nothing is counted further than it matters.",
    responses={200: HealthOut, **_STAFF_ONLY},
    examples=[OpenApiExample("Dead letters to review", HEALTHY, response_only=True, status_codes=["200"])],
)
@api_view(["GET"])
@permission_classes([IsStaff])
def health(request: Request) -> Response:
    """Its health, and how much waits before each hop, for how long."""
    try:
        found = rules.read(now=clock.now())
    except PyMongoError:
        return _unavailable()
    return Response(
        {
            "status": found.status.value,
            "readings": [_reading(reading) for reading in found.readings],
            "oldestPendingSeconds": found.hop("requests").lag_seconds,
            "hops": [
                {"hop": hop.name, "depth": hop.depth, "isAtLeast": hop.is_at_least, "lagSeconds": hop.lag_seconds}
                for hop in found.hops
            ],
            "isDraining": found.is_draining,
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
    completed = serializers.IntegerField(help_text="Ended in the period, whenever they came; an answer may be to do nothing")
    failed = serializers.IntegerField()
    dead = serializers.IntegerField()
    cancelled = serializers.IntegerField()
    successRate = serializers.FloatField(allow_null=True, help_text="Completed, of completed, failed and dead")
    waitSeconds = WaitsOut(help_text="From the settlement to the (last) start; percentiles are right to one percent")
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
    "perHour": {"submitted": 120.0, "completed": 117.0, "failed": 1.0, "dead": 0.0, "cancelled": 2.0},
}


@extend_schema(
    operation_id="queue_metrics",
    summary="What the queue did in a period",
    parameters=[OpenApiParameter("period", str, description="Minutes, hours or days up to now, as 30m, 24h or 7d; default 1h")],
    responses={200: MetricsOut, 400: refusal("The period breaks its rule; see details"), **_STAFF_ONLY},
    examples=[OpenApiExample("?period=1h", MEASURED, response_only=True, status_codes=["200"])],
)
@api_view(["GET"])
@permission_classes([IsStaff])
def metrics(request: Request) -> Response:
    """Counts, rates and waits, up to 90 days back."""
    text = request.query_params.get("period", "1h")
    try:
        found = periods.read(periods.period(text), now=clock.now())
    except periods.InvalidPeriod as bad:
        return Response(error("malformed", f"period: {bad}.", {"field": "period", "rule": str(bad)}), status=400)
    except ExecutionTimeout:
        return Response(error("too_long", "Too much ended in this period; ask about a shorter one."), status=503)
    except PyMongoError:
        return _unavailable()
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
        "waitSeconds": {"count": found.waits.count, "mean": found.waits.mean, **found.waits.percentiles},
        "perHour": {name: found.per_hour(count) for name, count in counts.items()},
    }


# --- dead letters ----------------------------------------------------------------------------------------------------------


DECIDES = "tips.change_queuerequest"  # Django's permission


class MayDecide(BasePermission):
    """Staff may look; who may change requests may decide about them."""

    def has_permission(self, request: Request, view: Any) -> bool:
        user = request.user
        if not (isinstance(user, User) and user.is_staff):
            return False
        return request.method in SAFE_METHODS or user.has_perm(DECIDES)


_ID = OpenApiParameter("key", str, OpenApiParameter.PATH, description="A request id or a tip id")
_REFUSALS = {401: refusal("No token, or an unknown one"), 403: refusal("Not staff, or not allowed to decide")}
_OF_ONE = _REFUSALS | {
    404: refusal("There is no such request"),
    409: refusal("`not_dead`, `archived` or `settled_otherwise`: the message says why it cannot be changed"),
}
_STATUS = {deadletters.NotFound.code: 404}


def _refused(refused: deadletters.Refused) -> Response:
    details = {"actual": refused.actual} if isinstance(refused, deadletters.CountChanged) else None
    return Response(error(refused.code, str(refused), details), status=_STATUS.get(refused.code, 409))


@extend_schema(
    operation_id="dead_letters",
    summary="Requests that were given up, by cause",
    parameters=[shapes.PageIn],
    responses={200: shapes.LettersOut, 400: refusal("`after` is not a place of this list"), **_REFUSALS},
    examples=[shapes.example("One of a group", {"groups": [shapes.BUSY], "items": [shapes.LETTER], "next": None})],
)
@api_view(["GET"])
@permission_classes([MayDecide])
def dead_letters(request: Request) -> Response:
    """The causes with their counts, and a page of letters with their whole history, those that died last first."""
    asked = shapes.PageIn(data=request.query_params)
    asked.is_valid(raise_exception=True)
    try:
        letters, more = deadletters.page(**asked.validated_data)
    except deadletters.NoSuchPlace:
        raise ValidationError({"after": ["Not a place of this list."]}) from None
    groups = [shapes.group_json(group) for group in deadletters.groups()]
    return Response({"groups": groups, "items": [shapes.letter_json(letter) for letter in letters], "next": more or None})


@extend_schema(
    operation_id="review_dead_letter",
    summary="Note what was decided about a dead letter",
    parameters=[_ID],
    request=shapes.ReviewIn,
    responses={200: shapes.LetterOut, 400: refusal("A field breaks a rule"), **_OF_ONE},
    examples=[shapes.example("Refunded", shapes.REVIEW, is_request=True), shapes.example("Reviewed", shapes.REVIEWED)],
)
@api_view(["POST"])
@permission_classes([MayDecide])
def review_dead_letter(request: Request, key: str) -> Response:
    """What is reviewed as refunded, waived or duplicate does not go back into the queue."""
    said = shapes.ReviewIn(data=request.data)
    said.is_valid(raise_exception=True)
    decided = {
        "resolution": deadletters.Resolution(said.validated_data["resolution"]),
        "note": said.validated_data.get("note", ""),
    }
    try:
        return Response(shapes.letter_json(deadletters.review(key, **decided, by=_name(request), now=clock.now())))
    except deadletters.Refused as refused:
        return _refused(refused)


@extend_schema(
    operation_id="replay_dead_letter",
    summary="Send a dead letter back into the queue",
    parameters=[_ID],
    request=shapes.ReplayIn,
    responses={200: shapes.LetterOut, 400: refusal("A field breaks a rule"), **_OF_ONE},
    examples=[
        shapes.example("With a reason", {"why": "The device is connected again."}, is_request=True),
        shapes.example("Waiting again", shapes.SENT_BACK),
    ],
)
@api_view(["POST"])
@permission_classes([MayDecide])
def replay_dead_letter(request: Request, key: str) -> Response:
    """Once, whoever else tries. Only what is known not to have played goes back."""
    said = shapes.ReplayIn(data=request.data)
    said.is_valid(raise_exception=True)
    try:
        letter = deadletters.replay(key, **said.validated_data, by=_name(request), now=clock.now())
    except deadletters.Refused as refused:
        return _refused(refused)
    doorbell.ring("lovense.dispatch")
    return Response(shapes.letter_json(letter))


@extend_schema(
    operation_id="replay_dead_letters",
    summary="Send all dead letters of a cause back into the queue",
    request=shapes.GroupReplayIn,
    responses={
        200: shapes.GroupReplayed,
        400: refusal("A field breaks a rule"),
        409: refusal("`count_changed`: there are another number now, which is `details.actual`; nothing was sent back"),
        **_REFUSALS,
    },
    examples=[
        shapes.example("All that were busy", {"cause": "busy", "expect": 11}, is_request=True),
        shapes.example("Sent back", {"replayed": 11, "left": 0}),
    ],
)
@api_view(["POST"])
@permission_classes([MayDecide])
def replay_dead_letters(request: Request) -> Response:
    """You say how many they are, as you were shown."""
    said = shapes.GroupReplayIn(data=request.data)
    said.is_valid(raise_exception=True)
    try:
        gone, left = deadletters.replay_group(**said.validated_data, by=_name(request), now=clock.now())
    except deadletters.CountChanged as refused:
        return _refused(refused)
    doorbell.ring("lovense.dispatch")
    return Response({"replayed": gone, "left": left})


def _name(request: Request) -> str:
    return str(request.user.get_username())
