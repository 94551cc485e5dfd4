"""The staff's pages of what was given up: by cause, one letter, and its way back."""

from collections.abc import Callable
from functools import partial
from urllib.parse import urlencode

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse

from adminpanel import doors
from adminpanel.handling import tips as handling
from adminpanel.people.deeds import Deed, DeedTarget, WrongField
from adminpanel.views import acts
from adminpanel.views.acts import Act, ActField, AskedAct, Pressed
from adminpanel.watch.overview import took
from ground.hops import doorbell
from lovense.lane import deadletters, decisions
from lovense.lane.decisions import REPLAY, REVIEW
from lovense.lane.letter import DEAD, Letter, Resolution

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
    return _list(request)


def _list(request: HttpRequest, pressed: Pressed | None = None) -> HttpResponse:
    """The causes, and a page of letters: of one cause, or of all."""
    cause = request.GET.get("cause", "")
    try:
        letters, more = deadletters.slice_of(cause=cause, after=request.GET.get("after", ""))
    except deadletters.NoSuchPlace:
        return redirect(ON)
    groups = deadletters.groups()
    group = next((each for each in groups if each.cause == cause), None)
    able = _group_acts(group) if doors.may(request, "staff-replay-dead-letters") else []
    context = {
        "groups": groups,
        "cut": deadletters.LOOKED_AT if deadletters.are_cut(groups) else 0,
        "cause": cause,
        "letters": letters,
        "more": more,
        "acts": acts.shown(able, pressed),
        "pressed": pressed,
    }
    status = acts.status_of(pressed)
    return doors.show(request, "adminpanel/dead_letters.html", context, on=ON, status=status)


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


def _group_acts(group: deadletters.Group | None) -> list[Act]:
    """`seen`: how many may be sent back; with another number nothing happens."""
    number = deadletters.count(cause=group.cause) if group else 0
    if group is None or not number:
        return []
    most, least = decisions.MOST_AT_ONCE, number == deadletters.LOOKED_AT
    which = f"the oldest {most}" if number > most else f"all {number}"
    title = f"Send back {which if number > 1 else 'this one'}"
    words = (
        f"{'At least ' * least}{number} died of \u201c{group.words}\u201d and may be sent back, "
        f"each to its old place in its queue. {_foreseen(group, most)} Should they be another "
        "number by now, nothing happens."
    )
    address = f"{reverse('staff-replay-dead-letters')}?{urlencode({'cause': group.cause})}"
    return [Act(REPLAY, title, words, "Send back", address, str(number), kind="main")]


def _foreseen(group: deadletters.Group, most: int) -> str:
    """What it will play, and what stays."""
    told = deadletters.outlook(group.cause, limit=most)
    whose = f"{_counted(told.requests, 'request')} of {_counted(told.performers, 'performer')}"
    length = f"at least {took(told.seconds)}" if told.unknown else f"{took(told.seconds)} in all"
    plays = f"This will play {whose}, {length}, within the limits of then."
    stay = ", ".join(f"{n} {resolution}" for resolution, n in sorted(told.settled.items()))
    return (
        f"{plays} {_counted(sum(told.settled.values()), 'other')} cannot: {stay}."
        if stay
        else plays
    )


def _counted(number: int, word: str) -> str:
    return f"{number} {word}{'' if number == 1 else 's'}"


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
    options = (("", "Choose"), *_RESOLUTIONS.items())
    asks = (
        ActField("resolution", "What was decided", kind="select", options=options, value=decided),
    )
    address = reverse("staff-review-dead-letter", args=[letter.request_id])
    return Act(REVIEW, "Review", words, "Save the review", address, _seen(letter), asks=asks)


def _seen(letter: Letter) -> str:
    return handling.state_of(letter.request)


@doors.button
def review_dead_letter(request: HttpRequest, key: str) -> HttpResponse:
    said, seen = request.POST.get("resolution", ""), request.POST.get("seen", "")
    letter = _letter(key)

    def work(deed: Deed) -> None:
        if said not in _RESOLUTIONS:
            raise WrongField("resolution", "Choose what was decided about it.")
        handling.review(letter.request_id, Resolution(said), seen=seen, deed=deed)

    words = f"Reviewed: {_RESOLUTIONS.get(said, said).lower()}."
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


@doors.button
def replay_dead_letters(request: HttpRequest) -> HttpResponse:
    """All of a cause, which the address names."""
    cause, seen = request.GET.get("cause", ""), acts.number(request.POST.get("seen", ""))

    def work(deed: Deed) -> tuple[int, int]:
        done = decisions.replay_group(
            cause=cause, expect=seen, by=deed.by, why=deed.why, now=deed.now
        )
        doorbell.ring("lovense.dispatch")
        return done

    def then(done: tuple[int, int]) -> HttpResponse:
        gone, left = done
        rest = f"{left} are left." if left else "None is left."
        messages.success(request, f"{gone} sent back. {rest}")
        return redirect(f"{reverse(ON)}?{urlencode({'cause': cause})}")

    asked = AskedAct(REPLAY, DeedTarget("cause", cause or "all"))
    return acts.answered(request, asked, work, then=then, back=partial(_list, request))


def _letter(key: str) -> Letter:
    try:
        return deadletters.find(key)
    except deadletters.NoSuchLetter:
        raise Http404 from None
