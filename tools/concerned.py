"""Which tests concern a module, and how closely: named for it, importing it, named for its room or
for a module that imports it, on the same floor."""

import ast
from collections.abc import Iterable, Iterator
from functools import cache
from pathlib import Path

BASE = Path(__file__).parent.parent
FLOORS = ("ground", "ledger", "tips", "lovense", "adminpanel", "config")
SLOW = {"browser", "flows"}  # they start whole stacks, and concern everything


def dotted(path: str) -> str:
    """`tips/queue/claims.py` is `tips.queue.claims`."""
    return path.removesuffix(".py").removesuffix("/__init__").replace("/", ".")


@cache
def imported(file: Path) -> frozenset[str]:
    """Every name with its module: `from a.b import c` is both `a.b` and `a.b.c`."""
    found: set[str] = set()
    for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            found |= {node.module, *(f"{node.module}.{alias.name}" for alias in node.names)}
    return frozenset(found)


def quick_files(base: Path) -> Iterator[Path]:
    """Whole stacks are left to `make test`."""
    for file in sorted((base / "tests").rglob("test_*.py")):
        if not SLOW & set(file.parts):
            yield file


def concerning(modules: Iterable[str], base: Path = BASE) -> list[str]:
    """Paths of test files, those with the most reasons first."""
    wanted = list(modules)
    files = list(quick_files(base))
    dots = {dotted(module) for module in wanted}
    floors = {Path(module).parts[0] for module in wanted}
    named = set(_named(files, wanted))
    importing = {file for file in files if dots & imported(file)}
    of_rooms = set(_named(files, [str(Path(module).parent) for module in wanted]))
    of_importers = set(_named(files, importers(dots, base)))
    reasons = {
        file: 4 * (file in named)
        + 2 * (file in importing)
        + (file in of_rooms)
        + (file in of_importers)
        for file in files
    }
    found = [file for file in files if reasons[file]]
    found.sort(key=lambda file: -reasons[file] - bool(floors & set(file.parts)))
    return [file.relative_to(base).as_posix() for file in found]


def importers(dots: set[str], base: Path) -> list[str]:
    """The modules that import one of these."""
    return [
        file.relative_to(base).as_posix()
        for floor in FLOORS
        for file in sorted((base / floor).rglob("*.py"))
        if dots & imported(file)
    ]


def _named(files: Iterable[Path], modules: Iterable[str]) -> Iterator[Path]:
    """`tests/tips/test_queue.py` for `tips/queue` and `tips/queue.py`; the floor has to agree."""
    names = {(Path(module).parts[0], Path(module).stem) for module in modules}
    for file in files:
        subject = file.stem.removeprefix("test_")
        if any(floor in file.parts and subject.startswith(name) for floor, name in names):
            yield file
