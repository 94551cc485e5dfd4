"""The staff's page of the audit log: the list, and one entry with those of its change."""

from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.http.response import HttpResponseBase

from adminpanel import doors
from adminpanel.asking import plan
from adminpanel.lists import audit
from adminpanel.views.listed import ListDoors

ON = "staff-audit"
_DOORS = ListDoors(audit.RECORDS, audit.OFFERED, ON, "adminpanel/audit.html")


@doors.page
def entries(request: HttpRequest) -> HttpResponse:
    return _DOORS.show(request)


@doors.page
def entry(request: HttpRequest, entry_id: str) -> HttpResponse:
    found = audit.entry(entry_id)
    if found is None:
        raise Http404
    others = audit.same_address(found)
    context = {
        "entry": audit.shown(found),
        "together": [audit.shown(each) for each in audit.together(found)],
        "others": others,
        "counted": plan.COUNTED,
        "entry_id": entry_id,
    }
    return doors.show(request, "adminpanel/audit_entry.html", context, on=ON)


@doors.page
def news(request: HttpRequest) -> JsonResponse:
    return _DOORS.news(request)


@doors.page
def suggest(request: HttpRequest) -> JsonResponse:
    return _DOORS.suggest(request)


@doors.page
def export(request: HttpRequest) -> HttpResponseBase:
    return _DOORS.export(request)
