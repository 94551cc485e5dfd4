"""The staff's pages of what was given up: by cause, one letter, and its way back."""

from urllib.parse import urlencode

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse

from adminpanel import doors
from ground import clock
from ground.hops import doorbell
from lovense.lane import deadletters, decisions
from lovense.lane.letter import Letter, Resolution

ON = "staff-dead-letters"
_RESOLUTIONS = {
    Resolution.REPLAYED.value: "Played in another way",
    Resolution.REFUNDED.value: "Refunded",
    Resolution.WAIVED.value: "Waived",
    Resolution.DUPLICATE.value: "Duplicate",
    Resolution.OTHER.value: "Something else",
}


@doors.page
def dead_letters(request: HttpRequest) -> HttpResponse:
    """The causes, and a page of letters: of one cause, or of all."""
    cause = request.GET.get("cause", "")
    try:
        letters, more = deadletters.slice_of(cause=cause, after=request.GET.get("after", ""))
    except deadletters.NoSuchPlace:
        return redirect(ON)
    groups = deadletters.groups()
    context = {
        "groups": groups,
        "group": next((group for group in groups if group.cause == cause), None),
        "cause": cause,
        "letters": letters,
        "more": more,
        "most_at_once": decisions.MOST_AT_ONCE,
        "may_decide": doors.may(request, "staff-replay-dead-letters"),
    }
    return doors.show(request, "adminpanel/dead_letters.html", context, on=ON)


@doors.page
def dead_letter(request: HttpRequest, key: str) -> HttpResponse:
    context = {
        "letter": _letter(key),
        "resolutions": _RESOLUTIONS,
        "may_decide": doors.may(request, "staff-replay-dead-letter"),
    }
    return doors.show(request, "adminpanel/dead_letter.html", context, on=ON)


@doors.button
def review_dead_letter(request: HttpRequest, key: str) -> HttpResponse:
    said = request.POST.get("resolution", "")
    if said not in _RESOLUTIONS:
        messages.error(request, "Choose what was decided about it.")
    else:
        told = {"note": request.POST.get("note", ""), "by": request.user.get_username()}
        with doors.refusals_said(request):
            decisions.review(
                _letter(key).request_id, resolution=Resolution(said), **told, now=clock.now()
            )
            messages.success(request, f"Reviewed: {_RESOLUTIONS[said].lower()}.")
    return redirect("staff-dead-letter", key)


@doors.button
def replay_dead_letter(request: HttpRequest, key: str) -> HttpResponse:
    with doors.refusals_said(request):
        decisions.replay(_letter(key).request_id, by=request.user.get_username(), now=clock.now())
        messages.success(request, "Sent back. It plays when its turn comes.")
        doorbell.ring("lovense.dispatch")
    return redirect("staff-dead-letter", key)


@doors.button
def replay_dead_letters(request: HttpRequest) -> HttpResponse:
    """All of a cause; the form carries the count that its page showed."""
    cause, expect = request.POST.get("cause", ""), request.POST.get("expect", "")
    number = int(expect) if expect.isascii() and expect.isdigit() and len(expect) < 10 else -1
    with doors.refusals_said(request, f" You were shown {expect}."):
        gone, left = decisions.replay_group(
            cause=cause, expect=number, by=request.user.get_username(), now=clock.now()
        )
        messages.success(
            request, f"{gone} sent back. {f'{left} are left.' if left else 'None is left.'}"
        )
        doorbell.ring("lovense.dispatch")
    return redirect(f"{reverse(ON)}?{urlencode({'cause': cause})}")


def _letter(key: str) -> Letter:
    try:
        return deadletters.find(key)
    except deadletters.NoSuchLetter:
        raise Http404 from None
