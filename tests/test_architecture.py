"""What the house does not allow, found in the code itself; each check first catches a planted bad example."""

import ast
import re
import shutil
import subprocess
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path, PurePosixPath

import pytest
from importlinter.cli import EXIT_STATUS_ERROR, EXIT_STATUS_SUCCESS

from tests.rules import (
    BASE,
    FLOORS,
    FORBIDDEN_NAMES,
    IN_PACKAGES,
    IN_TESTS,
    MOST_LINES,
    assigned_states,
    clocks,
    djangos_transactions,
    locks_that_do_nothing,
    long_functions,
    model_signals,
    names_of_nothing,
    printing,
    rules_that_know_doors,
    silent_modules,
    sleeping,
    untyped_rows,
)

# --- the code ----------------------------------------------------------------------------------------------


def modules(*roots: str) -> Iterator[tuple[PurePosixPath, ast.Module]]:
    for root in roots:
        for file in sorted((BASE / root).rglob("*.py")):
            path = PurePosixPath(file.relative_to(BASE))
            if not {"migrations", "contrib_migrations"} & set(path.parts):
                yield path, ast.parse(file.read_text(encoding="utf-8"))


def offences(check, *roots: str) -> list[str]:
    return [f"{path}:{line} {what}" for path, tree in modules(*roots) for line, what in check(tree, path)]


@pytest.mark.parametrize("check", IN_PACKAGES, ids=lambda check: check.__name__)
def test_the_packages_keep_the_rule(check):
    assert offences(check, *FLOORS) == []


@pytest.mark.parametrize("check", IN_TESTS, ids=lambda check: check.__name__)
def test_the_tests_keep_the_rule(check):
    assert offences(check, "tests") == []


# --- lines -------------------------------------------------------------------------------------------------

WIDTH, WIDTH_OF_TESTS = 100, 110


def wide_lines(text: str, most: int) -> list[int]:
    """The linter leaves out what only its own comments (`noqa`, `type: ignore`) make too long."""
    return [number for number, line in enumerate(text.splitlines(), 1) if len(line) > most]


def files_of_code() -> Iterator[Path]:
    for root in (*FLOORS, "bench", "tools", "tests"):
        for file in sorted((BASE / root).rglob("*.py")):
            if not {"migrations", "contrib_migrations"} & set(file.parts):
                yield file


def test_no_line_is_too_long():
    found = {}
    for file in files_of_code():
        most = WIDTH_OF_TESTS if (BASE / "tests") in file.parents else WIDTH
        found[str(file.relative_to(BASE))] = wide_lines(file.read_text(encoding="utf-8"), most)
    assert len(found) > 300
    assert {path: lines for path, lines in found.items() if lines} == {}


def test_a_planted_long_line_is_caught():
    text = f"x = 1\ny = {'1' * 75}  # type: ignore[assignment]\n{'é' * 100}\n"
    assert wide_lines(text, WIDTH) == [2]
    assert wide_lines(text, WIDTH_OF_TESTS) == []


# --- names that stand for one thing ------------------------------------------------------------------------


def named_twice(code: Iterable[tuple[PurePosixPath, ast.Module]]) -> dict[str, list[str]]:
    """Every class name that stands for more than one thing, with the modules that define it.

    What nobody imports by its name is left out: inner classes (`Meta`), what is private to its module, the
    `Command` of a management command, and migrations, which `modules` leaves out."""
    found: dict[str, list[str]] = {}
    for path, tree in code:
        for node in tree.body:
            is_command = (
                "commands" in path.parts and isinstance(node, ast.ClassDef) and node.name == "Command"
            )
            if isinstance(node, ast.ClassDef) and not node.name.startswith("_") and not is_command:
                found.setdefault(node.name, []).append(f"{path}:{node.lineno}")
    return {name: places for name, places in found.items() if len(places) > 1}


def test_a_class_name_stands_for_one_thing():
    assert named_twice(modules(*FLOORS, "bench")) == {}


def planted(*code: tuple[str, str]) -> dict[str, list[str]]:
    return named_twice((PurePosixPath(path), ast.parse(text)) for path, text in code)


def test_a_planted_second_thing_of_that_name_is_caught():
    doubled = planted(
        ("tips/a.py", "class Answer: ..."), ("ledger/b/c.py", "x = 1\nclass Answer(Exception): ...")
    )
    assert doubled == {"Answer": ["tips/a.py:1", "ledger/b/c.py:2"]}


def test_what_nobody_imports_by_its_name_may_be_called_alike():
    commands = [
        (f"{app}/management/commands/x.py", "class Command(BaseCommand): ...") for app in ("tips", "ledger")
    ]
    assert planted(*commands) == {}
    assert planted(("a.py", "class A:\n    class Meta: ..."), ("b.py", "class B:\n    class Meta: ...")) == {}
    assert planted(("a.py", "class _Row: ..."), ("b.py", "class _Row: ...")) == {}
    assert planted(("tips/commands.py", "class Command: ..."), ("ledger/x.py", "class Command: ...")) != {}


# --- the checks themselves ---------------------------------------------------------------------------------

LONG = "def f():\n" + "    x = 1\n" * MOST_LINES
PLANTED = [
    (djangos_transactions, "from django.db import transaction"),
    (djangos_transactions, "from django.db import models, transaction as t"),
    (djangos_transactions, "from django.db.transaction import atomic"),
    (djangos_transactions, "import django.db.transaction"),
    (djangos_transactions, "from django_mongodb_backend import transaction"),
    (djangos_transactions, "def f():\n    from django_mongodb_backend.transaction import atomic"),
    (locks_that_do_nothing, "Tip.objects.select_for_update().get(pk=1)"),
    (locks_that_do_nothing, "f(a.b.select_for_update(nowait=True))"),
    (assigned_states, "tip.status = 'success'"),
    (assigned_states, "a = self.tip.settlement_status = x"),
    (assigned_states, "tip.status: str = x"),
    (assigned_states, "tip.status += x"),
    (model_signals, "from django.db.models.signals import post_save"),
    (model_signals, "from django.db.models import signals"),
    (long_functions, LONG),
    (long_functions, "async " + LONG),
    (long_functions, "class A:\n" + "".join(f"    {line}\n" for line in LONG.splitlines())),
    (silent_modules, "import os"),
    (silent_modules, "x = 1\n'not a docstring'"),
    (sleeping, "import time\ntime.sleep(1)"),
    (sleeping, "from time import sleep"),
    (printing, "print('x')"),
    (printing, "def f():\n    [print(x) for x in y]"),
    (clocks, "datetime.now()"),
    (clocks, "datetime.datetime.now(UTC)"),
    (clocks, "timezone.now()"),
    (clocks, "datetime.utcnow()"),
    (rules_that_know_doors, "from tips.tasks import settle"),
    (rules_that_know_doors, "from lovense import consumers"),
    (untyped_rows, "def f(row: dict[str, Any]) -> None: ..."),
    (untyped_rows, "def f(*, rows: Sequence[dict[str, Any]] | None = None) -> None: ..."),
    (untyped_rows, "async def f() -> list[dict[str, Any]]: ..."),
    (untyped_rows, "class A:\n    def f(self) -> 'dict[str, Any]': ..."),
]
ALLOWED = [
    (
        djangos_transactions,
        "from ground.mongodb import transactions\nfrom django.db import models, DatabaseError",
    ),
    (locks_that_do_nothing, "Tip.objects.filter(status='x').update(status='y')"),
    (assigned_states, "status = 5\nrow['status'] = 5\nx = tip.status\nf(status=tip.status)"),
    (model_signals, "from django.dispatch import Signal"),
    (long_functions, "def f():\n" + "    x = 1\n" * (MOST_LINES - 1)),
    (silent_modules, "'''What lives here.'''\nimport os"),
    (silent_modules, ""),
    (sleeping, "import asyncio\nasyncio.sleep(0)"),
    (printing, "self.stdout.write('x')"),
    (clocks, "clock.now()\nnow = now or clock.now()\ntime.time()"),
    (rules_that_know_doors, "from tips import settlement, queue"),
    (untyped_rows, "def f(row: RequestRow, body: Payload) -> dict[str, int]:\n    x: dict[str, Any] = {}"),
]
SOMEWHERE = PurePosixPath("tips/planted.py")


@pytest.mark.parametrize(("check", "code"), PLANTED, ids=[check.__name__ for check, _ in PLANTED])
def test_a_planted_offence_is_caught(check, code):
    assert list(check(ast.parse(code), SOMEWHERE))


@pytest.mark.parametrize(("check", "code"), ALLOWED, ids=[check.__name__ for check, _ in ALLOWED])
def test_what_is_allowed_is_not_caught(check, code):
    assert list(check(ast.parse(code), SOMEWHERE)) == []


@pytest.mark.parametrize("name", sorted(FORBIDDEN_NAMES))
def test_a_planted_name_is_caught(name):
    assert list(names_of_nothing(ast.parse(""), PurePosixPath("tips") / name))


def test_where_a_rule_does_not_bind():
    assert not list(printing(ast.parse("print(1)"), PurePosixPath("tips/management/commands/x.py")))
    assert not list(clocks(ast.parse("datetime.now(UTC)"), PurePosixPath("ground/clock.py")))
    assert not list(
        rules_that_know_doors(ast.parse("from tips import webhooks"), PurePosixPath("config/asgi.py"))
    )


def test_the_checks_see_the_whole_code():
    seen = [path for path, _ in modules(*FLOORS)]
    assert {str(path) for path in seen} >= {
        "ledger/books/posting.py",
        "tips/settlement/settlement.py",
        "lovense/consumers.py",
        "config/asgi.py",
    }
    assert len(seen) > 80


# --- what is cited -----------------------------------------------------------------------------------------

ELSEWHERE = re.compile(
    r"\bseeds? \d|\bthe seeds?\b|\bseeds?['’]|\bspec(ification)?,? section\b|\(spec\b|\bplatform (note|trap)"
    r"|\blovense-api\b(?!\.com)|\bhouse[ -]style\b|\b(rooms|faults|trials|DESIGN)\.md\b",
    re.IGNORECASE,
)
TEXTS = ("*.py", "*.md", "*.js", "*.css", "*.html", "*.toml", "*.y*ml", "Makefile")


def cited_elsewhere(text: str) -> list[str]:
    """Documents that are no part of this repository: what they say has to stand in docs/."""
    lines = re.sub(r"\n\s*(#|//|\*)?", " ", text)
    return [found[0] for found in ELSEWHERE.finditer(re.sub(r"\s+", " ", lines))]


def our_texts() -> Iterator[Path]:
    for pattern in TEXTS:
        for file in BASE.rglob(pattern):
            parts = file.relative_to(BASE).parts
            if not any(part.startswith(".") or part in {"vendor", "staticfiles"} for part in parts):
                yield file


def test_nothing_cites_a_document_that_is_not_here():
    files = [file for file in our_texts() if file != Path(__file__)]
    assert len(files) > 300
    found = {str(file.relative_to(BASE)): cited_elsewhere(file.read_text(encoding="utf-8")) for file in files}
    assert {path: words for path, words in found.items() if words} == {}


@pytest.mark.parametrize(
    "text",
    [
        "(spec section 16)",
        "the keys of seed 2",
        "the seeds' example",
        "(platform notes, 5)",
        "as Seed\n# 3 says",
    ],
)
def test_a_planted_citation_is_caught(text):
    assert cited_elsewhere(text)


@pytest.mark.parametrize(
    "text", ["Random(seed)", "make seed", "RFC 6749, 4.4", "the platform's settings", "spec/"]
)
def test_what_cites_nothing_is_not_caught(text):
    assert cited_elsewhere(text) == []


# --- floors ------------------------------------------------------------------------------------------------


def lint(where):
    """In a process of its own: import-linter silences every logger that exists in its own."""
    command = [str(Path(sys.executable).with_name("lint-imports")), "--no-logo", "--no-cache"]
    return subprocess.run(command, cwd=where, capture_output=True, text=True, timeout=180, check=False)


def test_each_floor_imports_downward_only():
    answer = lint(BASE)
    assert answer.returncode == EXIT_STATUS_SUCCESS, answer.stdout + answer.stderr


def test_planted_imports_upward_are_caught(tmp_path):
    """A copy of the code, in which money asks about tips, a toy about money, and tips look into the books."""
    for name in FLOORS:
        shutil.copytree(BASE / name, tmp_path / name, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(BASE / "pyproject.toml", tmp_path)
    for file, line in (
        ("ledger/planted.py", "import tips.models"),
        ("lovense/planted.py", "import ledger.books.posting"),
        ("tips/planted.py", "import ledger.books.posting"),
    ):
        (tmp_path / file).write_text(f"{line}\n")
    answer = lint(tmp_path)
    assert answer.returncode == EXIT_STATUS_ERROR, answer.stdout + answer.stderr
    for contract, culprit in (
        ("Each floor imports downward only", "ledger.planted -> tips.models"),
        ("A toy does not know what money is", "lovense.planted -> ledger.books.posting"),
        ("Tips meet money through the gateway", "tips.planted -> ledger.books.posting"),
    ):
        assert f"{contract} BROKEN" in answer.stdout
        assert culprit in answer.stdout
