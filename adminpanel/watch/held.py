"""What holds everything back, who did it and since when: the kill switch and the drain, as the
platform's settings and their entries in the audit log say. Only reads."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from ground.audit import log as audit_log
from lovense.deciding import platform
from lovense.models import PlatformSettings

ENTRIES_READ = 50
_WORDS = {
    "enable_lovense": (False, "bad", "octagon-x", "Kill switch: nothing plays"),
    "is_draining": (True, "warn", "circle-pause", "Draining: nothing new starts"),
}


@dataclass(frozen=True)
class HeldBack:
    """`since` and `by` are empty where the log does not go back so far."""

    tone: str
    icon: str
    words: str
    by: str
    since: datetime | None


def read(settings: PlatformSettings) -> list[HeldBack]:
    """Nothing is asked where nothing is held back."""
    found = [each for each, (held, *_) in _WORDS.items() if getattr(settings, each) is held]
    entries = audit_log.of(platform.ROW, limit=ENTRIES_READ) if found else []
    return [_held(each, entries) for each in found]


def _held(setting: str, entries: list[dict[str, Any]]) -> HeldBack:
    held, *shown = _WORDS[setting]
    entry = next((e for e in entries if (e.get("after") or {}).get(setting) is held), None)
    by, since = (entry["actor"], entry["at"]) if entry else ("", None)
    return HeldBack(str(shown[0]), str(shown[1]), str(shown[2]), by, since)
