"""The staff's Find: one hit is shown at once, several are listed, and none says what was tried."""

from django.contrib.admin.utils import quote
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse

from adminpanel import doors
from adminpanel import find as rule


@doors.page
def find(request: HttpRequest) -> HttpResponse:
    found = rule.find(request.GET.get("q", ""))
    if len(found.hits) == 1:
        return redirect(address(found.hits[0]))
    shown = [(hit, address(hit)) for hit in found.hits]
    tried = ", ".join(dict.fromkeys(found.tried))
    nothing = f"No row is called so. It was looked for as: {tried}."
    context = {"found": found, "shown": shown, "asked": found.asked, "nothing": nothing}
    return doors.show(request, "adminpanel/find.html", context, on="staff-find")


def address(hit: rule.Hit) -> str:
    """A record's key is written as Django's admin writes it."""
    key = quote(hit.key) if hit.route.startswith("admin:") else hit.key
    return reverse(hit.route, args=[key])
