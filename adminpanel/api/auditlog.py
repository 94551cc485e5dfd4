"""`GET /api/admin/lovense/audit-log`: who did what, a slice at a time or all of it as a file, for
staff."""

from typing import Any

from django.http import StreamingHttpResponse
from django.http.response import HttpResponseBase
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.decorators import (
    api_view,
    content_negotiation_class,
    permission_classes,
)
from rest_framework.negotiation import DefaultContentNegotiation
from rest_framework.request import Request
from rest_framework.response import Response

from adminpanel.api.schema import OF_STAFF, example, given
from adminpanel.asking import grammar, plan
from adminpanel.asking.plan import ListPlan, Slice
from adminpanel.doors import ByTable
from adminpanel.lists import audit
from adminpanel.lists import export as files
from adminpanel.lists.columns import Row
from adminpanel.lists.export import Form
from ground import clock
from ground.json.shapes import Shape, refusal
from ground.people import Role, role_of
from lovense.rows import Json

JSON = "json"


class InOneForm(DefaultContentNegotiation):
    """Refusals are JSON whatever file was asked for; which one is, the door reads."""

    def select_renderer(self, request: Request, renderers: Any, format_suffix: Any = None) -> Any:
        return renderers[0], renderers[0].media_type


class AuditLogIn(Shape):
    q = serializers.CharField(
        required=False,
        allow_blank=True,
        trim_whitespace=False,
        help_text="`key:value` terms, as docs/staff.md has them. Without it the last 90 days",
    )
    after = serializers.CharField(
        required=False, max_length=120, help_text="`next` of the slice before"
    )
    format = serializers.ChoiceField(
        [JSON, *Form],
        required=False,
        help_text="`csv` and `jsonl`: all of it as a file. `Accept: text/csv` asks for the same",
    )
    limit = serializers.IntegerField(
        required=False, min_value=1, max_value=plan.MOST_ON_A_PAGE, default=plan.PAGE
    )


class AuditEntryOut(Shape):
    id = serializers.CharField()
    at = serializers.DateTimeField()
    actor = serializers.CharField()
    action = serializers.CharField()
    type = serializers.CharField(help_text="What kind of thing it was done to")
    target = serializers.CharField(help_text="Its id")
    performerId = serializers.CharField(allow_blank=True, help_text="Whose queue; empty: nobody's")
    before = serializers.JSONField(allow_null=True)
    after = serializers.JSONField(allow_null=True)
    why = serializers.CharField(allow_blank=True)
    success = serializers.BooleanField(help_text="False: it was refused, and nothing was changed")
    addressHash = serializers.CharField(allow_null=True, help_text="Null for support")


class AuditLogOut(Shape):
    entries = AuditEntryOut(many=True)
    next = serializers.CharField(allow_null=True)
    beganAnew = serializers.BooleanField(help_text="`after` was no place of this list")
    lookedBackTo = serializers.DateTimeField(
        allow_null=True, help_text="There may be more behind `next`, which was not looked at"
    )


ENTRY: Json = {
    "id": "692a1c4f8e3b5d0012c4a7f1",
    "at": "2026-01-03T04:15:00.000Z",
    "actor": "dina",
    "action": "pause",
    "type": "performer",
    "target": "507f191e810c19729de860eb",
    "performerId": "507f191e810c19729de860eb",
    "before": {"paused_at": None},
    "after": {"paused_at": "2026-01-03T04:15:00.000Z"},
    "why": "asked for by her",
    "success": True,
    "addressHash": None,
}
ONE = {"entries": [ENTRY], "next": None, "beganAnew": False, "lookedBackTo": None}


@extend_schema(
    operation_id="admin_audit_log",
    summary="The audit log: who did what",
    parameters=[AuditLogIn],
    responses={
        (200, "application/json"): AuditLogOut,
        (200, "text/csv"): OpenApiTypes.STR,
        (200, "application/jsonl"): OpenApiTypes.STR,
        400: refusal(
            "A field breaks a rule. `not_understood`: `q` is no query; `details` says where "
            "(`at`), what stands there, and what is possible"
        ),
        **OF_STAFF,
    },
    examples=[example("One", ONE)],
)
@api_view(["GET"])
@content_negotiation_class(InOneForm)
@permission_classes([ByTable])
def audit_log(request: Request) -> HttpResponseBase:
    """Newest first. A file leaves an entry in the log itself: who took it, of what, how many."""
    asked = given(AuditLogIn(data=request.query_params))
    form = asked.get("format") or _accepted(request)
    role, query = role_of(request.user) or Role.SUPPORT, asked.get("q", "")
    if form != JSON:
        return _file(request, Form(form), query, role)
    terms = grammar.parse(query, audit.LISTED.keys)
    made = plan.made(audit.LISTED, terms, now=clock.now())
    found = plan.slice_of(made, after=asked.get("after", ""), limit=asked["limit"])
    return Response(told(made, found, role))


def _accepted(request: Request) -> str:
    said = request.headers.get("Accept", "").lower()
    return next((form for form in Form if files.TYPES[form].partition(";")[0] in said), JSON)


def _file(request: Request, form: Form, query: str, role: Role) -> StreamingHttpResponse:
    by = str(request.user.get_username())
    export = files.Export(audit.RECORDS, query, form, by=by, role=role, now=clock.now())
    return files.answer(export)


def told(made: ListPlan, found: Slice, role: Role) -> Json:
    gave_up = found.gave_up
    place = plan.cursor_of(made.listed, gave_up) if gave_up else found.older
    return {
        "entries": [_entry(row, role) for row in found.rows],
        "next": place or None,
        "beganAnew": found.is_lost,
        "lookedBackTo": clock.iso(gave_up.moment) if gave_up else None,
    }


def _entry(row: Row, role: Role) -> Json:
    is_shown = role in audit.AUDITS
    return {
        "id": str(row["_id"]),
        "at": clock.iso(row["at"]),
        "actor": row["actor"],
        "action": row["action"],
        "type": row["type"],
        "target": row["target"],
        "performerId": row.get("lane") or "",
        "before": row.get("before"),
        "after": row.get("after"),
        "why": row.get("why") or "",
        "success": row["success"],
        "addressHash": row.get("hashed_ip") if is_shown else None,
    }
