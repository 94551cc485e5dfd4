"""REST door of a performer's preferences: `GET, PUT /api/lovense/preferences`. Hers only."""

from django.conf import settings
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.decorators import api_view
from rest_framework.exceptions import PermissionDenied
from rest_framework.request import Request
from rest_framework.response import Response

from ground import clock
from ground.json.fields import MAX_AMOUNT
from ground.json.shapes import Shape, refusal
from lovense.api import schema
from lovense.api.calls import (
    REFUSED,
    WITH_A_BODY,
    answering_outages,
    body_of,
    caller,
    coming_from,
    own_lane,
    wake,
)
from lovense.deciding import rest
from lovense.menus.vibration import LONGEST_ITEM_SECONDS, MAXIMUM_LEVEL, SHORTEST_RUN_SECONDS
from lovense.models import OwedPolicy
from lovense.performers import preferences
from lovense.sending import groups
from lovense.stopping import paths
from tips.models import Mode

PREFERENCES = {
    "bridge": "SIMULATOR",
    "maximumIntensity": 12,
    "maximumSeconds": 20,
    "maximumContinuousSeconds": 120,
    "restSeconds": None,
    "minimumTip": None,
    "queueMode": None,
    "autoConnect": None,
    "owedPolicy": "report",
}


class Preferences(Shape):
    bridge = serializers.ChoiceField(
        settings.LOVENSE_BRIDGES, help_text="By which path devices are told"
    )
    maximumIntensity = serializers.IntegerField(min_value=1, max_value=MAXIMUM_LEVEL)
    maximumSeconds = serializers.IntegerField(
        min_value=SHORTEST_RUN_SECONDS,
        max_value=LONGEST_ITEM_SECONDS,
        allow_null=True,
        help_text="Of one run; null: the platform's, which binds in any case",
    )
    maximumContinuousSeconds = serializers.IntegerField(
        min_value=preferences.LEAST_CONTINUOUS_SECONDS,
        max_value=LONGEST_ITEM_SECONDS,
        allow_null=True,
        help_text="After so many running seconds without a rest the next start waits; null: never",
    )
    restSeconds = serializers.IntegerField(
        min_value=1,
        max_value=LONGEST_ITEM_SECONDS,
        allow_null=True,
        help_text=f"How long it waits then; null: {rest.USUAL}",
    )
    minimumTip = serializers.IntegerField(
        min_value=1,
        max_value=MAX_AMOUNT,
        allow_null=True,
        help_text="Smaller tips do nothing; null: the platform's, which binds in any case",
    )
    queueMode = serializers.ChoiceField(
        Mode.choices, allow_null=True, help_text="null: the platform's"
    )
    owedPolicy = serializers.ChoiceField(
        OwedPolicy.choices,
        help_text="What becomes of seconds that were promised and not delivered",
    )
    autoConnect = serializers.BooleanField(
        allow_null=True,
        help_text="Whether her page takes the devices by itself; null: as the platform does",
    )


class SomePreferences(Preferences):
    def get_fields(self) -> dict[str, serializers.Field]:  # type: ignore[type-arg]
        found: dict[str, serializers.Field] = super().get_fields()  # type: ignore[type-arg]
        for field in found.values():
            field.required = False
        return found


@extend_schema(
    methods=["GET"],
    operation_id="preferences",
    summary="Her own limits and habits",
    description="null: the platform's, or none where the platform has none.",
    responses={200: Preferences, **REFUSED},
    examples=[schema.example("As they are", PREFERENCES, 200)],
)
@extend_schema(
    methods=["PUT"],
    operation_id="preferences_change",
    summary="Change some of them",
    description="What is not named stays as it is. They bind what starts from now on.",
    request=SomePreferences,
    responses={
        200: Preferences,
        **REFUSED,
        409: refusal("`no_site_name`: the operator has to set `details.setting` first"),
        **WITH_A_BODY,
    },
    examples=[
        schema.example("Gentler", {"maximumIntensity": 12, "maximumSeconds": 20}),
        schema.example("As they are now", PREFERENCES, 200),
    ],
)
@api_view(["GET", "PUT"])
@answering_outages
def preferences_of_hers(request: Request) -> Response:
    whose = own_lane(request)
    if whose is None:
        raise PermissionDenied
    if request.method == "GET":
        return Response(preferences.told(preferences.of(whose)))
    changes = preferences.parse(body_of(request))
    with coming_from(request):
        row = paths.change(performer_id=whose, changes=changes, by=caller(request), now=clock.now())
    groups.devices_changed([whose])  # her pages are told her caps of now
    groups.news.at_once([whose], "preferences")
    wake(whose)
    return Response(preferences.told(row))
