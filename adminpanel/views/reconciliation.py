"""The staff's page of what needs a person's look: tips on which ledger and platform disagree, and
deliveries that could not be processed."""

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect

from adminpanel import doors
from adminpanel.watch import reconciliation
from ground import clock
from ground.hops import doorbell

ON = "staff-reconciliation"


@doors.page
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
        "may_look_again": lambda: doors.may(request, "staff-look-again"),
        "may_hand_out": lambda: doors.may(request, "staff-hand-out-again"),
        "shown": reconciliation.SHOWN,
    }
    return doors.show(request, "adminpanel/reconciliation.html", context, on=ON)


@doors.button
def hand_out_again(request: HttpRequest) -> HttpResponse:
    """A delivery that was set aside is processed as if it had just come."""
    key, by = request.POST.get("key", ""), request.user.get_username()
    hop = reconciliation.hand_out_again(key, by=by, now=clock.now())
    if hop is None:
        messages.error(request, "It does not lie aside any more.")
    else:
        doorbell.ring_soon(hop)
        messages.success(request, "It is being processed again.")
    return redirect(ON)
