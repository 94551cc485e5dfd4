"""What the buttons of the performer's pages have in common: who presses, and what is answered.

A button answers with no page at all: it says in the header what happened, and that regions of the
page have changed; the page fetches those again. Another performer's thing is not found."""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import wraps
from typing import Any, TypedDict

from django.contrib.auth.decorators import login_required
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.html import escape
from django.views.decorators.cache import never_cache

from ground import clock
from ground.audit import log as audit_log
from ground.hops import doorbell
from ground.json.errors import Refusal
from lovense.models import Performer
from lovense.rows import Json
from lovense.sending import groups
from lovense.views.pages import performer_of

View = Callable[..., HttpResponse]
# What changes the queue tells of it wherever the change came from.
TOLD_BY_RULES = frozenset({"queue", "notices"})


class By(TypedDict):
    """Who does something, and when."""

    performer_id: str
    by: str
    now: datetime


def by(request: HttpRequest, performer: Performer) -> By:
    return {
        "performer_id": performer.performer_id,
        "by": request.user.get_username(),
        "now": clock.now(),
    }


# --- buttons -------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Buttons:
    """Of one page: what of it is fetched again after a press, and how a refusal reads there; what
    is not in `words` speaks for itself."""

    news: tuple[str, ...]
    words: Mapping[type[Refusal], str]
    home: str = ""  # where a page whose scripts do not run is taken back to; empty: nowhere

    def hers(self, press: View) -> View:
        """A button of her own page; what it started is looked at now."""

        @never_cache
        @login_required
        @wraps(press)
        def view(request: HttpRequest, **names: str) -> HttpResponse:
            performer = performer_of(request)
            if performer is None:
                raise PermissionDenied
            try:
                with audit_log.coming_from(request.META.get("REMOTE_ADDR") or ""):
                    answer = press(request, performer, **names)
                    self._tell(request, performer)
            except Refusal as why:
                answer = self._refused(why)
            if request.method == "POST":
                doorbell.ring("lovense.dispatch")
            return self._or_home(request, answer)

        return view

    def _tell(self, request: HttpRequest, performer: Performer) -> None:
        """Her other pages, at once: a person has done it, and looks."""
        for topic in set(self.news) - TOLD_BY_RULES if request.method == "POST" else ():
            groups.news.at_once([performer.performer_id], topic)

    def _or_home(self, request: HttpRequest, answer: HttpResponse) -> HttpResponse:
        """An answer with no page, to a page whose scripts do not run, leads back to it."""
        asked = request.htmx  # type: ignore[attr-defined]
        is_read = (asked and not asked.boosted) or answer.status_code != 204
        return answer if is_read or not self.home else redirect(self.home)

    def told(self, said: str, *, tone: str = "good") -> HttpResponse:
        return self._answer({"said": {"text": said, "tone": tone}})

    def shown(self) -> HttpResponse:
        """What happened stands where she has pressed."""
        return self._answer({})

    def _answer(self, said: Json) -> HttpResponse:
        events = said | {f"news-{topic}": {} for topic in self.news}
        return HttpResponse(status=204, headers={"HX-Trigger": json.dumps(events)})

    def _refused(self, why: Refusal) -> HttpResponse:
        """What stands against it as things are is said; a thing that is not there, or a value that
        the page never offers, has its status."""
        if why.status == 404:
            raise Http404
        if why.status == 400:
            said = HttpResponse(escape(why.message), status=400)
            said["HX-Retarget"], said["HX-Reswap"] = "[data-told]", "innerHTML"
            return said
        return self.told(self.said_of(why), tone="warn")

    def said_of(self, why: Refusal) -> str:
        return self.words.get(type(why), str(why))


def asked(request: HttpRequest, title: str, url: str, **more: Any) -> HttpResponse:
    return render(request, "lovense/_confirm.html", {"title": title, "url": url, "count": 1} | more)
