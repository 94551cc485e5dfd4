"""Where a stack keeps its data, and the file by which commands find it. Two stacks never share
either."""

import contextlib
import fcntl
import json
import os
import shutil
import tempfile
from pathlib import Path
from typing import Any

from config.running import read, stack_file, started_at
from config.stack.processes import BASE_DIR

EPHEMERAL = "tips-stack-"


class PlaceTaken(Exception):
    """One directory of data, one stack."""


class Place:
    def __init__(self, *, data: Path | None, ephemeral: bool) -> None:
        local = data.resolve() if data else BASE_DIR / ".local"
        self.ephemeral = ephemeral
        self.data = _temporary() if ephemeral else local / "data"
        self.data.mkdir(parents=True, exist_ok=True)
        self._lock = _lock(self.data)
        self.file = local / "stack.json" if data else stack_file(BASE_DIR)
        self.displaced = read(self.file)
        if self.displaced:  # commands in this checkout go on talking to the one that was here first
            self.file = self.data / "stack.json"

    def write(self, addresses: dict[str, Any]) -> None:
        """Whole or not at all; for its owner only, since an address may carry a password."""
        self.file.parent.mkdir(parents=True, exist_ok=True)
        draft = self.file.with_name(f"{self.file.name}.{os.getpid()}")
        with open(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as out:
            json.dump({"pid": os.getpid(), "started": started_at(os.getpid()), **addresses}, out)
        draft.replace(self.file)

    def leave(self) -> None:
        if read(self.file).get("pid") == os.getpid():
            self.file.unlink()
        self._lock.close()
        if self.ephemeral:
            shutil.rmtree(self.data, ignore_errors=True)


def _lock(data: Path) -> Any:
    held = (data / "lock").open("w")
    try:
        fcntl.flock(held, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        held.close()
        raise PlaceTaken(
            f"Another stack keeps its data in {data}; stop it, or give this one its own with "
            f"--data DIR or --ephemeral."
        ) from None
    return held


def _temporary() -> Path:
    """A new one, once those that killed stacks left behind are gone (their locks ended with
    them)."""
    for left in Path(tempfile.gettempdir()).glob(EPHEMERAL + "*/lock"):
        with contextlib.suppress(OSError), left.open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            shutil.rmtree(left.parent)
    return Path(tempfile.mkdtemp(prefix=EPHEMERAL))
