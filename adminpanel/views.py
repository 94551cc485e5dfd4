"""The staff's pages: find a tip, the page of one tip, and what needs a person's look. They only read."""

import re

from django.contrib.auth.decorators import login_required
from django.contrib.auth.models import User
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from adminpanel import audit, reconciliation
from lovense import outcome
from lovense.models import Activation
from tips import eventlog

LATEST_SHOWN = 15
_TIP_ID = re.compile(r"[0-9a-f]{24}")
_TONES = {"completed": "good", "pending": "info", "skipped": "idle", "cancelled": "idle", "expired": "warn"}


@never_cache
@require_safe
@login_required
def tips(request: HttpRequest) -> HttpResponse:
    """The search, and the tips that were settled last."""
    _check_staff(request)
    wanted = request.GET.get("tip", "").strip().lower()
    if _TIP_ID.fullmatch(wanted):
        return redirect("staff-tip", wanted)
    context = {"wanted": wanted, "is_malformed": bool(wanted), "latest": _latest()}
    return render(request, "adminpanel/tips.html", context)


@never_cache
@require_safe
@login_required
def tip(request: HttpRequest, tip_id: str) -> HttpResponse:
    _check_staff(request)
    found = audit.trail(tip_id)
    if found is None:
        return render(request, "adminpanel/tips.html", {"wanted": tip_id, "is_unknown": True, "latest": _latest()}, status=404)
    context = {"trail": found, "repeats": audit.repeats(found), "tone": tone(found)}
    return render(request, "adminpanel/tip.html", context)


@never_cache
@require_safe
@login_required
def doubts(request: HttpRequest) -> HttpResponse:
    """Conflicts and reconciliation."""
    _check_staff(request)
    tips_in_doubt, all_doubts = reconciliation.doubts()
    conflicts, all_conflicts = reconciliation.conflicts()
    context = {
        "doubts": tips_in_doubt,
        "all_doubts": all_doubts,
        "conflicts": conflicts,
        "all_conflicts": all_conflicts,
        "shown": reconciliation.SHOWN,
    }
    return render(request, "adminpanel/reconciliation.html", context)


def _check_staff(request: HttpRequest) -> None:
    if not (isinstance(request.user, User) and request.user.is_staff):
        raise PermissionDenied


def tone(found: audit.Trail) -> str:
    if found.verdict.status == "completed" and found.activation:
        return outcome.of(found.activation).tone
    return _TONES.get(found.verdict.status, "bad")


def _latest() -> list[dict[str, object]]:
    """The newest events of the log with what became of them: two queries, and one of the archive when the log is short."""
    events = eventlog.latest(LATEST_SHOWN)
    keys = [f"{event.tip_id}.all" for event in events]
    ended = {row.tip_id: outcome.of(row) for row in Activation.objects.filter(pk__in=keys).defer("attempts", "commands")}
    waiting = outcome.Outcome("Queued", "info", "Waits for its turn.")
    return [{"event": event, "outcome": ended.get(event.tip_id, waiting)} for event in events]
