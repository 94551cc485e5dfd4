"""The performer's page of her menu and its buttons. Each finds whose page it is, makes one call
into a rule and says what came of it.

A button names the revision that its page showed: of two open pages the later one is told, and
overwrites nothing."""

from collections.abc import Callable

from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse, QueryDict
from django.urls import reverse
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from ground.json.fields import Fields
from lovense.deciding.linting import Linter
from lovense.devices import naming
from lovense.menus import content, drafts, starter, versions, wishes
from lovense.menus.drafts import ChangedMeanwhile
from lovense.menus.matching import PUBLIC
from lovense.menus.versions import LONGEST_NOTE, NoSuchVersion, Publication
from lovense.menus.wishes import InvalidItem
from lovense.models import Performer
from lovense.page import itemdrawn, itemform
from lovense.page.itemform import ItemForm
from lovense.page.menupage import MenuPage
from lovense.patterns import library
from lovense.patterns.library import MINE
from lovense.rows import Json
from lovense.views.menubuttons import ask, buttons, form, seen_in, whole, writing_of
from lovense.views.menudraft import compared
from lovense.views.pages import page


@require_safe
@login_required
def menu(request: HttpRequest) -> HttpResponse:
    """The page or, to HTMX, one region of it by name."""
    return page(request, "menu", "lovense/menu.html", _shown(request))


@require_safe
@login_required
def published(request: HttpRequest) -> HttpResponse:
    """Every version that was published, the newest first."""
    return page(request, "menu-versions", "lovense/menu_versions.html", _shown(request))


@require_safe
@login_required
def answered(request: HttpRequest) -> HttpResponse:
    """What an amount would be answered, where it was asked; without scripts, in the page."""
    return page(request, "", "lovense/_answered.html", _shown(request))


def _shown(request: HttpRequest) -> Callable[[Performer], Json]:
    amount, show = request.GET.get("amount", "").strip(), request.GET.get("show", PUBLIC)
    return lambda performer: {"shown": MenuPage(performer, amount, show)}


# --- buttons -------------------------------------------------------------------------------------


@require_http_methods(["GET", "POST"])
@buttons.hers
def add(request: HttpRequest, performer: Performer) -> HttpResponse:
    """GET: an empty form, of `minimum` and `maximum` if they are named; POST: added, or what was
    typed with what is wrong with it."""
    if request.method != "POST":
        return _form(request, performer, "")
    try:
        wish = wishes.read(
            Fields(itemform.body(request.POST), ""), toys=naming.of(performer.performer_id)
        )
        drafts.add(writing_of(request, performer, is_needed=False), wish)
    except InvalidItem as wrong:
        return _form(request, performer, "", typed=request.POST, wrong=wrong)
    return buttons.told(f"{wish.item['title']} is in your draft.")


@require_http_methods(["GET", "POST"])
@buttons.hers
def change(request: HttpRequest, performer: Performer, item_id: str) -> HttpResponse:
    """GET: the item in a form; POST: changed, or what was typed with what is wrong with it."""
    item = drafts.of(performer.performer_id).owned(item_id)
    if request.method != "POST":
        return _form(request, performer, item_id)
    try:
        toys = naming.of(performer.performer_id)
        wish = wishes.read(Fields(itemform.body(request.POST), ""), item, toys=toys)
        drafts.change(writing_of(request, performer), item_id, wish)
    except ChangedMeanwhile as late:
        if late.draft.find(item_id) is None:
            return buttons.told("It was removed on another page: nothing was saved.", tone="warn")
        return _form(request, performer, item_id, typed=request.POST, wrong=late)
    except InvalidItem as wrong:
        return _form(request, performer, item_id, typed=request.POST, wrong=wrong)
    return buttons.told("Saved in your draft.")


def _form(
    request: HttpRequest,
    performer: Performer,
    item_id: str,
    typed: QueryDict | None = None,
    wrong: InvalidItem | ChangedMeanwhile | None = None,
) -> HttpResponse:
    """What was wrong keeps the revision that was seen; who was late sees the one that is."""
    draft = drafts.of(performer.performer_id)
    is_as_seen = bool(item_id and typed and isinstance(wrong, InvalidItem))
    revision = seen_in(request.POST) if is_as_seen else draft.revision
    item = draft.owned(item_id) if item_id else None
    toys, sections = naming.of(performer.performer_id), list(content.sections(draft.items))
    asked_for = itemform.asked_for(request.GET)
    filled = ItemForm(revision, item or asked_for, sections, toys, typed=typed, wrong=wrong)
    filled.mine = [MINE + row["name"] for row in library.of(performer.performer_id)]
    whose = performer.performer_id
    drawn = itemdrawn.of(whose, typed) if typed else itemdrawn.of_item(whose, filled.item)
    shown = {"form": filled, "drawn": drawn}
    return form(request, performer, "lovense/_item_form.html", shown, filled.heading)


@require_POST
@buttons.hers
def move(request: HttpRequest, performer: Performer, item_id: str) -> HttpResponse:
    """Up, or down, past the next item of its section."""
    drafts.of(performer.performer_id).owned(item_id)
    drafts.move(writing_of(request, performer), item_id, is_up=request.POST.get("to") == "up")
    return buttons.shown()


@require_POST
@buttons.hers
def switch(request: HttpRequest, performer: Performer, item_id: str) -> HttpResponse:
    item = drafts.of(performer.performer_id).owned(item_id)
    is_on = request.POST.get("active") == "1"
    wish = wishes.read(Fields({"active": is_on}, ""), item)
    drafts.change(writing_of(request, performer), item_id, wish)
    return buttons.told(f"{item['title']} is {'' if is_on else 'not '}active in your draft.")


@require_http_methods(["GET", "POST"])
@buttons.hers
def remove(request: HttpRequest, performer: Performer, item_id: str) -> HttpResponse:
    """GET: the question, in words; POST: done."""
    draft = drafts.of(performer.performer_id)
    item = draft.owned(item_id)
    if request.method == "POST":
        drafts.remove(writing_of(request, performer), item_id)
        return buttons.told(f"{item['title']} is removed from your draft.")
    return ask(
        request,
        performer,
        f"Remove “{item['title']}”?",
        f"{reverse('menu-remove', args=[item_id])}?revision={draft.revision}",
        text="It leaves your draft. What is published stays as it is until you publish.",
        label="Remove it",
        keep="Keep it",
    )


@require_POST
@buttons.hers
def fill(request: HttpRequest, performer: Performer) -> HttpResponse:
    """An empty draft with the menu that is shipped."""
    drafts.fill(writing_of(request, performer), starter.STARTER)
    return buttons.told("Five items to begin with: change them as you like, then publish.")


@require_POST
@buttons.hers
def fix(request: HttpRequest, performer: Performer) -> HttpResponse:
    """What the lint suggests for one finding, found again in the draft as it is."""
    code, about = request.POST.get("code", ""), request.POST.get("about", "")
    key = code, about, whole(request.POST.get("amount", ""))
    writing, whose = writing_of(request, performer), performer.performer_id
    patch = Linter.read(whose).fix_of(drafts.of(whose), key)
    if patch is None:
        return buttons.told("That is not there any more: nothing was changed.", tone="warn")
    drafts.patch(writing, patch)
    return buttons.told("Fixed in your draft. Undo takes it back.")


@require_http_methods(["GET", "POST"])
@buttons.hers
def publish(request: HttpRequest, performer: Performer) -> HttpResponse:
    """GET: what would change, with a note for it; POST: done."""
    if request.method != "POST":
        return compared(request, performer, publishes=True)
    linter = Linter.read(performer.performer_id)
    asked_for = _publication(request, performer)._replace(errors=linter.errors)
    found = versions.publish(asked_for)
    if not found.is_new:
        return buttons.told("Nothing has changed: it is published already.", tone="warn")
    number = found.menu["version"]
    return buttons.told(f"Published as version {number}.{_withdrawn(asked_for)}")


@require_http_methods(["GET", "POST"])
@buttons.hers
def roll_back(request: HttpRequest, performer: Performer, version: str) -> HttpResponse:
    """GET: the question, in words; POST: done."""
    if not (version.isascii() and version.isdigit() and len(version) < 10):
        raise NoSuchVersion
    menu = versions.of(performer.performer_id, int(version))
    if request.method == "POST":
        asked_for = _publication(request, performer)
        found = versions.roll_back(asked_for, menu["version"])
        if not found.is_new:
            return buttons.told("That content is in force already.", tone="warn")
        number = found.menu["version"]
        again = f"Version {version} is in force again, as version {number}."
        return buttons.told(again + _withdrawn(asked_for))
    return ask(
        request,
        performer,
        f"Go back to version {version}?",
        reverse("menu-roll-back", args=[version]),
        text="Its items are published again as a new version, at once. Changes of your draft that "
        "are not published are kept.",
        choice=_mistake(performer),
        label="Publish it again",
        keep="Leave it",
    )


# --- what they have in common --------------------------------------------------------------------


def _mistake(performer: Performer) -> dict[str, str] | None:
    """The switch that withdraws what is in force; None: nothing is."""
    number = performer.menu_version
    words = "was a mistake: tips that were made while it was in force get this one"
    return {"name": "withdraw", "text": f"Version {number} {words}"} if number else None


def _withdrawn(asked_for: Publication) -> str:
    return " The one before it is withdrawn." if asked_for.is_withdrawn else ""


def _publication(request: HttpRequest, performer: Performer) -> Publication:
    note = Fields({"note": request.POST.get("note", "")}, "").text("note", maximum=LONGEST_NOTE)
    writing = writing_of(request, performer, is_needed="revision" in request.POST)
    key: str = request.request_id  # type: ignore[attr-defined]
    return Publication(writing, key, note.strip(), "withdraw" in request.POST)
