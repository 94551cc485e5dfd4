"""REST doors for the apps that a performer has paired: which they are, and that one is hers no
more. They are hers alone. What proves an app's callbacks, and where it is, is in no answer."""

from drf_spectacular.utils import OpenApiParameter, OpenApiResponse, extend_schema
from rest_framework import serializers
from rest_framework.decorators import api_view
from rest_framework.request import Request
from rest_framework.response import Response

from ground import clock
from ground.json.shapes import Shape
from lovense.api import schema
from lovense.api.calls import (
    OF_ONE,
    OF_READING,
    answering_outages,
    caller,
    coming_from,
    performer_of,
)
from lovense.devices import hosts as rule
from lovense.rows import HostRow, Json
from lovense.sending import groups
from lovense.stopping import unpairing


class HostOut(Shape):
    id = serializers.CharField()
    appType = serializers.CharField(
        allow_blank=True, help_text="As the app calls itself: `remote`, `connect`; may be empty"
    )
    platform = serializers.CharField(allow_blank=True, help_text="`android`, `ios`, `pc`")
    appVersion = serializers.CharField(allow_blank=True)
    pairedAt = serializers.DateTimeField()
    lastSeenAt = serializers.DateTimeField()
    toysCount = serializers.IntegerField(help_text="In its last report, connected or not")
    isAddressRefused = serializers.BooleanField(
        help_text="It named an address that is not handed to any page: its toys are kept"
    )


class HostsOut(Shape):
    hosts = HostOut(many=True, help_text="In the order in which they were paired")


_ID = OpenApiParameter("host_id", str, OpenApiParameter.PATH, description="As the list names it")
EXAMPLE = {
    "hosts": [
        {
            "id": "65a0f191e810c19729de8601",
            "appType": "remote",
            "platform": "ios",
            "appVersion": "7.95.1",
            "pairedAt": schema.AT,
            "lastSeenAt": schema.AT,
            "toysCount": 2,
            "isAddressRefused": False,
        }
    ]
}


@extend_schema(
    operation_id="lovense_hosts",
    summary="The apps that a performer has paired",
    responses={200: HostsOut, **OF_READING},
    examples=[schema.example("Her phone", EXAMPLE, 200)],
)
@api_view(["GET"])
@answering_outages
def hosts(request: Request) -> Response:
    """Those that are not unpaired."""
    return _answer(performer_of(request))


@extend_schema(
    operation_id="lovense_unpair",
    summary="Unpair an app",
    description="What plays ends first. What proved its callbacks is forgotten at once, and its "
    "devices are not hers any more; their nicknames and limits come back when the app is paired "
    "again. Again, it answers the same and changes nothing.",
    parameters=[_ID],
    responses={200: OpenApiResponse(HostsOut, "Unpaired; those that are left"), **OF_ONE},
    examples=[schema.example("One is left", EXAMPLE, 200)],
)
@api_view(["DELETE"])
@answering_outages
def host(request: Request, host_id: str) -> Response:
    """One of hers."""
    whose = performer_of(request)
    with coming_from(request):
        unpairing.unpair(performer_id=whose, host_id=host_id, by=caller(request), now=clock.now())
    groups.devices_changed([whose])
    return _answer(whose)


def _answer(whose: str) -> Response:
    return Response({"hosts": [_told(row) for row in rule.of(whose)]})


def _told(row: HostRow) -> Json:
    return {
        "id": row["_id"],
        "appType": row["app_type"],
        "platform": row["platform"],
        "appVersion": row["app_version"],
        "pairedAt": clock.iso(row["paired_at"]),
        "lastSeenAt": clock.iso(row["last_seen_at"]),
        "toysCount": row["toys_count"],
        "isAddressRefused": row["is_address_refused"],
    }
