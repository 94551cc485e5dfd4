"""What can be wrong with the bridges' settings, said before anything starts."""

from collections.abc import Iterator
from typing import Any

from django.conf import settings
from django.core.checks import CheckMessage, Error

from lovense import bridges
from lovense.bridges import RunsIn


def bridge_settings(app_configs: Any, **kwargs: Any) -> list[CheckMessage]:
    return [*_names(), *_token()]


def _names() -> Iterator[CheckMessage]:
    named = settings.LOVENSE_BRIDGES
    if not named or not set(named) <= bridges.names():
        yield Error(
            "LOVENSE_BRIDGES names nothing, or something that is no bridge.",
            hint=f"A comma list of {', '.join(sorted(bridges.names()))}.",
            id="lovense.E004",
        )


def _token() -> Iterator[CheckMessage]:
    has_token = bool(settings.LOVENSE_DEVELOPER_TOKEN.strip())
    if not settings.DEBUG and bridges.running_in(RunsIn.SERVER) and not has_token:
        yield Error(
            "LOVENSE_DEVELOPER_TOKEN is missing, and devices are told by the vendor's cloud.",
            hint="The token of the site's account at Lovense; or LOVENSE_BRIDGES=SIMULATOR.",
            id="lovense.E005",
        )
