"""The staff's pages: find a tip, the page of one tip, what needs a person's look, consumers of the
event log, the queue.

They only read, but for a few buttons: the ledger may be asked again about a tip in doubt; those who
may change what has died retry an emission, and review a dead letter or send it back."""

import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import wraps
from itertools import islice
from typing import Any
from urllib.parse import urlencode

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.contrib.auth.models import User
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST, require_safe

from adminpanel import samples
from adminpanel.tip import entries, story, timeline, verdict
from adminpanel.watch import health, lanes, reconciliation
from ground import clock
from ground.hops import doorbell
from ground.json.errors import Refusal
from lovense import facts
from lovense.deciding import platform
from lovense.lane import deadletters, decisions
from lovense.lane.letter import Letter, Resolution
from lovense.models import Activation
from lovense.page import outcome
from tips.log import emission, eventlog
from tips.models import Tip

LATEST_SHOWN = 15
EMISSIONS_SHOWN = 100
_TIP_ID = re.compile(r"[0-9a-f]{24}")
_TONES = {
    "completed": "good",
    "pending": "info",
    "skipped": "idle",
    "cancelled": "idle",
    "expired": "warn",
}

View = Callable[..., HttpResponse]


def _staff_only(view: View) -> View:
    """Whoever is not logged in is asked to; whoever is no staff is refused."""

    @wraps(view)
    def guarded(request: HttpRequest, *args: str, **named: str) -> HttpResponse:
        if not (isinstance(request.user, User) and request.user.is_staff):
            raise PermissionDenied
        return view(request, *args, **named)

    return login_required(guarded)


def _page(view: View) -> View:
    return never_cache(require_safe(_staff_only(view)))


def _button(view: View) -> View:
    return never_cache(require_POST(_staff_only(view)))


@_page
def tips(request: HttpRequest) -> HttpResponse:
    """The search, and the tips that were settled last."""
    wanted = request.GET.get("tip", "").strip().lower()
    if _TIP_ID.fullmatch(wanted):
        return redirect("staff-tip", wanted)
    context = {"wanted": wanted, "is_malformed": bool(wanted), "latest": _latest()}
    return render(request, "adminpanel/tips.html", context)


@_page
def tip(request: HttpRequest, tip_id: str) -> HttpResponse:
    found = story.read(tip_id)
    if found is None:
        return render(
            request,
            "adminpanel/tips.html",
            {"wanted": tip_id, "is_unknown": True, "latest": _latest()},
            status=404,
        )
    judged = verdict.of(found)
    context = {
        "story": found,
        "verdict": judged,
        "tone": tone(found, judged),
        "facts": timeline.of(found),
        "lines": entries.of(found),
        "repeats": story.repeats(found),
        "may_decide": lambda: _may_decide(request),  # asked only where there is a button
    }
    return render(request, "adminpanel/tip.html", context)


@_page
def doubts(request: HttpRequest) -> HttpResponse:
    """Conflicts and reconciliation."""
    tips_in_doubt, all_doubts = reconciliation.doubts()
    conflicts, all_conflicts = reconciliation.conflicts()
    aside, all_aside = reconciliation.set_aside()
    missing, all_missing = reconciliation.missing_rows()
    context = {
        "doubts": tips_in_doubt,
        "all_doubts": all_doubts,
        "conflicts": conflicts,
        "all_conflicts": all_conflicts,
        "aside": aside,
        "all_aside": all_aside,
        "missing": missing,
        "all_missing": all_missing,
        "may_decide": lambda: _may_decide(request),
        "shown": reconciliation.SHOWN,
    }
    return render(request, "adminpanel/reconciliation.html", context)


@_page
def emissions(request: HttpRequest) -> HttpResponse:
    """How far the consumers of the event log are, and what they could not take."""
    context = {
        "consumers": health.consumers(now=clock.now()),
        "dead": [_shown(row) for row in islice(emission.dead(), EMISSIONS_SHOWN)],
        "shown": EMISSIONS_SHOWN,
        "may_retry": _may_retry(request),
        "delivered": _number(request, "delivered"),
        "still_dead": _number(request, "dead"),
    }
    return render(request, "adminpanel/emissions.html", context)


@_button
def retry_emissions(request: HttpRequest) -> HttpResponse:
    """Retries one dead emission, or the oldest of a consumer, as many as the page shows."""
    if not _may_retry(request):
        raise PermissionDenied
    which = {"consumer": request.POST.get("consumer", ""), "tip_id": request.POST.get("tip", "")}
    keys = [row["_id"] for row in islice(emission.dead(**which), EMISSIONS_SHOWN)]
    delivered = sum(
        emission.retry(key, by=request.user.get_username(), now=clock.now()) for key in keys
    )
    return redirect(
        f"{reverse('staff-emissions')}?delivered={delivered}&dead={len(keys) - delivered}"
    )


def _may_retry(request: HttpRequest) -> bool:
    return isinstance(request.user, User) and request.user.has_perm("tips.change_failedemission")


def _number(request: HttpRequest, name: str) -> int | None:
    said = request.GET.get(name, "")
    return int(said) if said.isascii() and said.isdigit() and len(said) < 6 else None


def _shown(row: dict[str, Any]) -> dict[str, Any]:
    last = row["errors"][-1]
    return row | {
        "attempts": len(row["errors"]),
        "error": last["error"],
        "failed_at": clock.parse(last["at"]),
    }


@_button
def look_again(request: HttpRequest, tip_id: str) -> HttpResponse:
    """Back to the page with the button; a tip that no longer needs a look is left alone."""
    _check_may_decide(request)
    found = Tip.objects.filter(pk=tip_id).first()
    if found is None:
        raise Http404
    if reconciliation.look_again(found, by=request.user.get_username(), now=clock.now()):
        doorbell.ring_soon("tips.look")
    if request.POST.get("back") == "list":
        return redirect("staff-reconciliation")
    return redirect("staff-tip", tip_id)


@_button
def hand_out_again(request: HttpRequest) -> HttpResponse:
    """A delivery that was set aside is processed as if it had just come."""
    _check_may_decide(request)
    key, by = request.POST.get("key", ""), request.user.get_username()
    hop = reconciliation.hand_out_again(key, by=by, now=clock.now())
    if hop is None:
        messages.error(request, "It does not lie aside any more.")
    else:
        doorbell.ring_soon(hop)
        messages.success(request, "It is being processed again.")
    return redirect("staff-reconciliation")


# --- the queue and its dead letters --------------------------------------------------------------


def _region(request: HttpRequest) -> str:
    """The layout of the answer: to HTMX the region alone that fetches itself again."""
    return "adminpanel/_region.html" if request.htmx else "base.html"  # type: ignore[attr-defined]


@_page
def queue(request: HttpRequest) -> HttpResponse:
    """How it is, how much waits before each hop and for whom, and what holds it back."""
    now = clock.now()
    found = health.read(now=now)
    context = {
        "layout": _region(request),
        "health": found,
        "tone": _HEALTH_TONES[found.status],
        "hops": [{"hop": facts.HOPS[waits.name], "waits": waits} for waits in found.hops],
        "lanes": lanes.longest(now=now),
        "lanes_shown": lanes.LANES_SHOWN,
        "paused": lanes.paused(now=now),
        "platform": platform.current(),
    }
    return render(request, "adminpanel/queue.html", context)


_HEALTH_TONES = {
    health.Status.HEALTHY: "good",
    health.Status.DEGRADED: "warn",
    health.Status.UNHEALTHY: "bad",
}


@_page
def dead_letters(request: HttpRequest) -> HttpResponse:
    """The causes, and a page of letters: of one cause, or of all."""
    cause = request.GET.get("cause", "")
    try:
        letters, more = deadletters.slice_of(cause=cause, after=request.GET.get("after", ""))
    except deadletters.NoSuchPlace:
        return redirect("staff-dead-letters")
    groups = deadletters.groups()
    context = {
        "layout": _region(request),
        "groups": groups,
        "group": next((group for group in groups if group.cause == cause), None),
        "cause": cause,
        "letters": letters,
        "more": more,
        "most_at_once": decisions.MOST_AT_ONCE,
        "may_decide": _may_decide(request),
    }
    return render(request, "adminpanel/dead_letters.html", context)


@_page
def dead_letter(request: HttpRequest, key: str) -> HttpResponse:
    context = {
        "letter": _letter(key),
        "resolutions": _RESOLUTIONS,
        "may_decide": _may_decide(request),
    }
    return render(request, "adminpanel/dead_letter.html", context)


@contextmanager
def _refusals_said(request: HttpRequest, more: str = "") -> Iterator[None]:
    """What a rule refuses is a message of the page that comes next."""
    try:
        yield
    except Refusal as why:
        messages.error(request, f"{why}{more}")


@_button
def review_dead_letter(request: HttpRequest, key: str) -> HttpResponse:
    _check_may_decide(request)
    said = request.POST.get("resolution", "")
    if said not in _RESOLUTIONS:
        messages.error(request, "Choose what was decided about it.")
    else:
        told = {"note": request.POST.get("note", ""), "by": request.user.get_username()}
        with _refusals_said(request):
            decisions.review(
                _letter(key).request_id, resolution=Resolution(said), **told, now=clock.now()
            )
            messages.success(request, f"Reviewed: {_RESOLUTIONS[said].lower()}.")
    return redirect("staff-dead-letter", key)


@_button
def replay_dead_letter(request: HttpRequest, key: str) -> HttpResponse:
    _check_may_decide(request)
    with _refusals_said(request):
        decisions.replay(_letter(key).request_id, by=request.user.get_username(), now=clock.now())
        messages.success(request, "Sent back. It plays when its turn comes.")
        doorbell.ring("lovense.dispatch")
    return redirect("staff-dead-letter", key)


@_button
def replay_dead_letters(request: HttpRequest) -> HttpResponse:
    """All of a cause; the form carries the count that its page showed."""
    _check_may_decide(request)
    cause, expect = request.POST.get("cause", ""), request.POST.get("expect", "")
    number = int(expect) if expect.isascii() and expect.isdigit() and len(expect) < 10 else -1
    with _refusals_said(request, f" You were shown {expect}."):
        gone, left = decisions.replay_group(
            cause=cause, expect=number, by=request.user.get_username(), now=clock.now()
        )
        messages.success(
            request, f"{gone} sent back. {f'{left} are left.' if left else 'None is left.'}"
        )
        doorbell.ring("lovense.dispatch")
    return redirect(f"{reverse('staff-dead-letters')}?{urlencode({'cause': cause})}")


_RESOLUTIONS = {
    Resolution.REPLAYED.value: "Played in another way",
    Resolution.REFUNDED.value: "Refunded",
    Resolution.WAIVED.value: "Waived",
    Resolution.DUPLICATE.value: "Duplicate",
    Resolution.OTHER.value: "Something else",
}


def _letter(key: str) -> Letter:
    try:
        return deadletters.find(key)
    except deadletters.NoSuchLetter:
        raise Http404 from None


def _may_decide(request: HttpRequest) -> bool:
    return (
        isinstance(request.user, User)
        and request.user.is_staff
        and request.user.has_perm("tips.change_queuerequest")
    )


def _check_may_decide(request: HttpRequest) -> None:
    if not _may_decide(request):
        raise PermissionDenied


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


@_page
def style(request: HttpRequest) -> HttpResponse:
    """Every component that a page may be made of, in every state."""
    return render(request, "adminpanel/style.html", samples.shown(now=clock.now()))
