"""Where the databases of the tests keep their data: in memory, where there is plenty of it.

They flush what they write as they do anywhere, and it outlives the process that wrote it; but nobody waits
for a disk. A run that was killed leaves its data behind, which the next one removes."""

import fcntl
import shutil
import tempfile
from contextlib import suppress
from pathlib import Path
from typing import IO

import psutil

SHARED = Path("/dev/shm")
ENOUGH = 4 * 2**30  # of one run with three processes: a third of it, and as much for stacks
_PREFIX = "tips-tests-"
_held: list[IO[str]] = []


def place() -> Path:
    """Of temporary data."""
    with suppress(OSError):
        if min(shutil.disk_usage(SHARED).free, psutil.virtual_memory().available) > ENOUGH:
            return SHARED
    return Path(tempfile.gettempdir())


def directory() -> Path:
    """A new one, held until this process ends."""
    there = place()
    for left in there.glob(f"{_PREFIX}*/lock"):
        with suppress(OSError), left.open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            shutil.rmtree(left.parent)
    draft = Path(tempfile.mkdtemp(dir=there))  # has its name when it is held: nobody removes it before
    held = (draft / "lock").open("w")
    fcntl.flock(held, fcntl.LOCK_EX)
    _held.append(held)
    return draft.rename(there / f"{_PREFIX}{draft.name}")
