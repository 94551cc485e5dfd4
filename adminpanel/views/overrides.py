"""What the platform sets for one performer alone: a form on her page; what it will do, and then
saved with a reason; and its end."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.utils.http import urlencode

from adminpanel import doors
from adminpanel.handling import performers as handling
from adminpanel.people.deeds import Deed
from adminpanel.performer import effects, limits, overriding, standing
from adminpanel.performer.overriding import LONGEST_TYPED, TYPED, UNTIL
from adminpanel.views.acts import (
    Act,
    ActField,
    AskedAct,
    Pressed,
    answered,
    number,
    shown,
    status_of,
)
from ground import clock
from ground.json.fields import MAX_AMOUNT
from lovense.deciding.rules import Rules
from lovense.performers import overrides
from lovense.performers.overrides import (
    LONGEST,
    MODE,
    NAMES,
    InvalidOverride,
    OverridesChanged,
    OverrideWish,
)
from lovense.rows import PerformerRow
from tips.models import Mode

ON = "staff-performers"
ACTION = "set_overrides"
SET, END = "set-override", "end-override"
_CHOICES = (("", "Not set"), (Mode.FIFO.value, "fifo: in order, nothing joined"))


# --- the form ------------------------------------------------------------------------------------


def shown_on_her_page(request: HttpRequest, rules: Rules, performer_id: str) -> dict[str, Any]:
    """For who may set it: the form as it is, and the way out of what is in force."""
    if not doors.may(request, "staff-performer-override-set"):
        return {}
    row = rules.performers[performer_id]
    typed = overriding.as_typed(row, rules.at)
    return {"fields": fields(rules, typed), "acts": _end_of(row, rules)}


def fields(
    rules: Rules, typed: Mapping[str, str], wrong: InvalidOverride | None = None
) -> list[ActField]:
    """With what was typed, and the rule beside what breaks it."""
    said = (wrong and wrong.details) or {}
    allowed = overrides.bounds_of(rules.platform)
    found = [_field(name, *allowed.get(name, (0, 0))) for name in NAMES]
    found.append(
        ActField(UNTIL, "Until (UTC)", f"At most {LONGEST.days} days from now", "datetime-local")
    )
    return [
        replace(
            each,
            id=f"override-{each.name}",
            value=typed.get(each.name, ""),
            error=str(said["rule"]) if said.get("field") == each.name else "",
        )
        for each in found
    ]


def _field(name: str, low: int, high: int) -> ActField:
    label, unit = limits.LABELS[name]
    if name == MODE:
        return ActField(name, label, "", "select", _CHOICES)
    hint = f"{low} to {high} {unit}" if high < MAX_AMOUNT else f"{low} {unit} or more"
    return ActField(name, label, hint.strip(), "number", maximum=16)


def _end_of(row: PerformerRow, rules: Rules) -> list[Act]:
    if overrides.in_force(row, rules.at) is None:
        return []
    words = "Hers and the platform’s limits bind again at once."
    address = reverse("staff-performer-override-end", args=[row["_id"]])
    return [Act(END, "End now", words, "End now", address, str(overrides.version_of(row)))]


# --- looked at -----------------------------------------------------------------------------------


@doors.page
def looked_at(request: HttpRequest, performer_id: str) -> HttpResponse:
    return _one(request, performer_id)


def _one(request: HttpRequest, performer_id: str, pressed: Pressed | None = None) -> HttpResponse:
    rules = standing.rules_of(performer_id, now=clock.now())
    if rules is None:
        raise Http404
    row = rules.performers[performer_id]
    typed = _typed(request) if request.GET else overriding.as_typed(row, rules.at)
    context = {
        "her": row,
        "performer_id": performer_id,
        "present": limits.said_of(overrides.in_force(row, rules.at)),
        "pressed": pressed,
        "is_late": pressed is not None and isinstance(pressed.refusal, OverridesChanged),
        "is_typed": bool(request.GET),
        **_seen(rules, performer_id, typed, pressed),
    }
    is_refused = "wrong" in context and request.GET  # what is in force is shown, whatever it is
    status = status_of(pressed) if pressed or not is_refused else InvalidOverride.status
    return doors.show(request, "adminpanel/performer_override.html", context, on=ON, status=status)


def _typed(request: HttpRequest) -> dict[str, str]:
    """It stands in the address, also of what is saved."""
    return {name: request.GET.get(name, "")[:LONGEST_TYPED] for name in TYPED}


def _seen(
    rules: Rules, performer_id: str, typed: Mapping[str, str], pressed: Pressed | None
) -> dict[str, Any]:
    """What it will do, and the form that does it; or the rule that it breaks."""
    row = rules.performers[performer_id]
    ends = shown(_end_of(row, rules), pressed)
    if not typed:
        return {"fields": fields(rules, typed), "ends": ends}
    try:
        wish = _checked(rules, typed)
    except InvalidOverride as wrong:
        return {"fields": fields(rules, typed, wrong), "wrong": wrong, "ends": ends}
    address = reverse("staff-performer-override-set", args=[performer_id])
    save = Act(
        SET,
        "Save",
        "It takes the place of what is in force.",
        "Save",
        f"{address}?{urlencode(typed)}",
        seen=str(overrides.version_of(row)),
        kind="main",
    )
    return {
        "fields": fields(rules, typed),
        "effects": effects.of(rules, performer_id, wish),
        "is_so": overrides.is_so(row, wish),
        "acts": shown([save], pressed),
        "ends": ends,
    }


def _checked(rules: Rules, typed: Mapping[str, str]) -> OverrideWish:
    wish = overriding.wish_of(typed)
    overrides.check(wish, overrides.bounds_of(rules.platform), rules.at)
    return wish


# --- done ----------------------------------------------------------------------------------------


@doors.button
def set_one(request: HttpRequest, performer_id: str) -> HttpResponse:
    def work(deed: Deed) -> str:
        wish = overriding.wish_of(_typed(request))
        handling.override(performer_id, wish, seen=_seen_version(request), deed=deed)
        return "Saved. It binds from now on."

    return _answered(request, performer_id, SET, work)


@doors.button
def end(request: HttpRequest, performer_id: str) -> HttpResponse:
    def work(deed: Deed) -> str:
        wish = OverrideWish({}, None)
        handling.override(performer_id, wish, seen=_seen_version(request), deed=deed)
        return "The override has ended."

    return _answered(request, performer_id, END, work)


def _seen_version(request: HttpRequest) -> int:
    return number(request.POST.get("seen", ""))


def _answered(request: HttpRequest, performer_id: str, act: str, work: Any) -> HttpResponse:
    def then(words: str) -> HttpResponse:
        messages.success(request, words)
        return redirect("staff-performer", performer_id)

    def back(why: Pressed) -> HttpResponse:
        return _one(request, performer_id, why._replace(act=act))

    asked = AskedAct(ACTION, handling.target(performer_id))
    return answered(request, asked, work, then=then, back=back)
