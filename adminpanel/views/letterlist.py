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
from adminpanel.people.deeds import Deed, DeedTarget, Outdated, WrongField
from adminpanel.views import acts
from adminpanel.views.acts import REASON, ActField, AskedAct, Pressed
from adminpanel.watch.overview import took
from ground import clock
from ground.hops import doorbell
from lovense.lane import deadletters, decisions
from lovense.lane.decisions import MOST_AT_ONCE, REPLAY, REVIEW
from lovense.lane.letter import Letter, Resolution

ON = "staff-dead-letters"
SCOPE, MARKED, ALL = "scope", "marked", "all"  # which a button is about
COUNTED = decisions.GroupCountChanged.code
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
    may_act = doors.may(request, "staff-replay-dead-letters")
    # What is fetched again shows nothing of the form.
    is_asked = may_act and not request.htmx  # type: ignore[attr-defined]
    groups = deadletters.groups()
    context = {
        "groups": groups,
        "cut": deadletters.LOOKED_AT if deadletters.are_cut(groups) else 0,
        "cause": cause,
        "address": _address(ON, cause, after),
        "news": "" if after else _news(letters, cause),
        "now": clock.now(),
        "head": table.HEAD,
        "rows": _rows(letters, request),
        "more": more,
        "may_mark": may_act and bool(letters),
        "many": _many(request, letters, pressed) if is_asked else None,
        "pressed": pressed,
    }
    status = acts.status_of(pressed)
    return doors.show(request, "adminpanel/dead_letters.html", context, on=ON, status=status)


def _address(route: str, cause: str, after: str) -> str:
    return f"{reverse(route)}?{urlencode({'cause': cause, 'after': after})}"


def _rows(letters: Sequence[Letter], request: HttpRequest) -> list[table.LetterRow]:
    """What was marked when a button was refused still is."""
    return table.rows(letters, [*map(handling.mark_of, letters)], _marks(request))


def _away(
    request: HttpRequest, letters: Sequence[Letter], pressed: Pressed | None
) -> Sequence[str]:
    """Likewise of those that this page does not show; where one had moved, those that had not."""
    away = marks.away(_marks(request), [letter.request_id for letter in letters])
    if pressed and isinstance(pressed.refusal, Outdated):
        return handling.still(away)
    return away


def _news(letters: Sequence[Letter], cause: str) -> str:
    newest = letters[0].request["finished_at"] if letters else None
    since = clock.iso(newest or clock.now())
    return f"{reverse('staff-dead-letters-news')}?{urlencode({'cause': cause, 'since': since})}"


# --- what may be done about many -----------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class ManyLetters:
    """What all that match are, and the form that is about them or about the marked ones. `away`:
    marks of what the page does not show."""

    cause: str
    after: str
    found: deadletters.Matching
    told: deadletters.GroupOutlook
    away: Sequence[str]
    scope: str
    pressed: Pressed | None

    @property
    def seen(self) -> int | str:
        """The number that a press of *Send back* agrees to."""
        return self._seen(REPLAY, self.found.replayable)

    @property
    def unreviewed(self) -> int | str:
        return self._seen(REVIEW, self.found.unreviewed)

    def _seen(self, act: str, found: int) -> int | str:
        """As `which` says it: of more than a look counts none, before a press has counted them."""
        if not self.found.is_cut:
            return found
        if self.pressed and self.pressed.act == act and self.pressed.refusal.code == COUNTED:
            return int(self.pressed.refusal.details["actual"])
        return ""

    @property
    def which(self) -> str:
        """Those that match, in words."""
        if self.found.is_cut:
            known = [(self.seen, "can be sent back"), (self.unreviewed, "can be reviewed")]
            counted = " and ".join(f"{number} {words}" for number, words in known if number != "")
            return counted or f"at least {self.found.total}, counted by the first press"
        return (
            f"{self.found.total}; {self.found.replayable} can be sent back, "
            f"{f'{self.stay} cannot, ' if self.stay else ''}and {self.found.unreviewed} can be "
            f"reviewed"
        )

    @property
    def stay(self) -> int:
        return self.found.total - self.found.replayable

    @property
    def why_stay(self) -> list[str]:
        ended = [f"{self.told.ended} ended after all"] if self.told.ended else []
        return [*(f"{n} {name}" for name, n in sorted(self.found.settled.items())), *ended]

    @property
    def foreseen(self) -> str:
        told, is_more = self.told, self._is_more(self.found.replayable)
        whose = f"{_counted(told.requests, 'request')} of {_counted(told.performers, 'performer')}"
        seconds = took(told.seconds)
        length = f"at least {seconds}" if told.unknown else f"{seconds} in all"
        sent = f"Sending back the oldest {MOST_AT_ONCE}" if is_more else "Sending all back"
        return f"{sent} will play {whose}, {length}, within the limits of then."

    @property
    def commands(self) -> list[str]:
        """For all that match, where they are more than one press does."""
        told = [("replay", self.found.replayable, self.seen, "")]
        told += [("review", self.found.unreviewed, self.unreviewed, " --resolution … --note …")]
        of_cause = f" --cause {self.cause}" if self.cause else ""
        return [
            f"manage.py dead_letters {act} --all{of_cause}"
            f"{'' if seen == '' else f' --expect {seen}'}{more}"
            for act, found, seen, more in told
            if self._is_more(found)
        ]

    def _is_more(self, found: int) -> bool:
        """Than one press does."""
        return self.found.is_cut or found > MOST_AT_ONCE

    @property
    def most(self) -> int:
        return MOST_AT_ONCE

    @property
    def replay(self) -> str:
        return _address("staff-replay-dead-letters", self.cause, self.after)

    @property
    def review(self) -> str:
        return _address("staff-review-dead-letters", self.cause, self.after)

    @property
    def scope_error(self) -> str:
        is_of_scope = self.pressed is not None and self.pressed.field == SCOPE
        return str(self.pressed.refusal) if self.pressed and is_of_scope else ""

    @property
    def reason(self) -> ActField:
        return acts.filled(REASON, "many", self.pressed)

    @property
    def resolution(self) -> ActField:
        return acts.filled(CHOOSE, "many", self.pressed)


def _many(request: HttpRequest, letters: Sequence[Letter], pressed: Pressed | None) -> ManyLetters:
    """Also of none: the form is there for those that die while the page is open. A press that was
    refused never turns what is marked into all that match."""
    cause = _cause(request)
    found = deadletters.matching(cause)
    is_chosen = pressed.typed.get(SCOPE) == ALL if pressed else bool(cause)
    is_all = is_chosen and not _marks(request) and found.total > 0
    return ManyLetters(
        cause,
        request.GET.get("after", ""),
        found,
        deadletters.outlook(cause, limit=MOST_AT_ONCE),
        _away(request, letters, pressed),
        ALL if is_all else MARKED,
        pressed,
    )


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
    """Raises WrongField where all are meant and some are marked: one of both is not meant."""
    if request.POST.get(SCOPE) == MARKED:
        return True
    if _marks(request):
        raise WrongField(SCOPE, "Some are marked: choose what is marked, or take the marks away.")
    return False
