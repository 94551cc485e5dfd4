"""Her toys: what was reported, and what she has decided."""

from datetime import datetime
from typing import NotRequired, TypedDict


class FunctionRow(TypedDict):
    """A function of a toy, and who says that it has it: verified, gettoys, table or default."""

    name: str
    source: str


class FunctionChoice(TypedDict, total=False):
    """What she has chosen for one function; what is not there is as the toy comes. `verifiedAt`:
    when she said that it moves as expected; `deniedAt`: that it does not."""

    isEnabled: bool
    cap: int
    floor: int
    verifiedAt: str
    deniedAt: str


class DeviceTest(TypedDict):
    """The last test of a function: its activation, and when it was asked for."""

    activation: str
    at: datetime


class BatteryPoint(TypedDict):
    """What was reported of a battery, where it had changed."""

    at: datetime
    percent: int


class DeviceRow(TypedDict):
    """A row of `devices`."""

    _id: str
    performer_id: str
    toy_id: str
    host_id: str
    name: str
    toy_type: str
    status: str
    reason: str
    battery: int | None
    firmware: str
    functions: list[FunctionRow]
    unsupported: list[str]
    last_seen_at: datetime
    first_connected_at: datetime | None
    last_connected_at: datetime | None
    nickname: str
    nickname_key: str
    is_enabled: bool
    choices: dict[str, FunctionChoice]
    maximum_seconds: int | None
    # not in a row from before there were tests
    scale_percent: NotRequired[int]
    lead_ms: NotRequired[int]
    tests: NotRequired[dict[str, DeviceTest]]
    battery_points: NotRequired[list[BatteryPoint]]
    muted_in: NotRequired[str]  # the show that it is muted for
    look_at: NotRequired[datetime | None]
    removed_at: datetime | None
    unpaired_at: datetime | None


class DeviceSummary(TypedDict):
    """A device on its performer's row: what a decision must know of it. `functions`: what may be
    sent, each with the strongest level; `main`: what a tip moves, where that is not Vibrate;
    `untried`: what only a test of hers may move. `hostId`: the app that reaches it; not in that of
    what a page reports by itself, nor in a row from before it was kept."""

    toyId: str
    hostId: NotRequired[str]
    nickname: str
    isConnected: bool
    isEnabled: bool
    functions: dict[str, int]
    maximumSeconds: int | None
    # where there is something to say
    main: NotRequired[str]
    lead: NotRequired[int]
    scale: NotRequired[int]
    floors: NotRequired[dict[str, int]]
    untried: NotRequired[dict[str, int]]
    # as it was reported; not in a row from before it was kept
    type: NotRequired[str]
