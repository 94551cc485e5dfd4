"""What the buttons of the menu's page have in common: how a refusal reads there, who writes, and
the revision that the page showed."""

from typing import Any

from django.http import HttpRequest, HttpResponse, QueryDict
from django.shortcuts import render
from django.urls import reverse

from ground import clock
from ground.json.fields import MAX_AMOUNT, Malformed
from lovense.lane.submissions import NoTestNow
from lovense.menus.drafts import ChangedMeanwhile, Writing
from lovense.menus.versions import NotPublishable
from lovense.models import Performer
from lovense.rows import Json
from lovense.views.buttons import Buttons
from lovense.views.pages import page

buttons = Buttons(
    news=("menu",),
    words={
        ChangedMeanwhile: "The menu has changed on another page: nothing was done. "
        "This is how it is now.",
        NoTestNow: "You have pressed stop. Resume first, then test.",
        NotPublishable: "Not published: see what is marked in the menu.",
    },
    home="menu",
)


def form(
    request: HttpRequest, performer: Performer, template: str, shown: Json, title: str
) -> HttpResponse:
    """What a dialog is filled with; to a page whose scripts do not run, a page of its own."""
    if _fills_a_dialog(request):
        return render(request, template, shown)
    about = {"part": template, "title": title, **shown}
    return page(
        request, "menu-form", "lovense/menu_form.html", lambda _: about, address=reverse("menu")
    )


def ask(
    request: HttpRequest, performer: Performer, title: str, url: str, **more: Any
) -> HttpResponse:
    """A question before something is done."""
    shown = {"title": title, "url": url, "count": 1} | more
    return form(request, performer, "lovense/_confirm.html", shown, title)


def _fills_a_dialog(request: HttpRequest) -> bool:
    asked = request.htmx  # type: ignore[attr-defined]
    return bool(asked) and not asked.boosted


def writing_of(request: HttpRequest, performer: Performer, *, is_needed: bool = True) -> Writing:
    said = request.POST if "revision" in request.POST else request.GET
    seen = seen_in(said) if is_needed else None
    return Writing(performer.performer_id, seen, request.user.get_username(), clock.now())


def seen_in(typed: QueryDict) -> int:
    return whole(typed.get("revision", ""), "revision")


def whole(text: str, field: str = "amount") -> int:
    if not (text.isascii() and text.isdigit() and 0 < len(text) <= 16):
        raise Malformed(field, f"must be a whole number up to {MAX_AMOUNT}")
    return int(text)
