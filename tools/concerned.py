"""Which tests concern a module: those named for it or its room, then those that import it."""

import ast
from collections.abc import Iterable, Iterator
from pathlib import Path

BASE = Path(__file__).parent.parent
SLOW = {"browser", "flows"}  # they start whole stacks, and concern everything


def dotted(path: str) -> str:
    """`tips/queue/claims.py` is `tips.queue.claims`."""
    return path.removesuffix(".py").removesuffix("/__init__").replace("/", ".")


def imported(file: Path) -> set[str]:
    """Every name with its module: `from a.b import c` is both `a.b` and `a.b.c`."""
    found: set[str] = set()
    for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            found |= {node.module, *(f"{node.module}.{alias.name}" for alias in node.names)}
    return found


def quick_files(base: Path) -> Iterator[Path]:
    """Quick ones; whole stacks are left to `make test`."""
    for file in sorted((base / "tests").rglob("test_*.py")):
        if not SLOW & set(file.parts):
            yield file


def concerning(modules: Iterable[str], base: Path = BASE) -> list[str]:
    """Paths of test files, those named for one of the modules or for its room first."""
    wanted = list(modules)
    names = {name for module in wanted for name in (Path(module).stem, Path(module).parent.name)}
    floors = {Path(module).parts[0] for module in wanted}
    dots = {dotted(module) for module in wanted}
    named, importing = [], []
    for file in quick_files(base):
        path = file.relative_to(base).as_posix()
        subject = file.stem.removeprefix("test_")
        if floors & set(file.parts) and any(subject.startswith(name) for name in names):
            named.append(path)
        elif dots & imported(file):
            importing.append(path)
    return [*named, *importing]
