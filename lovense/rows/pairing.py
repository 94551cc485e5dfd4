"""The apps that she has paired, and how that goes."""

from datetime import datetime
from typing import NotRequired, TypedDict


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
