"""`GET, PUT /api/admin/lovense/settings` and its history: the platform's settings, for staff. Who
writes them says which version was seen, by `If-Match`."""

import json
import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from django.utils.http import parse_etags
from drf_spectacular.utils import OpenApiParameter, OpenApiResponse, extend_schema
from rest_framework import serializers
from rest_framework.decorators import api_view, permission_classes
from rest_framework.request import Request
from rest_framework.response import Response

from adminpanel.api import auditlog
from adminpanel.api.schema import OF_STAFF, example, given
from adminpanel.asking import grammar, plan
from adminpanel.doors import ByTable
from adminpanel.lists import audit
from adminpanel.people.deeds import DeedTarget, WrongField, deed_of, reason_of, refusals_recorded
from adminpanel.setting import told
from adminpanel.setting.told import FIELDS, WIRE, ToldSetting
from ground import clock
from ground.audit.log import LONGEST_WHY
from ground.hops import doorbell
from ground.json.errors import Refusal
from ground.json.shapes import Shape, refusal
from ground.people import Role, role_of
from lovense.api.calls import WITH_A_BODY, body_of
from lovense.deciding import platform
from lovense.deciding.platform import ROW, InvalidSetting, SettingsChanged, UnknownSetting
from lovense.lane import controls
from lovense.rows import Json
from tips.rows import Statement

HISTORY = f"target:{ROW} archive:yes"
_TAG = re.compile(r'"(\d{1,15})"')
AWAY = refusal("The database did not answer; try again")
IF_MATCH = OpenApiParameter(
    "If-Match", str, OpenApiParameter.HEADER, description="The `ETag` that was seen", required=True
)
IF_NONE_MATCH = OpenApiParameter(
    "If-None-Match", str, OpenApiParameter.HEADER, description="The `ETag` of what is at hand"
)


class VersionNotSaid(Refusal):
    """Who writes the settings says which version was seen."""

    code, status = "precondition_required", 428
    words = "Say by If-Match which version of the settings you have seen: the ETag of a GET."


class NoSuchTag(Refusal):
    """A version is named by an ETag of ours."""

    code, status, words = "precondition_failed", 412, "If-Match is no ETag of these settings."


class SettingOut(Shape):
    value = serializers.JSONField()
    default = serializers.JSONField(help_text="What holds while nobody has changed it")
    rule = serializers.CharField()
    changedBy = serializers.CharField(allow_null=True)
    changedAt = serializers.DateTimeField(allow_null=True)
    why = serializers.CharField(allow_null=True)


class SettingsOut(Shape):
    version = serializers.IntegerField(help_text="The number in the `ETag`")
    settings = serializers.DictField(child=SettingOut())


class SettingsIn(Shape):
    settings = serializers.DictField(
        child=serializers.JSONField(), help_text="By name; what is not named stays as it is"
    )
    reason = serializers.CharField(min_length=3, max_length=LONGEST_WHY)


class HistoryIn(Shape):
    after = serializers.CharField(
        required=False, max_length=120, help_text="`next` of the slice before"
    )
    limit = serializers.IntegerField(
        required=False, min_value=1, max_value=plan.MOST_ON_A_PAGE, default=plan.PAGE
    )


SETTING: Json = {
    "value": 20,
    "default": 30,
    "rule": "must be a whole number from 2 to 3600",
    "changedBy": "dina",
    "changedAt": "2026-01-03T04:15:00.000Z",
    "why": "a quiet week",
}
SETTINGS: Json = {"version": 1, "settings": {"maxActivationDuration": SETTING}}
CHANGE: Json = {"settings": {"maxActivationDuration": 20}, "reason": "a quiet week"}


@extend_schema(
    methods=["GET"],
    operation_id="admin_settings",
    summary="Settings of the platform",
    parameters=[IF_NONE_MATCH],
    responses={
        200: SettingsOut,
        304: OpenApiResponse(description="They are as they were under that `ETag`"),
        **OF_STAFF,
        503: AWAY,
    },
    examples=[example("One of them", SETTINGS)],
)
@extend_schema(
    methods=["PUT"],
    operation_id="admin_settings_change",
    summary="Change some settings of the platform",
    description="All of them or none. What only makes it calmer (`enableLovense` false, "
    "`isDraining` true) is done whatever version was seen.",
    parameters=[IF_MATCH],
    request=SettingsIn,
    responses={
        200: SettingsOut,
        204: None,
        400: refusal("The body is not as described"),
        **OF_STAFF,
        409: refusal("`outdated`: they changed meanwhile; `details` has `present` and `yours`"),
        412: refusal("`If-Match` is no ETag of these settings"),
        **WITH_A_BODY,
        422: refusal("A value breaks its rule, which `details` has; nothing was written"),
        428: refusal("There is no `If-Match`"),
    },
    examples=[
        example("Shorter runs", CHANGE, is_request=True),
        example("As they are now", SETTINGS),
    ],
)
@api_view(["GET", "PUT"])
@permission_classes([ByTable])
def settings(request: Request) -> Response:
    """204: all of it was so already, and nothing was written."""
    if request.method == "GET":
        return _answer(known=request.headers.get("If-None-Match", ""))
    deed = deed_of(request.user, now=clock.now())
    with refusals_recorded(deed, "set", DeedTarget("platform", ROW)), _named_as_here():
        seen = _seen(request)
        changes, reason = _asked(request)
        by: dict[str, Any] = {"by": deed.by, "why": reason, "now": deed.now}
        before = controls.set_seen(changes, seen=seen, **by)
    doorbell.ring("lovense.dispatch")
    return Response(status=204) if before == changes else _answer()


@contextmanager
def _named_as_here() -> Iterator[None]:
    """A refusal names settings as the caller did, by their names at the wire."""
    try:
        yield
    except InvalidSetting as wrong:
        name = WIRE.get(wrong.field, wrong.field)
        raise InvalidSetting(name, wrong.rule, wrong.value) from None
    except SettingsChanged as late:
        wanted, present, version = late.told
        raise SettingsChanged(_wired(wanted), _wired(present), version) from None


def _wired(settings: Statement) -> Statement:
    return {WIRE.get(field, field): value for field, value in settings.items()}


def _answer(*, known: str = "") -> Response:
    """`known`: the tags of what the caller has (RFC 9110, 13.1.2: compared weakly)."""
    found = told.read()
    tag = f'"{found.version}"'
    headers = {"ETag": tag, "Cache-Control": "no-store"}
    if {"*", tag} & {each.removeprefix("W/") for each in parse_etags(known)}:
        return Response(status=304, headers=headers)
    settings = {WIRE[field]: _told(each) for field, each in found.settings.items()}
    return Response({"version": found.version, "settings": settings}, headers=headers)


def _told(one: ToldSetting) -> Json:
    last = one.last
    return {
        "value": one.value,
        "default": one.default,
        "rule": one.rule,
        "changedBy": last.by if last else None,
        "changedAt": clock.iso(last.at) if last else None,
        "why": last.why if last else None,
    }


def _seen(request: Request) -> int:
    said = request.headers.get("If-Match")
    if said is None:
        raise VersionNotSaid
    tag = _TAG.fullmatch(said.strip())
    if tag is None:
        raise NoSuchTag
    return int(tag[1])


def _asked(request: Request) -> tuple[Statement, str]:
    """What is to change, each by its type, and why."""
    body = body_of(request)
    body.only("settings", "reason")
    wanted = body.object("settings").whole
    for name in wanted:
        if name not in FIELDS:
            raise UnknownSetting(name)
    if not wanted:
        raise WrongField("settings", "Name at least one setting.")
    # As they are written: to whom `1e3` is a number, it is none here.
    plain = json.loads(request.body)["settings"]
    changes = {FIELDS[name]: platform.from_json(FIELDS[name], plain[name]) for name in wanted}
    return changes, reason_of(body.raw("reason"))


@extend_schema(
    operation_id="admin_settings_history",
    summary="Changes of the settings, newest first",
    parameters=[HistoryIn],
    responses={200: auditlog.AuditLogOut, 400: refusal("A field breaks a rule"), **OF_STAFF},
    examples=[example("None yet", auditlog.ONE | {"entries": []})],
)
@api_view(["GET"])
@permission_classes([ByTable])
def history(request: Request) -> Response:
    """As the audit log has them, refused ones too."""
    asked = given(HistoryIn(data=request.query_params))
    terms = grammar.parse(HISTORY, audit.LISTED.keys)
    made = plan.made(audit.LISTED, terms, now=clock.now())
    found = plan.slice_of(made, after=asked.get("after", ""), limit=asked["limit"])
    return Response(auditlog.told(made, found, role_of(request.user) or Role.SUPPORT))
