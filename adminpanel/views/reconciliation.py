"""The staff's page of what needs a person's look: tips on which ledger and platform disagree, and
deliveries that could not be processed."""

from django.http import HttpRequest, HttpResponse

from adminpanel import doors
from adminpanel.watch import reconciliation

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
        "shown": reconciliation.SHOWN,
    }
    return doors.show(request, "adminpanel/reconciliation.html", context, on=ON)
