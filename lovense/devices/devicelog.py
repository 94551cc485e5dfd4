"""The log of a device: what this server told it, when, by which path, and what was answered after
how long. A ring of 200 lines, each kept for seven days.

It names neither a uid nor a token, and nothing is decided by it."""

import threading
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from pymongo import ReplaceOne

from ground.mongodb.collections import collection
from lovense.models import DeviceLogLine
from lovense.rows import Command, DeviceLogRow

LINES = 200  # of one device
KEPT = timedelta(days=7)
STOP = "stop"
LONGEST_WORDS = 80


@dataclass(frozen=True, slots=True)
class Told:
    """What one call was for some devices. `ms`: from telling to its answer."""

    toy_ids: Sequence[str]
    words: str
    outcome: str
    at: datetime
    ms: float


class DeviceLog:
    """Of whoever holds the devices of a performer: it alone counts their lines, and reads only
    once how many there were. From any thread."""

    def __init__(self, performer_id: str, path: str) -> None:
        self._performer_id, self._path = performer_id, path
        self._lock = threading.Lock()
        self._counts: dict[str, int] = {}
        self._last: dict[str, tuple[str, str]] = {}  # by device: the words of its last line

    def write(self, told: Told) -> None:
        """One write, however many devices. A stop that is repeated with the same answer is one
        line: it would push everything else out of the ring."""
        with self._lock:
            rows = [self._row(device_id, told) for device_id in self._new(told)]
            if rows:
                lines = [ReplaceOne({"_id": row["_id"]}, row, upsert=True) for row in rows]
                collection(DeviceLogLine).bulk_write(lines, ordered=False)

    def _new(self, told: Told) -> list[str]:
        said = told.words, told.outcome
        ids = [f"{self._performer_id}.{toy_id}" for toy_id in told.toy_ids]
        found = [one for one in ids if told.words != STOP or self._last.get(one) != said]
        self._last.update(dict.fromkeys(found, said))
        return found

    def _row(self, device_id: str, told: Told) -> DeviceLogRow:
        if device_id not in self._counts:
            self._counts[device_id] = _lines_of(device_id)
        n = self._counts[device_id] = self._counts[device_id] + 1
        return {
            "_id": f"{device_id}.{n % LINES}",
            "device_id": device_id,
            "performer_id": self._performer_id,
            "n": n,
            "at": told.at,
            "path": self._path,
            "told": told.words,
            "outcome": told.outcome,
            "ms": told.ms,
            "expires_at": told.at + KEPT,
        }


def _lines_of(device_id: str) -> int:
    newest = newest_of(device_id, limit=1)
    return newest[0]["n"] if newest else 0


def newest_of(device_id: str, *, limit: int = LINES) -> list[DeviceLogRow]:
    """The newest first."""
    wanted = collection(DeviceLogLine).find({"device_id": device_id})
    return list(wanted.sort("n", -1).limit(limit))


def words(command: Command) -> str:
    """Of a command that has passed the last hop."""
    if command.get("action") == "Stop":
        return STOP
    if command["command"] == "Pattern":
        values = command["strength"].count(";") + 1
        said = f"pattern of {values} values, {command['rule']}"
    else:
        said = str(command.get("action") or f"preset {command['name']}")
    return f"{said[: LONGEST_WORDS - 20]}, {command['timeSec']} s"
