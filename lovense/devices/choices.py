"""What the performer decides of a device: its nickname, whether it plays, its limits; that it is
hers no more, or again.

Each is written in one transaction with its entry in the audit log and with what decisions must know
of it, and no process goes on with what it remembers of her lane."""

from collections.abc import Callable
from datetime import datetime
from typing import Any

from pymongo.client_session import ClientSession
from pymongo.errors import BulkWriteError

from ground.audit import log as audit_log
from ground.journal import journal
from ground.json.errors import Refusal
from ground.json.fields import Fields, Malformed
from ground.mongodb import unique
from ground.mongodb.collections import collection
from lovense.devices import changes, register, summary, toytable
from lovense.devices.changes import Changed
from lovense.devices.readings import LONGEST_NICKNAME
from lovense.menus.vibration import LONGEST_ITEM_SECONDS, SHORTEST_RUN_SECONDS
from lovense.models import Device
from lovense.rows import DeviceRow, FunctionChoice

AUDITED = ("nickname", "is_enabled", "choices", "maximum_seconds", "removed_at")


class NoSuchDevice(Refusal):
    """A device is one of hers."""

    code, status, words = "not_found", 404, "There is no such device."


class NicknameTaken(Malformed):
    """Of her devices each has a nickname of its own, whatever its case."""


class NeedsTrial(Refusal):
    """What moves hardware is off until she has tried it herself."""

    code, status = "needs_trial", 409

    def __init__(self, function: str) -> None:
        super().__init__(f"{function} stays off until you have tried it on this device.")
        self.details = {"function": function}


class Choice:
    """What one call chooses, read strictly: what it does not name stays as it is."""

    def __init__(self, body: Fields) -> None:
        body.only("nickname", "enabled", "maximumSeconds", "functions")
        self.nickname = _nickname(body) if body.has("nickname") else None
        self.is_enabled = body.flag("enabled") if body.has("enabled") else None
        self.has_maximum = body.has("maximumSeconds")
        self.maximum_seconds = _seconds(body) if self.has_maximum else None
        self.functions = _functions(body) if body.has("functions") else {}

    def applied(self, row: DeviceRow) -> DeviceRow:
        """Raises Malformed for a function that this device has not, NeedsTrial."""
        after: DeviceRow = {**row}
        if self.nickname is not None:
            after["nickname"] = self.nickname
            after["nickname_key"] = changes.nickname_key(self.nickname)
        if self.is_enabled is not None:
            after["is_enabled"] = self.is_enabled
        if self.has_maximum:
            after["maximum_seconds"] = self.maximum_seconds
        after["choices"] = self._choices(row)
        return after

    def _choices(self, row: DeviceRow) -> dict[str, FunctionChoice]:
        has = {each["name"] for each in row["functions"]}
        chosen = dict(row["choices"])
        for name, choice in self.functions.items():
            if name not in has:
                raise Malformed(f"functions.{name}", "is no function of this device")
            is_new = choice.get("isEnabled") and not summary.is_function_enabled(row, name)
            if is_new and name in summary.GUARDED:
                raise NeedsTrial(name)
            chosen[name] = {**chosen.get(name, {}), **choice}
        return chosen


def _nickname(body: Fields) -> str:
    text = body.text("nickname", maximum=LONGEST_NICKNAME).strip()
    if not text or not text.isprintable():
        raise Malformed("nickname", f"must be 1 to {LONGEST_NICKNAME} printable characters")
    return text


def _seconds(body: Fields) -> int | None:
    if body.is_null("maximumSeconds"):
        return None
    return body.integer(
        "maximumSeconds", minimum=SHORTEST_RUN_SECONDS, maximum=LONGEST_ITEM_SECONDS
    )


def _functions(body: Fields) -> dict[str, FunctionChoice]:
    chosen: dict[str, FunctionChoice] = {}
    told = body.object("functions")
    told.only(*toytable.TOPS)
    for name in toytable.TOPS:
        if told.has(name):
            chosen[name] = _function(told.object(name), name)
    return chosen


def _function(told: Fields, name: str) -> FunctionChoice:
    told.only("isEnabled", "cap")
    choice: FunctionChoice = {}
    if told.has("isEnabled"):
        choice["isEnabled"] = told.flag("isEnabled")
    if told.has("cap"):
        choice["cap"] = told.integer("cap", minimum=1, maximum=toytable.TOPS[name])
    return choice


# --- written -------------------------------------------------------------------------------------


def change(
    *, performer_id: str, device_id: str, choice: Choice, by: str, now: datetime
) -> DeviceRow:
    """The device as it is now. Raises NoSuchDevice, NicknameTaken and what `Choice.applied`
    raises."""

    def changed(row: DeviceRow) -> DeviceRow:
        if not summary.is_kept(row):
            raise NoSuchDevice
        return choice.applied(row)

    return _written(performer_id, device_id, "change", changed, by=by, now=now)


def remove(*, performer_id: str, device_id: str, by: str, now: datetime) -> DeviceRow:
    """No later report brings it back."""

    def removed(row: DeviceRow) -> DeviceRow:
        return {**row, "removed_at": row["removed_at"] or now, "nickname_key": ""}

    return _written(performer_id, device_id, "remove", removed, by=by, now=now)


def restore(*, performer_id: str, device_id: str, by: str, now: datetime) -> DeviceRow:
    """Hers again, under its nickname, or a numbered one where another has that by now."""

    def restored(row: DeviceRow) -> DeviceRow:
        return {**row, "removed_at": None}

    return _written(performer_id, device_id, "restore", restored, by=by, now=now)


def owned(performer_id: str, device_id: str) -> DeviceRow:
    """Raises NoSuchDevice."""
    row = collection(Device).find_one({"_id": device_id, "performer_id": performer_id})
    if row is None:
        raise NoSuchDevice
    found: DeviceRow = row
    return found


def _written(
    performer_id: str,
    device_id: str,
    action: str,
    changed: Callable[[DeviceRow], DeviceRow],
    *,
    by: str,
    now: datetime,
) -> DeviceRow:
    def body(session: ClientSession) -> DeviceRow:
        rows = register.rows_of(performer_id, session)
        row = next((each for each in rows if each["_id"] == device_id), None)
        if row is None:
            raise NoSuchDevice
        after = changed(row)
        if summary.is_kept(after) and not after["nickname_key"]:
            after = changes.named(after, {each["nickname_key"] for each in rows})
        if after == row:
            return row
        register.keep(performer_id, rows, [Changed(row, after)], now=now, session=session)
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
    said: dict[str, Any] = {"before": _told(row, after), "after": _told(after, row)}
    audit_log.record(
        kind="device",
        action=action,
        by=by,
        target=row["_id"],
        lane=row["performer_id"],
        now=now,
        session=session,
        **said,
    )


def _told(row: DeviceRow, other: DeviceRow) -> dict[str, Any]:
    """What is different, as the audit log keeps it."""
    found = {}
    for name in AUDITED:
        if row[name] != other[name]:  # type: ignore[literal-required]
            value = row[name]  # type: ignore[literal-required]
            found[name] = value.isoformat() if isinstance(value, datetime) else value
    return found
