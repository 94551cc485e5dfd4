"""The staff's page of a performer: how she stands, and what the platform sets for her alone."""

from django.http import Http404, HttpRequest, HttpResponse

from adminpanel import access, doors
from adminpanel.handling import performers as handling
from adminpanel.performer import standing
from adminpanel.views import acts, overrides
from ground import clock
from ground.people import role_of

ON = "staff-performers"
MOST_VERSION = 10**9
HEADS = {
    "limit_head": ("Limit", "Binds", "Whose", "The platform’s", "Hers", "Override"),
    "device_head": (
        *("Device", "Type", "State", "Battery", "Functions", "Longest run", "Told by", "Seen"),
    ),
    "host_head": ("App", "On", "Toys", "Fault", "Seen"),
    "show_head": ("Began", "Lasted", "Tips", "Tokens", "Played", "Seconds", "Owed"),
    "tip_head": ("Made", "Amount", "Settlement", "Delivery"),
}


@doors.page
def performer(request: HttpRequest, performer_id: str) -> HttpResponse:
    """Recorded: who looked."""
    answer = _page(request, performer_id)
    if request.method == "GET":
        by = request.user.get_username()
        handling.look(performer_id, by=by, now=clock.now())
    return answer


def _page(request: HttpRequest, performer_id: str) -> HttpResponse:
    before = min(max(0, acts.number(request.GET.get("menus", ""))), MOST_VERSION)
    found = standing.read(performer_id, now=clock.now(), before=before)
    if found is None:
        raise Http404
    role = role_of(request.user)
    override = overrides.shown_on_her_page(request, found.rules, performer_id)
    context = {
        "her": found,
        "may_access": access.may(role, "staff-access-performers", "GET"),
        "may_see_screen": access.may(role, "staff-performer-screen", "GET"),
        **HEADS,
        **override,
    }
    return doors.show(request, "adminpanel/performer.html", context, on=ON)
