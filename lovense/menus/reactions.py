"""Her default reaction: what answers the amounts from her minimum up that no item does. It is part
of a menu, off at first, and begins as the platform's."""

from typing import Any

from ground.json.fields import Fields
from ground.mongodb.collections import collection
from lovense.menus import publishing
from lovense.menus.matching import Item, default_item
from lovense.menus.publishing import FieldError
from lovense.menus.vibration import LEVEL_PATTERN, PATTERNS
from lovense.menus.wishes import InvalidItem
from lovense.models import PlatformSettings
from lovense.rows import Json

FIELDS = ("active", "pattern", "intensity", "durationSec")
UNKNOWN = f"there is no such field, only {', '.join(FIELDS)}"


def usual() -> Json:
    """As it is before she has changed it."""
    platform = _platform()
    return {
        "active": False,
        "pattern": LEVEL_PATTERN,
        "intensity": platform["default_intensity"],
        "durationSec": platform["default_seconds"],
    }


def is_required() -> bool:
    """The platform wants a menu with items."""
    return bool(_platform()["require_tip_menu"])


def _platform() -> Json:
    names = ("default_intensity", "default_seconds", "require_tip_menu")
    fields = (field for field in PlatformSettings._meta.concrete_fields if field.name in names)
    usual = {str(field.column): field.get_default() for field in fields}
    row: Any = collection(PlatformSettings).find_one({}, dict.fromkeys(names, 1))
    return usual | (row or {})


def live(reaction: Json | None) -> Json | None:
    """What a version keeps of it: nothing, where it is off."""
    return reaction if reaction is not None and reaction["active"] else None


def item_of(reaction: Json | None) -> Item | None:
    """As it answers; None: it is off."""
    if live(reaction) is None or reaction is None:
        return None
    intensity, seconds = reaction["intensity"], reaction["durationSec"]
    return default_item(intensity=intensity, seconds=seconds, pattern=reaction["pattern"])


def read(body: Fields, now: Json) -> Json:
    """What the body does not name stays as it is `now`. Raises InvalidItem with all that is
    wrong."""
    said = {name: value for name, value in body.whole.items() if name != "revision"}
    errors = [
        FieldError(1, name if Fields.is_reference(name) else "body", UNKNOWN)
        for name in said
        if name not in FIELDS
    ]
    reaction = {name: said.get(name, now[name]) for name in FIELDS}
    whole = default_item(intensity=1, seconds=1) | {"description": "", "section": ""} | reaction
    errors += publishing.item_errors(publishing.completed(whole, 1), 1)
    if not errors and reaction["pattern"] not in PATTERNS:
        errors.append(FieldError(1, "pattern", f"must be one of {', '.join(PATTERNS)}"))
    if errors:
        raise InvalidItem(errors)
    return reaction
