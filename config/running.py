"""How a command finds the stack that runs in the same checkout: `.local/stack.json`, written by
`manage.py stack`.

STACK_FILE names another file, for a second stack in one checkout.
"""

import json
import os
from pathlib import Path
from typing import Any


def stack_file(base_dir: Path) -> Path:
    named = os.environ.get("STACK_FILE")
    return Path(named) if named else base_dir / ".local" / "stack.json"


def running_stack(base_dir: Path) -> dict[str, Any]:
    """The running stack's addresses (mongodb_uri, redis_url, url, pid, processes), or {} when none
    is alive."""
    return read(stack_file(base_dir))


def read(file: Path) -> dict[str, Any]:
    try:
        found: dict[str, Any] = json.loads(file.read_text())
        alive = started_at(int(found["pid"])) == found["started"]
    except (OSError, ValueError, KeyError, TypeError):
        return {}
    return found if alive else {}


def started_at(pid: int) -> str:
    """When the kernel started the process: tells a stack from a later process that was given the
    same number."""
    return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[19]
