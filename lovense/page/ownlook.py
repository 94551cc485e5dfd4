"""How a performer has her pages: what their scripts and their stylesheet go by, as attributes of
the document. Pure."""

from typing import NamedTuple

from lovense.models import Performer
from lovense.performers import sections
from lovense.performers.sections import chosen

WAYS = ("Sound", "Title", "Desktop", "Vibration")


class OwnLook(NamedTuple):
    """Empty: as the device has it, or as usual. `noticing`: in which ways, with a space between."""

    theme: str
    density: str
    zone: str
    clock: str
    keys: str
    stop_key: str
    noticing: str

    @property
    def attributes(self) -> list[tuple[str, str]]:
        """All of them, so that one that is taken back is, too. Of the theme: the one that she
        chose, which a device may have turned for itself."""
        names = ("own-theme", "density", "zone", "clock", "keys", "stop-key", "noticing")
        return list(zip(names, self, strict=True))


def of(performer: Performer) -> OwnLook:
    choices = performer.page_choices
    theme, density = chosen(choices, "theme"), chosen(choices, "density")
    ways = [way.lower() for way in WAYS if chosen(choices, f"notice{way}")]
    return OwnLook(
        theme if theme != sections.THEMES[0] else "",
        density if density != sections.DENSITIES[0] else "",
        chosen(choices, "timeZone") or "",
        chosen(choices, "clock"),
        "" if chosen(choices, "ownKeys") else "off",
        chosen(choices, "stopKey") or "",
        " ".join(ways),
    )
