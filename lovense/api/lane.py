"""REST doors of the performance queue: `/api/performance-queue/*`. A performer has her own lane; an
administrator names one.

What is another performer's is answered as what does not exist. Each door makes one call into a rule
and translates."""

from typing import Any

from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import serializers
from rest_framework.decorators import api_view
from rest_framework.request import Request
from rest_framework.response import Response

from ground import clock
from lovense.api import answers, schema
from lovense.api.calls import MOST_SHOWN, REFUSED, answering_outages, lane_of
from lovense.lane import lanes

# --- submitting ----------------------------------------------------------------------------------


# --- looking -------------------------------------------------------------------------------------


class LaneQuery(serializers.Serializer[Any]):
    limit = serializers.IntegerField(
        min_value=1, max_value=MOST_SHOWN, default=50, help_text="How many of those that wait"
    )


@extend_schema(
    operation_id="queue_lane",
    summary="A lane: what plays, what waits, and whether it is paused",
    parameters=[
        LaneQuery,
        OpenApiParameter(
            "performerId", str, description="Whose; staff has to say it, a performer has her own"
        ),
    ],
    responses={200: schema.LaneOut, **REFUSED},
    examples=[schema.example("One plays and one waits", schema.LANE, 200)],
)
@api_view(["GET"])
@answering_outages
def lane(request: Request) -> Response:
    """The performer's own lane, in the order of the turns."""
    query = LaneQuery(data=request.query_params)
    query.is_valid(raise_exception=True)
    whose = lane_of(request, request.query_params.get("performerId"), is_change=False)
    now = clock.now()
    return Response(
        answers.lane(lanes.read(whose, limit=query.validated_data["limit"], now=now), now)
    )


# --- controls ------------------------------------------------------------------------------------
