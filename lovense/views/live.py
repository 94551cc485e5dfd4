"""The performer's live page and its buttons. Each finds whose page it is, makes one call into a
rule and says what came of it."""

from datetime import datetime, timedelta
from functools import partial

from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from ground import clock
from ground.json.errors import Refusal
from ground.json.fields import Malformed
from lovense.deciding.activation import new_row
from lovense.lane import controls, placing
from lovense.models import Performer
from lovense.page import (
    extensionpanel,
    lanpanel,
    livechecks,
    livefeed,
    livequeue,
    livestage,
    notices,
    shownwords,
)
from lovense.page.frame import PAUSES
from lovense.page.livepage import METER, PARTS, LivePage, tokens
from lovense.page.welcomepage import LEFT, left
from lovense.rows import Json
from lovense.stopping import paths
from lovense.stopping import stop as stopping
from lovense.views.buttons import Buttons, asked, by
from lovense.views.pages import PageLook, page, part
from tips.queue import requests as queue

TEMPLATE = "lovense/live.html"
WHEN = ("after", "now")
# In the audit log: through which door it came.
BY_HAND = "on the live page"
# She saw another queue than there is.
PLACED_OTHERWISE = (
    controls.AlreadyOver,
    placing.OrderChanged,
    placing.AlreadyTried,
    placing.OutOfSight,
)


@require_safe
@login_required
def live(request: HttpRequest) -> HttpResponse:
    """The page or, to HTMX, one region of it by name."""
    panels = Panels()
    return panels.allowing(page(request, "live", TEMPLATE, partial(_page_of, panels)))


def look(request: HttpRequest, performer: Performer) -> HttpResponse:
    """The same page for who may look at hers; it allows nothing beside our own origin."""
    return PageLook(request, "live", performer, partial(_page_of, Panels())).whole(TEMPLATE)


class Panels:
    """What a page that may hold devices shows of them, and what of it the policy has to know."""

    lan: lanpanel.LanPanel | None = None
    extension: extensionpanel.ExtensionPanel | None = None

    def of(self, performer: Performer) -> Json:
        self.lan, self.extension = lanpanel.of(performer), extensionpanel.of(performer)
        return {"lan": self.lan, "extension": self.extension}

    def allowing(self, response: HttpResponse) -> HttpResponse:
        """Read by django-csp: what this page alone may call and load, beside our own origin."""
        if self.lan is not None:
            response._csp_update = {"connect-src": self.lan.may_call}  # type: ignore[attr-defined]
        if self.extension is not None:
            response._csp_update = self.extension.policy  # type: ignore[attr-defined]
        return response


def _page_of(panels: Panels, performer: Performer) -> Json:
    return panels.of(performer) | _shown(performer)


def _shown(performer: Performer) -> Json:
    """Each is read where it is shown."""
    live = LivePage(performer, clock.now())
    return {
        "live": live,
        "left": partial(_left, live, performer),
        "notices": partial(notices.of, live),
        "stage": partial(livestage.of, live),
        "waiting": partial(livequeue.of, live),
        "feed": partial(livefeed.of, live),
        "checks": partial(livechecks.of, live),
        "bars": METER,
        "live_parts": PARTS,
    }


def _left(live: LivePage, performer: Performer) -> str:
    """What she has not set up yet, in words; empty: nothing."""
    found = ", ".join(LEFT[name] for name in left(live, performer))
    return f"{found}." if found else ""


# --- buttons -------------------------------------------------------------------------------------

_page = Buttons(
    news=("queue", "notices"),
    words={
        controls.PartOfRun: "It plays together with others as one run. “Skip” ends the whole run.",
        controls.AlreadyOver: "It is over already.",
        controls.NothingPlays: "It does not play any more.",
        controls.AlreadyFirst: "It cannot move further up.",
    },
)


@require_POST
@_page.hers
def pause(request: HttpRequest, performer: Performer) -> HttpResponse:
    """`minutes`: 5, 15, 60, or empty: until she resumes; `when`: after what plays, or now."""
    minutes, when = request.POST.get("minutes", ""), request.POST.get("when", WHEN[0])
    if minutes not in PAUSES:
        raise Malformed("minutes", f"must be one of {', '.join(filter(None, PAUSES))}, or empty")
    if when not in WHEN:
        raise Malformed("when", f"must be one of {', '.join(WHEN)}")
    whose, (length, words) = by(request, performer), PAUSES[minutes]
    until = _later(whose["now"], length)
    controls.pause(**whose, why=BY_HAND, until=until, ends_playing=when == "now")
    said = f"Paused for {words}." if length else "Paused until you resume."
    return _or_back(request, _page.told(said))


def _later(now: datetime, length: timedelta | None) -> datetime | None:
    return now + length if length else None


@require_POST
@_page.hers
def resume(request: HttpRequest, performer: Performer) -> HttpResponse:
    controls.resume(**by(request, performer))
    return _or_back(request, _page.told("The queue goes on."))


@require_POST
@_page.hers
def play_one(request: HttpRequest, performer: Performer) -> HttpResponse:
    """The id, where it is given, keeps a second press from starting the next one."""
    controls.play_one(**by(request, performer), request_id=request.POST.get("request") or None)
    return _page.told("One plays, then the pause holds on.")


def _or_back(request: HttpRequest, answer: HttpResponse) -> HttpResponse:
    """Also for a page whose scripts do not run."""
    return answer if request.htmx else redirect("live")  # type: ignore[attr-defined]


@require_POST
@_page.hers
def stop(request: HttpRequest, performer: Performer) -> HttpResponse:
    """Never asks back."""
    stopping.press(**by(request, performer), why=BY_HAND, through="page")
    said = f"Stopped. Nothing starts until you resume. {paths.by_hand(performer.bridge)}".strip()
    return _or_back(request, _page.told(said, tone="warn"))


@require_POST
@_page.hers
def resume_all(request: HttpRequest, performer: Performer) -> HttpResponse:
    """After a stop: the pause ends with it."""
    stopping.resume(**by(request, performer))
    return _or_back(request, _page.told("What waited plays on."))


@require_POST
@_page.hers
def mode(request: HttpRequest, performer: Performer) -> HttpResponse:
    controls.set_mode(**by(request, performer), mode=request.POST.get("mode", ""))
    return _page.told("The order has changed.")


@require_POST
@_page.hers
def skip(request: HttpRequest, performer: Performer) -> HttpResponse:
    """Without asking back: it is also how she stops what plays. The id keeps a second press from
    ending the next one."""
    ended = controls.skip(
        **by(request, performer), why=BY_HAND, request_id=request.POST.get("request") or None
    )
    return _page.told("Ending it." if ended.status == "cancelling" else "Skipped.")


@require_POST
@_page.hers
def up(request: HttpRequest, performer: Performer, request_id: str) -> HttpResponse:
    controls.move_up(**by(request, performer), request_id=request_id)
    return _page.told("Moved up.")


@require_POST
@_page.hers
def place(request: HttpRequest, performer: Performer, request_id: str) -> HttpResponse:
    """`before`: the id it goes before, empty: last; `order`: the ids that she saw."""
    seen = " ".join(request.POST.getlist("order")).split()
    before = request.POST.get("before", "")
    try:
        placing.place(**by(request, performer), request_id=request_id, before=before, order=seen)
    except PLACED_OTHERWISE as why:
        return _as_it_is(request, performer, why)
    return _page.told("Moved.")


@require_POST
@_page.hers
def play_next(request: HttpRequest, performer: Performer, request_id: str) -> HttpResponse:
    try:
        placing.play_next(**by(request, performer), request_id=request_id)
    except PLACED_OTHERWISE as why:
        return _as_it_is(request, performer, why)
    return _page.told("Plays next.")


def _as_it_is(request: HttpRequest, performer: Performer, why: Refusal) -> HttpResponse:
    """409 with the queue as it is now, in place of what she saw."""
    answer = _page.told(_page.said_of(why), tone="warn")
    answer.status_code = 409
    answer.content = part(request, "live", "queue", performer, _shown).encode()
    return answer


@require_http_methods(["GET", "POST"])
@_page.hers
def remove(request: HttpRequest, performer: Performer, request_id: str) -> HttpResponse:
    """GET: the question, in words; POST: done."""
    if request.method == "POST":
        ended = controls.cancel(**by(request, performer), request_id=request_id, why=BY_HAND)
        return _page.told(
            "Ending it." if ended.status == "cancelling" else "Removed from the queue."
        )
    row = queue.find(request_id, "lane", "status", "payload", "type", "idempotency_key", "position")
    if row is None or row["lane"] != performer.performer_id:
        raise controls.NoSuchRequest
    told = new_row(row, clock.now())
    who = shownwords.of(performer).who(told["tipper_name"])
    title = f"Remove “{tokens(told['amount'], row['type'])}” from {who}?"
    return asked(
        request, title, reverse("live-remove", args=[request_id]), label="Remove it", keep="Keep it"
    )


@require_http_methods(["GET", "POST"])
@_page.hers
def clear(request: HttpRequest, performer: Performer) -> HttpResponse:
    """GET: how many there are; POST: done, if it is still as many."""
    counted = controls.waiting(performer_id=performer.performer_id)
    changed = False
    if request.method == "POST":
        try:
            cleared = controls.clear(
                **by(request, performer),
                why=BY_HAND,
                expected=_number(request.POST.get("expected", "")),
            )
            return _page.told(f"{cleared} removed from the queue.")
        except controls.CountChanged as error:
            counted, changed = error.actual, True
    title = (
        f"Remove all {counted} that wait?"
        if counted > 1
        else "Remove the one that waits?"
        if counted
        else "Nothing waits"
    )
    more = {"expected": counted, "count": counted, "is_changed": changed}
    return asked(
        request, title, reverse("live-clear"), label=f"Remove {counted}", keep="Keep them", **more
    )


def _number(text: str) -> int:
    return int(text) if text.isascii() and text.isdigit() and len(text) < 10 else -1
