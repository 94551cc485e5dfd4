"""The platform's settings: all of them; and one, where a new value is looked at with what it will
do, and then saved with a reason. An earlier value is put back the same way. Auditors look."""

from typing import Any

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.utils.http import urlencode

from adminpanel import doors
from adminpanel.people.deeds import Deed, DeedTarget
from adminpanel.setting import effects, told
from adminpanel.setting.told import SettingChange, ToldSettings
from adminpanel.views.acts import Act, AskedAct, Pressed, answered, number, shown, status_of
from ground import clock
from ground.hops import doorbell
from lovense.deciding import platform
from lovense.deciding.platform import (
    DRAIN,
    ROW,
    SWITCH,
    InvalidSetting,
    SettingsChanged,
    SettingValue,
)
from lovense.lane import controls
from lovense.models import PlatformSettings
from tips.models import Mode

ON = "staff-settings"
LONGEST_VALUE = 200  # what is longer is no value of any setting
SWITCHES = (SWITCH, DRAIN)
_BUTTONS = {(SWITCH, False): "Switch off", (SWITCH, True): "Switch on"} | {
    (DRAIN, True): "Begin the drain",
    (DRAIN, False): "End the drain",
}


@doors.page
def settings(request: HttpRequest) -> HttpResponse:
    found = told.read()
    rest = [each for field, each in found.settings.items() if field not in SWITCHES]
    switches = [found.settings[field] for field in SWITCHES]
    may_change = doors.may(request, "staff-setting-set")
    context = {"settings": rest, "switches": switches, "may_change": may_change}
    return doors.show(request, "adminpanel/settings/all.html", context, on=ON)


@doors.page
def setting(request: HttpRequest, field: str) -> HttpResponse:
    return _one(request, field)


def _one(request: HttpRequest, field: str, pressed: Pressed | None = None) -> HttpResponse:
    if field not in told.WORDS:
        raise Http404
    found = told.read()
    one, wanted = found.settings[field], _wanted(request)
    context: dict[str, Any] = {
        "one": one,
        "typed": _text(one.value) if wanted is None else wanted,
        "options": _options(field),
        "changes": [_change(field, each) for each in one.changes],
        "pressed": pressed,
        "may_change": doors.may(request, "staff-setting-set"),
    }
    if wanted is not None and context["may_change"]:
        context |= _looked_at(found, field, wanted, pressed)
    template = "adminpanel/settings/one.html"
    status = status_of(pressed) if pressed or not context.get("wrong") else InvalidSetting.status
    return doors.show(request, template, context, on=ON, status=status)


def _wanted(request: HttpRequest) -> str | None:
    value = request.GET.get("value")
    return None if value is None else value[:LONGEST_VALUE]


def _options(field: str) -> list[tuple[str, str]]:
    """Of what is chosen and not typed."""
    setting, words = platform.WRITTEN[field], told.WORDS[field]
    if setting.kind is bool:
        return [("true", words.yes.capitalize()), ("false", words.no.capitalize())]
    return [(mode.value, mode.value) for mode in Mode] if field == "queue_mode" else []


def _change(field: str, change: SettingChange) -> dict[str, Any]:
    before, after = (told.said(field, each) for each in (change.before, change.after))
    return {"change": change, "before": before, "after": after, "text": _text(change.before)}


def _text(value: SettingValue) -> str:
    """As it is typed."""
    return str(value).lower() if isinstance(value, bool) else str(value)


def _looked_at(
    found: ToldSettings, field: str, wanted: str, pressed: Pressed | None
) -> dict[str, Any]:
    """What it will do, and the form that does it; or the rule that it breaks."""
    try:
        value = platform.from_text(field, wanted)
    except InvalidSetting as wrong:
        return {"wrong": wrong.rule}
    one = found.settings[field]
    words = f"{one.words.title}: {told.said(field, value)}, now {one.said}."
    address = f"{reverse('staff-setting-set', args=[field])}?{urlencode({'value': wanted})}"
    button = _BUTTONS.get((field, bool(value)), "Save") if field in SWITCHES else "Save"
    kind = "danger" if platform.CALMEST.get(field) is value else "main"
    save = Act("set", button, words, button, address, seen=str(found.version), kind=kind)
    present = PlatformSettings(**{name: each.value for name, each in found.settings.items()})
    return {
        "effects": effects.of(field, value, present, at=clock.now()),
        "is_so": value == one.value,
        "acts": shown([save], pressed),
        "yours": told.said(field, value),
        "is_late": pressed is not None and isinstance(pressed.refusal, SettingsChanged),
    }


@doors.button
def set_one(request: HttpRequest, field: str) -> HttpResponse:
    """`value` stands in the address, as on the page where it was looked at."""
    if field not in told.WORDS:
        raise Http404
    seen, said = number(request.POST.get("seen", "")), _wanted(request) or ""

    def work(deed: Deed) -> str:
        changes = {field: platform.from_text(field, said)}
        by: dict[str, Any] = {"by": deed.by, "why": deed.why, "now": deed.now}
        is_new = controls.set_seen(changes, seen=seen, **by) != changes
        return "Saved." if is_new else "It was so already: nothing was written."

    def then(words: str) -> HttpResponse:
        doorbell.ring("lovense.dispatch")
        messages.success(request, words)
        return redirect("staff-setting", field)

    def back(why: Pressed) -> HttpResponse:
        return _one(request, field, why)

    asked = AskedAct("set", DeedTarget("platform", ROW))
    return answered(request, asked, work, then=then, back=back)
