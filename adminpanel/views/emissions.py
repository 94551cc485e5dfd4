"""The staff's page of the consumers of the event log: how far each is, and what it could not
take."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple
from urllib.parse import urlencode

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse

from adminpanel import doors
from adminpanel.handling import emissions as handling
from adminpanel.handling import marks
from adminpanel.people.deeds import Deed, Outdated
from adminpanel.views import acts
from adminpanel.views.acts import REASON, Act, AskedAct, Pressed
from adminpanel.watch import health
from adminpanel.watch.health import ConsumerHealth
from ground import clock
from tips.log import emission

FIRST_SHOWN = 50  # of each consumer
PAGE_SHOWN = 100  # of one
MOST_AT_ONCE = marks.MOST
MARKED = "marked"
ON = "staff-emissions"


class EmissionPlace(NamedTuple):
    """What the page is of: every consumer, or one; and of that one from which event on."""

    consumer: str = ""
    after: int = 0

    @property
    def query(self) -> str:
        said = {"consumer": self.consumer, "after": self.after or ""}
        named = urlencode({name: value for name, value in said.items() if value})
        return f"?{named}" if named else ""

    @property
    def address(self) -> str:
        return reverse(ON) + self.query


@dataclass(frozen=True, slots=True)
class DeadOf:
    """What one consumer could not take: those that are shown, and the way to the others."""

    rows: list[dict[str, Any]]
    words: str = ""
    href: str = ""


@doors.page
def emissions(request: HttpRequest) -> HttpResponse:
    return _page(request)


def _page(request: HttpRequest, pressed: Pressed | None = None) -> HttpResponse:
    place = _place(request)
    if place is None:
        return redirect(ON)
    consumers = health.consumers(now=clock.now())
    dead = _dead(consumers, place, request.POST.getlist(marks.FIELD))
    rows = [row for each in dead for row in each.rows]
    may_retry = doors.may(request, "staff-retry-emissions")
    context = {
        "consumers": consumers,
        "place": place,
        "dead": dead if rows else [],
        "may_retry": may_retry,
        "may_mark": may_retry and bool(rows),
        "away": _away(request, rows, pressed),
        "now": clock.now(),
        "reason": acts.filled(REASON, MARKED, _of(pressed, MARKED)),
        "delivered": _number(request, "delivered"),
        "still_dead": _number(request, "dead"),
        "acts": acts.shown(_acts(consumers, place, pressed) if may_retry else [], pressed),
        "pressed": pressed,
    }
    status = acts.status_of(pressed)
    return doors.show(request, "adminpanel/emissions.html", context, on=ON, status=status)


def _place(request: HttpRequest) -> EmissionPlace | None:
    """None where there is no such consumer, or no such event."""
    consumer, after = request.GET.get("consumer", ""), request.GET.get("after", "")
    number = acts.number(after or "0")
    if number < 0 or consumer not in ("", *emission.CONSUMERS):
        return None
    return EmissionPlace(consumer, number if consumer else 0)


# --- what is dead --------------------------------------------------------------------------------


def _dead(
    consumers: Sequence[ConsumerHealth], place: EmissionPlace, marked: Sequence[str]
) -> list[DeadOf]:
    standings = [each.standing for each in consumers if each.standing.dead]
    if not place.consumer:
        return [_first(standing, marked) for standing in standings]
    return [_further(place, marked)]


def _first(standing: emission.Standing, marked: Sequence[str]) -> DeadOf:
    rows = emission.slice_of(standing.name, limit=FIRST_SHOWN)
    shown = [_shown(row, marked) for row in rows]
    left = standing.dead - len(rows)
    if not rows or left <= 0:
        return DeadOf(shown)
    on = EmissionPlace(standing.name, rows[-1]["sequence"]).address
    return DeadOf(shown, f"{_least(standing)}{left} more for {standing.name}", on)


def _least(standing: emission.Standing) -> str:
    """What stands before a number that was counted no further."""
    return "at least " if standing.has_more_dead else ""


def _further(place: EmissionPlace, marked: Sequence[str]) -> DeadOf:
    rows = emission.slice_of(place.consumer, after=place.after, limit=PAGE_SHOWN + 1)
    shown = [_shown(row, marked) for row in rows[:PAGE_SHOWN]]
    if len(rows) <= PAGE_SHOWN:
        return DeadOf(shown)
    return DeadOf(shown, "Later ones", EmissionPlace(place.consumer, shown[-1]["sequence"]).address)


def _shown(row: dict[str, Any], marked: Sequence[str]) -> dict[str, Any]:
    mark = handling.mark_of(row)
    errors = [told | {"at": clock.parse(told["at"])} for told in row["errors"]]
    last = errors[-1]
    told = {"attempts": len(errors), "error": last["error"], "failed_at": last["at"]}
    shown = row | told | {"errors": errors}
    return shown | {"key": row["_id"], "mark": mark, "is_marked": mark in marked}


def _away(
    request: HttpRequest, rows: Sequence[Mapping[str, Any]], pressed: Pressed | None
) -> Sequence[str]:
    """Marks of what this page does not show; where one had moved, of what had not."""
    away = marks.away(request.POST.getlist(marks.FIELD), [row["key"] for row in rows])
    if pressed and isinstance(pressed.refusal, Outdated):
        return handling.still(away)
    return away


# --- what may be done ----------------------------------------------------------------------------


def _of(pressed: Pressed | None, act: str) -> Pressed | None:
    return pressed if pressed and pressed.act == act else None


def _acts(
    consumers: Sequence[ConsumerHealth], place: EmissionPlace, pressed: Pressed | None
) -> list[Act]:
    """One for each consumer that could not take something."""
    found = (each.standing for each in consumers)
    return [_act(standing, place, pressed) for standing in found if standing.dead]


def _act(standing: emission.Standing, place: EmissionPlace, pressed: Pressed | None) -> Act:
    consumer, dead = standing.name, standing.dead
    is_more = dead > MOST_AT_ONCE
    which = f"the oldest {MOST_AT_ONCE}" if is_more else f"all {dead}"
    title = f"Retry {which if dead > 1 else 'the one'} for {consumer}"
    words = "Each event is handed over once more. None is taken twice."
    seen = _seen(standing, _of(pressed, consumer))
    if not seen:
        words += f" There are at least {dead}: the first press counts them."
    if is_more:
        words += f" All {seen or 'of them'}: manage.py retry_emissions --consumer {consumer}"
    address = reverse("staff-retry-emissions", args=[consumer]) + place.query
    return Act(consumer, title, words, "Retry", address, seen, kind="main")


def _seen(standing: emission.Standing, pressed: Pressed | None) -> str:
    """What a press agrees to: of more than are counted none, before one has counted them."""
    if pressed and isinstance(pressed.refusal, Outdated):
        return str(pressed.refusal.details["present"])
    return "" if standing.has_more_dead else str(standing.dead)


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
