"""The JSON of a menu's terms at the wire, as the API's description shows it: the default reaction,
who is passed over, cooldowns, stock, chance. Nothing is parsed here."""

from typing import Any

from rest_framework import serializers

from ground.json.shapes import Shape
from lovense.deciding.stock import Shelf
from lovense.menus import chance, vibration
from lovense.menus.matching import PASSED_WORDS
from lovense.rows import Json


class ReactionShape(Shape):
    active = serializers.BooleanField()
    pattern = serializers.ChoiceField(vibration.PATTERNS)
    intensity = serializers.IntegerField(min_value=1, max_value=vibration.MAXIMUM_LEVEL)
    durationSec = serializers.IntegerField(min_value=1, max_value=vibration.LONGEST_ITEM_SECONDS)


def _bounds(most: int) -> type[Shape]:
    end: dict[str, Any] = {"min_value": 1, "max_value": most}
    return type(
        f"RandomUpTo{most}",
        (Shape,),
        {"from": serializers.IntegerField(**end), "to": serializers.IntegerField(**end)},
    )


class WeightedPattern(Shape):
    pattern = serializers.CharField()
    weight = serializers.IntegerField(min_value=1, max_value=chance.HEAVIEST)


class RandomShape(Shape):
    """What is drawn for each tip; of what is drawn the item's own field holds the highest, and the
    first of the patterns."""

    intensity = _bounds(vibration.MAXIMUM_LEVEL)(required=False)
    durationSec = _bounds(vibration.LONGEST_ITEM_SECONDS)(required=False)
    patterns = serializers.ListField(
        child=WeightedPattern(),
        required=False,
        min_length=1,
        max_length=chance.MOST_PATTERNS,
        help_text="Each is drawn as often as its weight says",
    )


class ReactionIn(Shape):
    active = serializers.BooleanField(required=False)
    pattern = serializers.ChoiceField(vibration.PATTERNS, required=False)
    intensity = serializers.IntegerField(
        required=False, min_value=1, max_value=vibration.MAXIMUM_LEVEL
    )
    durationSec = serializers.IntegerField(
        required=False, min_value=1, max_value=vibration.LONGEST_ITEM_SECONDS
    )
    revision = serializers.IntegerField(
        min_value=0, help_text="The revision of the draft that you saw"
    )


class ReactionOut(ReactionShape):
    revision = serializers.IntegerField(help_text="Of the draft, after this")


class ReactionChangeOut(Shape):
    before = ReactionShape(allow_null=True, help_text="null: off")
    after = ReactionShape(allow_null=True, help_text="null: off")


class ResetOut(Shape):
    reset = serializers.ListField(
        child=serializers.CharField(), help_text="The ids of the items that cooled down"
    )


class PassedOut(Shape):
    itemId = serializers.CharField()
    title = serializers.CharField()
    why = serializers.ChoiceField(tuple(PASSED_WORDS))


class StockOut(Shape):
    itemId = serializers.CharField()
    pieces = serializers.IntegerField(help_text="How many there are since the last refill")
    left = serializers.IntegerField()
    unknown = serializers.IntegerField(
        help_text="Kept, since nobody knows whether they played; `give-back` gives them back"
    )


def shelf(item_id: str, found: Shelf) -> Json:
    return {
        "itemId": item_id,
        "pieces": found.pieces,
        "left": found.left,
        "unknown": found.unknown,
    }


REACTION: dict[str, Any] = {"active": False, "pattern": "level", "intensity": 10, "durationSec": 5}
