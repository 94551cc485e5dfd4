"""The staff's page of a delivery: its body as far as a role may see it, and the way back of one
that lies aside."""

import re

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.utils.http import urlencode

from adminpanel import doors
from adminpanel.handling import bodies
from adminpanel.handling import deliveries as handling
from adminpanel.lists import deliveries as listing
from adminpanel.views import acts
from adminpanel.views.acts import Act, AskedAct, Pressed
from ground.hops import doorbell
from ground.inbox import inbox
from ground.inbox.models import DeliveryRow, DeliveryStatus
from ground.people import Role, role_of

ON = "staff-deliveries"
AGAIN, BODY = "process-again", "look-into-body"
_TIP = re.compile(r"tip\.\w+/([0-9a-f]{24})")


@doors.page
def delivery(request: HttpRequest, key: str) -> HttpResponse:
    return _page(request, _found(key))


def _page(request: HttpRequest, row: DeliveryRow, pressed: Pressed | None = None) -> HttpResponse:
    key, body = row["_id"], _body(request, row)
    about = _TIP.fullmatch(str(row["subject"] or row.get("repeats") or ""))
    context = {
        "row": row,
        "key": key,
        "tone": listing.TONES.get(row["status"], "idle"),
        "failed": listing.failed_words(row),
        "proved_by": listing.PROVED_BY.get(row["source"], row["source"]),
        "tip_id": about[1] if about else "",
        "size": len(row["body"]),
        "body": body,
        "is_whole": bool(body) and role_of(request.user) is Role.ADMIN,
        "acts": acts.shown(_acts(request, row, has_body=bool(body)), pressed),
        "pressed": pressed,
    }
    status = acts.status_of(pressed)
    answer = doors.show(request, "adminpanel/delivery.html", context, on=ON, status=status)
    if context["is_whole"]:  # it leaves the screen when its time is over
        seconds = int(bodies.SHOWN_FOR.total_seconds())
        answer["Refresh"] = f"{seconds}; url={reverse('staff-delivery', args=[key])}"
    return answer


def _body(request: HttpRequest, row: DeliveryRow) -> str:
    """What this person may see of it now."""
    role, said = role_of(request.user), request.GET.get("permit", "")
    if role is Role.AUDITOR:
        return bodies.redacted(bytes(row["body"]))
    may = bodies.is_permitted(said, key=row["_id"], account=str(request.user.pk))
    return bodies.whole(bytes(row["body"])) if role is Role.ADMIN and may else ""


def _acts(request: HttpRequest, row: DeliveryRow, *, has_body: bool) -> list[Act]:
    found = list[Act]()
    if row["status"] == DeliveryStatus.SET_ASIDE and doors.may(request, "staff-delivery-again"):
        words = "It is processed as if it had just come, by the same drain as all others."
        found.append(_act(row, AGAIN, "Process again", words, "staff-delivery-again"))
    if not has_body and doors.may(request, "staff-delivery-body"):
        minutes = int(bodies.SHOWN_FOR.total_seconds()) // 60
        words = f"With names and messages, for {minutes} minutes. It is recorded that you looked."
        found.append(_act(row, BODY, "Show the body", words, "staff-delivery-body"))
    return found


def _act(row: DeliveryRow, name: str, title: str, words: str, route: str) -> Act:
    address = reverse(route, args=[row["_id"]])
    return Act(name, title, words, title, address, str(row["attempts"]))


@doors.button
def again(request: HttpRequest, key: str) -> HttpResponse:
    row, seen = _found(key), acts.number(request.POST.get("seen", ""))

    def then(hop: str) -> HttpResponse:
        doorbell.ring_soon(hop)
        messages.success(request, "It is being processed again.")
        return redirect("staff-delivery", key)

    return acts.answered(
        request,
        AskedAct("process_again", handling.target(key)),
        lambda deed: handling.process_again(row, seen=seen, deed=deed),
        then=then,
        back=lambda pressed: _page(request, _found(key), pressed._replace(act=AGAIN)),
    )


@doors.button
def body(request: HttpRequest, key: str) -> HttpResponse:
    """Recorded, and from then on for a while it is shown to whoever asked."""
    row = _found(key)

    def then(nothing: None) -> HttpResponse:
        said = {"permit": bodies.permit(key=key, account=str(request.user.pk))}
        return redirect(f"{reverse('staff-delivery', args=[key])}?{urlencode(said)}")

    return acts.answered(
        request,
        AskedAct("look_into_body", handling.target(key)),
        lambda deed: handling.look_into(row, deed=deed),
        then=then,
        back=lambda pressed: _page(request, row, pressed._replace(act=BODY)),
    )


def _found(key: str) -> DeliveryRow:
    row = inbox.find(key)
    if row is None:
        raise Http404
    return row
