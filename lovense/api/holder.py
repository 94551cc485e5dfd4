"""The REST door of a page that takes her devices from another one. The socket has the same one: the
message `take` (docs/sockets.md)."""

from drf_spectacular.utils import OpenApiResponse, extend_schema
from rest_framework import serializers
from rest_framework.decorators import api_view
from rest_framework.request import Request
from rest_framework.response import Response

from ground import clock
from ground.json.shapes import Shape, refusal
from lovense.api.calls import REFUSED, WITH_A_BODY, answering_outages, body_of, performer_of
from lovense.api.schema import example
from lovense.sending import handover

LONGEST_PAGE_ID = 64
PAGE = "5f0c9d1e2ab34c56"


class TakeIn(Shape):
    pageId = serializers.CharField(
        max_length=LONGEST_PAGE_ID, help_text="As the page's socket was opened: `?page=`"
    )


class TakeOut(Shape):
    pageId = serializers.CharField()
    holder = serializers.BooleanField(help_text="Whether it holds the devices already")


TAKING = {"pageId": PAGE, "holder": False}


@extend_schema(
    operation_id="holder_take",
    summary="Let a page take the devices",
    description="The page that holds them stops its toys, and lets go; where it does not answer, "
    "its lease is over within 5 s, and only then another page has them. The page that takes them "
    "is told by a snapshot. Again, it changes nothing; of two pages the last one gets them.",
    request=TakeIn,
    responses={
        200: OpenApiResponse(TakeOut, "It holds them already"),
        202: OpenApiResponse(TakeOut, "The page that holds them is told to let go"),
        **REFUSED,
        **WITH_A_BODY,
        404: refusal("No page of hers of this name is open and may hold devices"),
        409: refusal("`told_by_server`: no page holds what this server tells"),
    },
    examples=[
        example("This page", {"pageId": PAGE}),
        example("Asked", TAKING, 202),
        example("It has them", TAKING | {"holder": True}, 200),
    ],
)
@api_view(["POST"])
@answering_outages
def take(request: Request) -> Response:
    """From whichever page of hers."""
    whose, body = performer_of(request), body_of(request)
    body.only("pageId")
    page_id = body.text("pageId", maximum=LONGEST_PAGE_ID)
    holds = handover.take(whose, page_id=page_id, now=clock.now())
    return Response({"pageId": page_id, "holder": holds}, status=200 if holds else 202)
