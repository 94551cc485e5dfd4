"""What can be wrong with the vendor's settings, said before anything starts."""

import re
from collections.abc import Iterator
from typing import Any
from urllib.parse import urlsplit

from django.conf import settings
from django.core.checks import CheckMessage, Error, Warning

LONGEST_PAIRING_SECONDS = 4 * 3600  # the vendor's code lives no longer
_LOOPBACK = ("127.0.0.1", "localhost", "::1")
_HOST = re.compile(r"[a-z0-9-]+(\.[a-z0-9-]+)*")


def vendor_settings(app_configs: Any, **kwargs: Any) -> list[CheckMessage]:
    return [*_cloud(), *_pairing()]


def _cloud() -> Iterator[CheckMessage]:
    parts = urlsplit(settings.LOVENSE_API_BASE_URL)
    if parts.scheme != "https" and parts.hostname not in _LOOPBACK:
        yield Error(
            "LOVENSE_API_BASE_URL would send the developer token unencrypted.",
            hint="Use https; plain http is for this machine only.",
            id="lovense.E001",
        )
    script = urlsplit(settings.LOVENSE_EXTENSION_SCRIPT_URL)
    if script.scheme != "https" and script.hostname not in _LOOPBACK:
        yield Error(
            "LOVENSE_EXTENSION_SCRIPT_URL would bring a script unencrypted.",
            hint="Use https; plain http is for this machine only.",
            id="lovense.E006",
        )
    if not settings.LOVENSE_DEVELOPER_TOKEN.strip():
        yield Warning(
            "Without LOVENSE_DEVELOPER_TOKEN nobody can pair an app.",
            hint="The token of the site's account at Lovense.",
            id="lovense.W001",
        )


def _pairing() -> Iterator[CheckMessage]:
    if not all(_HOST.fullmatch(host) for host in settings.LOVENSE_QR_HOSTS):
        yield Error(
            "LOVENSE_QR_HOSTS names something that is no host.",
            hint="A comma list of exact names in small letters, as apps.lovense-api.com.",
            id="lovense.E002",
        )
    if settings.LOVENSE_PAIRING_SECONDS > LONGEST_PAIRING_SECONDS:
        yield Error(
            f"LOVENSE_PAIRING_SECONDS is more than {LONGEST_PAIRING_SECONDS}.",
            hint="The vendor's code lives for four hours.",
            id="lovense.E003",
        )
