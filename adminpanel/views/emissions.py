"""The staff's page of the consumers of the event log: how far each is, and what it could not
take."""

from collections.abc import Sequence
from itertools import islice
from typing import Any

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse

from adminpanel import doors
from adminpanel.handling import emissions as handling
from adminpanel.people.deeds import Deed
from adminpanel.views import acts
from adminpanel.views.acts import Act, AskedAct, Pressed
from adminpanel.watch import health
from adminpanel.watch.health import ConsumerHealth
from ground import clock
from tips.log import emission

EMISSIONS_SHOWN = 100
ON = "staff-emissions"


@doors.page
def emissions(request: HttpRequest) -> HttpResponse:
    return _page(request)


def _page(request: HttpRequest, pressed: Pressed | None = None) -> HttpResponse:
    consumers = health.consumers(now=clock.now())
    able = _acts(consumers) if doors.may(request, "staff-retry-emissions") else []
    context = {
        "consumers": consumers,
        "dead": [_shown(row) for row in islice(emission.dead(), EMISSIONS_SHOWN)],
        "delivered": _number(request, "delivered"),
        "still_dead": _number(request, "dead"),
        "acts": acts.shown(able, pressed),
        "pressed": pressed,
    }
    status = acts.status_of(pressed)
    return doors.show(request, "adminpanel/emissions.html", context, on=ON, status=status)


def _acts(consumers: Sequence[ConsumerHealth]) -> list[Act]:
    """One for each consumer that could not take something."""
    found = (each.standing for each in consumers)
    return [_act(standing.name, standing.dead) for standing in found if standing.dead]


def _act(consumer: str, dead: int) -> Act:
    which = f"the oldest {EMISSIONS_SHOWN}" if dead > EMISSIONS_SHOWN else f"all {dead}"
    title = f"Retry {which if dead > 1 else 'the one'} for {consumer}"
    words = "Each event is handed over once more. None is taken twice."
    address = reverse("staff-retry-emissions", args=[consumer])
    return Act(consumer, title, words, "Retry", address, str(dead), kind="main")


@doors.button
def retry_emissions(request: HttpRequest, consumer: str) -> HttpResponse:
    """The oldest of a consumer, as many as the page shows."""
    if consumer not in emission.CONSUMERS:
        raise Http404
    seen = acts.number(request.POST.get("seen", ""))

    def work(deed: Deed) -> tuple[int, int]:
        return handling.retry(consumer, seen=seen, most=EMISSIONS_SHOWN, deed=deed)

    def then(done: tuple[int, int]) -> HttpResponse:
        delivered, dead = done
        return redirect(f"{reverse(ON)}?delivered={delivered}&dead={dead}")

    def back(pressed: Pressed) -> HttpResponse:
        return _page(request, pressed._replace(act=consumer))

    asked = AskedAct("retry", handling.target(consumer))
    return acts.answered(request, asked, work, then=then, back=back)


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
