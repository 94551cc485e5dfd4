"""The staff's pages of tips: the last ones, and all that is recorded of one. The one button asks
the ledger again about a tip in doubt."""

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect

from adminpanel import doors
from adminpanel.tip import entries, story, timeline, verdict
from adminpanel.watch import reconciliation
from ground import clock
from ground.hops import doorbell
from lovense.models import Activation
from lovense.page import outcome
from tips.log import eventlog
from tips.models import Tip

LATEST_SHOWN = 15
ON = "staff-tips"
_TONES = {
    "completed": "good",
    "pending": "info",
    "skipped": "idle",
    "cancelled": "idle",
    "expired": "warn",
}


@doors.page
def tips(request: HttpRequest) -> HttpResponse:
    """The tips that were settled last."""
    return doors.show(request, "adminpanel/tips.html", {"latest": _latest()}, on=ON)


@doors.page
def tip(request: HttpRequest, tip_id: str) -> HttpResponse:
    found = story.read(tip_id)
    if found is None:
        said = {"unknown": tip_id, "latest": _latest()}
        return doors.show(request, "adminpanel/tips.html", said, on=ON, status=404)
    judged = verdict.of(found)
    context = {
        "story": found,
        "verdict": judged,
        "tone": tone(found, judged),
        "facts": timeline.of(found),
        "lines": entries.of(found),
        "repeats": story.repeats(found),
        # asked only where there is a button
        "may_look_again": lambda: doors.may(request, "staff-look-again"),
    }
    return doors.show(request, "adminpanel/tip.html", context, on=ON)


@doors.button
def look_again(request: HttpRequest, tip_id: str) -> HttpResponse:
    """Back to the page with the button; a tip that no longer needs a look is left alone."""
    found = Tip.objects.filter(pk=tip_id).first()
    if found is None:
        raise Http404
    if reconciliation.look_again(found, by=request.user.get_username(), now=clock.now()):
        doorbell.ring_soon("tips.look")
    if request.POST.get("back") == "list":
        return redirect("staff-reconciliation")
    return redirect("staff-tip", tip_id)


def tone(found: story.Story, judged: verdict.Verdict) -> str:
    if judged.status == "completed" and found.activation:
        return outcome.of(found.activation).tone
    return _TONES.get(judged.status, "bad")


def _latest() -> list[dict[str, object]]:
    """The newest events of the log with what became of them: two queries, and one of the archive
    when the log is short."""
    events = eventlog.latest(LATEST_SHOWN)
    keys = [f"{event.tip_id}.all" for event in events]
    ended = {
        row.tip_id: outcome.of(row)
        for row in Activation.objects.filter(pk__in=keys).defer("attempts", "commands")
    }
    waiting = outcome.Outcome("Queued", "info", "Waits for its turn.")
    return [{"event": event, "outcome": ended.get(event.tip_id, waiting)} for event in events]
