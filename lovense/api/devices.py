"""REST doors of a performer's devices: `/api/lovense/devices`. Each makes one call into a rule and
translates.

They are hers alone, and another performer's device is answered as one that does not exist."""

from typing import Any

from drf_spectacular.utils import OpenApiResponse, extend_schema
from rest_framework import serializers
from rest_framework.decorators import api_view
from rest_framework.request import Request
from rest_framework.response import Response

from ground import clock
from ground.json.shapes import refusal
from lovense.api import deviceschema as schema
from lovense.api.calls import (
    DERIVED,
    OF_ASKING,
    OF_ONE,
    REFUSED,
    WITH_A_BODY,
    answering_outages,
    body_of,
    caller,
    coming_from,
    derived_key,
    key_of,
    key_parameter,
    performer_of,
    wake,
)
from lovense.api.schema import example
from lovense.devices import choices, devicelog
from lovense.lane import devicetests
from lovense.rows import DeviceRow
from lovense.sending import groups

KEY = key_parameter("test", default=DERIVED)


class DevicesQuery(serializers.Serializer[Any]):
    removed = serializers.BooleanField(
        default=False, help_text="Those that she removed and may restore, instead of those she has"
    )


@extend_schema(
    operation_id="devices_list",
    summary="Her devices",
    parameters=[DevicesQuery],
    responses={200: schema.DevicesOut, **OF_ASKING},
    examples=[example("One", {"devices": [schema.DEVICE]}, 200)],
)
@api_view(["GET"])
@answering_outages
def devices(request: Request) -> Response:
    """By nickname: at most 16 that are hers, or those that she removed."""
    query = DevicesQuery(data=request.query_params)
    query.is_valid(raise_exception=True)
    hers = choices.of(performer_of(request))
    found = hers.removed if query.validated_data["removed"] else hers.kept
    return Response({"devices": [schema.device(row) for row in found]})


@extend_schema(
    methods=["PUT"],
    operation_id="devices_change",
    summary="Name a device, switch it on or off, limit it",
    description="What the body does not name stays as it is, and what is so already changes "
    "nothing. A lower limit binds from the next start on.",
    parameters=[schema.DEVICE_PATH],
    request=schema.ChoiceIn,
    responses={
        200: schema.DeviceOut,
        **REFUSED,
        **WITH_A_BODY,
        409: refusal(
            "`not_verified`: details.function moves hardware, and no test of it has played to its "
            "end lately, or it was not said to have moved as expected"
        ),
    },
    examples=[
        example("A name and limits", schema.CHOICE),
        example("After a test: it moved as expected, and may move", schema.VERIFIED),
        example("Changed", schema.CHOSEN, 200),
    ],
)
@extend_schema(
    methods=["DELETE"],
    operation_id="devices_remove",
    summary="Remove a device",
    description="No later report brings it back; `restore` does. Again, it changes nothing.",
    parameters=[schema.DEVICE_PATH],
    responses={204: OpenApiResponse(description="It is hers no more"), **OF_ONE},
)
@api_view(["PUT", "DELETE"])
@answering_outages
def device(request: Request, device_id: str) -> Response:
    return (_change if request.method == "PUT" else _remove)(request, device_id)


def _change(request: Request, device_id: str) -> Response:
    whose, choice = performer_of(request), choices.Choice(body_of(request))
    with coming_from(request):
        row = choices.change(
            performer_id=whose,
            device_id=device_id,
            choice=choice,
            by=caller(request),
            now=clock.now(),
        )
    return _told(row)


def _remove(request: Request, device_id: str) -> Response:
    with coming_from(request):
        row = choices.remove(
            performer_id=performer_of(request),
            device_id=device_id,
            by=caller(request),
            now=clock.now(),
        )
    _tell(row)
    return Response(status=204)


@extend_schema(
    operation_id="devices_restore",
    summary="Take a removed device back",
    description="Under its nickname, or a numbered one where another device has that by now.",
    parameters=[schema.DEVICE_PATH],
    request=None,
    responses={
        200: schema.DeviceOut,
        **OF_ONE,
        409: refusal("`too_many_devices`: she has 16, and one of them has to go first"),
    },
    examples=[example("Back", schema.DEVICE, 200)],
)
@api_view(["POST"])
@answering_outages
def restore(request: Request, device_id: str) -> Response:
    """Again, it answers the same and changes nothing."""
    with coming_from(request):
        row = choices.restore(
            performer_id=performer_of(request),
            device_id=device_id,
            by=caller(request),
            now=clock.now(),
        )
    return _told(row)


@extend_schema(
    operation_id="devices_test",
    summary="Test one function of a device",
    description="A request of type `lovense.test` and priority CRITICAL in her queue: it plays on "
    "this device alone, within all limits, and nothing is charged. A pause does not hold it. What "
    "moves hardware and is off is tested at level 3 for 2 s, whatever is asked; switched on, at no "
    "more than level 5. Then say in `verified` how it moved.",
    parameters=[schema.DEVICE_PATH, KEY],
    request=schema.DeviceTestIn,
    responses={
        202: OpenApiResponse(schema.TestedOut, "It waits for its turn; or did, under this key"),
        **REFUSED,
        **WITH_A_BODY,
        409: refusal(
            "`stopped`: she has pressed stop. `device_offline`: it is away, switched off or not "
            "what plays now. `function_off`: she has switched it off. `cannot_test_here`: her "
            "extension decides what its toys do"
        ),
        422: refusal("The key was used for another test"),
        429: refusal("Too many in this minute: `details.resetAt`, and `Retry-After` in seconds"),
    },
    examples=[
        example("The main function", {}),
        example("Another one", {"function": "Thrusting", "strength": 8, "seconds": 3}),
        example("Waiting", schema.TESTED, 202),
    ],
)
@api_view(["POST"])
@answering_outages
def test(request: Request, device_id: str) -> Response:
    """Once per Idempotency-Key."""
    whose, wish = performer_of(request), devicetests.parse(body_of(request))
    made = devicetests.ask(
        performer_id=whose,
        device_id=device_id,
        wish=wish,
        account=str(request.user.pk),
        by=caller(request),
        key=key_of(request) or derived_key(request),
        now=clock.now(),
    )
    if made.is_new:
        _tell_of(whose)
    return Response({"requestId": made.row["_id"]}, status=202)


@extend_schema(
    operation_id="devices_status",
    summary="Whether a device can be reached",
    parameters=[schema.DEVICE_PATH],
    responses={200: schema.DeviceStanding, **OF_ONE},
    examples=[
        example("Connected", schema.STANDING, 200),
        example("Silent", schema.AWAY, 200),
    ],
)
@api_view(["GET"])
@answering_outages
def status(request: Request, device_id: str) -> Response:
    """As it was last heard of."""
    return Response(schema.standing(choices.owned(performer_of(request), device_id)))


@extend_schema(
    operation_id="devices_log",
    summary="What a device was told lately, and what was answered",
    description="By this server, over the vendor's cloud: what a page tells its devices by itself "
    "is not here. `accepted` means that its app has taken it; nobody says that anything moved.",
    parameters=[schema.DEVICE_PATH],
    responses={200: schema.DeviceLogOut, **OF_ONE},
    examples=[example("Two lines", {"lines": [schema.STOP_LINE, schema.LEVEL_LINE]}, 200)],
)
@api_view(["GET"])
@answering_outages
def log(request: Request, device_id: str) -> Response:
    """The last 200, the newest first; none is older than seven days."""
    row = choices.owned(performer_of(request), device_id)
    return Response({"lines": [schema.log_line(each) for each in devicelog.newest_of(row["_id"])]})


def _told(row: DeviceRow) -> Response:
    _tell(row)
    return Response(schema.device(row))


def _tell(row: DeviceRow) -> None:
    """Her pages show it, and a tip may wait for it."""
    _tell_of(row["performer_id"])


def _tell_of(whose: str) -> None:
    groups.devices_changed([whose])
    wake(whose)
