"""`make doctor`: what this machine has, and what to do about what it lacks. Exit 1 when that is
something without which the stack or the tests cannot run. It changes nothing."""

import os
import re
import shutil
import socket
import sys
from collections.abc import Iterator
from importlib import metadata
from pathlib import Path
from typing import NamedTuple

from config.running import running_stack
from config.stack.binaries import BinaryMissing, locate
from config.stack.processes import BASE_DIR
from config.stack.services import LOOPBACK, SPARE_BINARIES

OLDEST = (3, 11)
PORT = 8000
LEAST_FREE_GB = 2.0


class Finding(NamedTuple):
    """`needed`: nothing works without it. Else the words say what is left out."""

    what: str
    is_well: bool
    words: str
    needed: bool = True


def python() -> Finding:
    words = f"{sys.version.split()[0]} at {sys.executable}"
    return Finding("python", sys.version_info[:2] >= OLDEST, f"{words}; 3.11 or later is needed")


def packages(lock: str) -> Finding:
    """Does .venv hold what requirements.lock names?"""
    differing = [
        name
        for name, version in re.findall(r"^([\w.-]+)==([^\s;]+)", lock, re.MULTILINE)
        if installed(name) != version
    ]
    hint = f"not as locked: {', '.join(differing[:5])}; run: make lock, or touch requirements.lock"
    return Finding("packages", not differing, hint if differing else "as requirements.lock says")


def installed(name: str) -> str:
    try:
        return metadata.version(name)
    except metadata.PackageNotFoundError:
        return ""


def database(program: str) -> Finding:
    try:
        return Finding(program, True, str(locate(program, spare=SPARE_BINARIES)))
    except BinaryMissing as missing:
        return Finding(program, False, str(missing))


def optional(program: str, without: str) -> Finding:
    found = shutil.which(program)
    return Finding(program, bool(found), found or f"not on the PATH: {without}", needed=False)


def port(number: int) -> Finding:
    stack = running_stack(BASE_DIR)
    if stack:
        return Finding("stack", True, f"runs at {stack['url']}", needed=False)
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        is_free = probe.connect_ex((LOOPBACK, number)) != 0
    words = f"{number} is free" if is_free else f'{number} is taken: make stack ARGS="--port 0"'
    return Finding("port", is_free, words, needed=False)


def data_directory(folder: Path) -> Finding:
    place = folder if folder.exists() else folder.parent
    free = shutil.disk_usage(place).free / 1e9
    is_well = os.access(place, os.W_OK) and free >= LEAST_FREE_GB
    return Finding("data", is_well, f"{folder}: {free:.0f} GB free, {LEAST_FREE_GB:.0f} needed")


def findings() -> Iterator[Finding]:
    yield python()
    yield packages((BASE_DIR / "requirements.lock").read_text(encoding="utf-8"))
    yield database("mongod")
    yield database("redis-server")
    yield data_directory(BASE_DIR / ".local")
    yield port(PORT)
    yield optional("git", "`make quick` cannot say what changed")
    yield optional("uv", "the first start takes a minute longer")
    yield optional("chromium", "the browser tests fail; apt-get install chromium")
    yield optional("curl", "the examples of the documents are not tried")
    yield optional("openssl", "the examples of the documents are not tried")


def main() -> int:
    found = list(findings())
    for finding in found:
        mark = "ok" if finding.is_well else "MISSING" if finding.needed else "without"
        sys.stdout.write(f"{mark:8} {finding.what:13} {finding.words}\n")
    return 1 if any(not finding.is_well and finding.needed for finding in found) else 0


if __name__ == "__main__":
    sys.exit(main())
