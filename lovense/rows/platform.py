"""The settings of the platform."""

from typing import TypedDict


class PlatformRow(TypedDict):
    """The one row of `platform_settings`."""

    enable_lovense: bool
    minimum_tip: int
    maximum_seconds: int
    rate_limit_per_minute: int
    require_tip_menu: bool
    default_intensity: int
    default_seconds: int
    auto_connect: bool
    cam_site_name: str
    queue_mode: str
    is_draining: bool
    version: int
