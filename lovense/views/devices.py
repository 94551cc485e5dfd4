"""The performer's page of devices and its buttons. Each finds whose page it is, makes one call into
a rule and says what came of it."""

from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpRequest, HttpResponse, QueryDict
from django.shortcuts import render
from django.urls import reverse
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from ground import clock
from ground.json.errors import Refusal
from ground.json.fields import Fields, Malformed
from lovense.devices import choices, pairing, summary
from lovense.devices.choices import Choice
from lovense.lane import devicetests, submissions
from lovense.models import Performer
from lovense.page import deviceform
from lovense.page.deviceform import DeviceForm
from lovense.page.devicespage import DevicesPage
from lovense.page.showndoctor import ShownDiagnosis
from lovense.performers import preferences
from lovense.repairs import doctor
from lovense.repairs.doctor import Asking
from lovense.rows import DeviceRow, Json
from lovense.sending import groups
from lovense.stopping import paths, unpairing
from lovense.views.buttons import Buttons, asked, by
from lovense.views.pages import page


@require_safe
@login_required
def devices(request: HttpRequest) -> HttpResponse:
    """The page or, to HTMX, one region of it by name."""

    def shown(performer: Performer) -> Json:
        return {"shown": DevicesPage(performer, clock.now())}

    return page(request, "devices", "lovense/devices.html", shown)


# --- buttons -------------------------------------------------------------------------------------

_page = Buttons(
    news=("devices",),
    words={submissions.NoTestNow: "You have pressed stop. Resume first, then test."},
    home="devices",
)


@require_http_methods(["GET", "POST"])
@_page.hers
def change(request: HttpRequest, performer: Performer, device_id: str) -> HttpResponse:
    """GET: what may be chosen; POST: chosen, or what was typed with what is wrong with it."""
    row = choices.owned(performer.performer_id, device_id)
    if request.method != "POST":
        return _form(request, performer, row)
    try:
        choice = Choice(Fields(deviceform.body(request.POST), ""))
        choices.change(**by(request, performer), device_id=device_id, choice=choice)
    except Malformed as wrong:
        return _form(request, performer, row, typed=request.POST, wrong=wrong)
    _tell(performer)
    return _page.told("Saved.")


def _form(
    request: HttpRequest,
    performer: Performer,
    row: DeviceRow,
    typed: QueryDict | None = None,
    wrong: Malformed | None = None,
) -> HttpResponse:
    page = DevicesPage(performer, clock.now())
    form = DeviceForm(page.shown(row), typed, wrong)
    return render(request, "lovense/_device_form.html", {"form": form, "shown": page})


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


# --- pairing -------------------------------------------------------------------------------------

# As the performer reads what came between her and a code; the sentence is the refusal's own.
_BETWEEN = {
    "try_later": "Lovense does not answer",
    "operator_fault": "This site cannot ask Lovense",
    "vendor_answer": "No picture from Lovense",
    "too_many_hosts": "Too many apps",
}


@require_POST
@_page.hers
def pair(request: HttpRequest, performer: Performer) -> HttpResponse:
    """A new app or, again, one of hers. What comes between is said above the steps, for as long as
    the pairing stands where it stood then."""
    host_id = request.POST.get("host") or None
    try:
        pairing.pair(**by(request, performer), host_id=host_id, key="")
    except Refusal as why:
        if why.code not in _BETWEEN:
            raise
        return _stands(request, performer, why)
    return _stands(request, performer)


@require_POST
@_page.hers
def cancel_pairing(request: HttpRequest, performer: Performer, pairing_id: str) -> HttpResponse:
    pairing.cancel(**by(request, performer), pairing_id=pairing_id)
    return _stands(request, performer)


def _stands(
    request: HttpRequest, performer: Performer, wrong: Refusal | None = None
) -> HttpResponse:
    """Where it stands is fetched again; here is what is wrong, or nothing."""
    _tell(performer)
    context = {
        "wrong": wrong,
        "title": _BETWEEN[wrong.code] if wrong else "",
        "tone": "bad" if wrong and wrong.code == "operator_fault" else "warn",
        "step": DevicesPage(performer, clock.now()).pairing.step,
    }
    answer = render(request, "lovense/_pairing_error.html", context)
    answer["HX-Trigger"] = "news-devices"
    return answer


@require_http_methods(["GET", "POST"])
@_page.hers
def unpair(request: HttpRequest, performer: Performer, host_id: str) -> HttpResponse:
    """GET: the question, in words; POST: done."""
    if request.method == "POST":
        unpairing.unpair(**by(request, performer), host_id=host_id)
        _tell(performer)
        return _page.told("Unpaired.")
    page = DevicesPage(performer, clock.now())
    host = next((each for each in page.hosts if each.host_id == host_id), None)
    if host is None:
        raise Http404
    return asked(
        request,
        f"Unpair {host.called}?",
        reverse("devices-unpair", args=[host_id]),
        text="Its toys leave your devices, and nothing that it reports counts any more. Paired "
        "again, they come back with their nicknames and limits.",
        label="Unpair it",
        keep="Keep it",
    )


def _tell(performer: Performer) -> None:
    """Her other pages."""
    groups.devices_changed([performer.performer_id])
