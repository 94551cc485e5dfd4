"""The staff's page of the consumers of the event log: how far each is, and what it could not
take."""

from collections.abc import Callable, Sequence
from itertools import islice
from typing import Any

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse

from adminpanel import doors
from adminpanel.handling import emissions as handling
from adminpanel.handling import marks
from adminpanel.people.deeds import Deed
from adminpanel.views import acts
from adminpanel.views.acts import REASON, Act, AskedAct, Pressed
from adminpanel.watch import health
from adminpanel.watch.health import ConsumerHealth
from ground import clock
from tips.log import emission

EMISSIONS_SHOWN = 100
MOST_AT_ONCE = marks.MOST
MARKED = "marked"
ON = "staff-emissions"


@doors.page
def emissions(request: HttpRequest) -> HttpResponse:
    return _page(request)


def _page(request: HttpRequest, pressed: Pressed | None = None) -> HttpResponse:
    consumers = health.consumers(now=clock.now())
    may_retry = doors.may(request, "staff-retry-emissions")
    able, marked = _acts(consumers) if may_retry else [], request.POST.getlist(marks.FIELD)
    context = {
        "consumers": consumers,
        "dead": [_shown(row, marked) for row in islice(emission.dead(), EMISSIONS_SHOWN)],
        "may_retry": may_retry,
        "reason": acts.filled(REASON, MARKED, _of(pressed, MARKED)),
        "delivered": _number(request, "delivered"),
        "still_dead": _number(request, "dead"),
        "acts": acts.shown(able, pressed),
        "pressed": pressed,
    }
    status = acts.status_of(pressed)
    return doors.show(request, "adminpanel/emissions.html", context, on=ON, status=status)


def _of(pressed: Pressed | None, act: str) -> Pressed | None:
    return pressed if pressed and pressed.act == act else None


def _acts(consumers: Sequence[ConsumerHealth]) -> list[Act]:
    """One for each consumer that could not take something."""
    found = (each.standing for each in consumers)
    return [_act(standing.name, standing.dead) for standing in found if standing.dead]


def _act(consumer: str, dead: int) -> Act:
    is_more = dead > MOST_AT_ONCE
    which = f"the oldest {MOST_AT_ONCE}" if is_more else f"all {dead}"
    title = f"Retry {which if dead > 1 else 'the one'} for {consumer}"
    words = "Each event is handed over once more. None is taken twice."
    if is_more:
        words += f" All {dead}: manage.py retry_emissions --consumer {consumer}"
    address = reverse("staff-retry-emissions", args=[consumer])
    return Act(consumer, title, words, "Retry", address, str(dead), kind="main")


@doors.button
def retry_emissions(request: HttpRequest, consumer: str) -> HttpResponse:
    """The oldest of a consumer, at most so many at once."""
    if consumer not in emission.CONSUMERS:
        raise Http404
    seen = acts.number(request.POST.get("seen", ""))

    def work(deed: Deed) -> tuple[int, int]:
        return handling.retry(consumer, seen=seen, most=MOST_AT_ONCE, deed=deed)

    return _answered(request, consumer, consumer, work)


@doors.button
def retry_marked(request: HttpRequest) -> HttpResponse:
    def work(deed: Deed) -> tuple[int, int]:
        return handling.retry_marked(request.POST.getlist(marks.FIELD), deed=deed)

    return _answered(request, MARKED, "all", work)


def _answered(
    request: HttpRequest, act: str, target: str, work: Callable[[Deed], tuple[int, int]]
) -> HttpResponse:
    def then(done: tuple[int, int]) -> HttpResponse:
        delivered, dead = done
        return redirect(f"{reverse(ON)}?delivered={delivered}&dead={dead}")

    def back(pressed: Pressed) -> HttpResponse:
        return _page(request, pressed._replace(act=act))

    asked = AskedAct("retry", handling.target(target))
    return acts.answered(request, asked, work, then=then, back=back)


def _number(request: HttpRequest, name: str) -> int | None:
    said = request.GET.get(name, "")
    return int(said) if said.isascii() and said.isdigit() and len(said) < 6 else None


def _shown(row: dict[str, Any], marked: Sequence[str]) -> dict[str, Any]:
    mark = handling.mark_of(row)
    errors = [told | {"at": clock.parse(told["at"])} for told in row["errors"]]
    last = errors[-1]
    told = {"attempts": len(errors), "error": last["error"], "failed_at": last["at"]}
    shown = row | told | {"errors": errors}
    return shown | {"key": row["_id"], "mark": mark, "is_marked": mark in marked}
