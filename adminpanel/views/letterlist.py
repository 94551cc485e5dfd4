"""The staff's page of what was given up: by cause, as a list, and what is done about those that are
marked, or about all that match."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from urllib.parse import urlencode

from django.contrib import messages
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import redirect
from django.urls import reverse

from adminpanel import doors
from adminpanel.handling import letters as handling
from adminpanel.handling import marks
from adminpanel.lists import letters as table
from adminpanel.people.deeds import Deed, DeedTarget, WrongField
from adminpanel.views import acts
from adminpanel.views.acts import REASON, ActField, AskedAct, Pressed
from adminpanel.watch.overview import took
from ground import clock
from ground.hops import doorbell
from lovense.lane import deadletters
from lovense.lane.decisions import MOST_AT_ONCE, REPLAY, REVIEW
from lovense.lane.letter import Letter, Resolution

ON = "staff-dead-letters"
MARKED, ALL = "marked", "all"  # which a button is about
NEW_COUNTED = 200
RESOLUTIONS = {
    Resolution.REPLAYED.value: "Played in another way",
    Resolution.REFUNDED.value: "Refunded",
    Resolution.WAIVED.value: "Waived",
    Resolution.DUPLICATE.value: "Duplicate",
    Resolution.OTHER.value: "Something else",
}
CHOOSE = ActField(
    "resolution", "Review as", kind="select", options=(("", "Choose"), *RESOLUTIONS.items())
)


@doors.page
def dead_letters(request: HttpRequest) -> HttpResponse:
    return _list(request)


@doors.page
def news(request: HttpRequest) -> JsonResponse:
    """How many have died since the newest that is shown."""
    try:
        since = clock.parse(request.GET.get("since", ""))
    except ValueError:
        return JsonResponse({"newer": 0})
    cause = request.GET.get("cause", "")
    found = deadletters.count_since(since, cause=cause, most=NEW_COUNTED)
    return JsonResponse({"newer": found})


def _list(request: HttpRequest, pressed: Pressed | None = None) -> HttpResponse:
    """The causes, and a page of letters: of one cause, or of all."""
    cause, after = request.GET.get("cause", ""), request.GET.get("after", "")
    try:
        letters, more = deadletters.slice_of(cause=cause, after=after)
    except deadletters.NoSuchPlace:
        return redirect(ON)
    at = urlencode({"cause": cause, "after": after})
    may_act = doors.may(request, "staff-replay-dead-letters")
    groups = deadletters.groups()
    context = {
        "groups": groups,
        "cut": deadletters.LOOKED_AT if deadletters.are_cut(groups) else 0,
        "cause": cause,
        "address": f"{reverse(ON)}?{at}",
        "news": "" if after else _news(letters, cause),
        "now": clock.now(),
        "head": table.HEAD,
        "rows": _rows(letters, request),
        "more": more,
        "many": _many(cause, at, pressed) if may_act else None,
        "pressed": pressed,
    }
    status = acts.status_of(pressed)
    return doors.show(request, "adminpanel/dead_letters.html", context, on=ON, status=status)


def _rows(letters: Sequence[Letter], request: HttpRequest) -> list[table.LetterRow]:
    """What was marked when a button was refused still is."""
    marked = request.POST.getlist(marks.FIELD)
    return table.rows(letters, [*map(handling.mark_of, letters)], marked)


def _news(letters: Sequence[Letter], cause: str) -> str:
    newest = letters[0].request["finished_at"] if letters else None
    since = clock.iso(newest or clock.now())
    return f"{reverse('staff-dead-letters-news')}?{urlencode({'cause': cause, 'since': since})}"


# --- what may be done about many -----------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class ManyLetters:
    """What all that match are, and the form that is about them or about the marked ones.
    `replayable` and `unreviewed` are the numbers that the form carries."""

    cause: str
    total: int
    replayable: int
    unreviewed: int
    foreseen: str
    stay: list[str]
    replay: str
    review: str
    scope: str
    pressed: Pressed | None

    @property
    def least(self) -> str:
        """What stands before a number that was counted no further."""
        return "at least " if self.total >= deadletters.LOOKED_AT else ""

    @property
    def cannot(self) -> int:
        return 0 if self.least else self.total - self.replayable

    @property
    def command(self) -> str:
        """Where all that match are more than one press does."""
        if self.replayable <= MOST_AT_ONCE:
            return ""
        of_cause = f" --cause {self.cause}" if self.cause else ""
        return f"manage.py dead_letters replay --all{of_cause} --expect {self.replayable}"

    @property
    def most(self) -> int:
        return MOST_AT_ONCE

    @property
    def reason(self) -> ActField:
        return acts.filled(REASON, "many", self.pressed)

    @property
    def resolution(self) -> ActField:
        return acts.filled(CHOOSE, "many", self.pressed)


def _many(cause: str, at: str, pressed: Pressed | None) -> ManyLetters | None:
    total = deadletters.count_all(cause=cause)
    if not total:
        return None
    told = deadletters.outlook(cause, limit=MOST_AT_ONCE)
    usual = ALL if cause else MARKED
    return ManyLetters(
        cause,
        total,
        deadletters.count(cause=cause),
        deadletters.count_unreviewed(cause=cause),
        _foreseen(told),
        [f"{n} {resolution}" for resolution, n in sorted(told.settled.items())],
        f"{reverse('staff-replay-dead-letters')}?{at}",
        f"{reverse('staff-review-dead-letters')}?{at}",
        pressed.typed.get("scope", ALL) if pressed else usual,
        pressed,
    )


def _foreseen(told: deadletters.GroupOutlook) -> str:
    whose = f"{_counted(told.requests, 'request')} of {_counted(told.performers, 'performer')}"
    length = f"at least {took(told.seconds)}" if told.unknown else f"{took(told.seconds)} in all"
    return f"Sending all back will play {whose}, {length}, within the limits of then."


def _counted(number: int, word: str) -> str:
    return f"{number} {word}{'' if number == 1 else 's'}"


# --- the buttons ---------------------------------------------------------------------------------


@doors.button
def replay(request: HttpRequest) -> HttpResponse:
    """Of those that match the address, or of those that are marked."""

    def work(deed: Deed) -> handling.Done:
        if _is_about_marked(request):
            done = handling.replay_marked(_marks(request), deed=deed)
        else:
            seen = acts.number(request.POST.get("seen", ""))
            done = handling.replay_all(_cause(request), seen=seen, deed=deed)
        doorbell.ring("lovense.dispatch")
        return done

    def words(gone: int, left: int) -> str:
        if not _is_about_marked(request):
            return f"{gone} sent back. {f'{left} are left.' if left else 'None is left.'}"
        return f"{gone} sent back. {f'{left} cannot be, and stay.' if left else ''}".rstrip()

    return _answered(request, REPLAY, work, words)


@doors.button
def review(request: HttpRequest) -> HttpResponse:
    """Likewise; of those that match only where nobody has decided yet."""
    said = request.POST.get("resolution", "")

    def work(deed: Deed) -> handling.Done:
        if said not in RESOLUTIONS:
            raise WrongField("resolution", "Choose what was decided about them.")
        resolution = Resolution(said)
        if _is_about_marked(request):
            return handling.review_marked(_marks(request), resolution, deed=deed)
        seen = acts.number(request.POST.get("unreviewed", ""))
        return handling.review_all(_cause(request), resolution, seen=seen, deed=deed)

    def words(done: int, left: int) -> str:
        rest = f" {left} were decided about by somebody else meanwhile." if left else ""
        if not _is_about_marked(request) and left:
            rest = f" {left} are left."
        return f"{done} reviewed: {RESOLUTIONS.get(said, said).lower()}.{rest}"

    return _answered(request, REVIEW, work, words)


def _answered(
    request: HttpRequest,
    act: str,
    work: Callable[[Deed], handling.Done],
    words: Callable[[int, int], str],
) -> HttpResponse:
    cause = _cause(request)

    def then(done: handling.Done) -> HttpResponse:
        messages.success(request, words(*done))
        return redirect(f"{reverse(ON)}?{urlencode({'cause': cause})}")

    asked = AskedAct(act, DeedTarget("cause", cause or "all"))
    return acts.answered(request, asked, work, then=then, back=partial(_list, request))


def _cause(request: HttpRequest) -> str:
    return request.GET.get("cause", "")


def _marks(request: HttpRequest) -> list[str]:
    return request.POST.getlist(marks.FIELD)


def _is_about_marked(request: HttpRequest) -> bool:
    return request.POST.get("scope") == MARKED
