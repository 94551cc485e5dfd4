"""The JSON of a performer's patterns at the wire, as the API's description shows it, and rows as
that JSON. Nothing is parsed here."""

from typing import Any

from drf_spectacular.utils import OpenApiParameter
from rest_framework import serializers

from ground import clock
from ground.json.shapes import Shape
from lovense.api.deviceschema import DEVICE_ID
from lovense.api.schema import AT
from lovense.lane import patterntests
from lovense.menus import waveform
from lovense.menus.vibration import MAXIMUM_LEVEL, SHORTEST_RUN_SECONDS
from lovense.patterns import imports, reading, shipped
from lovense.patterns.imports import FORMAT, LONGEST_NAME, Imported
from lovense.patterns.recording import LATEST_MS
from lovense.patterns.score import LONGEST_TEXT
from lovense.rows import Json, PatternRow
from lovense.timeline import TOP

PATTERN_ID = "3b0d1c52-6a1f-4f0e-9d7c-2f6f0a9a4c11"
PATTERN_PATH = OpenApiParameter(
    "pattern_id", str, OpenApiParameter.PATH, description="Its `patternId`, as the list has it"
)
REVISION = OpenApiParameter(
    "revision", int, required=True, description="The revision of the pattern that you saw"
)
TEXT_HELP = "docs/patterns.md has the grammar"


# --- in ------------------------------------------------------------------------------------------


class PatternIn(Shape):
    name = serializers.CharField(max_length=LONGEST_NAME)
    text = serializers.CharField(max_length=LONGEST_TEXT, help_text=TEXT_HELP)


class PatternChangeIn(Shape):
    revision = serializers.IntegerField(min_value=1)
    name = serializers.CharField(required=False, max_length=LONGEST_NAME)
    text = serializers.CharField(required=False, max_length=LONGEST_TEXT, help_text=TEXT_HELP)


class PatternTextIn(Shape):
    text = serializers.CharField(max_length=LONGEST_TEXT, help_text=TEXT_HELP)


class SampleIn(Shape):
    ms = serializers.IntegerField(min_value=0, max_value=LATEST_MS, help_text="Rising")
    level = serializers.IntegerField(
        min_value=0, max_value=TOP, help_text="Until the next sample; the last one is the end"
    )


class PatternFile(Shape):
    format = serializers.CharField(help_text=FORMAT)
    name = serializers.CharField(required=False, max_length=LONGEST_NAME)
    text = serializers.CharField(max_length=LONGEST_TEXT)


class ActionIn(Shape):
    at = serializers.IntegerField(min_value=0, max_value=LATEST_MS, help_text="ms, never falling")
    pos = serializers.IntegerField(min_value=0, max_value=100)


class FunscriptIn(Shape):
    """Other fields of such a file are passed over."""

    actions = ActionIn(many=True)
    inverted = serializers.BooleanField(required=False)
    range = serializers.IntegerField(required=False, min_value=1, max_value=100)


class PatternImportIn(Shape):
    """One of the three."""

    pattern = PatternFile(required=False)
    samples = SampleIn(many=True, required=False)
    funscript = FunscriptIn(required=False)


class PatternTestIn(Shape):
    deviceId = serializers.CharField(help_text="A device of hers")
    strength = serializers.IntegerField(
        required=False, min_value=1, max_value=MAXIMUM_LEVEL, default=patterntests.STRENGTH
    )
    seconds = serializers.IntegerField(
        required=False,
        min_value=SHORTEST_RUN_SECONDS,
        max_value=patterntests.LONGEST_SECONDS,
        default=patterntests.SECONDS,
    )


# --- out -----------------------------------------------------------------------------------------


class CurveOut(Shape):
    function = serializers.CharField(
        help_text="`Main` where the pattern names none: what the item names, or the main function"
    )
    path = serializers.CharField(help_text="Of an SVG, in a box of 1000 by 20")


class PatternPreviewOut(Shape):
    lengthMs = serializers.IntegerField(help_text="Of one turn")
    peak = serializers.IntegerField()
    segments = serializers.IntegerField(help_text="At most 1000")
    curves = CurveOut(many=True)


class PatternOut(Shape):
    patternId = serializers.CharField()
    name = serializers.CharField()
    item = serializers.CharField(help_text="How an item of the menu names it")
    text = serializers.CharField()
    revision = serializers.IntegerField()
    changedAt = serializers.DateTimeField()


class ShippedPatternOut(Shape):
    name = serializers.CharField(help_text="How an item of the menu names it")
    about = serializers.CharField()
    text = serializers.CharField()


class PatternsOut(Shape):
    patterns = PatternOut(many=True)
    shipped = ShippedPatternOut(many=True)


class PatternChangeOut(Shape):
    code = serializers.CharField()
    text = serializers.CharField()


class ImportedPatternOut(Shape):
    name = serializers.CharField(allow_blank=True, help_text="As the file says it")
    text = serializers.CharField(help_text="What would be saved; nothing is")
    changes = PatternChangeOut(many=True, help_text="What is not as it came")
    preview = PatternPreviewOut()


# --- rows as JSON --------------------------------------------------------------------------------


def pattern(row: PatternRow) -> Json:
    return {
        "patternId": row["_id"],
        "name": row["name"],
        "item": f"my/{row['name']}",
        "text": row["text"],
        "revision": row["revision"],
        "changedAt": clock.iso(row["changed_at"]),
    }


def listed(rows: list[PatternRow]) -> Json:
    coming = [
        {"name": name, "about": shipped.about(name), "text": text}
        for name, text in shipped.TEXTS.items()
    ]
    return {"patterns": [pattern(row) for row in rows], "shipped": coming}


def preview(text: str) -> Json:
    """Raises InvalidPattern."""
    drawn = reading.drawn(text)
    return {
        "lengthMs": drawn.length_ms,
        "peak": drawn.peak,
        "segments": reading.read(text).size.segments,
        "curves": [each._asdict() for each in waveform.paths(drawn)],
    }


def imported(found: Imported) -> Json:
    changes = [{"code": each.code, "text": each.text} for each in found.changes]
    about = {"name": found.name, "text": found.text, "changes": changes}
    return about | {"preview": preview(found.text)}


# --- examples ------------------------------------------------------------------------------------

TEXT = "3>16 4s, 16 1s\n16>3 4s\n"
ASKED: dict[str, Any] = {"name": "Tide", "text": TEXT}
PATTERN = {
    "patternId": PATTERN_ID,
    "item": "my/Tide",
    "revision": 1,
    "changedAt": AT,
} | ASKED
LIST = {
    "patterns": [PATTERN],
    "shipped": [{"name": "pulse", "about": shipped.about("pulse"), "text": shipped.TEXTS["pulse"]}],
}
PREVIEW = preview("0 1s, 10 1s")
FILE = imports.written("Tide", TEXT)
IMPORTED = {
    "name": "",
    "text": "5 1s\n",
    "changes": [{"code": "begins_at_0", "text": "It begins with its first sample."}],
    "preview": preview("5 1s\n"),
}
TEST = {"deviceId": DEVICE_ID, "seconds": 8}
