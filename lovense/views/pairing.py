"""The performer's page on which an app of hers is paired, and its buttons. Each finds whose page it
is, makes one call into a rule and says what came of it."""

from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.http import require_http_methods, require_POST

from ground import clock
from ground.json.errors import Refusal
from lovense.devices import pairing
from lovense.models import Performer
from lovense.page.devicespage import DevicesPage
from lovense.rows import Json
from lovense.sending import groups
from lovense.stopping import unpairing
from lovense.views.buttons import Buttons, asked, by
from lovense.views.pages import page

_page = Buttons(news=("devices",), words={}, home="devices-pair")


@require_http_methods(["GET", "HEAD", "POST"])
def pair(request: HttpRequest) -> HttpResponse:
    """GET: the page or, to HTMX, one region of it by name; POST: a code is asked for."""
    return _ask(request) if request.method == "POST" else _shown(request)


@login_required
def _shown(request: HttpRequest) -> HttpResponse:
    def shown(performer: Performer) -> Json:
        return {"shown": DevicesPage(performer, clock.now())}

    return page(request, "devices-pair", "lovense/pair.html", shown)


# As the performer reads what came between her and a code; the sentence is the refusal's own.
_BETWEEN = {
    "try_later": "Lovense does not answer",
    "operator_fault": "This site cannot ask Lovense",
    "vendor_answer": "No picture from Lovense",
    "too_many_hosts": "Too many apps",
}


@_page.hers
def _ask(request: HttpRequest, performer: Performer) -> HttpResponse:
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
def cancel(request: HttpRequest, performer: Performer, pairing_id: str) -> HttpResponse:
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
    if not request.htmx and not wrong:  # type: ignore[attr-defined]
        return redirect("devices-pair")
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
