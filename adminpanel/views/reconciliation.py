"""The staff's page of one thing that needs a person's look: what was found, what to do, who has it,
and what may be done about it. Their list is one of `views/listed.py`."""

from collections.abc import Callable
from typing import Any

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse

from adminpanel import doors
from adminpanel.doubt import listing
from adminpanel.doubt.keeping import DoubtKind
from adminpanel.handling import doubts as handling
from adminpanel.views import acts
from adminpanel.views.acts import Act, AskedAct, Pressed
from ground import clock
from tips.models import Tip

ON = "staff-reconciliation"
_SAID = {
    handling.TAKE: ("Assign to me", "It stands in the list under your name."),
    handling.NOTE: ("Note", "What you say stands in its row, for everybody of the staff."),
    handling.CLOSE: ("Close", "It is solved then, and stays in the list of those."),
}
_DONE = {
    handling.TAKE: "It is assigned to you.",
    handling.NOTE: "It is noted.",
    handling.CLOSE: "It is closed.",
}
Rule = Callable[..., None]


@doors.page
def item(request: HttpRequest, key: str) -> HttpResponse:
    return _page(request, _found(key))


def _page(
    request: HttpRequest, row: dict[str, Any], pressed: Pressed | None = None
) -> HttpResponse:
    found, advice = listing.told(row)
    doubted = row["tip_id"] if row["kind"] == DoubtKind.TIP else None
    context = {
        "row": row,
        "key": row["_id"],
        "kind": listing.KINDS[DoubtKind(row["kind"])],
        "found": found,
        "advice": advice,
        "age": listing.age((row["solved_at"] or clock.now()) - row["since"]),
        "tip": doubted and Tip.objects.filter(pk=doubted).first(),
        "may_look_again": doors.may(request, "staff-look-again"),
        "acts": acts.shown(_acts(request, row), pressed),
        "pressed": pressed,
    }
    status = acts.status_of(pressed)
    return doors.show(request, "adminpanel/reconciliation_item.html", context, on=ON, status=status)


def _acts(request: HttpRequest, row: dict[str, Any]) -> list[Act]:
    by = request.user.get_username()
    able = {
        handling.TAKE: handling.may_take(row, by),
        handling.NOTE: True,
        handling.CLOSE: handling.may_close(row),
    }
    return [
        _act(row, name)
        for name, is_able in able.items()
        if is_able and doors.may(request, _route(name))
    ]


def _act(row: dict[str, Any], name: str) -> Act:
    title, words = _SAID[name]
    address = reverse(_route(name), args=[row["_id"]])
    return Act(name, title, words, title, address, str(row["version"]))


def _route(name: str) -> str:
    return f"staff-reconciliation-{name}"


@doors.button
def assign(request: HttpRequest, key: str) -> HttpResponse:
    return _answered(request, key, handling.TAKE, handling.take)


@doors.button
def note(request: HttpRequest, key: str) -> HttpResponse:
    return _answered(request, key, handling.NOTE, handling.note)


@doors.button
def close(request: HttpRequest, key: str) -> HttpResponse:
    return _answered(request, key, handling.CLOSE, handling.close)


def _answered(request: HttpRequest, key: str, name: str, rule: Rule) -> HttpResponse:
    _found(key)
    seen = acts.number(request.POST.get("seen", ""))

    def then(nothing: None) -> HttpResponse:
        messages.success(request, _DONE[name])
        return redirect("staff-reconciliation-item", key)

    return acts.answered(
        request,
        AskedAct(name, handling.target(key)),
        lambda deed: rule(key, seen=seen, deed=deed),
        then=then,
        back=lambda pressed: _page(request, _found(key), pressed._replace(act=name)),
    )


def _found(key: str) -> dict[str, Any]:
    row = handling.find(key)
    if row is None:
        raise Http404
    return row
