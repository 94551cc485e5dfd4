"""What the performer decides of a device: its nickname, whether it plays, its limits; that it is
hers no more, or again.

Each is written in one transaction with its entry in the audit log and with what decisions must know
of it, and no process goes on with what it remembers of her lane."""

from collections.abc import Callable, Sequence
from datetime import datetime
from typing import NamedTuple

from pymongo.client_session import ClientSession
from pymongo.errors import BulkWriteError

from ground import clock
from ground.audit import log as audit_log
from ground.journal import journal
from ground.json.errors import Refusal
from ground.json.fields import Fields, Malformed
from ground.mongodb import unique
from ground.mongodb.collections import collection
from lovense.devices import changes, register, summary, toytable, verification
from lovense.devices.changes import Changed
from lovense.devices.readings import LONGEST_NICKNAME
from lovense.devices.verification import NotVerified
from lovense.menus.vibration import LONGEST_ITEM_SECONDS, SHORTEST_RUN_SECONDS
from lovense.models import Device
from lovense.rows import DeviceRow, FunctionChoice, Json
from lovense.timeline import FULL_SCALE

WEAKEST_SCALE, LONGEST_LEAD_MS = 10, 2000
AUDITED = (
    *("nickname", "is_enabled", "choices", "maximum_seconds", "scale_percent", "lead_ms"),
    *("removed_at", "muted_in"),
)
FIELDS = (
    *("nickname", "enabled", "maximumSeconds", "scalePercent", "leadMs"),
    *("functions", "verified"),
)
Decision = Callable[[DeviceRow, Sequence[DeviceRow]], DeviceRow]
"""A row as it is to be, from what it is and from all of hers."""


class NoSuchDevice(Refusal):
    """A device is one of hers."""

    code, status, words = "not_found", 404, "There is no such device."


class NicknameTaken(Malformed):
    """Of her devices each has a nickname of its own, whatever its case."""


class TooManyDevices(Refusal):
    """At most MAX_DEVICES are hers at a time."""

    code, status = "too_many_devices", 409
    words = f"You have {changes.MAX_DEVICES} devices: remove another one first."


class Choice:
    """What one call chooses, read strictly: what it does not name stays as it is."""

    def __init__(self, body: Fields) -> None:
        body.only(*FIELDS)
        self.nickname = _nickname(body) if body.given("nickname") else None
        self.is_enabled = body.flag("enabled") if body.given("enabled") else None
        self.has_maximum = body.has("maximumSeconds") or body.is_null("maximumSeconds")
        self.maximum_seconds = _seconds(body) if self.has_maximum else None
        self.scale_percent = _scale(body) if body.given("scalePercent") else None
        self.lead_ms = _lead(body) if body.given("leadMs") else None
        self.functions = _functions(body) if body.given("functions") else {}
        self.verified = _verified(body) if body.given("verified") else {}

    def applied(self, row: DeviceRow, *, tried: frozenset[str], now: datetime) -> DeviceRow:
        """`tried`: what was tested lately. What she says of its functions comes before what she
        chooses for them. Raises Malformed for a function that this device has not, NotVerified."""
        after: DeviceRow = {**verification.answered(row, self.verified, tried=tried, now=now)}
        if self.nickname is not None:
            after["nickname"] = self.nickname
            after["nickname_key"] = changes.nickname_key(self.nickname)
        if self.is_enabled is not None:
            after["is_enabled"] = self.is_enabled
        if self.has_maximum:
            after["maximum_seconds"] = self.maximum_seconds
        if self.scale_percent not in (None, summary.scale_of(row)):
            after["scale_percent"] = self.scale_percent
        if self.lead_ms not in (None, summary.lead_of(row)):
            after["lead_ms"] = self.lead_ms
        after["choices"] = self._choices(after)
        return after

    def _choices(self, row: DeviceRow) -> dict[str, FunctionChoice]:
        has = {each["name"] for each in row["functions"]}
        chosen = dict(row["choices"])
        for name, choice in self.functions.items():
            if name not in has:
                raise Malformed(f"functions.{name}", "is no function of this device")
            if news := _news(row, name, choice):
                chosen[name] = {**chosen.get(name, {}), **news}
                if news.get("isEnabled"):
                    chosen[name].pop("deniedAt", None)  # she knows better now
        return chosen


def _news(row: DeviceRow, name: str, choice: FunctionChoice) -> FunctionChoice:
    """What of it is not so already."""
    news: FunctionChoice = {}
    if "isEnabled" in choice and choice["isEnabled"] != summary.is_function_enabled(row, name):
        _check_may_move(row, name, is_on=choice["isEnabled"])
        news["isEnabled"] = choice["isEnabled"]
    if "cap" in choice and choice["cap"] != summary.cap_of(row, name):
        news["cap"] = choice["cap"]
    if "floor" in choice and choice["floor"] != summary.floor_of(row, name):
        news["floor"] = choice["floor"]
    return news


def _check_may_move(row: DeviceRow, name: str, *, is_on: bool) -> None:
    if is_on and name in toytable.NOT_USED:
        raise Malformed(f"functions.{name}.isEnabled", "must be false: it is never sent")
    if is_on and name in summary.GUARDED and not summary.is_verified(row, name):
        raise NotVerified(name)


def _nickname(body: Fields) -> str:
    text = " ".join(filter(None, body.text("nickname", maximum=LONGEST_NICKNAME).split(" ")))
    if not text or not text.isprintable():
        raise Malformed("nickname", f"must be 1 to {LONGEST_NICKNAME} printable characters")
    return text


def _seconds(body: Fields) -> int | None:
    if body.is_null("maximumSeconds"):
        return None
    return body.integer(
        "maximumSeconds", minimum=SHORTEST_RUN_SECONDS, maximum=LONGEST_ITEM_SECONDS
    )


def _scale(body: Fields) -> int:
    return body.integer("scalePercent", minimum=WEAKEST_SCALE, maximum=FULL_SCALE)


def _lead(body: Fields) -> int:
    return body.integer("leadMs", minimum=0, maximum=LONGEST_LEAD_MS)


def _verified(body: Fields) -> dict[str, bool]:
    told = body.object("verified")
    told.only(*toytable.TOPS)
    return {name: told.flag(name) for name in toytable.TOPS if told.given(name)}


def _functions(body: Fields) -> dict[str, FunctionChoice]:
    chosen: dict[str, FunctionChoice] = {}
    told = body.object("functions")
    told.only(*toytable.TOPS)
    for name in toytable.TOPS:
        if told.given(name):
            chosen[name] = _function(told.object(name), name)
    return chosen


def _function(told: Fields, name: str) -> FunctionChoice:
    told.only("isEnabled", "cap", "floor")
    choice: FunctionChoice = {}
    if told.given("isEnabled"):
        choice["isEnabled"] = told.flag("isEnabled")
    if told.given("cap"):
        choice["cap"] = told.integer("cap", minimum=1, maximum=toytable.TOPS[name])
    if told.given("floor"):
        top = min(summary.STRONGEST_FLOOR, toytable.TOPS[name])
        choice["floor"] = told.integer("floor", minimum=0, maximum=top)
    return choice


# --- hers ----------------------------------------------------------------------------------------


class HerDevices(NamedTuple):
    """Those that she has, and those that she removed and may restore; by nickname."""

    kept: list[DeviceRow]
    removed: list[DeviceRow]


def of(performer_id: str) -> HerDevices:
    rows = register.of_performers([performer_id])[performer_id]
    rows.sort(key=lambda row: changes.nickname_key(row["nickname"]))
    kept = [row for row in rows if summary.is_kept(row)]
    return HerDevices(kept, [row for row in rows if row["removed_at"] is not None])


def owned(performer_id: str, device_id: str) -> DeviceRow:
    """One of her devices. Raises NoSuchDevice."""
    row = known(performer_id, device_id)
    if not summary.is_kept(row):
        raise NoSuchDevice
    return row


def known(performer_id: str, device_id: str) -> DeviceRow:
    """One that is or was hers: removed, or lost with its app. Raises NoSuchDevice."""
    row: DeviceRow | None = collection(Device).find_one(
        {"_id": device_id, "performer_id": performer_id}
    )
    if row is None:
        raise NoSuchDevice
    return row


# --- written -------------------------------------------------------------------------------------


def change(
    *, performer_id: str, device_id: str, choice: Choice, by: str, now: datetime
) -> DeviceRow:
    """The device as it is now. Raises NoSuchDevice, NicknameTaken and what `Choice.applied`
    raises."""

    def changed(row: DeviceRow, hers: Sequence[DeviceRow]) -> DeviceRow:
        if not summary.is_kept(row):
            raise NoSuchDevice
        tried = verification.tried(row, now=now) if choice.verified else frozenset()
        return choice.applied(row, tried=tried, now=now)

    return _written(performer_id, device_id, "change", changed, by=by, now=now)


def mute(*, performer_id: str, device_id: str, show: str, by: str, now: datetime) -> DeviceRow:
    """For that show, which `lovense/shows/muting.py` names; empty: it plays again. Raises
    NoSuchDevice."""

    def muted(row: DeviceRow, hers: Sequence[DeviceRow]) -> DeviceRow:
        if show and not summary.is_kept(row):
            raise NoSuchDevice
        return row if row.get("muted_in", "") == show else {**row, "muted_in": show}

    action = "mute" if show else "unmute"
    return _written(performer_id, device_id, action, muted, by=by, now=now)


def muted_of(performer_id: str, *, but: str) -> list[DeviceRow]:
    """Hers that are muted for any show but this one."""
    rows = collection(Device).find({"performer_id": performer_id})
    return [row for row in rows if row.get("muted_in", "") not in ("", but)]


def remove(*, performer_id: str, device_id: str, by: str, now: datetime) -> DeviceRow:
    """No later report brings it back. Raises NoSuchDevice."""

    def gone(row: DeviceRow, hers: Sequence[DeviceRow]) -> DeviceRow:
        return {**row, "removed_at": row["removed_at"] or now, "nickname_key": ""}

    return _written(performer_id, device_id, "remove", gone, by=by, now=now)


def restore(*, performer_id: str, device_id: str, by: str, now: datetime) -> DeviceRow:
    """Hers again, under its nickname, or a numbered one where another has that by now; where its
    app is not paired any more, with the next report of a paired one. Raises NoSuchDevice,
    TooManyDevices."""

    def back(row: DeviceRow, hers: Sequence[DeviceRow]) -> DeviceRow:
        again: DeviceRow = {**row, "removed_at": None}
        if summary.is_kept(row) or not summary.is_kept(again):
            return again
        if sum(map(summary.is_kept, hers)) >= changes.MAX_DEVICES:
            raise TooManyDevices
        return changes.named(again, {each["nickname_key"] for each in hers})

    return _written(performer_id, device_id, "restore", back, by=by, now=now)


def _written(
    performer_id: str,
    device_id: str,
    action: str,
    decided: Decision,
    *,
    by: str,
    now: datetime,
) -> DeviceRow:
    def body(session: ClientSession) -> DeviceRow:
        rows = register.rows_of(performer_id, session)
        row = next((each for each in rows if each["_id"] == device_id), None)
        if row is None:
            raise NoSuchDevice
        after = decided(row, rows)
        if after == row:
            return row
        register.keep(performer_id, rows, [Changed(row, after)], now=now, session=session)
        if any(row.get(name) != after.get(name) for name in AUDITED):
            _audited(row, after, action, by=by, now=now, session=session)
        return after

    try:
        return journal.run(body, touched=journal.of_lane(performer_id), now=now)
    except BulkWriteError as error:
        unique.clashes(error)  # raises whatever else went wrong
        raise NicknameTaken("nickname", "is the name of another device of yours") from None


def _audited(
    row: DeviceRow,
    after: DeviceRow,
    action: str,
    *,
    by: str,
    now: datetime,
    session: ClientSession,
) -> None:
    audit_log.record(
        kind="device",
        action=action,
        by=by,
        target=row["_id"],
        lane=row["performer_id"],
        now=now,
        before=_told(row, after),
        after=_told(after, row),
        session=session,
    )


def _told(row: DeviceRow, other: DeviceRow) -> Json:
    """What is different, as the audit log keeps it."""
    found = {}
    for name in AUDITED:
        if row.get(name) != other.get(name):
            value = row.get(name)
            found[name] = clock.iso(value) if isinstance(value, datetime) else value
    return found
