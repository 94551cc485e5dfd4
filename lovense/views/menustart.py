"""Buttons of the menu's page through which whole menus come in, and the one that tries an item.
Each finds whose page it is, makes one call into a rule and says what came of it."""

from django.http import HttpRequest, HttpResponse
from django.views.decorators.http import require_http_methods, require_POST

from ground import clock
from ground.json import fields
from ground.json.errors import Refusal
from ground.json.fields import Malformed
from lovense.deciding import starting
from lovense.devices import naming
from lovense.lane import itemtests
from lovense.menus import content, drafts, sheet, textmenu, transfer
from lovense.menus.drafts import ChangedMeanwhile, DraftHasItems, TooManyItems
from lovense.menus.matching import SHOWS
from lovense.menus.report import ImportedLine, items_of
from lovense.menus.shipped import TEMPLATES
from lovense.menus.showcopies import SamePriceInShow, ShowHasItems
from lovense.models import Performer
from lovense.page import menuwords
from lovense.page.livepage import LivePage
from lovense.page.menustart import ImportForm, StartForm
from lovense.rows import Json
from lovense.views.menubuttons import buttons, form, writing_of
from lovense.views.pages import page

SHOW = "show:"  # the items of one show for another
NOT_BEGUN = (DraftHasItems, ShowHasItems, SamePriceInShow, TooManyItems, ChangedMeanwhile)
LONGEST = 512 * 1024  # characters that are pasted


@require_http_methods(["GET", "POST"])
@buttons.hers
def start(request: HttpRequest, performer: Performer) -> HttpResponse:
    """GET: what there is to begin with; POST: done. Items that are there give way only where that
    was ticked."""
    whose = performer.performer_id
    if request.method != "POST":
        return _start_form(request, performer)
    named, replaces = request.POST.get("from", ""), "replace" in request.POST
    try:
        if named == SHOW:
            return _copied(request, performer, replaces=replaces)
        lines = _source(whose, named)
        drafts.start(writing_of(request, performer), items_of(lines), replaces=replaces)
    except NOT_BEGUN as why:
        return _start_form(request, performer, why)
    left_out = sum(each.item is None for each in lines)
    more = f" {left_out} of its levels could not be taken." if left_out else ""
    return buttons.told(f"Your draft has begun anew: change it, then publish.{more}")


def _copied(request: HttpRequest, performer: Performer, *, replaces: bool) -> HttpResponse:
    source, target = (request.POST.get(name, "") for name in ("from_show", "to_show"))
    if source not in SHOWS or target not in SHOWS or source == target:
        raise Malformed("to_show", "must be another show than the one whose items are copied")
    drafts.copy_show(writing_of(request, performer), source, target, replaces=replaces)
    return buttons.told(f"In your draft {target} shows answer as {source} shows do.")


def _start_form(
    request: HttpRequest, performer: Performer, why: Refusal | None = None
) -> HttpResponse:
    whose = performer.performer_id
    filled = StartForm(drafts.of(whose), starting.of_extension(whose), why)
    return form(request, performer, "lovense/_menu_start.html", {"form": filled}, "Begin anew")


def _source(whose: str, named: str) -> list[ImportedLine]:
    kind, _, name = named.partition(":")
    if kind == "template" and name in TEMPLATES:
        return starting.of_template(name)
    if kind == "version" and name.isascii() and name.isdigit() and len(name) < 10:
        return starting.of_version(whose, int(name))
    if kind == "extension":
        return starting.of_extension(whose)
    raise Malformed("from", "must be a template, a version, or the extension")


@require_http_methods(["GET", "POST"])
@buttons.hers
def take_in(request: HttpRequest, performer: Performer) -> HttpResponse:
    """GET: where to paste; POST: what it would be, line by line, or done."""
    whose, text = performer.performer_id, request.POST.get("text", "")
    draft = drafts.of(whose)
    if request.method != "POST":
        return _import_form(request, ImportForm(draft.revision))
    try:
        text = _file(request) or text
        lines = _lines(whose, text)
        if "apply" in request.POST and items_of(lines):
            writing, reaction = writing_of(request, performer), _reaction(text)
            drafts.replace(writing, items_of(lines), reaction)
            return buttons.told(f"{len(items_of(lines))} items are in your draft.")
    except (Refusal, ChangedMeanwhile) as why:
        return _import_form(request, ImportForm(draft.revision, text, why=str(why)))
    differs = content.diff(draft.items, items_of(lines))
    return _import_form(request, ImportForm(draft.revision, text, lines, differs))


def _file(request: HttpRequest) -> str:
    """What was chosen, in place of what was pasted; empty: nothing was."""
    file = request.FILES.get("file")
    try:
        return file.read(4 * LONGEST).decode("utf-8-sig") if file else ""
    except UnicodeDecodeError:
        raise Malformed("file", "must be text in UTF-8") from None


def _import_form(request: HttpRequest, filled: ImportForm) -> HttpResponse:
    return page(request, "menu-import", "lovense/menu_import.html", lambda _: {"form": filled})


def _lines(whose: str, text: str) -> list[ImportedLine]:
    """As JSON, a sheet or a text menu, by how it begins."""
    if len(text) > LONGEST:
        raise Malformed("text", f"must have at most {LONGEST} characters")
    toys, begin = naming.of(whose), text.lstrip()[:400]
    if _is_json(text):
        items = transfer.read(fields.read(text.strip().encode()), toys)
        return [
            ImportedLine(n, each["title"], "taken", "", each) for n, each in enumerate(items, 1)
        ]
    first = begin.partition("\n")[0].replace(";", ",")
    if {"title", "minimum"} <= {name.strip() for name in first.split(",")}:
        return sheet.read(text, toys)
    return textmenu.read(text)


def _is_json(text: str) -> bool:
    return text.lstrip()[:1] == "{"


def _reaction(text: str) -> Json | None:
    """What the file says of the default reaction; a sheet and a text menu say nothing of it."""
    return transfer.reaction_of(fields.read(text.strip().encode())) if _is_json(text) else None


@require_POST
@buttons.hers
def test(request: HttpRequest, performer: Performer, item_id: str) -> HttpResponse:
    """Each press is a test of its own."""
    item = drafts.of(performer.performer_id).owned(item_id)
    itemtests.ask(
        performer_id=performer.performer_id,
        item=item,
        account=str(request.user.pk),
        name=request.user.get_username(),
        key=request.request_id,  # type: ignore[attr-defined]
        now=clock.now(),
    )
    holds_back = menuwords.held_back(LivePage(performer, clock.now()))
    if holds_back:
        return buttons.told(f"{item['title']} waits: {holds_back}", tone="warn")
    return buttons.told(
        f"{item['title']} plays on your devices when its turn comes, for at most 10 s."
    )
