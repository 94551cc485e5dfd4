"""What a virtual device remembers across restarts: which activations it has run, so that a repeat never plays twice.

An append-only file of JSON lines, each on disk before the toy moves. A line cut short by a crash is dropped: what it would
have announced had not begun.
"""

import json
import os
from pathlib import Path

LIMIT = 10_000  # activations kept; older ones have long ended and are not sent again


class Memory:
    """Activation ids with the seconds delivered: None while running, or if the device died while it ran."""

    def __init__(self, file: Path | None = None) -> None:
        self._file = file
        self._seen: dict[str, float | None] = {}
        if file is not None and file.exists():
            self._load(file)

    def __contains__(self, activation_id: str) -> bool:
        return activation_id in self._seen

    def delivered(self, activation_id: str) -> float | None:
        return self._seen[activation_id]

    def begin(self, activation_id: str) -> None:
        self._record(activation_id, None)

    def end(self, activation_id: str, delivered: float) -> None:
        self._record(activation_id, delivered)

    def _record(self, activation_id: str, delivered: float | None) -> None:
        self._seen[activation_id] = delivered
        if len(self._seen) > LIMIT:
            del self._seen[next(iter(self._seen))]
        if self._file is None:
            return
        with self._file.open("ab") as out:
            out.write(_line(activation_id, delivered))
            out.flush()
            os.fsync(out.fileno())

    def _load(self, file: Path) -> None:
        for line in file.read_bytes().splitlines():
            try:
                row = json.loads(line)
                self._seen[row["activationId"]] = row["deliveredSeconds"]
            except (ValueError, KeyError, TypeError):
                continue
        self._seen = dict(list(self._seen.items())[-LIMIT:])
        self._rewrite(file)

    def _rewrite(self, file: Path) -> None:
        """Whole lines only, and no more than the limit: the next append starts on a line of its own."""
        fresh = file.with_name(file.name + ".new")
        with fresh.open("wb") as out:
            out.writelines(_line(key, delivered) for key, delivered in self._seen.items())
            out.flush()
            os.fsync(out.fileno())
        fresh.replace(file)


def _line(activation_id: str, delivered: float | None) -> bytes:
    return json.dumps({"activationId": activation_id, "deliveredSeconds": delivered}).encode() + b"\n"
