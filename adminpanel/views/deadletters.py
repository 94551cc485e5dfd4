"""The staff's page of a dead letter: what it died of, what was decided, and its way back."""

from collections.abc import Callable
from dataclasses import replace
from functools import partial

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse

from adminpanel import doors
from adminpanel.handling import tips as handling
from adminpanel.people.deeds import Deed, DeedTarget, WrongField
from adminpanel.views import acts
from adminpanel.views.acts import Act, AskedAct, Pressed
from adminpanel.views.letterlist import CHOOSE, ON, RESOLUTIONS
from ground.hops import doorbell
from lovense.lane import deadletters
from lovense.lane.decisions import REPLAY, REVIEW
from lovense.lane.letter import DEAD, Letter, Resolution


@doors.page
def dead_letter(request: HttpRequest, key: str) -> HttpResponse:
    return _one(request, key)


def _one(request: HttpRequest, key: str, pressed: Pressed | None = None) -> HttpResponse:
    letter = _letter(key)
    may_decide = doors.may(request, "staff-replay-dead-letter")
    context = {
        "letter": letter,
        "may_decide": may_decide,
        "acts": acts.shown(_acts(letter) if may_decide else [], pressed),
        "pressed": pressed,
    }
    status = acts.status_of(pressed)
    return doors.show(request, "adminpanel/dead_letter.html", context, on=ON, status=status)


# --- what may be done ----------------------------------------------------------------------------


def _acts(letter: Letter) -> list[Act]:
    if letter.status != DEAD or letter.is_archived:
        return []
    return [*_replay(letter), _review(letter)]


def _replay(letter: Letter) -> list[Act]:
    if letter.refusal:
        return []
    words = "It takes its old place in the queue, with four attempts, under the stop as it is then."
    address = reverse("staff-replay-dead-letter", args=[letter.request_id])
    return [Act(REPLAY, "Send it back", words, "Send it back", address, _seen(letter), kind="main")]


def _review(letter: Letter) -> Act:
    words = "What is refunded, waived or a duplicate does not play any more."
    decided = letter.review["resolution"] if letter.review else ""
    asks = (replace(CHOOSE, label="What was decided", value=decided),)
    address = reverse("staff-review-dead-letter", args=[letter.request_id])
    return Act(REVIEW, "Review", words, "Save the review", address, _seen(letter), asks=asks)


def _seen(letter: Letter) -> str:
    return handling.state_of(letter.request)


@doors.button
def review_dead_letter(request: HttpRequest, key: str) -> HttpResponse:
    said, seen = request.POST.get("resolution", ""), request.POST.get("seen", "")
    letter = _letter(key)

    def work(deed: Deed) -> None:
        if said not in RESOLUTIONS:
            raise WrongField("resolution", "Choose what was decided about it.")
        handling.review(letter.request_id, Resolution(said), seen=seen, deed=deed)

    words = f"Reviewed: {RESOLUTIONS.get(said, said).lower()}."
    return _answered(request, letter, REVIEW, work, words)


@doors.button
def replay_dead_letter(request: HttpRequest, key: str) -> HttpResponse:
    letter, seen = _letter(key), request.POST.get("seen", "")

    def work(deed: Deed) -> None:
        handling.replay(letter.request_id, seen=seen, deed=deed)
        doorbell.ring("lovense.dispatch")

    words = "Sent back. It plays when its turn comes."
    return _answered(request, letter, REPLAY, work, words)


def _answered(
    request: HttpRequest, letter: Letter, act: str, work: Callable[[Deed], None], words: str
) -> HttpResponse:
    def then(nothing: None) -> HttpResponse:
        messages.success(request, words)
        return redirect("staff-dead-letter", letter.request_id)

    asked = AskedAct(act, DeedTarget("request", letter.request_id, letter.request["lane"]))
    back = partial(_one, request, letter.request_id)
    return acts.answered(request, asked, work, then=then, back=back)


def _letter(key: str) -> Letter:
    try:
        return deadletters.find(key)
    except deadletters.NoSuchLetter:
        raise Http404 from None
