"""Buttons of the menu's page that are about the draft as a whole: what differs from what is
published, one step back, several items at once, and an item's place. Each makes one call into a
rule and says what came of it."""

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from ground import ids
from ground.json.fields import Malformed
from lovense.devices import naming
from lovense.menus import bulk, drafts
from lovense.menus.publishing import MAXIMUM_TITLE
from lovense.menus.wishes import WishedItem
from lovense.models import Performer
from lovense.page import bulkform, itemdrawn
from lovense.page.bulkform import BulkForm
from lovense.page.menupage import MenuPage
from lovense.views.menubuttons import ask, buttons, form, writing_of

MOST_CHOSEN = 500


@require_safe
@buttons.hers
def compare(request: HttpRequest, performer: Performer) -> HttpResponse:
    """What differs from what is published, in words and as viewers see it."""
    return compared(request, performer, publishes=False)


def compared(request: HttpRequest, performer: Performer, *, publishes: bool) -> HttpResponse:
    shown = {"shown": MenuPage(performer), "publishes": publishes}
    title = "Publish" if publishes else "Compare"
    return form(request, performer, "lovense/_menu_compare.html", shown, title)


@require_http_methods(["GET", "POST"])
@buttons.hers
def discard(request: HttpRequest, performer: Performer) -> HttpResponse:
    """GET: the question, in words; POST: done."""
    if request.method == "POST":
        drafts.discard(writing_of(request, performer))
        return buttons.told("Your draft is as what is published. Undo brings your changes back.")
    revision = drafts.of(performer.performer_id).revision
    return ask(
        request,
        performer,
        f"Discard {MenuPage(performer).changes_words}?",
        f"{reverse('menu-discard')}?revision={revision}",
        text="Your draft becomes what is published. As long as you change nothing else, Undo "
        "brings it back.",
        label="Discard them",
        keep="Keep them",
    )


@require_POST
@buttons.hers
def undo(request: HttpRequest, performer: Performer) -> HttpResponse:
    drafts.undo(writing_of(request, performer))
    return buttons.told("Undone. A second time does it again.")


@require_POST
@buttons.hers
def duplicate(request: HttpRequest, performer: Performer, item_id: str) -> HttpResponse:
    """Below it, and not active: it would answer the same amounts."""
    items = drafts.of(performer.performer_id).items
    place = next((n for n, item in enumerate(items, 1) if item["itemId"] == item_id), 0)
    if not place:
        raise drafts.NoSuchItem
    title = f"{items[place - 1]['title'][: MAXIMUM_TITLE - 5]} copy"
    copy = items[place - 1] | {"itemId": ids.fresh(), "title": title, "active": False}
    drafts.add(writing_of(request, performer), WishedItem(copy, place + 1))
    return buttons.told(f"{title} stands below it, and is not active yet.")


@require_POST
@buttons.hers
def place(request: HttpRequest, performer: Performer, item_id: str) -> HttpResponse:
    """`before`: the id it goes before; empty: it is the last one of `section`."""
    drafts.of(performer.performer_id).owned(item_id)
    drafts.place(
        writing_of(request, performer),
        item_id,
        before=request.POST.get("before", ""),
        section=request.POST.get("section", ""),
    )
    return buttons.shown()


@require_http_methods(["GET", "POST"])
@buttons.hers
def several(request: HttpRequest, performer: Performer) -> HttpResponse:
    """GET: what of the chosen items is changed; POST: all of it, or none."""
    said = request.POST if request.method == "POST" else request.GET
    chosen = said.getlist("item")[:MOST_CHOSEN]
    draft = drafts.of(performer.performer_id)
    if request.method == "POST":
        try:
            wish = bulkform.wish(said)
        except Malformed as wrong:
            filled = BulkForm(draft, chosen, said, wrong)
            return form(request, performer, "lovense/_menu_bulk.html", {"form": filled}, "Change")
        patch = bulk.patch(draft.items, chosen, wish)
        if not patch:
            return buttons.told("All of it is so already: nothing was changed.", tone="warn")
        toys = naming.of(performer.performer_id)
        drafts.patch(writing_of(request, performer), patch, toys)
        return buttons.told(f"{len(patch)} item{'' if len(patch) == 1 else 's'} changed.")
    empty = BulkForm(draft, chosen)
    return form(request, performer, "lovense/_menu_bulk.html", {"form": empty}, "Change")


@require_POST
@buttons.hers
def drawn(request: HttpRequest, performer: Performer) -> HttpResponse:
    """What the item plays as it is typed; nothing is kept."""
    found = itemdrawn.of(performer.performer_id, request.POST)
    return render(request, "lovense/_item_drawn.html", {"drawn": found})
