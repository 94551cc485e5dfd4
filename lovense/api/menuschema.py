"""The JSON of a performer's tip menu at the wire, as the API's description shows it, and rows as
that JSON. Nothing is parsed here."""

from collections.abc import Mapping, Sequence
from typing import Any

from drf_spectacular.utils import OpenApiParameter
from rest_framework import serializers

from ground import clock
from ground.json.shapes import Shape
from lovense.api.menutermschema import (
    REACTION,
    RandomShape,
    ReactionChangeOut,
    ReactionShape,
)
from lovense.api.schema import AT
from lovense.menus import content, parts, reactions, versions, vibration
from lovense.menus.content import MenuDiff
from lovense.menus.drafts import Draft
from lovense.menus.matching import PRIORITIES, SHOWS, Item
from lovense.menus.publishing import (
    LARGEST_STOCK,
    LONGEST_COOLDOWN,
    MAXIMUM_AMOUNT,
    MAXIMUM_DESCRIPTION,
    MAXIMUM_ITEMS,
    MAXIMUM_SECTION,
    MAXIMUM_TITLE,
)
from lovense.menus.versions import LONGEST_NOTE
from lovense.menus.vibration import LONGEST_PAUSE, MAXIMUM_LOOPS
from lovense.rows import Json, MenuRow
from lovense.timeline import FULL_SCALE

ITEM_ID = "0f3b9f5e-2c56-4e5b-9d0a-3c1e8a5f7b21"
ITEM_PATH = OpenApiParameter(
    "item_id", str, OpenApiParameter.PATH, description="Its `itemId`, as the draft lists it"
)
VERSION_PATH = OpenApiParameter(
    "version", str, OpenApiParameter.PATH, description="A number of the history"
)
REVISION = OpenApiParameter(
    "revision", int, required=True, description="The revision of the draft that you saw"
)
PRIORITY_HELP = "How a tip for it waits, where the queue goes by priority; HIGH: as every tip"
PATTERN_HELP = f"One of {', '.join(vibration.PATTERNS)}, or `my/` and the name of a pattern of hers"


# --- in ------------------------------------------------------------------------------------------


class ItemDevice(Shape):
    device = serializers.CharField(
        max_length=parts.LONGEST_NAME,
        help_text="Its nickname, its toy's id, or its id; answered as the toy's id",
    )
    offsetMs = serializers.IntegerField(
        required=False,
        min_value=0,
        max_value=parts.LONGEST_OFFSET,
        help_text="So much later than the run it starts; 0 if left out",
    )


class ItemParts(Shape):
    """What an item says of its vibration beside pattern, strength and seconds."""

    functions = serializers.DictField(
        child=serializers.IntegerField(min_value=1, max_value=FULL_SCALE),
        required=False,
        help_text="Function → scale in percent; empty: the main function of each device",
    )
    loops = serializers.IntegerField(required=False, min_value=1, max_value=MAXIMUM_LOOPS)
    pauseSec = serializers.IntegerField(
        required=False, min_value=0, max_value=LONGEST_PAUSE, help_text="Between two loops"
    )
    rampInSec = serializers.IntegerField(
        required=False, min_value=0, max_value=vibration.LONGEST_ITEM_SECONDS
    )
    rampOutSec = serializers.IntegerField(
        required=False, min_value=0, max_value=vibration.LONGEST_ITEM_SECONDS
    )
    devices = serializers.ListField(
        child=ItemDevice(), required=False, help_text="Empty: all of them, together"
    )
    random = RandomShape(required=False, allow_null=True, help_text="null: nothing is drawn")


class MenuItemIn(ItemParts):
    title = serializers.CharField(required=False, max_length=MAXIMUM_TITLE)
    description = serializers.CharField(
        required=False, allow_blank=True, max_length=MAXIMUM_DESCRIPTION
    )
    section = serializers.CharField(
        required=False, allow_blank=True, max_length=MAXIMUM_SECTION, help_text="Its heading"
    )
    minimum = serializers.IntegerField(required=False, min_value=1, max_value=MAXIMUM_AMOUNT)
    maximum = serializers.IntegerField(
        required=False,
        allow_null=True,
        min_value=1,
        max_value=MAXIMUM_AMOUNT,
        help_text="null: an open end",
    )
    amount = serializers.IntegerField(
        required=False,
        min_value=1,
        max_value=MAXIMUM_AMOUNT,
        help_text="Instead of an equal minimum and maximum",
    )
    pattern = serializers.CharField(required=False, help_text=PATTERN_HELP)
    intensity = serializers.IntegerField(
        required=False, min_value=1, max_value=vibration.MAXIMUM_LEVEL
    )
    durationSec = serializers.IntegerField(
        required=False, min_value=1, max_value=vibration.LONGEST_ITEM_SECONDS
    )
    active = serializers.BooleanField(
        required=False, help_text="false: it stays in the menu and answers no amount"
    )
    shows = serializers.ListField(
        required=False, child=serializers.ChoiceField(SHOWS), help_text="Where; empty: everywhere"
    )
    priority = serializers.ChoiceField(PRIORITIES, required=False, help_text=PRIORITY_HELP)
    cooldownSec = serializers.IntegerField(
        required=False,
        min_value=0,
        max_value=LONGEST_COOLDOWN,
        help_text="So long after a run of it began it does not answer; 0: always",
    )
    stock = serializers.IntegerField(
        required=False,
        allow_null=True,
        min_value=0,
        max_value=LARGEST_STOCK,
        help_text="How many there are until it is filled up again; null: no end",
    )
    order = serializers.IntegerField(
        required=False, min_value=1, max_value=MAXIMUM_ITEMS, help_text="Its place, from 1"
    )
    revision = serializers.IntegerField(
        required=False,
        min_value=0,
        help_text="The revision of the draft that you saw. Adding an item overwrites nothing, and "
        "may leave it out; a change must name it",
    )


class MenuOrderIn(Shape):
    revision = serializers.IntegerField(min_value=0)
    itemIds = serializers.ListField(
        child=serializers.CharField(), help_text="All of them, as they are to stand"
    )


class PublishIn(Shape):
    revision = serializers.IntegerField(
        required=False,
        min_value=0,
        help_text="The revision of the draft that you saw: another one is refused. Left out: the "
        "draft as it is",
    )
    note = serializers.CharField(
        required=False, allow_blank=True, max_length=LONGEST_NOTE, help_text="For the history"
    )
    withdraw = serializers.BooleanField(
        required=False,
        help_text="The version in force was a mistake: tips that were made while it was get the "
        "new one",
    )


class MenuFileItem(ItemParts):
    itemId = serializers.CharField(required=False, help_text="Left out: a new one")
    title = serializers.CharField()
    description = serializers.CharField(allow_blank=True, required=False)
    section = serializers.CharField(allow_blank=True, required=False)
    minimum = serializers.IntegerField()
    maximum = serializers.IntegerField(allow_null=True)
    pattern = serializers.CharField(help_text=PATTERN_HELP)
    intensity = serializers.IntegerField()
    durationSec = serializers.IntegerField()
    active = serializers.BooleanField(required=False)
    shows = serializers.ListField(required=False, child=serializers.ChoiceField(SHOWS))
    priority = serializers.ChoiceField(PRIORITIES, required=False)
    cooldownSec = serializers.IntegerField(required=False)
    stock = serializers.IntegerField(required=False, allow_null=True)


# --- out -----------------------------------------------------------------------------------------


class MenuItemOut(ItemParts):
    itemId = serializers.CharField(help_text="Ours; the same for the item's whole life")
    title = serializers.CharField()
    description = serializers.CharField(allow_blank=True)
    section = serializers.CharField(allow_blank=True)
    minimum = serializers.IntegerField()
    maximum = serializers.IntegerField(allow_null=True)
    pattern = serializers.CharField(help_text=PATTERN_HELP)
    intensity = serializers.IntegerField()
    durationSec = serializers.IntegerField()
    active = serializers.BooleanField()
    shows = serializers.ListField(
        child=serializers.ChoiceField(SHOWS), help_text="Where; empty: everywhere"
    )
    priority = serializers.ChoiceField(PRIORITIES, help_text=PRIORITY_HELP)
    cooldownSec = serializers.IntegerField(help_text="0: none")
    stock = serializers.IntegerField(allow_null=True, help_text="null: no end")
    order = serializers.IntegerField(help_text="Its place, from 1")


class ChangedItemOut(MenuItemOut):
    revision = serializers.IntegerField(help_text="Of the draft, after this")


class MenuVersionOut(Shape):
    version = serializers.IntegerField()
    publishedAt = serializers.DateTimeField()
    publishedBy = serializers.CharField(allow_blank=True)
    note = serializers.CharField(allow_blank=True)
    basedOn = serializers.IntegerField(
        allow_null=True, help_text="Rolled back to the content of that version"
    )
    retiredAt = serializers.DateTimeField(allow_null=True, help_text="null: it is in force")
    withdrawnAt = serializers.DateTimeField(
        allow_null=True, help_text="It was a mistake: tips that saw it get the next one"
    )
    commitment = serializers.CharField(
        allow_null=True, help_text="SHA-256 of the secret of its draws; null: it draws nothing"
    )


class WholeVersionOut(MenuVersionOut):
    items = MenuItemOut(many=True)
    defaultReaction = ReactionShape(allow_null=True, help_text="null: it is off")


class VersionsOut(Shape):
    versions = MenuVersionOut(many=True, help_text="The newest first")
    next = serializers.IntegerField(allow_null=True, help_text="`before` of those that follow")


class DraftOut(Shape):
    revision = serializers.IntegerField()
    items = MenuItemOut(many=True)
    defaultReaction = ReactionShape(help_text="Where no item answers")
    published = MenuVersionOut(allow_null=True, help_text="In force; null: none yet")
    isChanged = serializers.BooleanField(help_text="The draft differs from what is published")


class RevisionOut(Shape):
    revision = serializers.IntegerField(help_text="Of the draft, after this")


class FieldChangeOut(Shape):
    field = serializers.CharField()
    before = serializers.JSONField(allow_null=True)
    after = serializers.JSONField(allow_null=True)


class ItemChangeOut(Shape):
    itemId = serializers.CharField()
    title = serializers.CharField()
    fields = FieldChangeOut(many=True)  # type: ignore[assignment]


class MenuDiffOut(Shape):
    added = MenuItemOut(many=True)
    removed = MenuItemOut(many=True)
    changed = ItemChangeOut(many=True)
    moved = serializers.ListField(
        child=serializers.CharField(),
        help_text="The ids of the fewest items whose moving explains the new order",
    )
    defaultReaction = ReactionChangeOut(allow_null=True, help_text="null: it does not differ")


# --- rows as JSON --------------------------------------------------------------------------------


def item(row: Item) -> Json:
    return content.whole(row) | {"order": row["order"]}


def items(rows: Sequence[Item]) -> list[Json]:
    return content.numbered(map(content.whole, rows))


def changed_item(draft: Draft, item_id: str) -> Json:
    found = next(each for each in items(draft.items) if each["itemId"] == item_id)
    return found | {"revision": draft.revision}


def version(row: MenuRow) -> Json:
    retired_at, withdrawn_at = row.get("retired_at"), row.get("withdrawn_at")
    return {
        "version": row["version"],
        "publishedAt": clock.iso(row["published_at"]),
        "publishedBy": row.get("published_by", ""),
        "note": row.get("note", ""),
        "basedOn": row.get("based_on"),
        "retiredAt": clock.iso(retired_at) if retired_at else None,
        "withdrawnAt": clock.iso(withdrawn_at) if withdrawn_at else None,
        "commitment": row.get("commitment") or None,
    }


def whole_version(row: MenuRow) -> Json:
    listed, reaction = versions.said(row)
    return version(row) | {"items": items(listed), "defaultReaction": reaction}


def draft(found: Draft, published: MenuRow | None, texts: Mapping[str, str]) -> Json:
    """`texts`: of the patterns of hers that it names."""
    was = versions.said(published) if published else ([], None)
    return {
        "revision": found.revision,
        "items": items(found.items),
        "defaultReaction": found.reaction or reactions.usual(),
        "published": version(published) if published else None,
        "isChanged": was != versions.said_by(found, texts),
    }


def diff(found: MenuDiff, before: Sequence[Item], after: Sequence[Item]) -> Json:
    removed = {each["itemId"] for each in found.removed}
    added = {each["itemId"] for each in found.added}
    return {
        "added": [each for each in items(after) if each["itemId"] in added],
        "removed": [each for each in items(before) if each["itemId"] in removed],
        "changed": [
            {
                "itemId": each.item["itemId"],
                "title": each.item["title"],
                "fields": [
                    {"field": name, "before": was, "after": now}
                    for name, (was, now) in each.fields.items()
                ],
            }
            for each in found.changed
        ],
        "moved": [each["itemId"] for each in found.moved],
        "defaultReaction": found.reaction
        and {"before": found.reaction[0], "after": found.reaction[1]},
    }


# --- examples ------------------------------------------------------------------------------------

ASKED: dict[str, Any] = {
    "title": "Soft wave",
    "section": "Quick hello",
    "minimum": 25,
    "maximum": 49,
    "pattern": "wave",
    "intensity": 8,
    "durationSec": 8,
}
TERMS: dict[str, Any] = {"shows": [], "priority": "HIGH"} | {
    "cooldownSec": 0,
    "stock": None,
    "random": None,
}
PARTS: dict[str, Any] = dict(parts.USUAL)
ITEM = {"itemId": ITEM_ID, "description": "", "active": True, "order": 1} | ASKED | PARTS | TERMS
VERSION = {
    "version": 3,
    "publishedAt": AT,
    "publishedBy": "ana",
    "note": "Gentler in the evening",
    "basedOn": None,
    "retiredAt": None,
    "withdrawnAt": None,
    "commitment": None,
}
WHOLE_VERSION = VERSION | {"items": [ITEM], "defaultReaction": None}
OLD_VERSION = VERSION | {"version": 2, "note": "", "retiredAt": AT}
DRAFT = {
    "revision": 7,
    "items": [ITEM],
    "defaultReaction": REACTION,
    "published": VERSION,
    "isChanged": False,
}
DIFF = {
    "added": [],
    "removed": [],
    "changed": [
        {
            "itemId": ITEM_ID,
            "title": "Soft wave",
            "fields": [{"field": "intensity", "before": 8, "after": 10}],
        }
    ],
    "moved": [],
    "defaultReaction": None,
}
