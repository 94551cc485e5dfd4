"""The platform's settings as staff see them: what each does in one sentence, its value and default,
who changed it last, when and why. Reads only; `lovense/deciding/platform.py` writes them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, NamedTuple

from lovense.deciding import platform
from lovense.deciding.platform import DRAIN, SWITCH, SettingValue
from lovense.models import PlatformSettings
from lovense.rows import Json

LOOKED_AT = 500  # of the latest changes: who changed a setting before those is not named
SHOWN = 20  # changes of one setting
WIRE = {field: name for name, field in platform.ALIASES.items()} | {DRAIN: "isDraining"}
FIELDS = {name: field for field, name in WIRE.items()}


class SettingWords(NamedTuple):
    """`unit`: of a number, `0 s`; `yes`, `no`: what it is called to be on or off."""

    title: str
    does: str
    unit: str = ""
    yes: str = "yes"
    no: str = "no"


WORDS = {
    SWITCH: SettingWords(
        "Activations",
        "Off is the kill switch: what plays ends, and nothing plays until they are on again.",
        yes="on",
        no="off",
    ),
    DRAIN: SettingWords(
        "Drain",
        "While it is on nothing new starts, for a deploy; what plays, plays to its end.",
        yes="on",
        no="off",
    ),
    "maximum_seconds": SettingWords(
        "Longest run", "No run of anybody is longer; a performer's own may only be shorter.", "s"
    ),
    "minimum_tip": SettingWords(
        "Minimum tip",
        "A tip below it does nothing; a performer's own may only be higher.",
        "tokens",
    ),
    "rate_limit_per_minute": SettingWords(
        "Runs a minute",
        "So many runs of a performer may start in a minute, the others wait; 0 is no limit.",
    ),
    "queue_mode": SettingWords(
        "Queue mode", "In which order tips play for who has not chosen: fifo, priority or batch."
    ),
    "require_tip_menu": SettingWords(
        "Menu required",
        "Nothing plays for a performer who has never published a menu; else her tips get the "
        "default reaction.",
    ),
    "default_intensity": SettingWords(
        "Default strength", "How strong the default reaction is, within every cap."
    ),
    "default_seconds": SettingWords(
        "Default length", "How long the default reaction is, within every cap.", "s"
    ),
    "auto_connect": SettingWords(
        "Connect by itself",
        "A page that had the devices takes them again when it is opened, without a press.",
    ),
    "cam_site_name": SettingWords(
        "Site name at Lovense",
        "The platform's name for the Cam Extension; without it nobody can choose that path.",
    ),
}


class SettingChange(NamedTuple):
    """An entry of the audit log, as far as it is about one setting."""

    by: str
    at: datetime
    why: str
    before: SettingValue
    after: SettingValue


@dataclass(frozen=True)
class ToldSetting:
    """`changes`: the latest, newest first."""

    field: str
    value: SettingValue
    default: SettingValue
    changes: Sequence[SettingChange]

    @property
    def words(self) -> SettingWords:
        return WORDS[self.field]

    @property
    def rule(self) -> str:
        return platform.WRITTEN[self.field].rule

    @property
    def said(self) -> str:
        return said(self.field, self.value)

    @property
    def said_default(self) -> str:
        return said(self.field, self.default)

    @property
    def is_default(self) -> bool:
        return self.value == self.default

    @property
    def last(self) -> SettingChange | None:
        return next(iter(self.changes), None)


@dataclass(frozen=True)
class ToldSettings:
    """All of them, and the version that whoever writes has to have seen."""

    version: int
    settings: Mapping[str, ToldSetting]


def said(field: str, value: SettingValue) -> str:
    words = WORDS[field]
    if isinstance(value, bool):
        return words.yes if value else words.no
    return f"{value} {words.unit}".strip() or "none"


def read() -> ToldSettings:
    """In two reads, whatever there is to tell."""
    row, fresh = platform.current(), platform.defaults()
    entries = platform.changes(limit=LOOKED_AT)
    told = {
        field: ToldSetting(field, getattr(row, field), fresh[field], _of(field, entries))
        for field in WORDS
    }
    return ToldSettings(row.version, told)


def _of(field: str, entries: Sequence[Mapping[str, Any]]) -> list[SettingChange]:
    about = [each for each in entries if field in (each["after"] or {})]
    return [
        SettingChange(
            each["actor"],
            each["at"],
            each["why"],
            (each["before"] or {}).get(field, ""),
            each["after"][field],
        )
        for each in about[:SHOWN]
    ]


_HELD = {
    SWITCH: ("bad", "octagon-x", "Kill switch: nothing plays", "true"),
    DRAIN: ("warn", "circle-pause", "Draining: nothing new starts", "false"),
}


def held(row: PlatformSettings) -> list[Json]:
    """What holds everything back now, with who and since when, and the value that ends it: for the
    strip of every page."""
    fields = [field for field in _HELD if getattr(row, field) is platform.CALMEST[field]]
    last = platform.last_changes(fields)
    return [
        dict(zip(("tone", "icon", "words", "back"), _HELD[field], strict=True))
        | {"field": field, "last": last[field]}
        for field in fields
    ]
