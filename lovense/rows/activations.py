"""A run of a device, and each attempt at it."""

from datetime import datetime
from typing import Any, NotRequired, TypedDict

from lovense.rows.values import Command, Item


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
    # by which path it was told, and which types of toys; not in what was never told, nor in a row
    # from before this was kept
    bridge: NotRequired[str | None]
    toy_types: NotRequired[list[str] | None]
