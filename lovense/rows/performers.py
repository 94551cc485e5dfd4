"""A performer, and what binds her."""

from datetime import datetime
from typing import Any, NotRequired, TypedDict

from lovense.rows.devices import DeviceSummary
from lovense.rows.extension import ExtensionRow
from lovense.rows.values import Json


class MenuHistoryRow(TypedDict):
    """A version on its performer's row: in force from then on, until the next one was. `withdrawn`:
    who saw it gets the next one."""

    version: int
    at: datetime
    withdrawn: NotRequired[bool]


class OverridesRow(TypedDict):
    """What the platform has set for one performer; no `limits`: nothing any more."""

    limits: dict[str, Any]
    until: datetime
    at: datetime
    by: str
    why: str
    version: int


class PerformerRow(TypedDict):
    """A row of `performers`."""

    _id: str
    user_id: int
    display_name: str
    bridge: str
    menu_version: int
    # not in a row whose menu was published before versions were kept here
    menu_history: NotRequired[list[MenuHistoryRow] | None]
    minimum_tip: int | None
    maximum_seconds: int | None
    maximum_intensity: int
    stop_epoch: int
    queue_mode: str | None
    auto_connect: NotRequired[bool | None]
    maximum_continuous_seconds: NotRequired[int | None]
    rest_seconds: NotRequired[int | None]
    paused_at: datetime | None
    paused_until: datetime | None
    paused_by: str
    paused_why: str
    # not in a row from before one could be let through
    plays_one: NotRequired[str | None]
    # not in a row from before there was a stop
    stopped_at: NotRequired[datetime | None]
    stopped_by: NotRequired[str]
    stopped_why: NotRequired[str]
    # not in a row from before devices were registered
    devices: NotRequired[list["DeviceSummary"] | None]
    devices_away_at: NotRequired[datetime | None]
    # not in a row from before seconds were owed
    owed_policy: NotRequired[str]
    # not in a row from before there were rehearsals
    rehearses_since: NotRequired[datetime | None]
    # not in a row from before there was an extension
    extension: NotRequired[ExtensionRow | None]
    look_at: NotRequired[datetime | None]
    # not in a row from before her pages could be chosen
    page_choices: NotRequired[Json | None]
    preference_versions: NotRequired[dict[str, int] | None]
    # not in a row from before there were overrides
    overrides: NotRequired[OverridesRow | None]
    created_at: datetime
