"""The performer's pages of devices and their buttons. Each finds whose page it is, makes one call
into a rule and says what came of it."""

from collections.abc import Sequence
from typing import Any

from django.contrib.auth.decorators import login_required
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from ground import clock
from ground.json.fields import Fields, Malformed
from lovense.devices import choices, summary
from lovense.devices.choices import Choice, NoSuchDevice
from lovense.lane import devicetests, submissions
from lovense.models import Performer
from lovense.page import deviceform
from lovense.page.devicepage import DevicePage
from lovense.page.devicespage import DevicesPage
from lovense.page.showndoctor import ShownDiagnosis
from lovense.performers import preferences
from lovense.repairs import doctor
from lovense.repairs.doctor import Asking
from lovense.rows import DeviceRow, Json
from lovense.sending import groups
from lovense.stopping import paths
from lovense.views.buttons import Buttons, asked, by
from lovense.views.pages import page, performer_of


@require_safe
@login_required
def devices(request: HttpRequest) -> HttpResponse:
    """The page or, to HTMX, one region of it by name."""

    def shown(performer: Performer) -> Json:
        return {"shown": DevicesPage(performer, clock.now())}

    return page(request, "devices", "lovense/devices.html", shown)


@require_safe
@login_required
def device(request: HttpRequest, device_id: str) -> HttpResponse:
    """One of hers, or one region of its page; what is not hers is not found."""
    return _shown(request, device_id)


def _shown(request: HttpRequest, device_id: str, **typed: Any) -> HttpResponse:
    def shown(performer: Performer) -> Json:
        row = _owned(performer, device_id)
        return {"shown": DevicePage(performer, row, clock.now(), **typed)}

    address = reverse("devices-one", args=[device_id])
    return page(request, "devices-one", "lovense/device.html", shown, address=address)


def _owned(performer: Performer, device_id: str) -> DeviceRow:
    try:
        return choices.known(performer.performer_id, device_id)
    except NoSuchDevice:
        raise Http404 from None


# --- buttons -------------------------------------------------------------------------------------

_page = Buttons(
    news=("devices",),
    words={submissions.NoTestNow: "You have pressed stop. Resume first, then test."},
    home="devices",
)


@require_POST
@_page.hers
def change(request: HttpRequest, performer: Performer, device_id: str) -> HttpResponse:
    """Chosen; or what was typed, with all that is wrong with it."""
    row = choices.owned(performer.performer_id, device_id)
    body = deviceform.body(request.POST)
    wrong = deviceform.wrong_with(body)
    if not wrong:
        try:
            choice = Choice(Fields(body, ""))
            choices.change(**by(request, performer), device_id=device_id, choice=choice)
        except Malformed as refused:
            wrong = [refused]
    if wrong:
        return _refused(request, performer, row, wrong)
    _tell(performer)
    return _page.told("Saved.") if _is_htmx(request) else redirect("devices-one", device_id)


def _refused(
    request: HttpRequest, performer: Performer, row: DeviceRow, wrong: Sequence[Malformed]
) -> HttpResponse:
    """The form or, to a page whose scripts do not run, all of the page."""
    typed = request.POST
    if _is_htmx(request):
        form = DevicePage(performer, row, clock.now(), typed=typed, wrong=wrong).form
        said = {"form": form, "is_part": True}
        return render(request, "lovense/_device_form.html", said, status=422)
    answer = _shown(request, row["_id"], typed=typed, wrong=wrong)
    answer.status_code = 422
    return answer


def _is_htmx(request: HttpRequest) -> bool:
    return bool(request.htmx)  # type: ignore[attr-defined]


@require_POST
@_page.hers
def rename(request: HttpRequest, performer: Performer, device_id: str) -> HttpResponse:
    """Its nickname alone, while it is paired."""
    choices.owned(performer.performer_id, device_id)
    try:
        choice = Choice(Fields({"nickname": request.POST.get("nickname", "")}, ""))
        row = choices.change(**by(request, performer), device_id=device_id, choice=choice)
    except Malformed as wrong:
        return _page.told(f"Nickname {wrong.rule}. Nothing was saved.", tone="bad")
    _tell(performer)
    return _page.told(f"Saved: {row['nickname']}.")


@require_safe
@login_required
def preview(request: HttpRequest, device_id: str) -> HttpResponse:
    """What a strength becomes with what is typed. Nothing is changed."""
    performer = performer_of(request)
    if performer is None:
        raise PermissionDenied
    row = _owned(performer, device_id)
    form = DevicePage(performer, row, clock.now(), typed=request.GET).form
    return render(request, "lovense/_device_becomes.html", {"form": form})


@require_POST
@_page.hers
def switch(request: HttpRequest, performer: Performer, device_id: str) -> HttpResponse:
    is_on = request.POST.get("enabled") == "1"
    choice = Choice(Fields({"enabled": is_on}, ""))
    row = choices.change(**by(request, performer), device_id=device_id, choice=choice)
    _tell(performer)
    return _page.told(f"{row['nickname']} {'plays again' if is_on else 'is switched off'}.")


@require_POST
@_page.hers
def test(request: HttpRequest, performer: Performer, device_id: str) -> HttpResponse:
    """Each press is a test of its own, as gentle as they are by default; the page says how far it
    is."""
    wish = devicetests.AskedTest(function=request.POST.get("function", ""))
    key = request.request_id  # type: ignore[attr-defined]
    whose = by(request, performer)
    devicetests.ask(**whose, device_id=device_id, wish=wish, account=str(request.user.pk), key=key)
    _tell(performer)
    return _page.shown()


@require_POST
@_page.hers
def diagnose(request: HttpRequest, performer: Performer, device_id: str) -> HttpResponse:
    """Step by step, in the dialog; while its test waits or plays, the dialog asks again."""
    row = choices.owned(performer.performer_id, device_id)
    asking = Asking(
        performer_id=performer.performer_id,
        device_id=device_id,
        account=str(request.user.pk),
        by=request.user.get_username(),
        key=request.request_id,  # type: ignore[attr-defined]
        request_id=request.POST.get("request", ""),
    )
    found = ShownDiagnosis(row, doctor.diagnose(asking, now=clock.now()))
    if not asking.request_id:
        _tell(performer)
    return render(request, "lovense/_doctor.html", {"found": found})


@require_POST
@_page.hers
def verify(request: HttpRequest, performer: Performer, device_id: str) -> HttpResponse:
    """How it moved: what did as expected may move, and what did not is switched off."""
    function, is_moving = request.POST.get("function", ""), request.POST.get("moved") == "1"
    on = {"functions": {function: {"isEnabled": True}}} if is_moving else {}
    choice = Choice(Fields({"verified": {function: is_moving}} | on, ""))
    row = choices.change(**by(request, performer), device_id=device_id, choice=choice)
    _tell(performer)
    is_on = "may move" if is_moving else "is switched off"
    return _page.told(f"{function} of {row['nickname']} {is_on}.")


@require_http_methods(["GET", "POST"])
@_page.hers
def remove(request: HttpRequest, performer: Performer, device_id: str) -> HttpResponse:
    """GET: the question, in words; POST: done."""
    if request.method == "POST":
        row = choices.remove(**by(request, performer), device_id=device_id)
        _tell(performer)
        return _page.told(f"{row['nickname']} is removed.")
    row = choices.owned(performer.performer_id, device_id)
    return asked(
        request,
        f"Remove “{row['nickname']}”?",
        reverse("devices-remove", args=[device_id]),
        text="Nothing is sent to it any more, also when its app reports it again. What you chose "
        "for it is kept: you can restore it on this page.",
        label="Remove it",
        keep="Keep it",
    )


@require_POST
@_page.hers
def restore(request: HttpRequest, performer: Performer, device_id: str) -> HttpResponse:
    row = choices.restore(**by(request, performer), device_id=device_id)
    _tell(performer)
    name = row["nickname"]
    if not summary.is_kept(row):
        return _page.told(f"{name} comes back when its app is paired again.")
    return _page.told(f"{name} is back.")


@require_POST
@_page.hers
def path(request: HttpRequest, performer: Performer) -> HttpResponse:
    """By which bridge her devices are told from now on."""
    body = Fields({"bridge": request.POST.get("bridge", "")}, "")
    paths.change(**by(request, performer), changes=preferences.parse(body))
    _tell(performer)
    return _page.told("Chosen.")


def _tell(performer: Performer) -> None:
    """Her other pages."""
    groups.devices_changed([performer.performer_id])
