"""REST doors through which a menu comes in and goes out: templates, what a draft may start from,
and files. Each makes one call into a rule and translates."""

from django.http import HttpResponse
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework.decorators import api_view
from rest_framework.request import Request
from rest_framework.response import Response

from ground.json.fields import Fields, Malformed
from ground.json.shapes import refusal
from lovense.api import menufileschema as schema
from lovense.api import menuschema
from lovense.api.calls import (
    OF_ASKING,
    REFUSED,
    WITH_A_BODY,
    answering_outages,
    body_of,
    coming_from,
    performer_of,
    telling,
)
from lovense.api.menucalls import draft_of, seen_in, writing_of
from lovense.api.schema import example
from lovense.deciding import starting
from lovense.devices import naming
from lovense.menus import content, drafts, reactions, sheet, textmenu, transfer
from lovense.menus.matching import SHOWS, Item
from lovense.menus.report import ImportedLine, items_of
from lovense.menus.shipped import TEMPLATES

LONGEST_FILE = 2 * 2**20  # of a menu with 500 items, each with all its texts
LONGEST_TEXT = 512 * 1024
SOURCES = ("template", "version", "extension", "show")
MEANWHILE = "`changed_meanwhile`: another write was faster, and nothing was written"
JSON, CSV, TEXT = "json", "csv", "text"
FORMAT = OpenApiParameter(
    "format", str, enum=[JSON, CSV, TEXT], description="`json` (default), `csv` or `text`"
)
INVALID_FILE = refusal(
    "`malformed`: details names the field and its rule. `invalid_file`: details lists every "
    "broken rule with item, field and rule; nothing was done"
)


@extend_schema(
    operation_id="menu_templates",
    summary="Menus to begin with",
    responses={200: schema.TemplatesOut, **OF_ASKING},
    examples=[example("One", schema.TEMPLATES_TOLD, 200)],
)
@api_view(["GET"])
@answering_outages
def templates(request: Request) -> Response:
    """Those that are shipped, and the levels of her extension where it has told any."""
    levels = starting.extension_levels(performer_of(request))
    told = [schema.template(each) for each in TEMPLATES.values()]
    return Response({"templates": told, "extensionLevels": len(levels)})


@extend_schema(
    operation_id="menu_start",
    summary="Start the draft from a template, a version, levels of her extension, or a show",
    description="A draft that has items is replaced only with `replace`. The levels of the "
    "extension are answered one by one in `lines`. With `show` each item that answers in the one "
    "and not in the other gets a copy for the other, so that both answer alike; what answered in "
    "the other alone leaves it.",
    request=schema.StartIn,
    responses={
        200: schema.StartedOut,
        **REFUSED,
        **WITH_A_BODY,
        409: refusal(
            f"{MEANWHILE}. `has_items`: the draft has items, and `replace` is not said. "
            "`same_price`: two active items of the show answer exactly one amount. "
            "`too_many_items`: there would be more than 500"
        ),
    },
    examples=[
        example("A template", {"revision": 0, "template": "gentle"}),
        example("A version", {"revision": 7, "version": 2, "replace": True}),
        example("Her extension's levels", {"revision": 7, "extension": True, "replace": True}),
        example("A show as another", {"revision": 7, "show": {"from": "public", "to": "group"}}),
        example("As it is then", menuschema.DRAFT | {"lines": []}, 200),
    ],
)
@api_view(["POST"])
@answering_outages
@telling("menu")
def start(request: Request) -> Response:
    """Exactly one of the four is named."""
    whose, body = performer_of(request), body_of(request)
    body.only("revision", "replace", *SOURCES)
    lines = _source(whose, body)
    writing, replaces = writing_of(request, whose, seen_in(body)), body.flag("replace")
    with coming_from(request):
        if body.given("show"):
            draft = drafts.copy_show(writing, *_shows(body), replaces=replaces)
        else:
            draft = drafts.start(writing, items_of(lines), replaces=replaces)
    told = draft_of(whose, draft)
    is_said = body.given("extension")
    return Response(told | {"lines": [schema.line(each) for each in lines] if is_said else []})


def _source(whose: str, body: Fields) -> list[ImportedLine]:
    named = [name for name in SOURCES if body.given(name)]
    if len(named) != 1:
        raise Malformed("body", f"must name one of {', '.join(SOURCES)}")
    if named == ["show"]:
        _shows(body)
        return []
    if named == ["template"]:
        return starting.of_template(body.choice("template", tuple(TEMPLATES), ""))
    if named == ["version"]:
        return starting.of_version(whose, body.integer("version", minimum=1, maximum=2**31))
    if not body.flag("extension"):
        raise Malformed("extension", "must be true, or left out")
    return starting.of_extension(whose)


def _shows(body: Fields) -> tuple[str, str]:
    """From which show to which."""
    said = body.object("show")
    said.only("from", "to")
    source, target = (said.choice(name, SHOWS, "") for name in ("from", "to"))
    if source == target:
        raise Malformed("show.to", "must be another show than show.from")
    return source, target


@extend_schema(
    operation_id="menu_export",
    summary="The draft as a file",
    description="JSON says everything, and imported again it comes out the same, byte for byte. "
    "CSV says everything of the items, for a spreadsheet. A text menu has a line for each active "
    "item: its tokens, its title, and what it does.",
    parameters=[FORMAT],
    responses={
        (200, "application/json"): schema.MenuFile,
        (200, "text/csv"): OpenApiTypes.STR,
        (200, "text/plain"): OpenApiTypes.STR,
        **REFUSED,
    },
    examples=[example("One item", schema.FILE, 200)],
)
@api_view(["GET"])
@answering_outages
def export(request: Request) -> Response | HttpResponse:
    """As it is now."""
    draft = drafts.of(performer_of(request))
    items = draft.items
    named = request.query_params.get("format", JSON)
    if named == JSON:
        return Response(transfer.written(items, draft.reaction))
    if named == CSV:
        return _file(sheet.written(items), "text/csv", "tip-menu.csv")
    if named == TEXT:
        return _file(textmenu.written(items), "text/plain", "tip-menu.txt")
    raise Malformed("format", f"must be {JSON}, {CSV} or {TEXT}")


def _file(text: str, kind: str, name: str) -> HttpResponse:
    headers = {"Content-Disposition": f'attachment; filename="{name}"'}
    return HttpResponse(text, content_type=f"{kind}; charset=utf-8", headers=headers)


@extend_schema(
    operation_id="menu_import",
    summary="Take a file in, or see what it would change",
    description="`menu` as `export` answers it, `csv` as a spreadsheet saves it, or `text` as "
    "people write menus: `10-20 title, 6 sec, medium`, one a line. The whole draft becomes what it "
    "says. Of CSV and text each line is answered in `lines`: taken, taken with a note, or refused "
    "and why; what is taken is the menu. Without `apply` nothing is written. Up to 2 MiB.",
    request=schema.ImportIn,
    responses={
        200: schema.ImportedOut,
        **OF_ASKING,
        **WITH_A_BODY,
        400: INVALID_FILE,
        409: refusal(MEANWHILE),
    },
    examples=[
        example("To see what differs", {"menu": schema.FILE}),
        example("To apply it", {"menu": schema.FILE, "apply": True, "revision": 7}),
        example("A text menu", {"text": "10-20 hello, 5 sec, low\n50+ wave, 20 sec, strong"}),
        example("Seen", schema.IMPORTED, 200),
    ],
)
@api_view(["POST"])
@answering_outages
@telling("menu")
def take_in(request: Request) -> Response:
    whose, body = performer_of(request), body_of(request, limit=LONGEST_FILE)
    body.only("menu", "csv", "text", "apply", "revision")
    is_applied, (items, lines) = body.flag("apply"), _file_of(whose, body)
    reaction = transfer.reaction_of(body.object("menu")) if body.given("menu") else None
    seen = seen_in(body, is_needed=is_applied)
    if is_applied and lines and not items:
        raise Malformed("apply", "must be left out: not one line could be taken")
    draft = before = drafts.of(whose)
    if is_applied:
        with coming_from(request):
            draft = drafts.replace(writing_of(request, whose, seen), items, reaction)
    reacted = reactions.live(before.reaction), reactions.live(reaction or before.reaction)
    found = menuschema.diff(content.diff(before.items, items, reacted), before.items, items)
    told = {"isApplied": is_applied, "revision": draft.revision, "diff": found}
    return Response(told | {"lines": [schema.line(each) for each in lines]})


def _file_of(whose: str, body: Fields) -> tuple[list[Item], list[ImportedLine]]:
    """Its items, and what is said of each line."""
    if sum(body.given(name) for name in ("menu", CSV, TEXT)) != 1:
        raise Malformed("body", "must hold one of menu, csv, text")
    toys = naming.of(whose)
    if body.given("menu"):
        return transfer.read(body.object("menu"), toys), []
    text = body.raw(CSV if body.given(CSV) else TEXT)
    if not isinstance(text, str) or len(text) > LONGEST_TEXT:
        raise Malformed(
            CSV if body.given(CSV) else TEXT, f"must be a text of at most {LONGEST_TEXT} characters"
        )
    lines = sheet.read(text, toys) if body.given(CSV) else textmenu.read(text)
    return items_of(lines), lines
