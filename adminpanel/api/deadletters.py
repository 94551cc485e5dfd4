"""What staff asks over REST: where a tip stands (the platform may, too), how the queue is, what it
did in a period, and its dead letters."""

from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework.decorators import api_view, permission_classes
from rest_framework.request import Request
from rest_framework.response import Response

from adminpanel.api import schema as shapes
from adminpanel.doors import ByTable
from ground import clock
from ground.hops import doorbell
from ground.json.shapes import refusal
from lovense.lane import deadletters, decisions
from lovense.lane.letter import Resolution

# --- the queue -----------------------------------------------------------------------------------


# --- dead letters --------------------------------------------------------------------------------


_ID = OpenApiParameter("key", str, OpenApiParameter.PATH, description="A request id or a tip id")
_REFUSALS = {
    401: refusal("No token, or an unknown one"),
    403: refusal("Not staff, or not allowed to decide"),
}
_OF_ONE = _REFUSALS | {
    404: refusal("There is no such request"),
    409: refusal(
        "`not_dead`, `archived` or `settled_otherwise`: the message says why it cannot be changed"
    ),
}


@extend_schema(
    operation_id="dead_letters",
    summary="Requests that were given up, by cause",
    parameters=[shapes.SliceIn],
    responses={
        200: shapes.LettersOut,
        400: refusal("`after` is not a place of this list"),
        **_REFUSALS,
    },
    examples=[
        shapes.example(
            "One of a group", {"groups": [shapes.BUSY], "items": [shapes.LETTER], "next": None}
        )
    ],
)
@api_view(["GET"])
@permission_classes([ByTable])
def dead_letters(request: Request) -> Response:
    """The causes with their counts, and a slice of the letters with their whole history, those that
    died last first. A further slice (`after`) counts nothing anew: its groups are of those that
    died last, with `replayable` null."""
    said = shapes.given(shapes.SliceIn(data=request.query_params))
    letters, more = deadletters.slice_of(**said)
    found = deadletters.uncounted_groups() if said.get("after") else deadletters.whole_groups()
    groups = [shapes.group_json(group) for group in found]
    return Response(
        {
            "groups": groups,
            "items": [shapes.letter_json(letter) for letter in letters],
            "next": more or None,
        }
    )


@extend_schema(
    operation_id="review_dead_letter",
    summary="Note what was decided about a dead letter",
    parameters=[_ID],
    request=shapes.ReviewIn,
    responses={200: shapes.LetterOut, 400: refusal("A field breaks a rule"), **_OF_ONE},
    examples=[
        shapes.example("Refunded", shapes.REVIEW, is_request=True),
        shapes.example("Reviewed", shapes.REVIEWED),
    ],
)
@api_view(["POST"])
@permission_classes([ByTable])
def review_dead_letter(request: Request, key: str) -> Response:
    """What is reviewed as refunded, waived or duplicate does not go back into the queue."""
    said = shapes.given(shapes.ReviewIn(data=request.data))
    decided = {
        "resolution": Resolution(said["resolution"]),
        "note": said.get("note", ""),
    }
    letter = decisions.review(key, **decided, by=_name(request), now=clock.now())
    return Response(shapes.letter_json(letter))


@extend_schema(
    operation_id="replay_dead_letter",
    summary="Send a dead letter back into the queue",
    parameters=[_ID],
    request=shapes.ReplayIn,
    responses={200: shapes.LetterOut, 400: refusal("A field breaks a rule"), **_OF_ONE},
    examples=[
        shapes.example("With a reason", {"why": "The device is connected again."}, is_request=True),
        shapes.example("Waiting again", shapes.SENT_BACK),
    ],
)
@api_view(["POST"])
@permission_classes([ByTable])
def replay_dead_letter(request: Request, key: str) -> Response:
    """Once, whoever else tries. Only what is known not to have played goes back."""
    said = shapes.given(shapes.ReplayIn(data=request.data))
    letter = decisions.replay(key, **said, by=_name(request), now=clock.now())
    doorbell.ring("lovense.dispatch")
    return Response(shapes.letter_json(letter))


@extend_schema(
    operation_id="replay_dead_letters",
    summary="Send all dead letters of a cause back into the queue",
    request=shapes.GroupReplayIn,
    responses={
        200: shapes.GroupReplayed,
        400: refusal("A field breaks a rule"),
        409: refusal(
            "`count_changed`: there are another number now, which is `details.actual`; nothing "
            "was sent back"
        ),
        503: refusal("`not_counted`: they are too many to be counted in time"),
        **_REFUSALS,
    },
    examples=[
        shapes.example("All that were busy", {"cause": "busy", "expect": 11}, is_request=True),
        shapes.example("Sent back", {"replayed": 11, "left": 0}),
    ],
)
@api_view(["POST"])
@permission_classes([ByTable])
def replay_dead_letters(request: Request) -> Response:
    """You say how many they are, as you were shown."""
    said = shapes.given(shapes.GroupReplayIn(data=request.data))
    gone, left = decisions.replay_group(**said, by=_name(request), now=clock.now())
    doorbell.ring("lovense.dispatch")
    return Response({"replayed": gone, "left": left})


def _name(request: Request) -> str:
    return str(request.user.get_username())
