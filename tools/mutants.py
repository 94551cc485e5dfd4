"""`make mutants ARGS="tips/queue"`: changes one small thing at a time in a copy of the code, and
runs the tests that concern it. What no test notices survives: a test is missing, or it is all one.

1. Copies what git knows into a directory of its own. 2. Proves that the tests pass there. 3. For a
drawn handful of mutants of each module: writes it, runs the tests, puts the module back. 4. Names
the survivors. It stops when its time is over, and says what it has not tried."""

import argparse
import ast
import random
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tqdm import tqdm

from tools.concerned import BASE, concerning

PASSED, FAILED = 0, 1
SPARE_SECONDS = 10.0  # beyond three times what the tests took before
OPPOSITES: dict[type[ast.AST], type[ast.AST]] = {
    ast.Lt: ast.LtE,
    ast.LtE: ast.Lt,
    ast.Gt: ast.GtE,
    ast.GtE: ast.Gt,
    ast.Eq: ast.NotEq,
    ast.NotEq: ast.Eq,
    ast.In: ast.NotIn,
    ast.NotIn: ast.In,
    ast.Is: ast.IsNot,
    ast.IsNot: ast.Is,
    ast.And: ast.Or,
    ast.Or: ast.And,
    ast.Add: ast.Sub,
    ast.Sub: ast.Add,
}
LEFT_ALONE = ("log.", "logger.", "super().__init__")  # what a log says is no behaviour


@dataclass(frozen=True)
class Mutant:
    """One change: `owner.field`, or one place of that list, becomes `value`."""

    line: int
    what: str
    owner: ast.AST
    field: str
    place: int | None
    value: Any

    @contextmanager
    def applied(self) -> Iterator[None]:
        before = self._put(self.value)
        try:
            yield
        finally:
            self._put(before)

    def _put(self, value: Any) -> Any:
        if self.place is None:
            before = getattr(self.owner, self.field)
            setattr(self.owner, self.field, value)
            return before
        found = getattr(self.owner, self.field)
        before, found[self.place] = found[self.place], value
        return before


# --- what may be changed -------------------------------------------------------------------------


def mutants_of(tree: ast.Module) -> Iterator[Mutant]:
    """Inside functions only: names, types and wiring are for the other checks."""
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            for statement in node.body:
                yield from _below(statement)
            yield from _dropped(node)


def _below(node: ast.AST) -> Iterator[Mutant]:
    if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
        return  # has its own turn
    yield from _changed(node)
    for name, value in ast.iter_fields(node):
        if name in {"annotation", "returns", "type_comment"}:
            continue
        for child in value if isinstance(value, list) else [value]:
            if isinstance(child, ast.AST):
                yield from _below(child)
    yield from _dropped(node)


def _changed(node: ast.AST) -> Iterator[Mutant]:
    line = getattr(node, "lineno", 0)
    if isinstance(node, ast.Compare):
        for place, op in enumerate(node.ops):
            if opposite := OPPOSITES.get(type(op)):
                words = f"{_name(op)} becomes {opposite.__name__}"
                yield Mutant(line, words, node, "ops", place, opposite())
    elif isinstance(node, ast.BoolOp | ast.BinOp) and type(node.op) in OPPOSITES:
        opposite = OPPOSITES[type(node.op)]
        words = f"{_name(node.op)} becomes {opposite.__name__}"
        yield Mutant(line, words, node, "op", None, opposite())
    elif isinstance(node, ast.Constant) and isinstance(node.value, int):
        other = not node.value if isinstance(node.value, bool) else node.value + 1
        yield Mutant(line, f"{node.value} becomes {other}", node, "value", None, other)
    elif isinstance(node, ast.If | ast.IfExp | ast.While):
        turned = ast.UnaryOp(ast.Not(), node.test)
        yield Mutant(line, "its condition is turned round", node, "test", None, turned)
    elif isinstance(node, ast.Return) and node.value is not None:
        yield Mutant(line, "returns None", node, "value", None, ast.Constant(None))


def _dropped(node: ast.AST) -> Iterator[Mutant]:
    for field in ("body", "orelse", "finalbody"):
        found = getattr(node, field, None)
        for place, statement in enumerate(found if isinstance(found, list) else ()):
            if _may_go(statement):
                words = f"dropped: {ast.unparse(statement).splitlines()[0][:70]}"
                yield Mutant(statement.lineno, words, node, field, place, ast.Pass())


def _may_go(statement: ast.stmt) -> bool:
    """Calls for their effect, and changes of what is there already."""
    if isinstance(statement, ast.AugAssign):
        return True
    is_call = isinstance(statement, ast.Expr) and not isinstance(statement.value, ast.Constant)
    return is_call and not ast.unparse(statement).startswith(LEFT_ALONE)


def _name(node: ast.AST) -> str:
    return type(node).__name__


# --- trying --------------------------------------------------------------------------------------


@dataclass
class Copy:
    """The code, where it may be changed. `.venv` is the one that is there."""

    base: Path

    @classmethod
    def made(cls) -> "Copy":
        base = Path(tempfile.mkdtemp(prefix="tips-mutants-"))
        listed = subprocess.run(
            ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
            cwd=BASE,
            capture_output=True,
            text=True,
            check=True,
        )
        for path in filter(None, listed.stdout.split("\0")):
            if (BASE / path).is_file() and not (BASE / path).is_symlink():
                (base / path).parent.mkdir(parents=True, exist_ok=True)
                shutil.copy(BASE / path, base / path)
        (base / ".venv").symlink_to((BASE / ".venv").resolve())
        return cls(base)

    def run(self, tests: Sequence[str], seconds: float) -> int | None:
        """What pytest says; None when it did not end in time. Databases of its own die with it."""
        command = [sys.executable, "-m", "pytest", "-x", "-q", "-p", "no:cacheprovider", *tests]
        quiet = subprocess.DEVNULL
        with subprocess.Popen(command, cwd=self.base, stdout=quiet, stderr=quiet) as running:
            try:
                return running.wait(seconds)
            except subprocess.TimeoutExpired:
                running.kill()
                return None


@dataclass
class Trial:
    """One module with what it is tried by."""

    path: str
    source: str
    tree: ast.Module
    chosen: list[Mutant]
    tests: list[str]


@dataclass
class Report:
    survivors: list[str]
    tried: int = 0
    untried: int = 0


def trials(paths: Sequence[str], *, most: int, files: int, chance: random.Random) -> list[Trial]:
    found = []
    for path in modules(paths):
        source = (BASE / path).read_text(encoding="utf-8")
        tree = ast.parse(source)
        every = list(mutants_of(tree))
        chosen = sorted(chance.sample(every, min(most, len(every))), key=lambda one: one.line)
        found.append(Trial(path, source, tree, chosen, concerning([path])[:files]))
    return [trial for trial in found if trial.chosen and trial.tests]


def modules(paths: Sequence[str]) -> Iterator[str]:
    """A path names a module or a room."""
    for path in paths:
        here = BASE / path.rstrip("/")
        for file in sorted(here.rglob("*.py")) if here.is_dir() else [here.with_suffix(".py")]:
            if "migrations" not in file.parts:
                yield file.relative_to(BASE).as_posix()


def tried(copy: Copy, found: Sequence[Trial], *, until: float, bar: Any) -> Report:
    report = Report([])
    for trial in found:
        began = time.monotonic()
        if began > until or copy.run(trial.tests, until - began) != PASSED:
            bar.write(f"{trial.path}: its tests did not pass unchanged in the time that is left")
            report.untried += len(trial.chosen)
            continue
        seconds = 3 * (time.monotonic() - began) + SPARE_SECONDS
        for mutant in trial.chosen:
            if time.monotonic() > until:
                report.untried += 1
                continue
            report.tried += 1
            if _survives(copy, trial, mutant, seconds):
                report.survivors.append(f"{trial.path}:{mutant.line} {mutant.what}")
            bar.update()
    return report


def _survives(copy: Copy, trial: Trial, mutant: Mutant, seconds: float) -> bool:
    file = copy.base / trial.path
    with mutant.applied():
        file.write_text(ast.unparse(ast.fix_missing_locations(trial.tree)), encoding="utf-8")
    said = copy.run(trial.tests, seconds)
    file.write_text(trial.source, encoding="utf-8")
    return said == PASSED


def main() -> int:
    parser = argparse.ArgumentParser(prog="make mutants", description=__doc__)
    parser.add_argument("paths", nargs="+", help="modules or rooms: tips/queue/claims.py tips/log")
    parser.add_argument("--most", type=int, default=10, help="mutants of a module (default 10)")
    parser.add_argument("--files", type=int, default=4, help="test files of a module (default 4)")
    parser.add_argument("--minutes", type=float, default=10, help="time for all (default 10)")
    parser.add_argument("--seed", type=int, default=1, help="which are drawn (default 1)")
    options = parser.parse_args()
    found = trials(
        options.paths, most=options.most, files=options.files, chance=random.Random(options.seed)
    )
    copy = Copy.made()
    try:
        with tqdm(total=sum(len(trial.chosen) for trial in found), unit="mutant") as bar:
            until = time.monotonic() + 60 * options.minutes
            report = tried(copy, found, until=until, bar=bar)
    finally:
        shutil.rmtree(copy.base, ignore_errors=True)
    left = f", {report.untried} not tried" if report.untried else ""
    words = f"{report.tried} tried, {len(report.survivors)} survived{left}"
    sys.stdout.write("\n".join([*report.survivors, words]) + "\n")
    return FAILED if report.survivors else PASSED


if __name__ == "__main__":
    sys.exit(main())
