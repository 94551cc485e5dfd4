"""The staff's pages of one tip: all that is recorded of it, drawn to scale; what may be done about
it; and what the same tip would do now."""

from collections.abc import Callable

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse

from adminpanel import doors
from adminpanel.handling import tips as handling
from adminpanel.lists import audit
from adminpanel.people.deeds import Deed, DeedTarget
from adminpanel.tip import deliveries, drawing, entries, money, story, timeline, trail, verdict
from adminpanel.tip import now as today
from adminpanel.views import acts
from adminpanel.views.acts import Act, AskedAct, Pressed
from ground import clock
from ground.hops import doorbell
from ground.people import role_of
from tips.log import emission
from tips.models import RequestStatus, Tip
from tips.queue import requests as queue

ON = "staff-tips"
LOOK, RETRY, REPLAY = "look-again", "retry-emission", "replay"


@doors.page
def tip(request: HttpRequest, tip_id: str) -> HttpResponse:
    return _page(request, tip_id)


def _page(request: HttpRequest, tip_id: str, pressed: Pressed | None = None) -> HttpResponse:
    found = story.read(tip_id)
    if found is None:
        told = {"unknown": tip_id}
        return doors.show(request, "adminpanel/tip_unknown.html", told, on=ON, status=404)
    judged, facts = verdict.of(found), timeline.of(found)
    lines, whole = drawing.waterfall(facts, now=clock.now())
    taken = trail.consumers(found.event)
    context = {
        "story": found,
        "verdict": judged,
        "tone": verdict.tone(found, judged),
        "lines": lines,
        "over": f"to scale, {whole} in all; times in UTC" if whole else "",
        "gates": story.asked_gates(found),
        "runs": [(row, drawing.run(row), timeline.said(found, row)) for row in found.activations],
        "money": money.of(found, entries.of(found)),
        "repeats": deliveries.repeats(found),
        "chain": trail.chain_around(found.event),
        "consumers": taken,
        "audit": [audit.shown(entry) for entry in trail.entries(found)],
        "places": trail.occurrences(found, role_of(request.user)),
        "link": request.build_absolute_uri(reverse("staff-tip", args=[tip_id])),
        "acts": acts.shown(_acts(request, found, taken), pressed),
        "pressed": pressed,
    }
    status = acts.status_of(pressed)
    return doors.show(request, "adminpanel/tip.html", context, on=ON, status=status)


@doors.page
def now(request: HttpRequest, tip_id: str) -> HttpResponse:
    """What the same tip would be answered today; nothing is written, and nothing plays."""
    found = Tip.objects.filter(pk=tip_id).first()
    if found is None:
        raise Http404
    context = {"tip": found, "seen": today.of(found, now=clock.now())}
    return doors.show(request, "adminpanel/tip_now.html", context, on=ON)


# --- what may be done ----------------------------------------------------------------------------


def _acts(request: HttpRequest, found: story.Story, taken: list[emission.Emitted]) -> list[Act]:
    """Those that its state and the role of who looks allow."""
    able = [*_look(found), *_retry(found, taken), *_replay(found)]
    return [act for act in able if doors.may(request, _ROUTES[act.name])]


_ROUTES = {LOOK: "staff-look-again", RETRY: "staff-tip-retry", REPLAY: "staff-tip-replay"}


def _act(found: story.Story, name: str, title: str, words: str, seen: str) -> Act:
    address = reverse(_ROUTES[name], args=[found.tip_id])
    return Act(name, title, words, title, address, seen, kind="main")


def _look(found: story.Story) -> list[Act]:
    tip = found.tip
    if tip is None or tip.looks is None or not tip.needs_reconciliation or tip.next_look_at:
        return []
    words = "The ledger is asked about this tip once more. Its answer decides, as always."
    return [_act(found, LOOK, "Look again", words, str(tip.looks))]


def _retry(found: story.Story, taken: list[emission.Emitted]) -> list[Act]:
    lacks = [each.consumer for each in taken if each.state == emission.DEAD]
    if not lacks:
        return []
    words = f"Its event is handed once more to: {', '.join(lacks)}. None takes it twice."
    return [_act(found, RETRY, "Retry the emission", words, str(len(lacks)))]


def _replay(found: story.Story) -> list[Act]:
    request = found.request
    if request is None or request["status"] != RequestStatus.DEAD:
        return []
    words = "It takes its old place in the queue, with four attempts, under the stop as it is then."
    seen = handling.state_of(request)
    return [_act(found, REPLAY, "Send it back into the queue", words, seen)]


@doors.button
def look_again(request: HttpRequest, tip_id: str) -> HttpResponse:
    seen = acts.number(request.POST.get("seen", ""))
    found = _tip(tip_id)
    return _answered(
        request,
        found,
        LOOK,
        lambda deed: handling.look_again(found, seen=seen, deed=deed),
        ("The ledger is being asked again.", "tips.look"),
    )


@doors.button
def retry_emission(request: HttpRequest, tip_id: str) -> HttpResponse:
    seen = acts.number(request.POST.get("seen", ""))
    return _answered(
        request,
        _tip(tip_id),
        RETRY,
        lambda deed: handling.retry_emissions(tip_id, seen=seen, deed=deed),
        ("Its event is delivered.", ""),
    )


@doors.button
def replay(request: HttpRequest, tip_id: str) -> HttpResponse:
    key, seen = queue.request_id(tip_id), request.POST.get("seen", "")
    return _answered(
        request,
        _tip(tip_id),
        REPLAY,
        lambda deed: handling.replay(key, seen=seen, deed=deed),
        ("Sent back. It plays when its turn comes.", "lovense.dispatch"),
    )


def _tip(tip_id: str) -> Tip:
    found = Tip.objects.filter(pk=tip_id).first()
    if found is None:
        raise Http404
    return found


def _answered(
    request: HttpRequest,
    found: Tip,
    act: str,
    work: Callable[[Deed], None],
    done: tuple[str, str],
) -> HttpResponse:
    """Back to the page of the tip, with the words of what was `done`; the hop behind it is
    rung."""
    words, hop = done

    def then(nothing: None) -> HttpResponse:
        if hop:
            doorbell.ring_soon(hop)
        messages.success(request, words)
        return redirect("staff-tip", found.tip_id)

    asked = AskedAct(act.replace("-", "_"), DeedTarget("tip", found.tip_id, found.performer_id))

    def back(pressed: Pressed) -> HttpResponse:
        return _page(request, found.tip_id, pressed._replace(act=act))

    return acts.answered(request, asked, work, then=then, back=back)
