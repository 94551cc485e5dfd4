"""REST doors of the terms of a menu: her default reaction, cooldowns and stock. Each makes one
call into a rule and translates; what is another performer's is not there."""

from drf_spectacular.utils import extend_schema
from rest_framework.decorators import api_view
from rest_framework.request import Request
from rest_framework.response import Response

from ground import clock
from ground.json.fields import MAX_AMOUNT
from ground.json.shapes import refusal
from lovense.api import menuschema
from lovense.api import menutermschema as schema
from lovense.api.calls import (
    OF_ASKING,
    REFUSED,
    WITH_A_BODY,
    answering_outages,
    body_of,
    caller,
    coming_from,
    performer_of,
    telling,
)
from lovense.api.menus import MEANWHILE
from lovense.api.schema import example
from lovense.deciding import resets
from lovense.menus import drafts, reactions
from lovense.menus.drafts import Writing


@extend_schema(
    operation_id="menu_default_reaction",
    summary="Change the default reaction of the draft",
    description="It answers the amounts from your minimum up that no item does. It is off at "
    "first; what the body does not name stays as it is. Nobody sees it before it is published.",
    request=schema.ReactionIn,
    responses={200: schema.ReactionOut, **OF_ASKING, **WITH_A_BODY, 409: refusal(MEANWHILE)},
    examples=[
        example("On", {"revision": 7, "active": True, "intensity": 6}),
        example("Changed", schema.REACTION | {"active": True, "revision": 8}, 200),
    ],
)
@api_view(["PUT"])
@answering_outages
@telling("menu")
def default_reaction(request: Request) -> Response:
    whose, body = performer_of(request), body_of(request)
    now = drafts.of(whose).reaction or reactions.usual()
    seen = body.integer("revision", minimum=0, maximum=MAX_AMOUNT)
    wanted = reactions.read(body, now)
    with coming_from(request):
        draft = drafts.react(Writing(whose, seen, caller(request), clock.now()), wanted)
    return Response((draft.reaction or reactions.usual()) | {"revision": draft.revision})


# --- cooldowns -----------------------------------------------------------------------------------


@extend_schema(
    operation_id="menu_reset_cooldown",
    summary="End the cooldown of an item",
    description="It answers again. An item of your draft, or of the menu in force.",
    parameters=[menuschema.ITEM_PATH],
    request=None,
    responses={200: schema.ResetOut, **REFUSED},
    examples=[example("It cooled down", {"reset": [menuschema.ITEM_ID]}, 200)],
)
@api_view(["POST"])
@answering_outages
@telling("menu")
def reset_cooldown(request: Request, item_id: str) -> Response:
    return _reset(request, item_id)


@extend_schema(
    operation_id="menu_reset_cooldowns",
    summary="End all cooldowns",
    description="All items of your draft and of the menu in force answer again.",
    request=None,
    responses={200: schema.ResetOut, **OF_ASKING},
    examples=[example("None cooled down", {"reset": []}, 200)],
)
@api_view(["POST"])
@answering_outages
@telling("menu")
def reset_cooldowns(request: Request) -> Response:
    return _reset(request)


def _reset(request: Request, item_id: str = "") -> Response:
    whose = performer_of(request)
    with coming_from(request):
        ended = resets.cooldowns(whose, item_id, by=caller(request), now=clock.now())
    return Response({"reset": ended})


# --- stock ---------------------------------------------------------------------------------------

_NO_STOCK = {409: refusal("`no_stock`: there is no end of this item")}
_STOCK = {"itemId": menuschema.ITEM_ID, "pieces": 10, "left": 10, "unknown": 0}


@extend_schema(
    operation_id="menu_restock",
    summary="Fill an item up",
    description="As many are there again as the menu in force says. What plays keeps its piece.",
    parameters=[menuschema.ITEM_PATH],
    request=None,
    responses={200: schema.StockOut, **REFUSED, **_NO_STOCK},
    examples=[example("Ten", _STOCK, 200)],
)
@api_view(["POST"])
@answering_outages
@telling("menu")
def restock(request: Request, item_id: str) -> Response:
    whose = performer_of(request)
    with coming_from(request):
        shelf = resets.restock(whose, item_id, by=caller(request), now=clock.now())
    return Response(schema.shelf(item_id, shelf))


@extend_schema(
    operation_id="menu_give_back",
    summary="Give back the pieces of which nobody knows whether they played",
    description="They are kept until you do: a page that confirmed a run and then fell silent may "
    "have played it.",
    parameters=[menuschema.ITEM_PATH],
    request=None,
    responses={200: schema.StockOut, **REFUSED, **_NO_STOCK},
    examples=[example("Ten", _STOCK, 200)],
)
@api_view(["POST"])
@answering_outages
@telling("menu")
def give_back(request: Request, item_id: str) -> Response:
    whose = performer_of(request)
    with coming_from(request):
        shelf = resets.give_back(whose, item_id, by=caller(request), now=clock.now())
    return Response(schema.shelf(item_id, shelf))
