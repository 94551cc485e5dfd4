"""The JSON of the performance queue at the wire, as the API's description shows it. Nothing is
parsed here."""

from typing import Any

from drf_spectacular.utils import OpenApiExample, OpenApiParameter, extend_schema_field
from rest_framework import serializers

from ground.audit.log import LONGEST_WHY
from ground.json.fields import MAX_AMOUNT
from ground.json.shapes import Shape
from lovense.lane import submissions
from lovense.menus import publishing, vibration
from lovense.models import ActivationStatus
from tips.models import Mode, Priority, RequestStatus, RequestType
from tips.schema import PERFORMER_ID, TIP_ID, HexId

AT = "2026-01-03T04:15:00.000Z"
REQUEST_ID = "0f3b9f5e-2c56-5e5b-9d0a-3c1e8a5f7b21"
REQUEST_PATH = OpenApiParameter(
    "request_id",
    str,
    OpenApiParameter.PATH,
    description="As `submit` answered it, or the lane lists it",
)


def example(name: str, value: Any, *statuses: int) -> OpenApiExample:
    """Of an answer with these statuses; of the body of a call without any."""
    if statuses:
        return OpenApiExample(
            name, value, response_only=True, status_codes=[str(status) for status in statuses]
        )
    return OpenApiExample(name, value, request_only=True)


# --- in ------------------------------------------------------------------------------------------

PRIORITY_NUMBERS = tuple((number, str(number)) for number in Priority.values)


class ItemIn(Shape):
    pattern = serializers.ChoiceField(vibration.PATTERNS)
    intensity = serializers.IntegerField(min_value=1, max_value=vibration.MAXIMUM_LEVEL)
    durationSec = serializers.IntegerField(
        min_value=1,
        max_value=vibration.LONGEST_ITEM_SECONDS,
        help_text="The caps of the platform and of the performer bind",
    )
    title = serializers.CharField(required=False, max_length=publishing.MAXIMUM_TITLE)


@extend_schema_field(
    {
        "oneOf": [
            {"type": "string", "enum": Priority.names},
            {"type": "integer", "enum": Priority.values},
        ]
    }
)
class PriorityIn(serializers.Field):  # type: ignore[type-arg]
    """Described only, as all of these."""


class SubmissionIn(Shape):
    """Give either `amount` or `item`."""

    type = serializers.ChoiceField(submissions.TYPES)
    amount = serializers.IntegerField(
        required=False,
        min_value=1,
        max_value=MAX_AMOUNT,
        help_text="Plays what her published menu answers to it; moves no tokens",
    )
    item = ItemIn(required=False)
    priority = PriorityIn(required=False, default="NORMAL", help_text="Its name or its number")
    idempotencyKey = serializers.RegexField(
        r"^[A-Za-z0-9_.\-]{1,120}$",
        required=False,
        help_text="Yours; the same again answers the request that exists. Default: derived from "
        "X-Request-ID and the content",
    )
    performerId = HexId(
        required=False,
        help_text="Whose lane; an administrator has to say it, a performer has her own",
    )


_WHOSE: dict[str, Any] = {
    "required": False,
    "help_text": "Whose lane; an administrator has to say it, a performer has her own",
}
_WHY: dict[str, Any] = {
    "required": False,
    "max_length": LONGEST_WHY,
    "help_text": "For the audit log",
}


class LaneIn(Shape):
    performerId = HexId(**_WHOSE)


class PauseIn(LaneIn):
    until = serializers.DateTimeField(
        required=False, help_text="In the future, at most 366 days; without it, until she resumes"
    )
    when = serializers.ChoiceField(
        ("after", "now"),
        required=False,
        help_text="`after` (default): what plays, plays to its end; `now`: it is skipped",
    )
    why = serializers.CharField(**_WHY)


class PlayOneIn(LaneIn):
    requestId = serializers.CharField(
        required=False, max_length=36, help_text="Only if this one is still the next"
    )


class PlayingOne(Shape):
    requestId = serializers.CharField(help_text="The one that starts")


class PlaceIn(Shape):
    before = serializers.CharField(
        required=False, allow_null=True, max_length=36, help_text="null: behind all of `order`"
    )
    order = serializers.ListField(
        child=serializers.CharField(max_length=36),
        max_length=200,
        help_text="What was seen to wait, in its order, the moved one among it",
    )


class SkipIn(LaneIn):
    requestId = serializers.CharField(
        required=False, max_length=36, help_text="Only if this one is still running"
    )
    why = serializers.CharField(**_WHY)


class ClearIn(LaneIn):
    expected = serializers.IntegerField(min_value=0, max_value=10**9)
    why = serializers.CharField(**_WHY)


class ModeIn(LaneIn):
    mode = serializers.ChoiceField(Mode.choices, allow_null=True, help_text="null: the platform's")


# --- out -----------------------------------------------------------------------------------------


class PlayedSlice(Shape):
    start = serializers.IntegerField(help_text="In seconds of the run")
    until = serializers.IntegerField()
    state = serializers.CharField(
        help_text="planned, claimed, accepted, refused, unknown, missed, stopped"
    )


class PlayedDevice(Shape):
    toyId = serializers.CharField()
    nickname = serializers.CharField()
    offsetMs = serializers.IntegerField(help_text="So much later than the run it begins")
    note = serializers.CharField(
        allow_null=True, help_text="Where its path could not keep when it was to begin"
    )
    promisedSeconds = serializers.IntegerField()
    deliveredSeconds = serializers.FloatField(allow_null=True)
    outcome = serializers.CharField(
        allow_null=True, help_text="played, away, unsupported, stopped, unknown; null: not over"
    )
    code = serializers.CharField(allow_null=True, help_text="What its last answer meant")
    slices = PlayedSlice(many=True)


class PlayedNote(Shape):
    code = serializers.CharField()
    text = serializers.CharField()


class RequestActivation(Shape):
    activationId = serializers.CharField()
    status = serializers.ChoiceField(ActivationStatus.choices)
    reason = serializers.CharField(
        help_text="A stable code; empty when there is nothing to explain"
    )
    text = serializers.CharField(help_text="One sentence for people")
    notes = PlayedNote(many=True, help_text="What is not played as it was asked")
    promisedSeconds = serializers.IntegerField()
    deliveredSeconds = serializers.FloatField(allow_null=True)
    isCancelling = serializers.BooleanField(
        help_text="Somebody wants it ended, and the page has not confirmed the end yet"
    )
    isPartial = serializers.BooleanField(
        help_text="It has played to its end, and some of its `devices` have not"
    )
    devices = PlayedDevice(many=True, help_text="Of a run that is told in slices; else empty")


class RequestOut(Shape):
    requestId = serializers.CharField()
    type = serializers.ChoiceField(RequestType.choices)
    status = serializers.ChoiceField(RequestStatus.choices)
    priority = serializers.ChoiceField(
        PRIORITY_NUMBERS, help_text="With which it waits, where the queue goes by priority"
    )
    performerId = HexId()
    tipId = HexId(allow_null=True, help_text="null unless a settled tip made it")
    amount = serializers.IntegerField(help_text="0 for an item of its own")
    tipper = serializers.CharField(help_text="Who tipped or submitted; `Anonymous` stays so")
    submittedBy = serializers.CharField(allow_null=True)
    attempts = serializers.IntegerField()
    createdAt = serializers.DateTimeField()
    availableAt = serializers.DateTimeField(help_text="It does not start before that")
    delayedBy = serializers.CharField(
        allow_null=True, help_text="The limit that made it wait, as `rate_limit`"
    )
    claimedAt = serializers.DateTimeField(allow_null=True)
    finishedAt = serializers.DateTimeField(allow_null=True)
    cause = serializers.CharField(
        allow_null=True, help_text="Of a failed or dead one: why, as a stable code"
    )
    lastError = serializers.CharField(allow_null=True)


class Eta(Shape):
    at = serializers.DateTimeField(
        allow_null=True, help_text="null when nobody can know: `why` says why not"
    )
    seconds = serializers.FloatField(allow_null=True)
    isEstimate = serializers.BooleanField(
        help_text="By the average of those before it: it is far behind"
    )
    why = serializers.CharField(
        allow_blank=True,
        help_text="`draining`, `stopped`, `paused`, `no_page`, `no_device` or `too_far`; else "
        "empty",
    )


class WaitingOut(RequestOut):
    eta = Eta()


class StatusOut(RequestOut):
    eta = Eta(allow_null=True, help_text="null when it does not wait")
    place = serializers.IntegerField(
        allow_null=True, help_text="1 is next; null when it does not wait, or far behind"
    )
    activation = RequestActivation(allow_null=True, help_text="null before its turn")


class SubmittedOut(StatusOut):
    """What `status` answers."""


class Cleared(Shape):
    cleared = serializers.IntegerField()


class PausedOut(Shape):
    since = serializers.DateTimeField()
    until = serializers.DateTimeField(allow_null=True, help_text="null: until she resumes")
    by = serializers.CharField(allow_blank=True)
    why = serializers.CharField(allow_blank=True)


class StoppedOut(Shape):
    since = serializers.DateTimeField()
    by = serializers.CharField(allow_blank=True)
    why = serializers.CharField(allow_blank=True)


class LaneOut(Shape):
    performerId = HexId()
    mode = serializers.ChoiceField(Mode.choices)
    isPlatformMode = serializers.BooleanField(help_text="She has chosen none of her own")
    paused = PausedOut(allow_null=True)
    stopped = StoppedOut(allow_null=True, help_text="Her stop; only she lifts it")
    isDraining = serializers.BooleanField(help_text="The whole deployment starts nothing new")
    running = RequestOut(
        many=True, help_text="What plays; more than one where a batch plays as one run"
    )
    waiting = WaitingOut(many=True, help_text="The next ones, in the order of their turns")
    waitingCount = serializers.IntegerField()
    isCountedOut = serializers.BooleanField(help_text="False: there are more than waitingCount")


# --- examples ------------------------------------------------------------------------------------

TEST = {
    "type": "lovense.test",
    "item": {"pattern": "pulse", "intensity": 8, "durationSec": 5},
    "idempotencyKey": "test-1",
}
MANUAL = {"type": "lovense.manual", "amount": 100, "priority": "HIGH"}
REQUEST = {
    "requestId": REQUEST_ID,
    "type": "lovense.test",
    "status": "pending",
    "priority": 5,
    "performerId": PERFORMER_ID,
    "tipId": None,
    "amount": 0,
    "tipper": "ana",
    "submittedBy": "ana",
    "attempts": 0,
    "createdAt": AT,
    "availableAt": AT,
    "delayedBy": None,
    "claimedAt": None,
    "finishedAt": None,
    "cause": None,
    "lastError": None,
}
ETA = {"at": AT, "seconds": 12.4, "isEstimate": False, "why": ""}
WAITING = REQUEST | {"place": 1, "eta": ETA, "activation": None}
PLAYED = {
    "activationId": "test-5d0b6f1c2a525a0e9a633d1f0f6f2f10.all",
    "status": "completed",
    "reason": "",
    "text": "“Test” played for 5 s.",
    "notes": [],
    "promisedSeconds": 5,
    "deliveredSeconds": 5.0,
    "isCancelling": False,
    "isPartial": False,
    "devices": [],
}
COMPLETED = REQUEST | {
    "status": "completed",
    "attempts": 1,
    "claimedAt": AT,
    "finishedAt": AT,
    "place": None,
    "eta": None,
    "activation": PLAYED,
}
TIP = REQUEST | {
    "type": "TipActivated",
    "priority": 10,
    "tipId": TIP_ID,
    "amount": 100,
    "tipper": "user123",
    "submittedBy": None,
}
LANE = {
    "performerId": PERFORMER_ID,
    "mode": "fifo",
    "isPlatformMode": True,
    "paused": None,
    "stopped": None,
    "isDraining": False,
    "running": [TIP | {"status": "claimed", "attempts": 1, "claimedAt": AT}],
    "waiting": [REQUEST | {"eta": ETA}],
    "waitingCount": 1,
    "isCountedOut": True,
}
CANCELLED = REQUEST | {"status": "cancelled", "finishedAt": AT, "place": None, "eta": None}
CANCELLED |= {
    "activation": PLAYED
    | {
        "status": "cancelled",
        "reason": "cancelled",
        "text": "Taken out of the queue before it was sent: nothing played.",
        "deliveredSeconds": None,
    }
}
CANCELLING = COMPLETED | {"status": "claimed", "finishedAt": None}
CANCELLING |= {
    "activation": PLAYED
    | {
        "status": "activated",
        "text": "Being ended: its page is told to, and has not answered yet.",
        "deliveredSeconds": None,
        "isCancelling": True,
        "devices": [],
    }
}
_BEFORE = "5f0c9d1e-2c56-5e5b-9d0a-3c1e8a5f7b21"
PLACE = {"before": _BEFORE, "order": [_BEFORE, REQUEST_ID]}
PAUSE = {"until": "2026-01-03T05:00:00.000Z", "why": "a break"}
PAUSED = LANE | {"paused": {"since": AT, "until": PAUSE["until"], "by": "ana", "why": "a break"}}
BY_PRIORITY = {"mode": "priority", "isPlatformMode": False}
