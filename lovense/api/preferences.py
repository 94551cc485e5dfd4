"""REST door of a performer's preferences: `GET, PUT /api/lovense/preferences`. Hers only."""

from drf_spectacular.utils import extend_schema
from rest_framework.decorators import api_view
from rest_framework.exceptions import PermissionDenied
from rest_framework.request import Request
from rest_framework.response import Response

from ground import clock
from ground.json.fields import Fields
from ground.json.shapes import refusal
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
from lovense.api.preferenceschema import PREFERENCES, Preferences, SomePreferences
from lovense.performers import preferences
from lovense.sending import groups
from lovense.stopping import paths


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
    description="What is not named stays as it is. They bind what starts from now on. With "
    "`versions`, nothing is overwritten that changed since it was seen.",
    request=SomePreferences,
    responses={
        200: Preferences,
        **REFUSED,
        409: refusal(
            "`changed_meanwhile`: a section is not as `versions` says; `details.now` has it. "
            "`no_site_name`: the operator has to set `details.setting` first"
        ),
        **WITH_A_BODY,
    },
    examples=[
        schema.example("Gentler", {"maximumIntensity": 12, "maximumSeconds": 20}),
        schema.example("If nobody else has", {"theme": "dark", "versions": {"look": 0}}),
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
    changes, seen = _asked(body_of(request), whose)
    who, now = caller(request), clock.now()
    with coming_from(request):
        row = paths.change(performer_id=whose, changes=changes, by=who, now=now, seen=seen)
    groups.devices_changed([whose])  # her pages are told her caps of now
    groups.news.at_once([whose], "preferences")
    wake(whose)
    return Response(preferences.told(row))


def _asked(body: Fields, whose: str) -> tuple[dict[str, object], dict[str, int]]:
    """What is to change, and what was seen of it."""
    said = {name: value for name, value in body.whole.items() if name != "versions"}
    seen = preferences.seen_in(body.object_or_empty("versions"))
    return preferences.parse(Fields(said, ""), preferences.of(whose)), seen
