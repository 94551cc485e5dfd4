"""What the house does not allow in a module: each rule yields (line, what is wrong)."""

import ast
from collections.abc import Iterator
from pathlib import Path, PurePosixPath

BASE = Path(__file__).parent.parent
FLOORS = ("config", "adminpanel", "lovense", "tips", "ledger", "ground")
MOST_LINES = 50
DOORS = {"views", "api", "webhooks", "consumers", "tasks", "admin"}
FORBIDDEN_NAMES = {"services.py", "utils.py", "helpers.py", "managers.py", "selectors.py"}
# The floors whose rows come from MongoDB as they are, and have types of their own.
WITH_ROWS = {"tips", "lovense"}
# Programs of their own (`python -m`), which talk to a person's terminal as a command does.
PROGRAMS = {"config/stack/stack.py"}
# Starts servers, which is what that word means there.
SERVERS = {"config/stack/services.py", "tests/services.py"}

Found = Iterator[tuple[int, str]]


def imports_of(tree: ast.Module) -> Iterator[tuple[int, str]]:
    """Every imported name with its module: `from a.b import c` is `a.b.c`."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from ((node.lineno, alias.name) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield from ((node.lineno, f"{node.module or ''}.{alias.name}") for alias in node.names)


def dotted(node: ast.expr) -> str:
    """`a.b.c` of an attribute or a name; empty for anything else."""
    if isinstance(node, ast.Attribute):
        return f"{dotted(node.value)}.{node.attr}"
    return node.id if isinstance(node, ast.Name) else ""


def calls_of(tree: ast.Module) -> Iterator[tuple[int, str]]:
    yield from ((node.lineno, dotted(node.func)) for node in ast.walk(tree) if isinstance(node, ast.Call))


def djangos_transactions(tree: ast.Module, path: PurePosixPath) -> Found:
    """atomic() does nothing on MongoDB, and the backend's own neither repeats nor heals:
    does."""
    for line, name in imports_of(tree):
        if name.startswith(("django.db.transaction", "django_mongodb_backend.transaction")):
            yield line, f"imports {name}"


def locks_that_do_nothing(tree: ast.Module, path: PurePosixPath) -> Found:
    """select_for_update() is silently ignored on MongoDB."""
    for line, name in calls_of(tree):
        if name.endswith(".select_for_update"):
            yield line, "calls select_for_update"


def assigned_states(tree: ast.Module, path: PurePosixPath) -> Found:
    """A status moves by a guarded update only (docs/states.md)."""
    for node in ast.walk(tree):
        targets = node.targets if isinstance(node, ast.Assign) else [getattr(node, "target", None)]
        for target in targets:
            if isinstance(target, ast.Attribute) and target.attr in {"status", "settlement_status"}:
                yield target.lineno, f"assigns {dotted(target)}"


def model_signals(tree: ast.Module, path: PurePosixPath) -> Found:
    """Bulk writes never send them: whoever listens misses most of what happens."""
    for line, name in imports_of(tree):
        if name.startswith("django.db.models.signals"):
            yield line, f"imports {name}"


def names_of_nothing(tree: ast.Module, path: PurePosixPath) -> Found:
    """A module is named for its noun."""
    if path.name in FORBIDDEN_NAMES and str(path) not in SERVERS:
        yield 1, "is named for no noun"


def long_functions(tree: ast.Module, path: PurePosixPath) -> Found:
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            lines = (node.end_lineno or node.lineno) - node.lineno + 1
            if lines > MOST_LINES:
                yield node.lineno, f"{node.name} has {lines} lines"


def silent_modules(tree: ast.Module, path: PurePosixPath) -> Found:
    """What lives here, and what never happens here."""
    if tree.body and not ast.get_docstring(tree):
        yield 1, "has no docstring"


def sleeping(tree: ast.Module, path: PurePosixPath) -> Found:
    """A test waits for a fact, not for the clock."""
    for line, name in (*imports_of(tree), *calls_of(tree)):
        if name == "time.sleep":
            yield line, "sleeps"


def printing(tree: ast.Module, path: PurePosixPath) -> Found:
    """What happens is a line of the log with allowed fields; only commands and programs talk to a
    terminal."""
    if "commands" in path.parts or path.name == "__main__.py" or str(path) in PROGRAMS:
        return
    yield from ((line, "prints") for line, name in calls_of(tree) if name == "print")


def clocks(tree: ast.Module, path: PurePosixPath) -> Found:
    """The time is an argument; doors take it from ground.clock, which gives what MongoDB will give back."""
    if str(path) == "ground/clock.py":
        return
    for line, name in calls_of(tree):
        if name.split(".")[-2:] in (
            ["datetime", "now"],
            ["datetime", "utcnow"],
            ["datetime", "today"],
            ["timezone", "now"],
        ):
            yield line, f"calls {name}"


def rules_that_know_doors(tree: ast.Module, path: PurePosixPath) -> Found:
    """A door calls a rule; a rule records a fact and does not know who will be woken by it."""
    is_free = (
        bool(DOORS & {path.stem, *path.parts})
        or path.stem in {"apps", "urls"}
        or path.parts[0] == "config"
        or "commands" in path.parts
    )
    is_free = is_free or "simulator" in path.parts  # a program of its own, which plays the other end
    for line, name in imports_of(tree):
        parts = name.split(".")
        if not is_free and parts[0] in FLOORS and DOORS & set(parts[1:]):
            yield line, f"imports the door {name}"


def untyped_rows(tree: ast.Module, path: PurePosixPath) -> Found:
    """A row has a type (`tips/rows.py`, `lovense/rows/`), and JSON a name that says what it is."""
    if path.parts[0] not in WITH_ROWS:
        return
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            named = [*node.args.posonlyargs, *node.args.args, *node.args.kwonlyargs]
            told = [arg.annotation for arg in named] + [node.returns]
            if any(is_untyped(part) for note in told if note for part in ast.walk(note)):
                yield node.lineno, f"{node.name} has a bare dict[str, Any] in its signature"


def is_untyped(note: ast.AST) -> bool:
    text = note.value if isinstance(note, ast.Constant) and isinstance(note.value, str) else ""
    return ast.unparse(note) == "dict[str, Any]" or "dict[str, Any]" in text


IN_PACKAGES = [
    *(
        djangos_transactions,
        locks_that_do_nothing,
        assigned_states,
        model_signals,
        names_of_nothing,
        long_functions,
    ),
    *(silent_modules, printing, clocks, rules_that_know_doors, untyped_rows),
]
IN_TESTS = [sleeping, silent_modules, long_functions, names_of_nothing]
