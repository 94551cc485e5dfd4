"""The staff's lists: each is a page, how many rows are new, what may be typed, and all of it as a
file."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from django.conf import settings
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.http.response import HttpResponseBase
from django.urls import URLPattern, path, reverse

from adminpanel import doors
from adminpanel.asking import plan
from adminpanel.doubt import listing as doubts
from adminpanel.lists import audit, deliveries, devices, suggesting
from adminpanel.lists import export as files
from adminpanel.lists.columns import RecordList
from adminpanel.lists.page import ListPage, Viewer
from adminpanel.performer import listing as performers
from adminpanel.tip import listing
from adminpanel.watch import spread
from ground import clock
from ground.people import Role, role_of

LONGEST_TYPED = 2_100  # a query, and what makes it too long


@dataclass(frozen=True)
class ListDoors:
    """`title`, `lead`, `asks` and `hint`: what its page says of it; `offered`: the keys whose
    values that occur are offered, each with its index; `beside`: what else its page shows;
    `topic`: the news, one or more, on which it asks how many rows are new (docs/sockets.md);
    `moves`: what is shown of a row is of now, so it is fetched again instead."""

    records: RecordList
    route: str
    title: str
    lead: str
    asks: str
    hint: str
    offered: Mapping[str, str] = field(default_factory=dict)
    template: str = "adminpanel/list.html"
    beside: Callable[[datetime], Any] = lambda now: None
    topic: str = ""
    moves: bool = False

    def paths(self, at: str) -> list[URLPattern]:
        """The page at this address, and behind it what it asks for."""
        ways = {"news": self.news, "suggest": self.suggest, "export": self.export}
        behind = [
            path(f"{at}/{way}", doors.page(view), name=f"{self.route}-{way}")
            for way, view in ways.items()
        ]
        return [path(at, doors.page(self.show), name=self.route), *behind]

    def show(self, request: HttpRequest) -> HttpResponse:
        """What is no query is shown with its place, and nothing is searched."""
        may_share = role_of(request.user) is Role.ADMIN
        context = {"shown": self._page(request), "may_share": may_share, "listed": self}
        if not request.htmx:  # type: ignore[attr-defined]
            context["beside"] = self.beside(clock.now())
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


AUDIT = ListDoors(
    audit.RECORDS,
    "staff-audit",
    "Audit",
    "Who did what, when and why, and what it was before. Nothing here is ever changed.",
    "Search the audit log",
    "actor:dina action:pause since:2h",
    audit.OFFERED,
    "adminpanel/audit.html",
    topic="audit",
)
TIPS = ListDoors(
    listing.RECORDS,
    "staff-tips",
    "Tips",
    "Every tip, and what became of it.",
    "Search the tips",
    "performer:ana amount:500 since:2h",
    topic="tips",
)
DELIVERIES = ListDoors(
    deliveries.RECORDS,
    "staff-deliveries",
    "Deliveries",
    "Every signed call that was stored, of all sources.",
    "Search the deliveries",
    "status:set_aside source:payments since:2h",
    deliveries.OFFERED,
    "adminpanel/deliveries.html",
    beside=lambda now: settings.TEST_DEPLOYMENT,
    topic="tips",
)
DEVICES = ListDoors(
    devices.RECORDS,
    "staff-devices",
    "Devices",
    "Every device that was heard of, and how it was when it was heard last.",
    "Search the devices",
    "type:lush status:connected battery:1-20",
    devices.OFFERED,
    "adminpanel/devices.html",
    beside=lambda now: spread.read(now=now),
    topic="devices",
    moves=True,
)
PERFORMERS = ListDoors(
    performers.RECORDS,
    "staff-performers",
    "Performers",
    "Who may be tipped, and how each stands now.",
    "Search the performers",
    "name:an* bridge:extension paused:yes",
    topic="queue",
    moves=True,
)
RECONCILIATION = ListDoors(
    doubts.RECORDS,
    "staff-reconciliation",
    "Reconciliation",
    "What the ledger, the platform and we do not agree on, and who looks into it.",
    "Search what needs a look",
    "state:open kind:tip assigned:dina",
    topic="repairs audit",
)
_ALL = (AUDIT, TIPS, DELIVERIES, DEVICES, PERFORMERS, RECONCILIATION)
LISTS = {each.records.name: each for each in _ALL}
