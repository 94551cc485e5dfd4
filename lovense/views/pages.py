"""A page of hers, and its regions: the whole page, which nobody keeps; one region of it, which a
browser keeps and asks about; or the stamps of all its regions in one short answer."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import redirect, render
from django.template.context import make_context
from django.template.loader import get_template
from django.template.loader_tags import ExtendsNode
from django.urls import reverse
from django.utils import timezone
from django.utils.cache import patch_vary_headers

from ground import clock
from ground.people import role_of
from lovense import regions
from lovense.models import Performer
from lovense.page import days, stamps
from lovense.page.frame import FramePage
from lovense.page.livepage import LivePage
from lovense.regions import Region
from lovense.rows import Json

STAMPS_ASKED = "stamps"
REFUSED_FORMS = (409, 422, 429)
KEPT, NOT_KEPT = "private, no-cache", "private, no-store"
# What a proxy adds to a tag when it compresses: the content is still the one that is meant.
_CODINGS = ("-gzip", "-zstd", "-br")


def performer_of(request: HttpRequest) -> Performer | None:
    return Performer.objects.filter(user_id=request.user.pk).first()


def not_a_performer(request: HttpRequest) -> HttpResponse:
    if role_of(request.user) is not None:
        return redirect("staff")
    raise PermissionDenied


def page(
    request: HttpRequest,
    name: str,
    template: str,
    shows: Callable[[Performer], Json],
    *,
    address: str = "",
    status: int = 200,
) -> HttpResponse:
    """Her page or, to HTMX, a region of it by name, or the stamps of them all. `shows` makes what
    the template reads; what it does not read is not looked up. `address`: of a page whose name
    alone does not say which. `status`: of a whole page whose form was refused."""
    performer = performer_of(request)
    if performer is None:
        return not_a_performer(request)
    asked = PageLook(request, name, performer, shows, address)
    if asked.region is not None:
        answer = asked.one(asked.region)
    elif asked.wants_stamps:
        answer = asked.stamps()
    else:
        answer = asked.whole(template, status)
        answer.has_refused_form = status in REFUSED_FORMS  # type: ignore[attr-defined]
    patch_vary_headers(answer, ("HX-Request", "Cookie"))
    return answer


def part(
    request: HttpRequest, name: str, region: str, performer: Performer, shows: Callable[..., Json]
) -> str:
    """A region of that page of hers as it is now, for whatever is answered."""
    look = PageLook(request, name, performer, shows)
    with timezone.override(days.zone_of(performer)):
        return rendered(request, look.regions[region].partial, look.context | {"region": region})


@dataclass(frozen=True)
class PageLook:
    """One look at one page of hers."""

    request: HttpRequest
    name: str
    performer: Performer
    shows: Callable[[Performer], Json]
    address: str = ""

    @cached_property
    def regions(self) -> dict[str, Region]:
        return regions.of(self.name)

    @property
    def is_htmx(self) -> bool:
        return bool(self.request.htmx)  # type: ignore[attr-defined]

    @property
    def region(self) -> Region | None:
        """What is named twice, or is none, is the whole page."""
        names = self.request.GET.getlist("region")
        return self.regions.get(names[0]) if self.is_htmx and len(names) == 1 else None

    @property
    def wants_stamps(self) -> bool:
        return self.is_htmx and STAMPS_ASKED in self.request.GET

    @cached_property
    def context(self) -> Json:
        region, shown = self.region, self.shows(self.performer)
        live = shown.get("live") or LivePage(self.performer, clock.now())
        about = {
            "performer": self.performer,
            "region": region.name if region else STAMPS_ASKED if self.wants_stamps else "",
            "regions": self.regions,
            "page": self.address or (reverse(self.name) if self.name else ""),
            "page_name": self.name,
            "tags": {},
            "page_part": self.name.partition("-")[0],  # of the rail
            "frame": FramePage(self.performer, live),
        }
        return about | shown

    def whole(self, template: str, status: int = 200) -> HttpResponse:
        with timezone.override(days.zone_of(self.performer)):
            answer = render(self.request, template, self.context, status=status)
        answer["Cache-Control"] = NOT_KEPT
        return answer

    def one(self, region: Region) -> HttpResponse:
        """The partial, or 304 with nothing: unrendered where a stamp says so."""
        tag, html = self._tag(region)
        if _is_known(self.request, tag):
            answer = HttpResponse(status=304)
            answer._csp_exempt = True  # type: ignore[attr-defined]  # of a page that has one
        else:
            answer = HttpResponse(html if html is not None else self._rendered(region))
        answer["ETag"], answer["Cache-Control"] = tag, KEPT
        return answer

    def stamps(self) -> HttpResponse:
        """By name the ETag that each region has now."""
        answer = JsonResponse({name: self._tag(each)[0] for name, each in self.regions.items()})
        answer["Cache-Control"] = NOT_KEPT
        answer._csp_exempt = True  # type: ignore[attr-defined]
        return answer

    def _tag(self, region: Region) -> tuple[str, str | None]:
        """With what was rendered for it, if anything was."""
        stamp = stamps.of(region.page, region.name, region.partial, self.performer)
        if stamp:
            return stamp, None
        html = self._rendered(region)
        return stamps.tagged(html), html

    def _rendered(self, region: Region) -> str:
        with timezone.override(days.zone_of(self.performer)):
            return rendered(self.request, region.partial, self.context)


def _is_known(request: HttpRequest, tag: str) -> bool:
    """Whether the browser has it."""
    said = request.headers.get("If-None-Match", "")
    return tag in {_bare(each.strip()) for each in said[:1000].split(",")}


def _bare(tag: str) -> str:
    tag = tag.removeprefix("W/")
    for coding in _CODINGS:
        tag = tag.removesuffix(f'{coding}"') + '"' if tag.endswith(f'{coding}"') else tag
    return tag


def rendered(request: HttpRequest, partial: str, context: Json) -> str:
    """A template, or one block of a template that extends another."""
    name, _, block = partial.partition("#")
    found: Any = get_template(name)
    if not block:
        return str(found.render(context, request))
    template, bound = found.template, make_context(context, request)
    [extends] = template.nodelist.get_nodes_by_type(ExtendsNode)
    with bound.render_context.push_state(template), bound.bind_template(template):
        return str(extends.blocks[block].render(bound))
