"""The log-in of a performer, found by her whole name or id: an admin makes a link by which she sets
a new password. Her own account page shows who did that, when and why."""

from typing import Any

from django.http import Http404, HttpRequest, HttpResponse
from django.urls import reverse

from adminpanel import doors
from adminpanel.people import links
from adminpanel.people.deeds import Deed
from adminpanel.views import accesspages
from adminpanel.views.acts import Act, AskedAct, Pressed, answered, shown
from ground import clock
from lovense.models import Performer
from lovense.performers import credentials, loggedin

LONGEST_SEARCH = 150
DONE_SHOWN = 20
TAB = "staff-access-performers"


@doors.page
def performers(request: HttpRequest) -> HttpResponse:
    wanted = request.GET.get("q", "")[:LONGEST_SEARCH].strip()
    return _shown(request, wanted, _found(wanted))


def _found(wanted: str) -> Performer | None:
    """By the whole id, or the whole name of the account."""
    if not wanted:
        return None
    among = Performer.objects.select_related("user")
    by_id = among.filter(pk=wanted.lower()).first()
    return by_id or among.filter(user__username=wanted).first()


def _shown(
    request: HttpRequest,
    wanted: str,
    performer: Performer | None,
    pressed: Pressed | None = None,
    *,
    link: str = "",
) -> HttpResponse:
    context: dict[str, Any] = {"wanted": wanted, "performer": performer}
    if performer is not None:
        context |= _about(request, performer, pressed)
        context["link"] = accesspages.link_of(link) if link else ""
    template = "adminpanel/access/performers.html"
    return accesspages.show(request, template, context, tab=TAB, pressed=pressed)


def _about(request: HttpRequest, performer: Performer, pressed: Pressed | None) -> dict[str, Any]:
    account, now = str(performer.user.pk), clock.now()
    open_link = links.open_for(account, now=now)
    acts = []
    if doors.may(request, "staff-access-performer-link"):
        about = (
            "By it she sets a new password; until then the old one is good. A link is shown to you "
            "once, is good for a day, and takes the place of one that was not used."
        )
        address = reverse("staff-access-performer-link", args=[performer.pk])
        seen = open_link.name if open_link else ""
        words = ("make_link", "Make a one-time link", about, "Make it")
        acts = shown([Act(*words, address, seen=seen)], pressed)
    return {
        "open_link": open_link,
        "token_since": credentials.token_since(performer.user),
        "log_ins": len(loggedin.of(account, here="", now=now)),
        "done": accesspages.done_to(performer.pk, limit=DONE_SHOWN),
        "acts": acts,
    }


@doors.button
def link(request: HttpRequest, performer_id: str) -> HttpResponse:
    performer = Performer.objects.select_related("user").filter(pk=performer_id).first()
    if performer is None:
        raise Http404
    seen = request.POST.get("seen", "")[:40]

    def work(deed: Deed) -> str:
        return links.reset_performer(performer, seen=seen, deed=deed)

    def then(token: str) -> HttpResponse:
        return _shown(request, performer.pk, performer, link=token)

    def back(why: Pressed) -> HttpResponse:
        return _shown(request, performer.pk, performer, why)

    asked = AskedAct("make_link", links.of_performer(performer))
    return answered(request, asked, work, then=then, back=back)
