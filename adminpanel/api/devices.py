"""`GET /api/admin/lovense/devices`: the devices of all performers, for staff."""

from drf_spectacular.utils import OpenApiExample, extend_schema
from rest_framework import serializers
from rest_framework.decorators import api_view, permission_classes
from rest_framework.request import Request
from rest_framework.response import Response

from adminpanel.api.schema import OF_STAFF, example, given
from adminpanel.doors import ByTable
from adminpanel.watch import devices as rules
from ground import clock
from ground.json.shapes import Shape, refusal
from lovense.devices import summary
from lovense.models import DeviceStatus
from lovense.rows import DeviceRow, Json
from tips.schema import HexId


class DevicesIn(Shape):
    performerId = HexId(required=False)
    status = serializers.ChoiceField(DeviceStatus.choices, required=False)
    cursor = serializers.CharField(
        required=False, max_length=160, help_text="`next` of the slice before"
    )
    limit = serializers.IntegerField(
        required=False, min_value=1, max_value=rules.SLICE, default=rules.SLICE
    )


class StaffFunctionOut(Shape):
    name = serializers.CharField()
    source = serializers.ChoiceField(  # type: ignore[assignment]
        ["verified", "gettoys", "table", "default"]
    )


class StaffDeviceOut(Shape):
    performerId = HexId()
    nickname = serializers.CharField()
    toyType = serializers.CharField()
    status = serializers.ChoiceField(DeviceStatus.choices)
    reason = serializers.CharField(allow_blank=True, help_text="Why it is not connected")
    battery = serializers.IntegerField(allow_null=True)
    firmware = serializers.CharField(allow_blank=True)
    enabled = serializers.BooleanField()
    isReportedByApp = serializers.BooleanField(help_text="False: her page reports it by itself")
    functions = StaffFunctionOut(many=True)
    lastSeenAt = serializers.DateTimeField()


class StaffDevicesOut(Shape):
    devices = StaffDeviceOut(many=True)
    next = serializers.CharField(allow_null=True)


DEVICE: Json = {
    "performerId": "507f191e810c19729de860eb",
    "nickname": "Lush 2",
    "toyType": "lush",
    "status": "connected",
    "reason": "",
    "battery": 88,
    "firmware": "234",
    "enabled": True,
    "isReportedByApp": True,
    "functions": [{"name": "Vibrate", "source": "table"}],
    "lastSeenAt": "2026-01-03T04:15:00.000Z",
}
ONE: OpenApiExample = example("One", {"devices": [DEVICE], "next": None})


@extend_schema(
    operation_id="admin_devices",
    summary="The devices of all performers",
    parameters=[DevicesIn],
    responses={
        200: StaffDevicesOut,
        400: refusal("A field breaks a rule"),
        **OF_STAFF,
    },
    examples=[ONE],
)
@api_view(["GET"])
@permission_classes([ByTable])
def devices(request: Request) -> Response:
    """By performer and nickname. Ids of toys and addresses are the performers' own."""
    asked = given(DevicesIn(data=request.query_params))
    found = rules.slice_of(
        performer_id=asked.get("performerId", ""),
        status=asked.get("status", ""),
        cursor=asked.get("cursor", ""),
        limit=asked["limit"],
    )
    return Response({"devices": list(map(told, found.rows)), "next": found.after or None})


def told(row: DeviceRow) -> Json:
    return {
        "performerId": row["performer_id"],
        "nickname": row["nickname"],
        "toyType": row["toy_type"],
        "status": row["status"],
        "reason": row["reason"],
        "battery": row["battery"],
        "firmware": row["firmware"],
        "enabled": row["is_enabled"],
        "isReportedByApp": bool(row["host_id"]),
        "functions": [
            {"name": each["name"], "source": summary.source_of(row, each)}
            for each in row["functions"]
        ],
        "lastSeenAt": clock.iso(row["last_seen_at"]),
    }
