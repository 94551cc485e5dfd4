"""State tables: as the code has them, and as docs/states.md shows them."""

from collections.abc import Mapping
from enum import Enum
from pathlib import Path
from typing import Any

PAGE = Path(__file__).parent.parent / "docs" / "states.md"


def coded(predecessors: Mapping[Any, frozenset[Any]]) -> set[tuple[str, str]]:
    return {(str(start), str(to)) for to, starts in predecessors.items() for start in starts}


def documented(heading: str) -> set[tuple[str, str]]:
    """The (from, to) pairs below the heading; new rows aside, which no move makes."""
    rows = rows_below(heading)
    assert all(why for _, _, why in rows), "every move says why"
    return {(start, to) for start, to, _ in rows if start != "(new)"}


def rows_below(heading: str) -> list[list[str]]:
    """The cells of the table below the heading, without its head."""
    section = PAGE.read_text(encoding="utf-8").split(f"\n## {heading}\n")[1].split("\n## ")[0]
    lines = [line for line in section.splitlines() if line.startswith("|")]
    return [[cell.strip() for cell in line.split("|")[1:-1]] for line in lines[2:]]


def pairs(states: type[Enum]) -> list[tuple[Any, Any]]:
    return [(start, to) for start in states for to in states]
