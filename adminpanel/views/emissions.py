"""The staff's page of the consumers of the event log: how far each is, and what it could not
take."""

from itertools import islice
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse

from adminpanel import doors
from adminpanel.watch import health
from ground import clock
from tips.log import emission

EMISSIONS_SHOWN = 100
ON = "staff-emissions"


@doors.page
def emissions(request: HttpRequest) -> HttpResponse:
    context = {
        "consumers": health.consumers(now=clock.now()),
        "dead": [_shown(row) for row in islice(emission.dead(), EMISSIONS_SHOWN)],
        "shown": EMISSIONS_SHOWN,
        "may_retry": doors.may(request, "staff-retry-emissions"),
        "delivered": _number(request, "delivered"),
        "still_dead": _number(request, "dead"),
    }
    return doors.show(request, "adminpanel/emissions.html", context, on=ON)


@doors.button
def retry_emissions(request: HttpRequest) -> HttpResponse:
    """Retries one dead emission, or the oldest of a consumer, as many as the page shows."""
    which = {"consumer": request.POST.get("consumer", ""), "tip_id": request.POST.get("tip", "")}
    keys = [row["_id"] for row in islice(emission.dead(**which), EMISSIONS_SHOWN)]
    delivered = sum(
        emission.retry(key, by=request.user.get_username(), now=clock.now()) for key in keys
    )
    return redirect(f"{reverse(ON)}?delivered={delivered}&dead={len(keys) - delivered}")


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
