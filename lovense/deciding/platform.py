"""The platform's settings: the kill switch and the caps that bind every performer. Changed here
only."""

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, NamedTuple

from pymongo.client_session import ClientSession

from ground.audit import log as audit_log
from ground.journal import journal
from ground.json.errors import Refusal
from ground.mongodb.collections import collection
from lovense.menus.vibration import LONGEST_ITEM_SECONDS, MAXIMUM_LEVEL, SHORTEST_RUN_SECONDS
from lovense.models import PlatformSettings
from lovense.rows import Json
from tips.models import Mode
from tips.rows import Statement

ROW = "platform"
SettingValue = bool | int | str
SWITCH, DRAIN = "enable_lovense", "is_draining"
_OWN = {"_id", "version"}
MAXIMUM_DIGITS = 20  # more than any setting has; Python itself refuses to read thousands


class UnknownSetting(Refusal):
    """The platform has only the settings listed in SETTINGS."""

    code, status = "invalid", 422

    def __init__(self, key: str) -> None:
        super().__init__(f"There is no setting {key[:80]!r}; there are {', '.join(SETTINGS)}.")
        self.details = {"field": key[:80], "rule": "must be the name of a setting"}


class InvalidSetting(Refusal):
    """A setting's value must be of its type and within its limits."""

    code, status = "invalid", 422

    def __init__(self, field: str, rule: str, value: object) -> None:
        super().__init__(f"{field} {rule}, not {str(value)[:80]!r}.")
        self.field, self.rule, self.value = field, rule, value
        self.details = {"field": field, "rule": rule}


class SettingsChanged(Refusal):
    """Who changes a setting has seen what it is; only what makes it calmer need not."""

    code, status = "outdated", 409
    words = "The settings have changed meanwhile: nothing was written."

    def __init__(self, wanted: Statement, present: Statement, version: int) -> None:
        super().__init__()
        self.told = wanted, present, version
        self.details = {"present": present, "yours": wanted, "version": version}


@dataclass(frozen=True)
class Change:
    key: str
    before: SettingValue
    after: SettingValue


class Setting(NamedTuple):
    """`read`: of its text; None: it breaks the rule."""

    kind: type
    rule: str
    read: Callable[[str], SettingValue | None]


_TRUTHS = {"true": True, "on": True, "yes": True, "1": True} | {
    "false": False,
    "off": False,
    "no": False,
    "0": False,
}


def _truth() -> Setting:
    return Setting(bool, "must be true or false", lambda text: _TRUTHS.get(text.lower()))


def _whole(lowest: int, highest: int) -> Setting:
    def read(text: str) -> int | None:
        is_whole = text.isascii() and text.isdigit() and len(text) <= MAXIMUM_DIGITS
        return int(text) if is_whole and lowest <= int(text) <= highest else None

    return Setting(int, f"must be a whole number from {lowest} to {highest}", read)


def _name(longest: int) -> Setting:
    """Empty: none."""
    rule = f"must be a text of at most {longest} printable characters"
    return Setting(
        str, rule, lambda text: text if len(text) <= longest and text.isprintable() else None
    )


def _one_of(names: Sequence[str]) -> Setting:
    rule = f"must be one of {', '.join(names)}"
    return Setting(str, rule, lambda text: text if text in names else None)


SETTINGS: dict[str, Setting] = {
    SWITCH: _truth(),
    "minimum_tip": _whole(1, 2**53 - 1),
    # Below the vendor's shortest run no menu item could ever play.
    "maximum_seconds": _whole(SHORTEST_RUN_SECONDS, LONGEST_ITEM_SECONDS),
    "default_intensity": _whole(1, MAXIMUM_LEVEL),
    "default_seconds": _whole(1, LONGEST_ITEM_SECONDS),
    "rate_limit_per_minute": _whole(0, 600),  # 0: none
    "queue_mode": _one_of(Mode.values),
    "auto_connect": _truth(),
    "require_tip_menu": _truth(),
    "cam_site_name": _name(PlatformSettings._meta.get_field("cam_site_name").max_length or 0),
}
# What may be written: the drain, too, which has a command of its own.
WRITTEN = {**SETTINGS, DRAIN: _truth()}
# What only makes it calmer is done whatever was seen.
CALMEST = {SWITCH: False, DRAIN: True}
# The names that the wire uses.
ALIASES = {
    "enableLovense": "enable_lovense",
    "minimumTip": "minimum_tip",
    "maxActivationDuration": "maximum_seconds",
    "defaultIntensity": "default_intensity",
    "defaultSeconds": "default_seconds",
    "rateLimitPerMinute": "rate_limit_per_minute",
    "queueMode": "queue_mode",
    "autoConnect": "auto_connect",
    "requireTipMenu": "require_tip_menu",
    "lovenseCamSiteName": "cam_site_name",
}


def current() -> PlatformSettings:
    """The settings in force; the defaults while nobody has changed one."""
    return PlatformSettings.objects.filter(pk=ROW).first() or PlatformSettings(name=ROW)


def from_text(field: str, text: str) -> SettingValue:
    """Raises InvalidSetting."""
    setting = WRITTEN[field]
    if (value := setting.read(text.strip())) is None:
        raise InvalidSetting(field, setting.rule, text)
    return value


def from_json(field: str, value: Any) -> SettingValue:
    """Of its very type: neither `true` nor `1e3` is a number, nor is a text. Raises
    InvalidSetting."""
    setting = WRITTEN[field]
    if type(value) is not setting.kind:
        raise InvalidSetting(field, setting.rule, json.dumps(value))
    return from_text(field, str(value))


def change(*, key: str, value: str, by: str, why: str = "", now: datetime) -> Change:
    """Sets one setting from its text and says what it was. A repeat changes nothing."""
    field = ALIASES.get(key, key)
    if field not in SETTINGS:
        raise UnknownSetting(key)
    after = from_text(field, value)
    before = change_seen({field: after}, by=by, why=why, now=now)
    return Change(field, before[field], after)


def change_seen(
    changes: Statement, *, by: str, why: str, now: datetime, seen: int | None = None
) -> Statement:
    """Sets some at once; what they were. `seen`: only while the settings have that version. Raises
    SettingsChanged."""
    action = "drain" if changes.keys() == {DRAIN} else "set"
    is_calming = all(name in CALMEST and CALMEST[name] is changes[name] for name in changes)

    def body(session: ClientSession) -> Statement:
        row = _row(session)
        if not is_calming and seen not in (None, row["version"]):
            present = {name: row[name] for name in changes}
            raise SettingsChanged(changes, present, row["version"])
        return write(changes, action, by=by, why=why, now=now, session=session)

    return journal.run(body, touched=journal.LANES, now=now)


def write(
    changes: Statement,
    action: str,
    *,
    by: str,
    why: str,
    now: datetime,
    session: ClientSession,
) -> Statement:
    """Writes settings with their entry in the audit log; what they were. What is so already
    leaves no entry."""
    row = _row(session)
    before = {key: row[key] for key in changes}
    if before != changes:
        row_after = {
            "$set": changes | {"version": row["version"] + 1},
            "$setOnInsert": {key: row[key] for key in row.keys() - changes.keys() - _OWN},
        }
        collection(PlatformSettings).update_one(
            {"_id": ROW}, row_after, upsert=True, session=session
        )
        told: Statement = {
            "before": before,
            "after": changes,
            "why": why,
            "now": now,
            "session": session,
        }
        audit_log.record(kind="platform", action=action, by=by, target=ROW, **told)
    return before


def _row(session: ClientSession) -> Statement:
    kept = collection(PlatformSettings).find_one({"_id": ROW}, session=session)
    return defaults() | (kept or {})


def defaults() -> Statement:
    fields = PlatformSettings._meta.concrete_fields
    return {str(field.column): field.get_default() for field in fields if not field.primary_key}


def changes(*, limit: int) -> list[Statement]:
    """The entries of the audit log that changed a setting, the newest first, among the last so
    many."""
    return [entry for entry in audit_log.of(ROW, limit=limit) if entry["success"]]


def last_change(field: str) -> Statement | None:
    return last_changes([field])[field]


def last_changes(fields: Sequence[str], *, among: int = 50) -> dict[str, Statement | None]:
    found = changes(limit=among) if fields else []
    return {
        field: next((one for one in found if field in (one["after"] or {})), None)
        for field in fields
    }


def for_pages() -> Json:
    """What the pages that hold devices are told of them."""
    settings = current()
    return {"autoConnect": settings.auto_connect, "camSiteName": settings.cam_site_name}


def is_draining() -> bool:
    """Nothing new starts, for a deploy."""
    row = collection(PlatformSettings).find_one({"_id": ROW}, {"is_draining": 1})
    return bool(row and row.get("is_draining"))
