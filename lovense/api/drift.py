"""REST door of the drift: for which amounts her extension does something else than her menu says.

Hers alone, by her session or her token."""

from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.decorators import api_view
from rest_framework.request import Request
from rest_framework.response import Response

from ground.json.shapes import Shape
from lovense.api.calls import OF_READING, answering_outages, performer_of
from lovense.api.schema import AT, example
from lovense.deciding import drift
from lovense.deciding.drift import DriftAnswer, LevelDrift
from lovense.deciding.rules import Rules
from lovense.rows import Json


class DriftAnswerOut(Shape):
    title = serializers.CharField()
    pattern = serializers.CharField(help_text="`level`, a preset or a special command")
    strength = serializers.IntegerField(
        allow_null=True, help_text="0 to 20; null: it has none of its own"
    )
    seconds = serializers.IntegerField(allow_null=True, help_text="null: it is not told")


class DriftOut(Shape):
    minimum = serializers.IntegerField()
    maximum = serializers.IntegerField(allow_null=True, help_text="null: and all above")
    differs = serializers.ListField(
        child=serializers.ChoiceField(drift.DIFFERENCES),
        help_text="`nothing`: one of both does nothing; `still`: the level does not move the toy",
    )
    menu = DriftAnswerOut(allow_null=True, help_text="null: nothing")
    extension = DriftAnswerOut(allow_null=True, help_text="null: nothing")


class DriftsOut(Shape):
    settingsAt = serializers.DateTimeField(
        allow_null=True, help_text="When the extension told its levels; null: it has not yet"
    )
    unread = serializers.IntegerField(help_text="Of its levels and commands, not readable")
    minimum = serializers.IntegerField(help_text="Smaller tips are not handed over")
    drift = DriftOut(many=True)


_SOFT = {"title": "Soft wave", "pattern": "wave", "strength": 8, "seconds": 2}
_LEVEL = {"title": "Extension: level 2", "pattern": "level", "strength": 8, "seconds": 5}
DRIFTS = {
    "settingsAt": AT,
    "unread": 0,
    "minimum": 10,
    "drift": [
        {
            "minimum": 10,
            "maximum": 99,
            "differs": ["seconds", "pattern"],
            "menu": _SOFT,
            "extension": _LEVEL,
        },
        {
            "minimum": 100,
            "maximum": None,
            "differs": ["nothing"],
            "menu": _SOFT,
            "extension": None,
        },
    ],
}


@extend_schema(
    operation_id="lovense_drift",
    summary="Where her extension and her menu differ",
    description="On the path `EXTENSION` her menu is what viewers read, and the extension's own "
    "levels are what her toys do. Every range of amounts for which these are not the same, by what "
    "the extension has told last.",
    responses={200: DriftsOut, **OF_READING},
    examples=[example("Two ranges differ", DRIFTS, 200)],
)
@api_view(["GET"])
@answering_outages
def drifts(request: Request) -> Response:
    """Reads only."""
    whose = performer_of(request)
    found = drift.of(whose, Rules.read([whose]))
    told = {"settingsAt": found.settings_at, "unread": found.unread, "minimum": found.minimum}
    return Response({**told, "drift": [_shown(each) for each in found.found]})


def _shown(found: LevelDrift) -> Json:
    return {
        "minimum": found.minimum,
        "maximum": found.maximum,
        "differs": list(found.differs),
        "menu": _answer(found.menu),
        "extension": _answer(found.extension),
    }


def _answer(found: DriftAnswer | None) -> Json | None:
    if found is None:
        return None
    return {
        "title": found.title,
        "pattern": found.pattern,
        "strength": found.strength,
        "seconds": found.seconds,
    }
