"""How a command finds the stack that runs in the same checkout: `.local/stack.json`, written by `manage.py stack`."""

import json
import os
from pathlib import Path


def stack_file(base_dir: Path) -> Path:
    return base_dir / ".local" / "stack.json"


def running_stack(base_dir: Path) -> dict[str, str]:
    """The running stack's addresses (mongodb_uri, redis_url, url, pid), or {} when none is alive."""
    try:
        found: dict[str, str] = json.loads(stack_file(base_dir).read_text())
        os.kill(int(found["pid"]), 0)
    except (OSError, ValueError, KeyError):
        return {}
    return found
