"""REST doors of a performer's tip menu: `/api/lovense/tip-menu`. Each makes one call into a rule
and translates.

It is hers alone: another performer's item or version is answered as one that does not exist."""

from collections.abc import Sequence

from django.http import Http404
from drf_spectacular.utils import OpenApiParameter, OpenApiResponse, extend_schema
from rest_framework.decorators import api_view
from rest_framework.request import Request
from rest_framework.response import Response

from ground.json.fields import Fields, Malformed
from ground.json.shapes import refusal
from lovense.api import menulookschema as looks
from lovense.api import menuschema as schema
from lovense.api.calls import (
    DERIVED,
    OF_ASKING,
    REFUSED,
    WITH_A_BODY,
    answering_outages,
    body_of,
    coming_from,
    derived_key,
    key_of,
    key_parameter,
    performer_of,
    telling,
    wake,
)
from lovense.api.menucalls import draft_of, number_in, queried, seen_in, whole, writing_of
from lovense.api.schema import example
from lovense.deciding.linting import Linter
from lovense.devices import naming
from lovense.menus import content, drafts, publishing, versions, wishes
from lovense.menus.matching import Item
from lovense.menus.publishing import MAXIMUM_ITEMS
from lovense.menus.versions import LONGEST_NOTE, Publication, Published
from lovense.rows import Json

MEANWHILE = (
    "`changed_meanwhile`: another write was faster, and nothing was written. details.seen and "
    "details.revision are both revisions, details.item is the item as it is now"
)
KEY = key_parameter("publication", default=DERIVED)
PUBLISHING = {
    **REFUSED,
    **WITH_A_BODY,
    409: refusal(MEANWHILE),
    422: refusal(
        "`invalid_menu`: details lists each broken rule with item, itemId, field and rule; an "
        "error of the lint has its code and amount, too. "
        "`idempotency_key_reused`: the key was used for another publication"
    ),
    429: refusal("Twenty versions within an hour: `Retry-After`, in seconds"),
}


# --- the draft -----------------------------------------------------------------------------------


@extend_schema(
    methods=["GET"],
    operation_id="menu",
    summary="Her draft, and what is in force",
    description="Until her first change the draft is the menu in force, at revision 0.",
    responses={200: schema.DraftOut, **OF_ASKING},
    examples=[example("One item", schema.DRAFT, 200)],
)
@extend_schema(
    methods=["POST"],
    operation_id="menu_add",
    summary="Add an item to the draft",
    description="At the end, or at the place that `order` names. Nobody sees it before it is "
    "published.",
    request=schema.MenuItemIn,
    responses={
        201: OpenApiResponse(schema.ChangedItemOut, "It is in the draft"),
        **OF_ASKING,
        **WITH_A_BODY,
        409: refusal(f"{MEANWHILE}. `too_many_items`: it has {MAXIMUM_ITEMS}"),
    },
    examples=[
        example("A range", schema.ASKED),
        example("Added", schema.ITEM | {"revision": 8}, 201),
    ],
)
@api_view(["GET", "POST"])
@answering_outages
@telling("menu")
def menu(request: Request) -> Response:
    whose = performer_of(request)
    if request.method == "GET":
        return Response(draft_of(whose, drafts.of(whose)))
    body = body_of(request)
    wish = wishes.read(body, toys=naming.of(whose))
    with coming_from(request):
        draft = drafts.add(writing_of(request, whose, seen_in(body, is_needed=False)), wish)
    return Response(schema.changed_item(draft, wish.item["itemId"]), status=201)


@extend_schema(
    methods=["PUT"],
    operation_id="menu_change",
    summary="Change an item of the draft",
    description="What the body does not name stays as it is; `revision` must be named.",
    parameters=[schema.ITEM_PATH],
    request=schema.MenuItemIn,
    responses={200: schema.ChangedItemOut, **REFUSED, **WITH_A_BODY, 409: refusal(MEANWHILE)},
    examples=[
        example("Stronger", {"revision": 7, "intensity": 10}),
        example("Changed", schema.ITEM | {"intensity": 10, "revision": 8}, 200),
    ],
)
@extend_schema(
    methods=["DELETE"],
    operation_id="menu_remove",
    summary="Remove an item from the draft",
    description="Published versions keep it.",
    parameters=[schema.ITEM_PATH, schema.REVISION],
    responses={200: schema.RevisionOut, **REFUSED, 409: refusal(MEANWHILE)},
    examples=[example("Removed", {"revision": 8}, 200)],
)
@api_view(["PUT", "DELETE"])
@answering_outages
@telling("menu")
def item(request: Request, item_id: str) -> Response:
    whose = performer_of(request)
    now = drafts.of(whose).owned(item_id)
    return (_change if request.method == "PUT" else _remove)(request, whose, now)


def _change(request: Request, whose: str, now: Item) -> Response:
    body = body_of(request)
    writing = writing_of(request, whose, seen_in(body))
    wish = wishes.read(body, now, toys=naming.of(whose))
    with coming_from(request):
        draft = drafts.change(writing, now["itemId"], wish)
    return Response(schema.changed_item(draft, now["itemId"]))


def _remove(request: Request, whose: str, now: Item) -> Response:
    seen = number_in(request, "revision", minimum=0)
    with coming_from(request):
        draft = drafts.remove(writing_of(request, whose, seen), now["itemId"])
    return Response({"revision": draft.revision})


@extend_schema(
    operation_id="menu_reorder",
    summary="Put the items of the draft into another order",
    description="The order decides where two ranges are equally narrow.",
    request=schema.MenuOrderIn,
    responses={200: schema.DraftOut, **OF_ASKING, **WITH_A_BODY, 409: refusal(MEANWHILE)},
    examples=[
        example("One item", {"revision": 7, "itemIds": [schema.ITEM_ID]}),
        example("As it stands", schema.DRAFT, 200),
    ],
)
@api_view(["PUT"])
@answering_outages
@telling("menu")
def reorder(request: Request) -> Response:
    """The complete list: what is missing, doubled or not hers is named, and nothing is moved."""
    whose, body = performer_of(request), body_of(request)
    body.only("revision", "itemIds")
    writing, item_ids = writing_of(request, whose, seen_in(body)), _item_ids(body)
    with coming_from(request):
        draft = drafts.reorder(writing, item_ids)
    return Response(draft_of(whose, draft))


def _item_ids(body: Fields) -> list[str]:
    named = body.raw("itemIds")
    if not isinstance(named, list) or not all(isinstance(each, str) for each in named):
        raise Malformed("itemIds", "must be a list of ids")
    if len(named) > MAXIMUM_ITEMS:
        raise Malformed("itemIds", f"must hold at most {MAXIMUM_ITEMS} ids")
    if not all(map(Fields.is_reference, named)):
        raise Malformed("itemIds", "must hold ids as the draft lists them")
    return named


# --- versions ------------------------------------------------------------------------------------


@extend_schema(
    operation_id="menu_publish",
    summary="Publish the draft",
    description="It becomes a new version, which answers every tip that is made from now on. "
    "With `withdraw` the one before it was a mistake: tips that were made while it was in force, "
    "and do not play yet, get the new one. The same content "
    "as in force is no new version: 200, and the version that is.",
    parameters=[KEY],
    request=schema.PublishIn,
    responses={
        200: OpenApiResponse(looks.PublishedOut, "Nothing new: that version"),
        201: OpenApiResponse(looks.PublishedOut, "A new version, in force"),
        **PUBLISHING,
    },
    examples=[
        example("With a note", {"revision": 7, "note": "Gentler in the evening"}),
        example("Published", schema.VERSION | {"lint": []}, 201),
        example("Nothing new", schema.VERSION | {"lint": [looks.FINDING | {"fix": None}]}, 200),
    ],
)
@api_view(["POST"])
@answering_outages
@telling("menu")
def publish(request: Request) -> Response:
    """Once per Idempotency-Key."""
    asked = _publication(request)
    linter = Linter.read(asked.writing.performer_id)
    with coming_from(request):
        published = versions.publish(asked._replace(errors=linter.errors))
    found = linter.findings(drafts.of_version(published.menu))
    return _told(asked, published, lint=looks.findings(found))


@extend_schema(
    operation_id="menu_versions",
    summary="The history of her menu",
    parameters=[OpenApiParameter("before", int, description="Goes on from there; see `next`")],
    responses={200: schema.VersionsOut, **OF_ASKING},
    examples=[
        example("Two", {"versions": [schema.VERSION, schema.OLD_VERSION], "next": None}, 200)
    ],
)
@api_view(["GET"])
@answering_outages
def history(request: Request) -> Response:
    """At most 50, the newest first."""
    before = number_in(request, "before", minimum=1) if "before" in request.query_params else 0
    rows = versions.history(performer_of(request), before=before)
    following = rows[-1]["version"] if len(rows) == versions.MOST_LISTED else None
    return Response({"versions": [schema.version(row) for row in rows], "next": following})


@extend_schema(
    operation_id="menu_version",
    summary="One version with its items",
    parameters=[schema.VERSION_PATH],
    responses={200: schema.WholeVersionOut, **REFUSED},
    examples=[example("In force", schema.WHOLE_VERSION, 200)],
)
@api_view(["GET"])
@answering_outages
def version(request: Request, version: str) -> Response:
    """As it was published: nothing changes a version."""
    return Response(schema.whole_version(versions.of(performer_of(request), _version(version))))


@extend_schema(
    operation_id="menu_rollback",
    summary="Publish the content of an older version again",
    description="As a new version, which names the old one in `basedOn`. A draft without changes "
    "of its own follows; any other stays as it is. The limits of `publish` hold.",
    parameters=[schema.VERSION_PATH, KEY],
    request=schema.PublishIn,
    responses={
        200: OpenApiResponse(schema.MenuVersionOut, "That content is in force already"),
        201: OpenApiResponse(schema.MenuVersionOut, "A new version, in force"),
        **PUBLISHING,
    },
    examples=[
        example("With a note", {"note": "Back to the one from May"}),
        example("Published", schema.VERSION | {"version": 4, "basedOn": 2}, 201),
        example("In force already", schema.VERSION, 200),
    ],
)
@api_view(["POST"])
@answering_outages
@telling("menu")
def rollback(request: Request, version: str) -> Response:
    """Once per Idempotency-Key."""
    number = versions.of(performer_of(request), _version(version))["version"]
    asked = _publication(request)
    with coming_from(request):
        return _told(asked, versions.roll_back(asked, number))


@extend_schema(
    operation_id="menu_diff",
    summary="What differs between two menus of hers",
    parameters=[
        OpenApiParameter("from", str, description="`draft`, `published` (default) or a version"),
        OpenApiParameter("to", str, description="`draft` (default), `published` or a version"),
    ],
    responses={200: schema.MenuDiffOut, **REFUSED},
    examples=[example("One field", schema.DIFF, 200)],
)
@api_view(["GET"])
@answering_outages
def diff(request: Request) -> Response:
    """Added, removed, changed by field, moved. `published` is empty where nothing is."""
    whose, query = performer_of(request), request.query_params
    before, was = _content(whose, "from", query.get("from", "published"))
    after, now = _content(whose, "to", query.get("to", "draft"))
    return Response(schema.diff(content.diff(before, after, (was, now)), before, after))


# --- what they have in common --------------------------------------------------------------------


def _publication(request: Request) -> Publication:
    whose, body = performer_of(request), body_of(request)
    body.only("revision", "note", "withdraw")
    note = body.text_or("note", "", maximum=LONGEST_NOTE).strip()
    writing = writing_of(request, whose, seen_in(body, is_needed=False))
    key = key_of(request) or derived_key(request)
    return Publication(writing, key, note, body.flag("withdraw"))


def _told(asked: Publication, published: Published, **more: object) -> Response:
    """What waits is looked at again: it is decided by the new menu."""
    if published.is_new:
        wake(asked.writing.performer_id)
    told = schema.version(published.menu) | more
    return Response(told, status=201 if published.is_new else 200)


def _content(whose: str, field: str, named: str) -> tuple[Sequence[Item], Json | None]:
    if named == "draft":
        draft = drafts.of(whose)
        return versions.said_by(draft, publishing.texts_of(whose, draft.items))
    if named == "published":
        menu = drafts.in_force(whose)
        return versions.said(menu) if menu else ([], None)
    return versions.said(versions.of(whose, queried(field, named)))


def _version(text: str) -> int:
    """Of an address: what is no number is not there."""
    if (number := whole(text)) is None:
        raise Http404
    return number
