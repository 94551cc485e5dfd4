"""What a virtual device remembers across restarts: which activations it has run, so that a repeat
never plays twice.

An append-only file of JSON lines, each on disk before the toy moves. A line cut short by a crash is
dropped: what it would have announced had not begun."""

import json
import os
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import IO, Any

# What is said about an activation that comes again: the fields of an acknowledgement. None: it is
# running, or was when the device died.
Answer = Mapping[str, Any] | None
LIMIT = 10_000  # activations kept; older ones have long ended and are not sent again


class Memory:
    """Activation ids, each with its answer."""

    def __init__(self, file: Path | None = None) -> None:
        self._file = file
        self._seen: dict[str, Answer] = {}
        if file is not None and file.exists():
            self._load(file)

    def __contains__(self, activation_id: str) -> bool:
        return activation_id in self._seen

    def answer(self, activation_id: str) -> Answer:
        return self._seen[activation_id]

    def begin(self, *activation_ids: str) -> None:
        """They run, as one run."""
        self._record(dict.fromkeys(activation_ids))

    def end(self, answer: Answer, *activation_ids: str) -> None:
        self._record(dict.fromkeys(activation_ids, answer))

    def _record(self, answers: Mapping[str, Answer]) -> None:
        self._seen |= answers
        while len(self._seen) > LIMIT:
            del self._seen[next(iter(self._seen))]
        if self._file is None:
            return
        with self._file.open("ab") as out:
            _write(out, answers.items())

    def _load(self, file: Path) -> None:
        for line in file.read_bytes().splitlines():
            try:
                row = json.loads(line)
                self._seen[row["activationId"]] = row["answer"]
            except (ValueError, KeyError, TypeError):
                continue
        self._seen = dict(list(self._seen.items())[-LIMIT:])
        self._rewrite(file)

    def _rewrite(self, file: Path) -> None:
        """Whole lines only, and no more than the limit: the next append starts on a line of its
        own."""
        fresh = file.with_name(file.name + ".new")
        with fresh.open("wb") as out:
            _write(out, self._seen.items())
        fresh.replace(file)


def _write(out: IO[bytes], answers: Iterable[tuple[str, Answer]]) -> None:
    """On disk when it returns."""
    out.writelines(
        json.dumps({"activationId": key, "answer": answer}).encode() + b"\n"
        for key, answer in answers
    )
    out.flush()
    os.fsync(out.fileno())
