"""The JSON of menus that come in and go out, as the API's description shows it, and rows as that
JSON. Nothing is parsed here."""

from rest_framework import serializers

from ground.json.shapes import Shape
from lovense.api import menuschema
from lovense.api.menuschema import DraftOut, MenuDiffOut, MenuFileItem
from lovense.api.menutermschema import ReactionShape
from lovense.menus import report
from lovense.menus.matching import SHOWS
from lovense.menus.report import ImportedLine
from lovense.menus.shipped import TEMPLATES, Template
from lovense.rows import Json


class MenuFile(Shape):
    format = serializers.CharField()
    items = MenuFileItem(many=True)
    defaultReaction = ReactionShape(required=False, help_text="Left out: yours stays")


class ImportIn(Shape):
    menu = MenuFile(required=False, help_text="As `export` answers it")
    csv = serializers.CharField(
        required=False, help_text="As `export?format=csv` answers it, or a spreadsheet saves it"
    )
    text = serializers.CharField(required=False, help_text="A text menu")
    apply = serializers.BooleanField(
        required=False, help_text="false or left out: nothing is written"
    )
    revision = serializers.IntegerField(
        required=False, min_value=0, help_text="Of the draft that you saw; needed to apply it"
    )


class ImportedLineOut(Shape):
    line = serializers.IntegerField()
    said = serializers.CharField(allow_blank=True, help_text="Its beginning")
    outcome = serializers.ChoiceField((report.TAKEN, report.NOTED, report.REFUSED))
    why = serializers.CharField(allow_blank=True)


class ImportedOut(Shape):
    isApplied = serializers.BooleanField()
    revision = serializers.IntegerField(help_text="Of the draft, now")
    diff = MenuDiffOut(help_text="From the draft as it was to the file")
    lines = ImportedLineOut(many=True, help_text="Of CSV and text: each line is answered")


class TemplateOut(Shape):
    name = serializers.CharField()
    title = serializers.CharField()
    text = serializers.CharField()
    items = serializers.IntegerField(help_text="How many")


class TemplatesOut(Shape):
    templates = TemplateOut(many=True)
    extensionLevels = serializers.IntegerField(
        help_text="How many levels her extension has told; `start` takes them with `extension`"
    )


class ShowCopyIn(Shape):
    to = serializers.ChoiceField(SHOWS)

    def get_fields(self) -> dict[str, serializers.Field]:  # type: ignore[type-arg]
        """`from` is a word of the language."""
        source = serializers.ChoiceField(SHOWS, help_text="Whose items are copied")
        return {"from": source, **super().get_fields()}


class StartIn(Shape):
    revision = serializers.IntegerField(min_value=0)
    template = serializers.ChoiceField(tuple(TEMPLATES), required=False)
    version = serializers.IntegerField(required=False, min_value=1)
    extension = serializers.BooleanField(
        required=False, help_text="true: the levels of her extension"
    )
    show = ShowCopyIn(required=False, help_text="The items of one show copied to another")
    replace = serializers.BooleanField(
        required=False, help_text="The items that are there give way"
    )


class StartedOut(DraftOut):
    lines = ImportedLineOut(many=True, help_text="Of the extension's levels")


def template(each: Template) -> Json:
    return {"name": each.name, "title": each.title, "text": each.text, "items": len(each.items)}


def line(each: ImportedLine) -> Json:
    return {
        "line": each.number,
        "said": each.said,
        "outcome": each.outcome,
        "why": each.why,
    }


FILE = {
    "format": "tip-menu/1",
    "items": [{name: value for name, value in menuschema.ITEM.items() if name != "order"}],
}
LINE = {
    "line": 1,
    "said": "10-20 hello",
    "outcome": "noted",
    "why": "no strength is said, 10 of 20 is supposed; no seconds are said, 10 are supposed.",
}
IMPORTED = {"isApplied": False, "revision": 7, "diff": menuschema.DIFF, "lines": [LINE]}
TEMPLATES_TOLD = {"templates": [template(TEMPLATES["gentle"])], "extensionLevels": 0}
