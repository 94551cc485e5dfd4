"""What her Live page needs where it hands tips to the vendor's Cam Extension: which script it
loads, and under which names. No other page may load a script of anybody else's."""

from dataclasses import dataclass
from urllib.parse import urlsplit

from django.conf import settings

from lovense import bridges
from lovense.models import Performer


@dataclass(frozen=True, slots=True)
class ExtensionPanel:
    """`model`: her name on this site, under which the extension knows her."""

    script: str
    model: str

    @property
    def policy(self) -> dict[str, list[str]]:
        """The script's host, and nothing else: to load it from, and for its own calls."""
        parts = urlsplit(self.script)
        host = f"{parts.scheme}://{parts.netloc}"
        return {"script-src": ["'self'", host], "connect-src": [host]}


def of(performer: Performer) -> ExtensionPanel | None:
    """None: her tips are not handed to an extension."""
    if performer.bridge != bridges.EXTENSION or bridges.find(performer.bridge) is None:
        return None
    return ExtensionPanel(settings.LOVENSE_EXTENSION_SCRIPT_URL, performer.display_name)
