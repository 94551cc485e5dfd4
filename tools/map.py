"""`make map`: writes docs/map.md, the first sentence of every module, floor by floor and room by
room in the order in which a tip passes. tests/test_docs.py says when it is stale."""

import ast
import re
import sys
from collections.abc import Iterator
from pathlib import Path

BASE = Path(__file__).parent.parent
MAP = BASE / "docs" / "map.md"
SKIPPED = {"migrations", "contrib_migrations", "__pycache__"}

# Floors from the ground up, and their rooms in the order of a tip's life. What is not named comes
# last, by its name.
ROOMS: dict[str, tuple[str, ...]] = {
    "ground": (".", "mongodb", "json", "inbox", "journal", "hops", "audit"),
    "ledger": (".", "books", "rrr", "rrr/simulator", "management/commands"),
    "tips": (".", "intake", "settlement", "log", "queue", "management/commands"),
    "lovense": (
        *(
            ".",
            "performers",
            "menus",
            "devices",
            "deciding",
            "history",
            "sending",
            "sockets",
            "stopping",
            "owed",
            "shows",
        ),
        *("lane", "repairs", "page", "views", "api", "models", "simulator"),
        *("vendor_simulator", "vendor_simulator/phones", "vendor_simulator/doors"),
        "management/commands",
    ),
    "adminpanel": (".", "tip", "watch", "api", "management/commands"),
    "config": (".", "pen", "peers", "stack", "demo", "management/commands"),
}

HEAD = """# Map

Every module with the first sentence of its docstring: floors from the ground up, rooms in the order
in which a tip passes them. Made by `make map`; a test fails when it is stale.
[architecture.md](architecture.md) draws the house.
"""


def first_sentence(docstring: str) -> str:
    """Of the first paragraph, on one line."""
    paragraph = " ".join(docstring.strip().split("\n\n")[0].split())
    found = re.match(r".+?[.?!][\"”)]?(?= +[A-Z`\"“(]|$)", paragraph)
    return (found[0] if found else paragraph).replace("|", "\\|")


def rooms(base: Path, floor: str) -> list[str]:
    found = {file.parent.relative_to(base / floor).as_posix() for file in modules(base / floor)}
    named = [room for room in ROOMS[floor] if room in found]
    return [*named, *sorted(found - set(named))]


def modules(folder: Path) -> Iterator[Path]:
    """Those with content, without migrations."""
    for file in sorted(folder.rglob("*.py")):
        if not SKIPPED & set(file.parts) and file.stat().st_size:
            yield file


def docstring_of(file: Path) -> str:
    return ast.get_docstring(ast.parse(file.read_text(encoding="utf-8"))) or ""


def written(base: Path) -> str:
    """The whole page."""
    return HEAD + "".join(line for floor in ROOMS for line in _floor(base, floor))


def _floor(base: Path, floor: str) -> Iterator[str]:
    yield f"\n## {floor}/\n"
    for room in rooms(base, floor):
        here = base / floor / room
        files = [file for file in modules(here) if file.parent == here]
        yield f"\n**{floor}/**\n\n" if room == "." else f"\n**{floor}/{room}/**\n\n"
        yield "| Module | What lives there |\n|---|---|\n"
        yield from (f"| `{file.name}` | {first_sentence(docstring_of(file))} |\n" for file in files)


def main() -> int:
    MAP.write_text(written(BASE), encoding="utf-8")
    sys.stdout.write(f"{MAP.relative_to(BASE)}: {len(MAP.read_text().splitlines())} lines\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
