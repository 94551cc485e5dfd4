"""The staff's page of an entry of the audit log, with those of its change."""

from django.http import Http404, HttpRequest, HttpResponse

from adminpanel import doors
from adminpanel.asking import plan
from adminpanel.lists import audit

ON = "staff-audit"


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
