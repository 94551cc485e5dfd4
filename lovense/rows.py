"""The rows of `lovense/models/` as MongoDB gives and takes them: what every key holds, at no cost
at run time.

A key that is not always written is `NotRequired`; ask for it with `get`."""

from datetime import datetime
from typing import Any, NotRequired, TypedDict

# What is JSON by nature: an item of a menu (`lovense/menus/publishing.py` says what is in it), a
# command for a device (`lovense/menus/vibration.py`), and what is said about either.
Item = dict[str, Any]
Command = dict[str, Any]
# A JSON object that a page, a client or a person reads.
Json = dict[str, Any]
# What ASGI and the channel layer carry (`lovense/sending/groups.py`): its `type`, and more.
LayerMessage = dict[str, Any]


class GateRow(TypedDict):
    """One gate that was asked, and what it saw."""

    gate: str
    passed: bool
    saw: Any
    at: str


class AttemptRow(TypedDict):
    """One attempt to start it; or a line that says who sent it back into the queue."""

    attempt: int
    at: datetime
    by: str
    is_replay: NotRequired[bool]


class ActivationRow(TypedDict):
    """A row of `activations`."""

    _id: str
    performer_id: str
    tip_id: str | None
    event_id: str | None
    request_id: str
    position: int
    amount: int
    tipper_name: str
    status: str
    reason: str
    gates: list[GateRow]
    item: Item | None
    menu_version: int
    commands: list[Command]
    promised_seconds: int
    delivered_seconds: float | None
    stop_epoch: int
    attempt: int
    attempts: list[AttemptRow]
    created_at: datetime
    dispatched_at: datetime | None
    received_at: datetime | None
    started_at: datetime | None
    finished_at: datetime | None
    leader: NotRequired[str | None]
    members: NotRequired[list[str] | None]
    run_seconds: NotRequired[int | None]
    run_delivered: NotRequired[float | None]
    cancelled_at: NotRequired[datetime | None]
    cancelled_by: NotRequired[str | None]
    cancelled_why: NotRequired[str | None]


class PerformerRow(TypedDict):
    """A row of `performers`."""

    _id: str
    user_id: int
    display_name: str
    bridge: str
    menu_version: int
    minimum_tip: int | None
    maximum_seconds: int | None
    maximum_intensity: int
    stop_epoch: int
    queue_mode: str | None
    paused_at: datetime | None
    paused_until: datetime | None
    paused_by: str
    paused_why: str
    created_at: datetime


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


class MenuRow(TypedDict):
    """A published menu, immutable."""

    _id: str
    performer_id: str
    version: int
    items: list[Item]
    published_at: datetime


class DeviceRow(TypedDict):
    """A toy as its page reported it."""

    _id: str
    performer_id: str
    toy_id: str
    name: str
    toy_type: str
    status: str
    battery: int | None
    last_seen_at: datetime
