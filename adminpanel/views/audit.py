"""The staff's page of the audit log: the list, one entry with those of its change, what is new,
what may be typed, and the list as a file."""

from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.http.response import HttpResponseBase
from django.urls import reverse

from adminpanel import doors
from adminpanel.asking import plan
from adminpanel.lists import audit, suggesting
from adminpanel.lists import export as files
from adminpanel.lists.page import ListPage, Viewer
from ground import clock
from ground.people import Role, role_of

ON = "staff-audit"
LONGEST_TYPED = 2_100  # a query, and what makes it too long


@doors.page
def entries(request: HttpRequest) -> HttpResponse:
    """What is no query is shown with its place, and nothing is searched."""
    context = {"shown": _page(request), "may_share": role_of(request.user) is Role.ADMIN}
    return doors.show(request, "adminpanel/audit.html", context, on=ON)


@doors.page
def entry(request: HttpRequest, entry_id: str) -> HttpResponse:
    found = audit.entry(entry_id)
    if found is None:
        raise Http404
    others = audit.same_address(found)
    context = {
        "entry": audit.shown(found),
        "together": [audit.shown(each) for each in audit.together(found)],
        "others": others,
        "counted": plan.COUNTED,
        "entry_id": entry_id,
    }
    return doors.show(request, "adminpanel/audit_entry.html", context, on=ON)


@doors.page
def news(request: HttpRequest) -> JsonResponse:
    """`since`: the place of the newest row that is shown."""
    shown = _page(request)
    found = plan.newer_than(shown.plan, request.GET.get("since", "")) if shown.plan else 0
    return JsonResponse({"newer": found})


@doors.page
def suggest(request: HttpRequest) -> JsonResponse:
    typed = request.GET.get("text", "")[:LONGEST_TYPED]
    found = suggesting.at(audit.LISTED, typed, offered=audit.OFFERED)
    return JsonResponse({"typed": found.typed, "found": [each._asdict() for each in found.found]})


@doors.page
def export(request: HttpRequest) -> HttpResponseBase:
    """What the page shows, all of it; what is no query is shown as the page shows it."""
    shown = _page(request)
    if shown.plan is None or request.method == "HEAD":
        return entries(request)
    form = files.Form.JSONL if request.GET.get("format") == "jsonl" else files.Form.CSV
    return files.answer(_export(request, shown, form))


def _export(request: HttpRequest, shown: ListPage, form: files.Form) -> files.Export:
    return files.Export(
        records=audit.RECORDS,
        query=shown.query,
        form=form,
        by=request.user.get_username(),
        role=role_of(request.user) or Role.SUPPORT,
        now=shown.now,
        shown=[column.name for column in shown.columns],
        has_mark=bool(request.GET.get("mark")),
    )


def _page(request: HttpRequest) -> ListPage:
    viewer = Viewer(str(request.user.pk), request.user.get_username(), role_of(request.user))
    return ListPage(audit.RECORDS, request.GET, viewer, reverse(ON), clock.now())
