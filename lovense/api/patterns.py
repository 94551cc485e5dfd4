"""REST doors of a performer's patterns: `/api/lovense/patterns`. Each makes one call into a rule
and translates.

They are hers alone: another performer's pattern is answered as one that does not exist."""

from django.http import HttpResponse
from drf_spectacular.utils import OpenApiParameter, OpenApiResponse, extend_schema
from rest_framework.decorators import api_view
from rest_framework.request import Request
from rest_framework.response import Response

from ground import clock
from ground.json.fields import MAX_AMOUNT, Fields, Malformed
from ground.json.shapes import refusal
from lovense.api import deviceschema
from lovense.api import patternschema as schema
from lovense.api.calls import (
    DERIVED,
    OF_ASKING,
    REFUSED,
    WITH_A_BODY,
    answering_outages,
    body_of,
    caller,
    coming_from,
    derived_key,
    key_of,
    key_parameter,
    performer_of,
    telling,
    wake,
)
from lovense.api.schema import example
from lovense.lane import patterntests
from lovense.patterns import imports, library
from lovense.patterns.imports import LONGEST_FILE
from lovense.patterns.library import MOST, PatternWriting

KEY = key_parameter("test", default=DERIVED)
TAKEN = "`name_taken`: another pattern of hers has this name"
MEANWHILE = (
    "`changed_meanwhile`: another write was faster, and nothing was written. details.seen and "
    "details.revision are both revisions, details.pattern is the pattern as it is now"
)
WRONG_TEXT = refusal(
    "`malformed`: details.errors names every broken rule with field and rule; of the text also "
    "line, column, found and expected"
)
FORMATS = ("json", "text")


@extend_schema(
    methods=["GET"],
    operation_id="patterns",
    summary="Her patterns, and those that are shipped",
    description="Hers by name, without those that are archived. All with their texts.",
    responses={200: schema.PatternsOut, **OF_ASKING},
    examples=[example("One of hers, one that is shipped", schema.LIST, 200)],
)
@extend_schema(
    methods=["POST"],
    operation_id="patterns_add",
    summary="Save a new pattern",
    description="An item of the menu names it as `my/` and its name.",
    request=schema.PatternIn,
    responses={
        201: OpenApiResponse(schema.PatternOut, "It can be named in the menu"),
        **OF_ASKING,
        **WITH_A_BODY,
        400: WRONG_TEXT,
        409: refusal(f"{TAKEN}. `too_many_patterns`: she has {MOST}"),
    },
    examples=[example("A tide", schema.ASKED), example("Saved", schema.PATTERN, 201)],
)
@api_view(["GET", "POST"])
@answering_outages
@telling("patterns")
def patterns(request: Request) -> Response:
    whose = performer_of(request)
    if request.method == "GET":
        return Response(schema.listed(library.of(whose)))
    wished = library.wish(body_of(request), is_new=True)
    with coming_from(request):
        row = library.add(_writing(request, whose), wished)
    return Response(schema.pattern(row), status=201)


@extend_schema(
    methods=["PUT"],
    operation_id="patterns_change",
    summary="Change a pattern",
    description="No published menu changes with it: a version holds its patterns by value.",
    parameters=[schema.PATTERN_PATH],
    request=schema.PatternChangeIn,
    responses={
        200: schema.PatternOut,
        **REFUSED,
        **WITH_A_BODY,
        400: WRONG_TEXT,
        409: refusal(f"{MEANWHILE}. {TAKEN}"),
    },
    examples=[
        example("Another text", {"revision": 1, "text": schema.TEXT}),
        example("Changed", schema.PATTERN | {"revision": 2}, 200),
    ],
)
@extend_schema(
    methods=["DELETE"],
    operation_id="patterns_archive",
    summary="Archive a pattern",
    description="Its name is free again. What is published still plays it; a draft that names it "
    "cannot be published.",
    parameters=[schema.PATTERN_PATH, schema.REVISION],
    responses={204: None, **REFUSED, 409: refusal(MEANWHILE)},
)
@api_view(["PUT", "DELETE"])
@answering_outages
@telling("patterns")
def pattern(request: Request, pattern_id: str) -> Response:
    whose = performer_of(request)
    library.owned(whose, pattern_id)
    if request.method == "DELETE":
        with coming_from(request):
            library.archive(_writing(request, whose), pattern_id, seen=_seen(request))
        return Response(status=204)
    body = body_of(request)
    seen, wished = library.seen_of(body), library.wish(body, is_new=False)
    with coming_from(request):
        row = library.change(_writing(request, whose), pattern_id, wished, seen=seen)
    return Response(schema.pattern(row))


@extend_schema(
    operation_id="patterns_preview",
    summary="What a text plays",
    description="One turn of it, drawn. Nothing is saved.",
    request=schema.PatternTextIn,
    responses={
        200: schema.PatternPreviewOut,
        **OF_ASKING,
        **WITH_A_BODY,
        400: refusal("`invalid_pattern`: details has line, column, found and expected"),
    },
    examples=[
        example("A rest, and a level", {"text": "0 1s, 10 1s"}),
        example("Drawn", schema.PREVIEW, 200),
    ],
)
@api_view(["POST"])
@answering_outages
def preview(request: Request) -> Response:
    performer_of(request)
    body = body_of(request)
    body.only("text")
    text = body.raw("text")
    if not isinstance(text, str):
        raise Malformed("text", "must be a string")
    return Response(schema.preview(text))


@extend_schema(
    operation_id="patterns_import",
    summary="Make a text of samples, of a file of ours or of a funscript",
    description="Up to 1 MiB. The answer says what is not as it came. Nothing is saved: save its "
    "text as a new pattern.",
    request=schema.PatternImportIn,
    responses={
        200: schema.ImportedPatternOut,
        **OF_ASKING,
        **WITH_A_BODY,
        400: refusal(
            "`malformed`: details.field names the place, as in funscript.actions[7].at. "
            "`invalid_pattern`: of the text of a file"
        ),
    },
    examples=[
        example("Samples", {"samples": [{"ms": 700, "level": 5}, {"ms": 1700, "level": 0}]}),
        example("A file of ours", {"pattern": schema.FILE}),
        example("Made", schema.IMPORTED, 200),
    ],
)
@api_view(["POST"])
@answering_outages
def take_in(request: Request) -> Response:
    performer_of(request)
    return Response(schema.imported(imports.read(body_of(request, limit=LONGEST_FILE))))


@extend_schema(
    operation_id="patterns_export",
    summary="A pattern as a file",
    description="As JSON, which `import` takes in again, or as the text alone.",
    parameters=[
        schema.PATTERN_PATH,
        OpenApiParameter("format", str, description="`json` (default) or `text`"),
    ],
    responses={(200, "application/json"): schema.PatternFile, (200, "text/plain"): str, **REFUSED},
    examples=[example("As JSON", schema.FILE, 200)],
)
@api_view(["GET"])
@answering_outages
def export(request: Request, pattern_id: str) -> HttpResponse:
    row = library.owned(performer_of(request), pattern_id)
    wanted = request.query_params.get("format", "json")
    if wanted not in FORMATS:
        raise Malformed("format", f"must be one of {', '.join(FORMATS)}")
    if wanted == "text":
        return HttpResponse(row["text"], content_type="text/plain; charset=utf-8")
    return Response(imports.written(row["name"], row["text"]))


@extend_schema(
    operation_id="patterns_test",
    summary="Play a pattern on a device",
    description="A request of type `lovense.test` and priority CRITICAL in her queue, for at most "
    "10 s, on this device alone, within all limits. What moves hardware is no stronger than in a "
    "test of the device.",
    parameters=[schema.PATTERN_PATH, KEY],
    request=schema.PatternTestIn,
    responses={
        202: OpenApiResponse(deviceschema.TestedOut, "It waits for its turn; or did"),
        **REFUSED,
        **WITH_A_BODY,
        409: refusal(
            "`stopped`: she has pressed stop. `device_offline`: it is away, switched off or not "
            "what plays now. `cannot_test_here`: her extension decides what its toys do"
        ),
        422: refusal("The key was used for another test"),
        429: refusal("Too many in this minute: `details.resetAt`, and `Retry-After` in seconds"),
    },
    examples=[
        example("Eight seconds", schema.TEST),
        example("Waiting", deviceschema.TESTED, 202),
    ],
)
@api_view(["POST"])
@answering_outages
def test(request: Request, pattern_id: str) -> Response:
    """Once per Idempotency-Key."""
    whose = performer_of(request)
    row = library.owned(whose, pattern_id)
    asked = patterntests.parse(body_of(request), name=row["name"], text=row["text"])
    made = patterntests.ask(
        asked,
        performer_id=whose,
        account=str(request.user.pk),
        by=caller(request),
        key=key_of(request) or derived_key(request),
        now=clock.now(),
    )
    if made.is_new:
        wake(whose)
    return Response({"requestId": made.row["_id"]}, status=202)


def _writing(request: Request, whose: str) -> PatternWriting:
    return PatternWriting(whose, caller(request), clock.now())


def _seen(request: Request) -> int:
    said = request.query_params.get("revision", "")
    number = int(said) if said.isascii() and said.isdigit() and len(said) <= 16 else None
    if number is None:
        raise Malformed("revision", "must be a whole number")
    return Fields({"revision": number}, "").integer("revision", minimum=1, maximum=MAX_AMOUNT)
