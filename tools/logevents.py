"""What the code writes into the log: every event, its level, its fields and its module. Read by
tests/test_docs.py, which compares it with docs/log-events.md."""

import ast
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

LEVELS = {"debug", "info", "warning", "error", "exception", "critical"}
LOGGERS = {"log", "logger"}


class Written(NamedTuple):
    event: str
    level: str
    fields: frozenset[str]
    module: str


def written(base: Path, floors: tuple[str, ...]) -> Iterator[Written]:
    for floor in floors:
        for file in sorted((base / floor).rglob("*.py")):
            yield from of(ast.parse(file.read_text(encoding="utf-8")), file.relative_to(base))


def of(tree: ast.Module, path: Path) -> Iterator[Written]:
    for function in ast.walk(tree):
        if isinstance(function, ast.FunctionDef | ast.AsyncFunctionDef):
            for call in _calls(function):
                first = call.args[0] if call.args else None
                if isinstance(first, ast.Constant):
                    level = getattr(call.func, "attr", "")
                    fields = frozenset(_fields(call, function))
                    yield Written(str(first.value), level, fields, path.as_posix())


def _calls(function: ast.AST) -> Iterator[ast.Call]:
    for node in ast.walk(function):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
            owner = node.func.value
            if node.func.attr in LEVELS and isinstance(owner, ast.Name) and owner.id in LOGGERS:
                yield node


def _fields(call: ast.Call, function: ast.AST) -> Iterator[str]:
    for keyword in call.keywords:
        if keyword.arg == "extra":
            yield from _keys(keyword.value, function)


def _keys(value: ast.expr, function: ast.AST) -> Iterator[str]:
    """The keys of a literal, of a union, or of what the function has called by that name."""
    if isinstance(value, ast.Dict):
        yield from (str(key.value) for key in value.keys if isinstance(key, ast.Constant))
    elif isinstance(value, ast.BinOp):
        yield from _keys(value.left, function)
        yield from _keys(value.right, function)
    elif isinstance(value, ast.Name):
        for node in ast.walk(function):
            if isinstance(node, ast.Assign) and value.id in {ast.unparse(t) for t in node.targets}:
                yield from _keys(node.value, function)
