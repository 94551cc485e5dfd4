"""Prints what the product itself needs, from pyproject.toml; the lock pins it, and holds more
(tests, embedded databases)."""

import tomllib
from pathlib import Path

print("\n".join(tomllib.loads(Path("pyproject.toml").read_text())["project"]["dependencies"]))
