"""The performer's pages of her preferences, one for each section. Each finds whose it is, makes one
call into a rule, and leads back to the page; what was refused is answered with what was typed."""

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.views.decorators.http import require_http_methods, require_safe

from ground.audit import log as audit_log
from ground.hops import doorbell
from lovense.bridges.choosing import NoSiteName
from lovense.models import Performer
from lovense.page.preferencesform import FORMS, SectionForm
from lovense.page.preferencespage import SECTIONS, PreferencesPage
from lovense.performers import preferences
from lovense.performers.preferences import InvalidPreferences, SectionChanged
from lovense.rows import Json, PerformerRow
from lovense.sending import groups
from lovense.stopping import paths
from lovense.views.buttons import by
from lovense.views.pages import not_a_performer, page, performer_of

FIRST = next(iter(SECTIONS))


@require_safe
@login_required
def first(request: HttpRequest) -> HttpResponse:
    return redirect("preferences-section", FIRST)


@require_http_methods(["GET", "HEAD", "POST"])
@login_required
def section(request: HttpRequest, section: str) -> HttpResponse:
    """GET: the section in a form; POST: changed, or what was typed with what is wrong with it."""
    if section not in SECTIONS:
        raise Http404
    if request.method != "POST":
        return _shown(request, section)
    performer = performer_of(request)
    return _saved(request, section, performer) if performer else not_a_performer(request)


def _saved(request: HttpRequest, section: str, performer: Performer) -> HttpResponse:
    form = FORMS[section](request.POST, row=preferences.of(performer.pk))
    if not form.is_valid():
        return _shown(request, section, form, status=422)
    try:
        _change(request, performer, form)
    except SectionChanged as why:
        return _shown(request, section, form, why.row, status=409)
    except InvalidPreferences as why:
        form.refuse(why.errors)
    except NoSiteName as why:
        form.add_error("bridge", str(why))
    else:
        messages.success(request, f"{SECTIONS[section][0]}: saved.")
        return redirect("preferences-section", section)
    return _shown(request, section, form, status=422)


def _change(request: HttpRequest, performer: Performer, form: SectionForm) -> None:
    with audit_log.coming_from(request.META.get("REMOTE_ADDR") or ""):
        paths.change(**by(request, performer), changes=form.changes, seen=form.seen)
    groups.devices_changed([performer.pk])  # her pages are told her caps of now
    groups.news.at_once([performer.pk], "preferences")
    doorbell.ring("lovense.dispatch")


def _shown(
    request: HttpRequest,
    section: str,
    form: SectionForm | None = None,
    late: PerformerRow | None = None,
    *,
    status: int = 200,
) -> HttpResponse:
    def shown(performer: Performer) -> Json:
        return {"shown": PreferencesPage(performer, section, form, late)}

    address = PreferencesPage.address_of(section)
    template = "lovense/preferences.html"
    return page(request, "preferences", template, shown, address=address, status=status)
