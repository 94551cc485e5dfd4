"""Dead letters at the wire: the shapes that the API's description shows, and how a letter becomes
one of them."""

from typing import Any

from drf_spectacular.utils import OpenApiExample
from rest_framework import serializers

from ground import clock
from ground.json.shapes import Shape, refusal
from lovense.lane import deadletters, decisions
from lovense.lane.deadletters import Group
from lovense.lane.letter import Letter, NotDead, Resolution, SettledOtherwise

# What every call of staff may be answered.
OF_STAFF = {401: refusal("No token, or an unknown one"), 403: refusal("Not staff")}

# --- what is sent --------------------------------------------------------------------------------


def given(asked: Shape) -> dict[str, Any]:
    """What was said: an optional field is absent or null."""
    asked.is_valid(raise_exception=True)
    return {name: value for name, value in asked.validated_data.items() if value is not None}


class ReviewIn(Shape):
    resolution = serializers.ChoiceField(choices=[one.value for one in Resolution])
    note = serializers.CharField(
        required=False, allow_blank=True, allow_null=True, max_length=decisions.NOTE_LENGTH
    )


class ReplayIn(Shape):
    why = serializers.CharField(
        required=False,
        allow_blank=True,
        allow_null=True,
        max_length=200,
        help_text="For the audit log",
    )


class GroupReplayIn(Shape):
    cause = serializers.CharField(
        required=False,
        allow_blank=True,
        allow_null=True,
        max_length=60,
        help_text="Empty, null or absent: every cause",
    )
    expect = serializers.IntegerField(
        min_value=0, help_text="The count that you were shown (`replayable`)"
    )


class SliceIn(Shape):
    cause = serializers.CharField(
        required=False, allow_blank=True, max_length=60, help_text="Only the letters of this one"
    )
    after = serializers.CharField(
        required=False, allow_blank=True, max_length=80, help_text="`next` of the slice before"
    )
    limit = serializers.IntegerField(
        required=False, min_value=1, max_value=100, default=deadletters.SLICE
    )


# --- what is answered ----------------------------------------------------------------------------


class ReviewOut(Shape):
    resolution = serializers.ChoiceField(choices=[one.value for one in Resolution])
    note = serializers.CharField()
    by = serializers.CharField()
    at = serializers.DateTimeField()


class ToldOut(Shape):
    at = serializers.DateTimeField()
    text = serializers.CharField()


class GateOut(Shape):
    gate = serializers.CharField()
    passed = serializers.BooleanField()
    saw = serializers.JSONField()


class LetterOut(Shape):
    requestId = serializers.CharField()
    tipId = serializers.CharField(
        allow_null=True, help_text="Null for a test, or what was played by hand"
    )
    performerId = serializers.CharField()
    amount = serializers.IntegerField()
    status = serializers.CharField(help_text="dead, or where it stands after a replay")
    cause = serializers.CharField(allow_blank=True)
    attempts = serializers.IntegerField()
    replays = serializers.IntegerField()
    diedAt = serializers.DateTimeField(allow_null=True)
    mayBeReplayed = serializers.BooleanField()
    whyNot = serializers.CharField(allow_blank=True)
    review = ReviewOut(allow_null=True)
    history = ToldOut(many=True)
    gates = GateOut(many=True)


class GroupOut(Shape):
    cause = serializers.CharField()
    count = serializers.IntegerField()
    replayable = serializers.IntegerField(
        allow_null=True,
        help_text="Those that may be sent back: the `expect` of a replay of the group. Null in a "
        "further slice, and where they are too many to be counted in time",
    )
    reviewed = serializers.IntegerField()
    oldest = serializers.DateTimeField()
    newest = serializers.DateTimeField()


class LettersOut(Shape):
    groups = GroupOut(
        many=True,
        help_text="In a further slice, and where they are too many to be counted in time, of the "
        f"{deadletters.LOOKED_AT} that died last",
    )
    items = LetterOut(many=True)
    next = serializers.CharField(allow_null=True, help_text="Give it as `after`; null at the end")


class GroupReplayed(Shape):
    replayed = serializers.IntegerField()
    left = serializers.IntegerField(
        help_text=f"A call sends at most {decisions.MOST_AT_ONCE}; call again with this number"
    )


def letter_json(letter: Letter) -> dict[str, Any]:
    review, request, refusal = letter.review, letter.request, letter.refusal
    return {
        "requestId": letter.request_id,
        "tipId": letter.tip_id or None,
        "performerId": request["lane"],
        "amount": letter.amount,
        "status": letter.status,
        "cause": letter.cause,
        "attempts": request["attempts"],
        "replays": letter.replays,
        "diedAt": clock.iso(request["finished_at"]) if request["finished_at"] else None,
        "mayBeReplayed": refusal is None,
        "whyNot": str(refusal or ""),
        "review": review | {"at": clock.iso(review["at"])} if review else None,
        "history": [{"at": clock.iso(told.at), "text": told.text} for told in letter.history],
        "gates": [
            {name: gate[name] for name in ("gate", "passed", "saw")} for gate in letter.gates
        ],
    }


def group_json(group: Group) -> dict[str, Any]:
    return {
        "cause": group.cause,
        "count": group.count,
        "replayable": group.replayable,
        "reviewed": group.reviewed,
        "oldest": clock.iso(group.oldest),
        "newest": clock.iso(group.newest),
    }


# --- examples ------------------------------------------------------------------------------------

LETTER = {
    "requestId": "0b9a3c1e-6f57-5d0e-9f53-2f6c1c7d8e90",
    "tipId": "507f1f77bcf86cd799439011",
    "performerId": "507f191e810c19729de860eb",
    "amount": 100,
    "status": "dead",
    "cause": "busy",
    "attempts": 4,
    "replays": 0,
    "diedAt": "2026-01-03T04:15:09.000Z",
    "mayBeReplayed": True,
    "whyNot": "",
    "review": None,
    "history": [
        {"at": "2026-01-03T04:15:00.000Z", "text": "attempt 1: handed over to the page"},
        {"at": "2026-01-03T04:15:01.000Z", "text": "attempt 1: busy"},
    ],
    "gates": [{"gate": "settled", "passed": True, "saw": "posted at 2026-01-03T04:14:59.000Z"}],
}
BUSY = {
    "cause": "busy",
    "count": 12,
    "replayable": 11,
    "reviewed": 1,
    "oldest": "2026-01-03T04:15:09.000Z",
    "newest": "2026-01-03T05:02:41.000Z",
}
REVIEW = {"resolution": "refunded", "note": "The platform gave the tokens back."}
REVIEWED = LETTER | {
    "mayBeReplayed": False,
    "whyNot": str(SettledOtherwise({"by": "dina", "resolution": "refunded"})),
    "review": REVIEW | {"by": "dina", "at": "2026-01-03T09:00:00.000Z"},
}
SENT_BACK = (
    LETTER
    | {"status": "pending", "cause": "", "replays": 1, "diedAt": None, "mayBeReplayed": False}
    | {"whyNot": str(NotDead("pending"))}
)


def example(name: str, value: object, *, is_request: bool = False) -> OpenApiExample:
    statuses = None if is_request else ["200"]
    return OpenApiExample(
        name, value, request_only=is_request, response_only=not is_request, status_codes=statuses
    )
