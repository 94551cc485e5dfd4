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


class SliceRow(TypedDict):
    """One window of a leg, in seconds of its run. `state`: planned, claimed, accepted, refused,
    unknown, missed, stopped."""

    n: int
    start: int
    until: int
    state: str


class LegRow(TypedDict):
    """One device in a run that is told in slices; `commands` are those of all of it. `askedMs`:
    when it was to begin, where its path has another `offsetMs` instead."""

    toyId: str
    nickname: str
    hostId: str
    offsetMs: int
    askedMs: NotRequired[int]
    commands: list[Command]
    promised: int
    delivered: float | None
    outcome: str
    code: str
    slices: list[SliceRow]


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
    cancelled_how: NotRequired[str | None]
    stopped_at: NotRequired[datetime | None]
    # what is not played as it was asked: codes of `lovense/menus/compiler.py`
    notes: NotRequired[list[str] | None]
    # the version whose secret drew something for it
    drawn_by: NotRequired[str | None]
    # of what is told in slices
    legs: NotRequired[list[LegRow] | None]
    legs_began_at: NotRequired[datetime | None]
    owes_since: NotRequired[datetime | None]
    requeued_at: NotRequired[datetime | None]
    # sent by a viewer of her own making
    is_rehearsal: NotRequired[bool | None]
    # False of what was handed over to levels that are not ours: nobody measures what they play
    is_measured: NotRequired[bool | None]


class ExtensionLevel(TypedDict):
    """What her extension does for an amount from `minimum` to `maximum`. `special`: the kind of a
    special command; empty of a level. `seconds` 0: not known; `vibration` None: it has no
    strength of its own."""

    name: str
    special: str
    minimum: int
    maximum: int
    seconds: int
    vibration: int | None
    rotation: int


class ExtensionToy(TypedDict):
    """A toy as her extension names it."""

    id: str
    name: str
    isConnected: bool
    battery: int | None


class ExtensionRow(TypedDict):
    """What her extension has said of itself, normalised. `state`: loading, ready or silent; times
    are texts, as in all JSON. `unread`: entries of its settings that say nothing readable."""

    state: str
    at: str
    toys: list[ExtensionToy]
    version: str
    levels: list[ExtensionLevel]
    unread: int
    settingsAt: str | None


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


class StandingPage(TypedDict):
    """A page that may take the devices from the one that holds them."""

    page_id: str
    channel: str


class AiredShow(TypedDict):
    """A show that is over, on the row of its lease until it is written down. `by` is empty: nobody
    has ended it."""

    since: datetime
    until: datetime
    by: str


class BestItem(TypedDict):
    """What earned most: how often it was tipped for, and with how many tokens altogether."""

    title: str
    times: int
    tokens: int


class ShowSums(TypedDict):
    """What became of the tips of one show. Seconds are whole tenths; `best` None: no tip had an
    item; `longest_wait`, in whole seconds from the settlement to the start, None: nothing has
    played. `is_whole` False: there were more activations than are read."""

    tips: int
    tokens: int
    played: int
    promised: int
    delivered: int
    owed: int
    best: BestItem | None
    longest_wait: int | None
    is_whole: bool


class ShowRow(TypedDict):
    """A row of `shows`."""

    _id: str
    performer_id: str
    began_at: datetime
    ended_at: datetime | None
    is_open: bool
    ended_by: str
    sums: ShowSums | None
    look_at: datetime | None
    tally: NotRequired["ShowTally | None"]  # not read where shows are listed
    put_away_at: NotRequired[datetime | None]


class PageLeaseRow(TypedDict):
    """A row of `page_leases`."""

    _id: str
    page_id: str
    channel: str
    slot: str
    number: NotRequired[int]
    taken_at: datetime
    expires_at: datetime
    # not in a row from before pages took devices from each other
    wanted_by: NotRequired[str | None]
    wanted_at: NotRequired[datetime | None]
    standing_by: NotRequired[list[StandingPage]]
    # not in a row from before there were shows
    on_air_since: NotRequired[datetime | None]
    off_air_at: NotRequired[datetime | None]
    off_air_by: NotRequired[str | None]
    is_resting: NotRequired[bool]
    aired: NotRequired[list[AiredShow]]
    show_look_at: NotRequired[datetime | None]


class StopAnswerRow(TypedDict):
    """What one page said of one toy after a press: how long it took to be still, or that it is
    not. `toyId` is empty where the page holds none."""

    page: str
    toyId: str
    ms: float | None
    answer: str
    at: datetime


class DeviceLogRow(TypedDict):
    """A row of `device_log`."""

    _id: str
    device_id: str
    performer_id: str
    n: int
    at: datetime
    path: str
    told: str
    outcome: str
    ms: float
    expires_at: datetime


class StopPressRow(TypedDict):
    """A row of `stop_presses`."""

    _id: str
    performer_id: str
    epoch: int
    at: datetime
    by: str
    why: str
    through: str
    answers: list[StopAnswerRow]


class OwedRow(TypedDict):
    """A row of `owed`. Seconds are whole tenths."""

    _id: str
    performer_id: str
    tip_id: str | None
    request_id: str
    title: str
    tipper_name: str
    promised: int
    owed: int
    requeued: int
    waived: int
    cause: str
    state: str
    policy: str
    requeued_as: str
    why: str
    by: str
    ended_at: datetime
    created_at: datetime
    settled_at: datetime | None


class HourCell(TypedDict):
    """What one item became in one way, in one hour. `item` is empty where none answered; seconds
    are whole tenths; `waited_ms` is that of all `waits` together."""

    item: str
    title: str
    outcome: str
    tips: int
    tokens: int
    net: int
    promised: int
    delivered: int
    owed: int
    waits: int
    waited_ms: int


class PerformerHourRow(TypedDict):
    """A row of `performer_hours`; what was only marked has not been counted yet."""

    _id: str
    performer_id: str
    hour: datetime
    cells: NotRequired[list[HourCell]]
    rows: NotRequired[int]
    live: NotRequired[int]
    counted_at: NotRequired[datetime | None]
    stale_since: NotRequired[datetime | None]
    unsummed_since: NotRequired[datetime | None]


class PerformerDayRow(TypedDict):
    """A row of `performer_days`: `cells` by item and outcome, `outcomes` by outcome alone, `tokens`
    of each of its 24 hours."""

    _id: str
    performer_id: str
    day: datetime
    cells: list[HourCell]
    outcomes: list[HourCell]
    tokens: list[int]
    revision: int


class ShowTallyHour(TypedDict):
    """What was tipped in an hour of a show; an hour at its ends is cut."""

    hour: datetime
    tokens: int


class ShowTally(TypedDict):
    """What the tips of one show became, as an hour holds it."""

    cells: list[HourCell]
    hours: list[ShowTallyHour]


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


class MenuRow(TypedDict):
    """A published menu, immutable."""

    _id: str
    performer_id: str
    version: int
    items: list[Item]
    # not in a version from before there were patterns of hers
    patterns: NotRequired[dict[str, str]]
    published_at: datetime
    published_by: NotRequired[str]
    note: NotRequired[str]
    based_on: NotRequired[int | None]
    retired_at: NotRequired[datetime | None]
    withdrawn_at: NotRequired[datetime | None]
    default_reaction: NotRequired[Json | None]  # None: off
    commitment: NotRequired[str]  # of what draws at random
    publish_key: NotRequired[str]
    fingerprint: NotRequired[str]


class MenuSealRow(TypedDict):
    """A row of `menu_seals`: the secret of a version's draws."""

    _id: str
    performer_id: str
    secret: NotRequired[str]  # only where it is asked for
    retired_at: datetime | None
    look_at: datetime | None
    revealed_at: datetime | None


class PatternRow(TypedDict):
    """A row of `patterns`."""

    _id: str
    performer_id: str
    name: str
    name_key: str
    slot: int
    text: str
    revision: int
    changed_at: datetime
    archived_at: datetime | None


class ItemStateRow(TypedDict):
    """A row of `item_states`."""

    _id: str
    performer_id: str
    item_id: str
    runs: NotRequired[list[str]]
    reset_at: NotRequired[datetime | None]
    refill: NotRequired[int]


class StockPieceRow(TypedDict):
    """A row of `stock_pieces`. `item` is the key of the item's state; `activation` is empty where
    it was given back."""

    _id: str
    performer_id: str
    item: str
    refill: int
    number: int
    state: str
    activation: str
    taken_at: datetime


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


class Ports(TypedDict, total=False):
    """Of an app's local server, as its callback names them."""

    http: int
    https: int
    ws: int
    wss: int


class HostRow(TypedDict):
    """A row of `hosts`."""

    _id: str
    performer_id: str
    uid: str
    utoken_hash: str
    app_type: str
    app_version: str
    platform: str
    protocol_version: str
    domain: str
    ports: Ports
    is_address_refused: bool
    toys_count: int
    content: str
    # not in a row from before there were repairs
    fault: NotRequired[str]
    look_at: NotRequired[datetime | None]
    paired_at: datetime
    last_seen_at: datetime
    unpaired_at: datetime | None


class RepairRow(TypedDict):
    """A row of `repairs`."""

    _id: str
    performer_id: str
    kind: str
    key: str
    open_key: str
    weight: str
    device_id: str
    host_id: str
    function: str
    name: str
    reason: str
    since: datetime
    shown_at: datetime
    last_seen_at: datetime
    times: int
    calm_at: datetime | None
    closed_at: datetime | None
    look_at: datetime | None
    # not in a row from before there was mail
    mail_at: NotRequired[datetime | None]
    mailed_at: NotRequired[datetime | None]
    expires_at: datetime | None


class LoggedInRow(TypedDict):
    """A row of `log_ins`."""

    _id: str
    account: str
    session_key: str
    browser: str
    network: str
    since: datetime
    expires_at: datetime


class PairingRow(TypedDict):
    """A row of `pairings`."""

    _id: str
    performer_id: str
    host_id: str
    uid: str
    utoken_hash: str
    status: str
    open_for: str
    idempotency_key: str
    code: str
    image: bytes | None
    image_type: str
    toys_count: int
    opened_at: datetime
    shown_at: datetime | None
    scanned_at: datetime | None
    connected_at: datetime | None
    ended_at: datetime | None
    expires_at: datetime
