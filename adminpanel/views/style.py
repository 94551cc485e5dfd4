"""The page that shows every component that a page may be made of, in every state."""

from django.http import HttpRequest, HttpResponse

from adminpanel import doors, samples
from ground import clock


@doors.page
def style(request: HttpRequest) -> HttpResponse:
    context = samples.shown(now=clock.now())
    return doors.show(request, "adminpanel/style.html", context, on="staff-style")
