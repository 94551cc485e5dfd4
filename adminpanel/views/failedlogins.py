"""Log-ins that failed, of everybody: names of accounts, and of an address only what tells it from
another."""

from django.http import HttpRequest, HttpResponse

from adminpanel import doors
from adminpanel.people import attempts
from adminpanel.views import accesspages


@doors.page
def failed(request: HttpRequest) -> HttpResponse:
    context = {
        "failed": attempts.newest(),
        "most": attempts.SHOWN,
        "days": attempts.KEPT.days,
    }
    template = "adminpanel/access/log_ins.html"
    return accesspages.show(request, template, context, tab="staff-access-log-ins")
