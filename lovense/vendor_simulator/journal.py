"""What was told and what moved: JSON lines, one for each command and one for each change of a
level, in memory and, where a file is named, on disk."""

import json
import threading
from collections import deque
from collections.abc import Callable
from pathlib import Path

from lovense.rows import Json
from lovense.vendor_simulator import limits

SECRETS = ("token", "utoken")  # of a command's body, never written down
KEPT = 20_000  # lines in memory; the file keeps all
COMMAND, LEVEL, EXTENSION = "command", "level", "extension"
KINDS = (COMMAND, LEVEL, EXTENSION)


def command_line(
    body: Json, answer: Json, *, at: int, via: str, phone: str | None, fault: str = ""
) -> Json:
    """A command told: by which way, to which phone (None: it reached none), and what was answered.
    `violation` is the first of the vendor's limits that it breaks."""
    broken = limits.violation(body, via=via)
    return {
        "at": at,
        "kind": COMMAND,
        "via": via,
        "phone": phone,
        "toy": body.get("toy"),
        "body": {name: value for name, value in body.items() if name not in SECRETS},
        "answer": answer,
        **({"violation": broken} if broken else {}),
        **({"fault": fault} if fault else {}),
    }


def level_line(*, at: int, phone: str, toy: str, function: str, level: int) -> Json:
    """A level is another one from this moment on."""
    told = {"phone": phone, "toy": toy, "function": function, "level": level}
    return {"at": at, "kind": LEVEL, **told}


def extension_line(call: Json, *, at: int) -> Json:
    """What a page has called of the Cam Extension's script, with what it gave."""
    return {"at": at, "kind": EXTENSION, **call}


class Journal:
    """Lines are objects with `at` (ms since the epoch) and `kind`: one of KINDS."""

    def __init__(self, file: Path | None = None) -> None:
        self._changed = threading.Condition()
        self._lines: deque[Json] = deque(maxlen=KEPT)
        self._out = file.open("a", encoding="ascii") if file else None

    def write(self, line: Json) -> None:
        with self._changed:
            self._lines.append(line)
            if self._out is not None and not self._out.closed:
                self._out.write(json.dumps(line) + "\n")
                self._out.flush()
            self._changed.notify_all()

    def lines(self, kind: str = "", *, since: int = 0) -> list[Json]:
        with self._changed:
            return [
                line
                for line in self._lines
                if line["at"] >= since and (not kind or line["kind"] == kind)
            ]

    def wait_for(self, matches: Callable[[Json], bool], *, seconds: float = 10) -> Json:
        """The first line that matches, also one that has been written before. Raises
        TimeoutError."""
        with self._changed:
            if not self._changed.wait_for(lambda: any(map(matches, self._lines)), seconds):
                raise TimeoutError("no line of the journal matches")
            return next(filter(matches, self._lines))

    def close(self) -> None:
        with self._changed:
            if self._out is not None:
                self._out.close()
