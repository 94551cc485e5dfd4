"""REST doors of what is said about a menu before anybody tips: previews, the lint with its fixes,
the ruler. Each makes one call into a rule and translates."""

from drf_spectacular.utils import OpenApiParameter, OpenApiResponse, extend_schema
from rest_framework.decorators import api_view
from rest_framework.request import Request
from rest_framework.response import Response

from ground import clock
from ground.json.fields import MAX_AMOUNT, Fields, Malformed
from ground.json.shapes import refusal
from lovense.api import answers, menuschema
from lovense.api import menulookschema as schema
from lovense.api import schema as queueschema
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
    wake,
)
from lovense.api.menucalls import draft_of, number_in, queried, seen_in, show_in, whole, writing_of
from lovense.api.schema import example
from lovense.deciding import foresight, linting
from lovense.deciding.foresight import MOST_AMOUNTS, Foresights
from lovense.devices import naming
from lovense.lane import itemtests, newcomer
from lovense.menus import drafts
from lovense.menus.matching import SHOWS

WHOSE = OpenApiParameter(
    "version", str, description="`published` (default), `draft` or the number of a version"
)
SHOW = OpenApiParameter("show", str, enum=SHOWS, description="In which show; `public` by default")
MOST_CHANGES = 50
KEY = key_parameter("test", default=DERIVED)


def _menu(request: Request) -> Foresights:
    """The one that the address names."""
    named = request.query_params.get("version", "published")
    number = None if named in ("published", foresight.DRAFT) else queried("version", named)
    is_draft = named == foresight.DRAFT
    whose = performer_of(request)
    return foresight.read(whose, version=number, is_draft=is_draft, now=clock.now())


@extend_schema(
    operation_id="menu_preview",
    summary="What an amount would do",
    description="By the very rules that decide for a tip: the match, the compiler, her caps. Each "
    "device is looked at as if it were connected; the gates say what they would see now.",
    parameters=[OpenApiParameter("amount", int, required=True), WHOSE, SHOW],
    responses={200: schema.ForesightOut, **REFUSED},
    examples=[
        example("An item", schema.FORESIGHT, 200),
        example("Nothing", schema.NOTHING, 200),
    ],
)
@api_view(["GET"])
@answering_outages
def preview(request: Request) -> Response:
    """Item, because, and what each device would play."""
    amount = number_in(request, "amount", minimum=1)
    menu = _menu(request)
    seen = menu.of(amount, show_in(request))
    start = newcomer.expected_start(menu, seen)
    told = answers.expected(start, menu.now) if start else None
    return Response(schema.foresight(seen, told))


@extend_schema(
    operation_id="menu_preview_table",
    summary="What many amounts would do",
    parameters=[
        OpenApiParameter(
            "amounts", str, required=True, description=f"Up to {MOST_AMOUNTS}, with commas"
        ),
        WHOSE,
        SHOW,
    ],
    responses={200: schema.AmountTableOut, **REFUSED},
    examples=[example("One", schema.TABLE, 200)],
)
@api_view(["GET"])
@answering_outages
def table(request: Request) -> Response:
    """A row for each amount, as asked."""
    amounts, menu = _amounts(request.query_params.get("amounts", "")), _menu(request)
    rows = [schema.amount_row(each) for each in menu.table(amounts, show_in(request))]
    return Response({"version": menu.version, "amounts": rows})


def _amounts(text: str) -> list[int]:
    named = [whole(each.strip()) for each in text.split(",")]
    if len(named) > MOST_AMOUNTS or not all(each and 1 <= each <= MAX_AMOUNT for each in named):
        raise Malformed("amounts", f"must be 1 to {MOST_AMOUNTS} whole numbers with commas")
    return [each for each in named if each]


@extend_schema(
    operation_id="menu_preview_cheapest",
    summary="The cheapest amount that reaches an item",
    parameters=[
        OpenApiParameter("item", str, required=True, description="Its `itemId`"),
        WHOSE,
        SHOW,
    ],
    responses={200: schema.CheapestOut, **REFUSED},
    examples=[example("An amount", schema.CHEAPEST, 200)],
)
@api_view(["GET"])
@answering_outages
def cheapest(request: Request) -> Response:
    """null where no amount reaches it."""
    item_id, menu = request.query_params.get("item", ""), _menu(request)
    if not item_id:
        raise Malformed("item", "must be the itemId of an item of that menu")
    amount = menu.cheapest(item_id, show_in(request))
    return Response({"version": menu.version, "itemId": item_id, "amount": amount})


@extend_schema(
    operation_id="menu_lint",
    summary="What of the draft would surprise somebody",
    description="An `error` keeps it from being published. `fix` is what `patch` takes: applied, "
    "the finding is gone and no other has come. One is looked for the 20 worst.",
    responses={200: schema.LintOut, **OF_ASKING},
    examples=[example("A gap", schema.LINT, 200)],
)
@api_view(["GET"])
@answering_outages
def lint(request: Request) -> Response:
    """The worst first."""
    whose = performer_of(request)
    draft, linter = drafts.of(whose), linting.Linter.read(whose)
    found = linter.fixed(draft)
    is_publishable = not any(each.finding.severity == "error" for each in found)
    told = [schema.finding(each) for each in found]
    return Response({"revision": draft.revision, "isPublishable": is_publishable, "findings": told})


@extend_schema(
    operation_id="menu_ruler",
    summary="The whole range of amounts, with what answers each part of it",
    description="At most twice as many intervals as items, and one.",
    parameters=[SHOW],
    responses={200: schema.RulerOut, **OF_ASKING},
    examples=[example("A gap and an item", schema.RULER, 200)],
)
@api_view(["GET"])
@answering_outages
def ruler(request: Request) -> Response:
    """Of the draft."""
    whose = performer_of(request)
    draft = drafts.of(whose)
    told = [
        schema.interval(each.interval, each.codes, each.effect)
        for each in linting.ruled(linting.Linter.read(whose).menu(draft), show_in(request))
    ]
    return Response({"revision": draft.revision, "intervals": told})


@extend_schema(
    operation_id="menu_item_test",
    summary="Play an item of the draft",
    description="On her devices, within her caps, for at most 10 s. Nothing is charged; it waits "
    "its turn in the queue, where `status` tells of it.",
    parameters=[menuschema.ITEM_PATH, KEY],
    request=None,
    responses={
        201: OpenApiResponse(queueschema.SubmittedOut, "It waits for its turn"),
        200: OpenApiResponse(queueschema.SubmittedOut, "The same key: that test, as it is now"),
        **REFUSED,
        409: refusal("`stopped`: she has pressed stop, and no test starts before she resumes"),
        422: refusal("The key was used for another item, or the item has changed since"),
        429: refusal("Too many in this minute: `Retry-After` in seconds"),
        503: refusal("`QUEUE_FULL`: too much waits; or the database did not answer"),
    },
    examples=[example("Waiting", queueschema.WAITING, 201)],
)
@api_view(["POST"])
@answering_outages
def test(request: Request, item_id: str) -> Response:
    """Once per Idempotency-Key."""
    whose = performer_of(request)
    made = itemtests.ask(
        performer_id=whose,
        item=drafts.of(whose).owned(item_id),
        account=str(request.user.pk),
        name=request.user.get_username(),
        key=key_of(request) or derived_key(request),
        now=clock.now(),
    )
    if made.is_new:
        wake(whose)
    return Response(answers.status(made.row, now=clock.now()), status=201 if made.is_new else 200)


@extend_schema(
    operation_id="menu_patch",
    summary="Several changes of the draft at once",
    description="All of them or none: as the lint suggests them, or any others.",
    request=schema.PatchIn,
    responses={
        200: menuschema.DraftOut,
        **REFUSED,
        **WITH_A_BODY,
        409: refusal(
            "`changed_meanwhile`: another write was faster. `too_many_items`: 500 are there"
        ),
    },
    examples=[
        example("A fix", {"revision": 7, "changes": schema.FIX}),
        example("As it is then", menuschema.DRAFT, 200),
    ],
)
@api_view(["POST"])
@answering_outages
def patch(request: Request) -> Response:
    """In their order."""
    whose, body = performer_of(request), body_of(request)
    body.only("revision", "changes")
    changes = [_change(each) for each in body.objects("changes", maximum=MOST_CHANGES)]
    writing = writing_of(request, whose, seen_in(body))
    with coming_from(request):
        draft = drafts.patch(writing, changes, naming.of(whose))
    return Response(draft_of(whose, draft))


def _change(body: Fields) -> dict[str, object]:
    if "add" in body.whole:
        body.only("add")
        return {"add": body.object("add").whole}
    body.only("itemId", "change")
    return {"itemId": body.text("itemId", maximum=64), "change": body.object("change").whole}
