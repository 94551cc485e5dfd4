"""`GET /api/admin/lovense/performers/:id`: how a performer stands, as her page says it, for staff.
Recorded, as a look at her page is."""

from django.http import Http404
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.decorators import api_view, permission_classes
from rest_framework.request import Request
from rest_framework.response import Response

from adminpanel.api import devices, performers
from adminpanel.api.schema import OF_STAFF, example
from adminpanel.doors import ByTable
from adminpanel.handling import performers as handling
from adminpanel.performer import standing
from adminpanel.performer.limits import BindingLimit
from adminpanel.performer.menus import DiffedVersion
from adminpanel.performer.standing import COUNTED, OpenRepair, PerformerStanding
from ground import clock
from ground.json.shapes import Shape, refusal
from lovense.performers import overrides
from lovense.rows import Json
from tips.schema import HexId


class BindingLimitOut(Shape):
    name = serializers.CharField()
    platform = serializers.JSONField(allow_null=True)
    hers = serializers.JSONField(allow_null=True)
    override = serializers.JSONField(allow_null=True)
    binds = serializers.JSONField(allow_null=True)
    whose = serializers.CharField(allow_blank=True, help_text="Who set what binds")


class OpenRepairOut(Shape):
    wrong = serializers.CharField()
    weight = serializers.CharField()
    since = serializers.DateTimeField()


class DiffedVersionOut(Shape):
    version = serializers.IntegerField()
    publishedAt = serializers.DateTimeField()
    changes = serializers.ListField(
        child=serializers.CharField(), help_text="Since the version before"
    )


class OwedSumOut(Shape):
    runs = serializers.IntegerField(help_text="At most 100 are looked at")
    seconds = serializers.FloatField(help_text="Of those runs")


class StandingOut(Shape):
    performerId = HexId()
    displayName = serializers.CharField()
    says = serializers.CharField(help_text="All of it in a sentence")
    onAirSince = serializers.DateTimeField(allow_null=True)
    waiting = serializers.IntegerField(help_text=f"{COUNTED + 1}: more than {COUNTED}")
    isStopped = serializers.BooleanField()
    isPaused = serializers.BooleanField()
    limits = BindingLimitOut(many=True)
    overridesVersion = serializers.IntegerField(help_text="Who sets overrides names it")
    overrides = performers.OverridesNowOut(allow_null=True)
    devices = devices.StaffDeviceOut(many=True)
    repairs = OpenRepairOut(many=True)
    menus = DiffedVersionOut(many=True, help_text="The last ones, newest first")
    owed = OwedSumOut()
    sessions = serializers.IntegerField(help_text="Where her account is logged in")


ONE: Json = {
    "performerId": devices.DEVICE["performerId"],
    "displayName": "ana",
    "says": "On air, and her queue is open.",
    "onAirSince": "2026-01-03T04:15:00.000Z",
    "waiting": 3,
    "isStopped": False,
    "isPaused": False,
    "limits": [
        {
            "name": "maximumSeconds",
            "platform": 30,
            "hers": None,
            "override": 10,
            "binds": 10,
            "whose": "the override",
        }
    ],
    "overridesVersion": 1,
    "overrides": performers.NOW["overrides"],
    "devices": [devices.DEVICE],
    "repairs": [],
    "menus": [
        {
            "version": 2,
            "publishedAt": "2026-01-03T04:15:00.000Z",
            "changes": ["Changed: Wave (seconds: 6 → 20)"],
        }
    ],
    "owed": {"runs": 1, "seconds": 2.5},
    "sessions": 1,
}


@extend_schema(
    operation_id="admin_performer",
    summary="How a performer stands",
    responses={200: StandingOut, **OF_STAFF, 404: refusal("There is no such performer")},
    examples=[example("On air", ONE)],
)
@api_view(["GET"])
@permission_classes([ByTable])
def performer(request: Request, performer_id: str) -> Response:
    """What holds and limits her, with what, and what is owed. No viewer is named. The look is
    recorded."""
    now = clock.now()
    found = standing.read(performer_id, now=now)
    if found is None:
        raise Http404
    told = _told(found)
    handling.look(performer_id, by=request.user.get_username(), now=now)
    return Response(told)


def _told(her: PerformerStanding) -> Json:
    return {
        "performerId": her.performer_id,
        "displayName": her.row["display_name"],
        "says": her.said.words,
        "onAirSince": clock.iso(her.on_air["since"]) if her.on_air else None,
        "waiting": her.waiting,
        "isStopped": her.is_stopped,
        "isPaused": her.is_paused,
        "limits": list(map(_limit, her.limits)),
        "overridesVersion": overrides.version_of(her.row),
        "overrides": overrides.told(her.row) if her.override else None,
        "devices": list(map(devices.told, her.devices[: standing.DEVICES_SHOWN])),
        "repairs": list(map(_repair, her.repairs)),
        "menus": list(map(_menu, her.menus.shown)),
        "owed": dict(zip(("runs", "seconds"), her.owed, strict=True)),
        "sessions": her.log_ins,
    }


def _limit(limit: BindingLimit) -> Json:
    return {
        "name": limit.name,
        "platform": limit.platform,
        "hers": limit.hers,
        "override": limit.override,
        "binds": limit.binds,
        "whose": limit.whose,
    }


def _repair(repair: OpenRepair) -> Json:
    return {"wrong": repair.wrong, "weight": repair.weight, "since": clock.iso(repair.since)}


def _menu(shown: DiffedVersion) -> Json:
    return {
        "version": shown.menu["version"],
        "publishedAt": clock.iso(shown.menu["published_at"]),
        "changes": [
            f"{each.word}: {each.title} ({'; '.join(each.how)})"
            if each.how
            else f"{each.word}: {each.title}"
            for each in shown.changes
        ],
    }
