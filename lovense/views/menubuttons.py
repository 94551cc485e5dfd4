"""What the buttons of the menu's page have in common: how a refusal reads there, who writes, and
the revision that the page showed."""

from django.http import HttpRequest, QueryDict

from ground import clock
from ground.json.fields import MAX_AMOUNT, Malformed
from lovense.lane.submissions import NoTestNow
from lovense.menus.drafts import ChangedMeanwhile, Writing
from lovense.menus.versions import NotPublishable
from lovense.models import Performer
from lovense.views.buttons import Buttons

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
