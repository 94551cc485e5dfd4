"""A performer's preferences in the OpenAPI schema: each field, and what may be said of it."""

from django.conf import settings
from rest_framework import serializers

from ground.json.fields import MAX_AMOUNT
from ground.json.shapes import Shape
from lovense.deciding import rest
from lovense.menus.vibration import LONGEST_ITEM_SECONDS, MAXIMUM_LEVEL, SHORTEST_RUN_SECONDS
from lovense.models import OwedPolicy
from lovense.performers import sections
from tips.models import Mode

PREFERENCES = {
    "bridge": "SIMULATOR",
    "maximumIntensity": 12,
    "maximumSeconds": 20,
    "maximumContinuousSeconds": 120,
    "restSeconds": None,
    "minimumTip": None,
    "queueMode": None,
    "owedPolicy": "report",
    "autoConnect": None,
    "showsNames": True,
    "showsMessages": True,
    "hiddenWords": [],
    "noticeSound": True,
    "noticeTitle": True,
    "noticeDesktop": False,
    "noticeVibration": False,
    "noticeEmail": None,
    "ownKeys": True,
    "stopKey": "F8",
    "theme": "dark",
    "density": "roomy",
    "timeZone": "Europe/Berlin",
    "clock": "24",
    "versions": dict.fromkeys(sections.SECTIONS, 0) | {"limits": 3},
}


def _whole(lowest: int, highest: int, words: str) -> serializers.IntegerField:
    return serializers.IntegerField(
        min_value=lowest, max_value=highest, allow_null=True, help_text=words
    )


class SectionVersions(Shape):
    """How often each section has been changed."""

    limits = serializers.IntegerField(min_value=0)
    queue = serializers.IntegerField(min_value=0)
    bridge = serializers.IntegerField(min_value=0)
    viewers = serializers.IntegerField(min_value=0)
    noticing = serializers.IntegerField(min_value=0)
    keys = serializers.IntegerField(min_value=0)
    look = serializers.IntegerField(min_value=0)


class SomeVersions(SectionVersions):
    def get_fields(self) -> dict[str, serializers.Field]:  # type: ignore[type-arg]
        return _optional(super().get_fields())


class Preferences(Shape):
    bridge = serializers.ChoiceField(
        settings.LOVENSE_BRIDGES, help_text="By which path devices are told"
    )
    maximumIntensity = serializers.IntegerField(min_value=1, max_value=MAXIMUM_LEVEL)
    maximumSeconds = _whole(
        *(SHORTEST_RUN_SECONDS, LONGEST_ITEM_SECONDS),
        "Of one run, and no more than the platform's; null: the platform's",
    )
    maximumContinuousSeconds = _whole(
        *(sections.LEAST_CONTINUOUS_SECONDS, LONGEST_ITEM_SECONDS),
        "After so many running seconds without a rest the next start waits; null: never",
    )
    restSeconds = _whole(1, LONGEST_ITEM_SECONDS, f"How long it waits then; null: {rest.USUAL}")
    minimumTip = _whole(
        *(1, MAX_AMOUNT),
        "Smaller tips do nothing; no less than the platform's; null: the platform's",
    )
    queueMode = serializers.ChoiceField(
        Mode.choices, allow_null=True, help_text="null: the platform's"
    )
    owedPolicy = serializers.ChoiceField(
        OwedPolicy.choices,
        help_text="What becomes of seconds that were promised and not delivered",
    )
    autoConnect = serializers.BooleanField(
        allow_null=True,
        help_text="Whether her page takes the devices by itself; null: as the platform does",
    )
    showsNames = serializers.BooleanField(help_text="Whether viewers' names stand on her pages")
    showsMessages = serializers.BooleanField(help_text="Whether what viewers wrote stands there")
    hiddenWords = serializers.ListField(
        child=serializers.CharField(max_length=sections.LONGEST_WORD),
        max_length=sections.MOST_WORDS,
        help_text="Never shown there, wherever they stand in a name or a message",
    )
    noticeSound = serializers.BooleanField(help_text="When something is to be mended: two tones")
    noticeTitle = serializers.BooleanField(help_text="In the title of the tab")
    noticeDesktop = serializers.BooleanField(help_text="As a notification of the desktop")
    noticeVibration = serializers.BooleanField(help_text="By the vibration of a phone")
    noticeEmail = serializers.EmailField(
        max_length=sections.LONGEST_EMAIL,
        allow_null=True,
        help_text="To whom what lasts longer than two minutes on air is mailed; null: to nobody",
    )
    ownKeys = serializers.BooleanField(help_text="Whether keys but Esc Esc do something")
    stopKey = serializers.ChoiceField(
        sections.STOP_KEYS, allow_null=True, help_text="One more key that stops everything"
    )
    theme = serializers.ChoiceField(sections.THEMES)
    density = serializers.ChoiceField(sections.DENSITIES)
    timeZone = serializers.CharField(
        allow_null=True, help_text="As Europe/Berlin; null: the device's, and days are UTC's"
    )
    clock = serializers.ChoiceField(sections.CLOCKS, help_text="Hours of a clock")
    versions = SectionVersions()


class SomePreferences(Preferences):
    versions = SomeVersions(
        help_text="Of the sections that are changed, as they were seen; left out: overwrite"
    )

    def get_fields(self) -> dict[str, serializers.Field]:  # type: ignore[type-arg]
        return _optional(super().get_fields())


def _optional(
    fields: dict[str, serializers.Field],  # type: ignore[type-arg]
) -> dict[str, serializers.Field]:  # type: ignore[type-arg]
    for field in fields.values():
        field.required = False
    return fields
