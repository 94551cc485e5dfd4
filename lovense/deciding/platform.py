"""The platform's settings: the kill switch and the caps that bind every performer. Changed here
only."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from pymongo.client_session import ClientSession

from ground.audit import log as audit_log
from ground.journal import journal
from ground.mongodb.collections import collection
from lovense.menus.vibration import LONGEST_ITEM_SECONDS, MAXIMUM_LEVEL, SHORTEST_RUN_SECONDS
from lovense.models import PlatformSettings
from lovense.rows import Json
from tips.models import Mode
from tips.rows import Statement

ROW = "platform"
MAXIMUM_DIGITS = 20  # more than any setting has; Python itself refuses to read thousands


class UnknownSetting(ValueError):
    """The platform has only the settings listed in SETTINGS."""


class InvalidSetting(ValueError):
    """A setting's value must be of its type and within its limits."""


@dataclass(frozen=True)
class Change:
    key: str
    before: bool | int | str
    after: bool | int | str


def _truth(text: str) -> bool:
    known = {
        "true": True,
        "false": False,
        "on": True,
        "off": False,
        "1": True,
        "0": False,
        "yes": True,
        "no": False,
    }
    if text.lower() not in known:
        raise InvalidSetting("must be true or false")
    return known[text.lower()]


def _whole(lowest: int, highest: int) -> Callable[[str], int]:
    def read(text: str) -> int:
        is_whole = text.isascii() and text.isdigit() and len(text) <= MAXIMUM_DIGITS
        if not is_whole or not lowest <= int(text) <= highest:
            raise InvalidSetting(f"must be a whole number from {lowest} to {highest}")
        return int(text)

    return read


def _name(text: str) -> str:
    """Empty: none."""
    longest = PlatformSettings._meta.get_field("cam_site_name").max_length or 0
    if len(text) > longest or not text.isprintable():
        raise InvalidSetting(f"must be a text of at most {longest} printable characters")
    return text


def _mode(text: str) -> str:
    if text not in Mode.values:
        raise InvalidSetting(f"must be one of {', '.join(Mode.values)}")
    return text


SETTINGS: dict[str, Callable[[str], bool | int | str]] = {
    "enable_lovense": _truth,
    "minimum_tip": _whole(1, 2**53 - 1),
    # Below the vendor's shortest run no menu item could ever play.
    "maximum_seconds": _whole(SHORTEST_RUN_SECONDS, LONGEST_ITEM_SECONDS),
    "default_intensity": _whole(1, MAXIMUM_LEVEL),
    "default_seconds": _whole(1, LONGEST_ITEM_SECONDS),
    "rate_limit_per_minute": _whole(0, 600),  # 0: none
    "queue_mode": _mode,
    "auto_connect": _truth,
    "require_tip_menu": _truth,
    "cam_site_name": _name,
}
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


def change(*, key: str, value: str, by: str, why: str = "", now: datetime) -> Change:
    """Sets one setting from its text and says what it was. A repeat changes nothing."""
    field = ALIASES.get(key, key)
    if field not in SETTINGS:
        raise UnknownSetting(f"There is no setting {key!r}; there are {', '.join(SETTINGS)}.")
    try:
        after = SETTINGS[field](value.strip())
    except InvalidSetting as error:
        raise InvalidSetting(f"{field} {error}, not {value[:80]!r}.") from None
    before = journal.run(
        lambda session: write({field: after}, "set", by=by, why=why, now=now, session=session),
        touched=journal.LANES,
        now=now,
    )
    return Change(field, before[field], after)


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
    row = _defaults() | (collection(PlatformSettings).find_one({"_id": ROW}, session=session) or {})
    before = {key: row[key] for key in changes}
    if before != changes:
        row_after = {
            "$set": changes,
            "$setOnInsert": {key: row[key] for key in row.keys() - changes.keys() - {"_id"}},
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


def _defaults() -> Statement:
    fields = PlatformSettings._meta.concrete_fields
    return {str(field.column): field.get_default() for field in fields if not field.primary_key}


def for_pages() -> Json:
    """What the pages that hold devices are told of them."""
    settings = current()
    return {"autoConnect": settings.auto_connect, "camSiteName": settings.cam_site_name}


def is_draining() -> bool:
    """Nothing new starts, for a deploy."""
    row = collection(PlatformSettings).find_one({"_id": ROW}, {"is_draining": 1})
    return bool(row and row.get("is_draining"))
