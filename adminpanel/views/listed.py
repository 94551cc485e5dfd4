"""What the pages of the staff's lists have in common: the list, how many rows are new, what may be
typed, and all of it as a file."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from django.http import HttpRequest, HttpResponse, JsonResponse
from django.http.response import HttpResponseBase
from django.urls import reverse

from adminpanel import doors
from adminpanel.asking import plan
from adminpanel.lists import export as files
from adminpanel.lists import suggesting
from adminpanel.lists.columns import RecordList
from adminpanel.lists.page import ListPage, Viewer
from ground import clock
from ground.people import Role, role_of

LONGEST_TYPED = 2_100  # a query, and what makes it too long


@dataclass(frozen=True)
class ListDoors:
    """`offered`: the keys whose values that occur are offered, each with its index; `route`: of the
    list; `template`: of its page."""

    records: RecordList
    offered: Mapping[str, str]
    route: str
    template: str

    def show(self, request: HttpRequest, **more: Any) -> HttpResponse:
        """What is no query is shown with its place, and nothing is searched."""
        may_share = role_of(request.user) is Role.ADMIN
        context = {"shown": self._page(request), "may_share": may_share, **more}
        return doors.show(request, self.template, context, on=self.route)

    def news(self, request: HttpRequest) -> JsonResponse:
        """`since`: the place of the newest row that is shown."""
        shown = self._page(request)
        found = plan.newer_than(shown.plan, request.GET.get("since", "")) if shown.plan else 0
        return JsonResponse({"newer": found})

    def suggest(self, request: HttpRequest) -> JsonResponse:
        typed = request.GET.get("text", "")[:LONGEST_TYPED]
        found = suggesting.at(self.records.listed, typed, offered=self.offered)
        told = [each._asdict() for each in found.found]
        return JsonResponse({"typed": found.typed, "found": told})

    def export(self, request: HttpRequest) -> HttpResponseBase:
        """What the page shows, all of it; what is no query is shown as the page shows it."""
        shown = self._page(request)
        if shown.plan is None or request.method == "HEAD":
            return self.show(request)
        form = files.Form.JSONL if request.GET.get("format") == "jsonl" else files.Form.CSV
        return files.answer(self._export(request, shown, form))

    def _export(self, request: HttpRequest, shown: ListPage, form: files.Form) -> files.Export:
        return files.Export(
            records=self.records,
            query=shown.query,
            form=form,
            by=request.user.get_username(),
            role=role_of(request.user) or Role.SUPPORT,
            now=shown.now,
            shown=[column.name for column in shown.columns],
            has_mark=bool(request.GET.get("mark")),
        )

    def _page(self, request: HttpRequest) -> ListPage:
        who = request.user
        viewer = Viewer(str(who.pk), who.get_username(), role_of(who))
        return ListPage(self.records, request.GET, viewer, reverse(self.route), clock.now())
