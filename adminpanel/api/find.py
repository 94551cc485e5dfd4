"""`GET /api/admin/find?q=`: which row a text names, for staff."""

from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.decorators import api_view, permission_classes
from rest_framework.request import Request
from rest_framework.response import Response

from adminpanel import find as rule
from adminpanel.api.schema import OF_STAFF, example, given
from adminpanel.doors import ByTable
from ground.json.shapes import Shape, refusal
from lovense.rows import Json


class FindIn(Shape):
    q = serializers.CharField(
        allow_blank=True,
        trim_whitespace=False,
        help_text=f"An id, a reference or a name; nothing has more than {rule.LONGEST} characters",
    )


class HitOut(Shape):
    kind = serializers.CharField()
    title = serializers.CharField()
    words = serializers.CharField(allow_blank=True)
    key = serializers.CharField(help_text="Of the tip, performer, letter or row that was found")


class FoundOut(Shape):
    hits = HitOut(many=True)
    tried = serializers.ListField(
        child=serializers.CharField(), help_text="The kinds whose shape the text has"
    )


HIT: Json = {
    "kind": "Tip",
    "title": "150 tokens",
    "words": "settled",
    "key": "507f191e810c19729de860ed",
}


@extend_schema(
    operation_id="admin_find",
    summary="Which row a text names",
    parameters=[FindIn],
    responses={
        200: FoundOut,
        400: refusal("A field breaks a rule"),
        **OF_STAFF,
    },
    examples=[example("A tip", {"hits": [HIT], "tried": ["tip id", "performer id"]})],
)
@api_view(["GET"])
@permission_classes([ByTable])
def find(request: Request) -> Response:
    """Known by its shape, found by its key: at most eight look-ups."""
    found = rule.find(given(FindIn(data=request.query_params))["q"])
    hits = [
        {"kind": hit.kind, "title": hit.title, "words": hit.words, "key": hit.key}
        for hit in found.hits
    ]
    return Response({"hits": hits, "tried": found.tried})
