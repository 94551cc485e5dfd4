"""What `make mutants` changes, and that a change is taken back."""

import ast

import pytest

from tools.mutants import modules, mutants_of


def written(source):
    """Every mutant of this body of a function, as code."""
    tree = ast.parse(f"def f(a, b):\n    {source}")
    found = []
    for mutant in mutants_of(tree):
        with mutant.applied():
            found.append(ast.unparse(ast.fix_missing_locations(tree)).split("\n", 1)[1].strip())
    assert ast.unparse(tree) == ast.unparse(ast.parse(f"def f(a, b):\n    {source}"))
    return found


@pytest.mark.parametrize(
    ("source", "mutants"),
    [
        ("return a < b", ["return None", "return a <= b"]),
        ("return a in b", ["return None", "return a not in b"]),
        ("return a and b", ["return None", "return a or b"]),
        ("x = 1", ["x = 2"]),
        ("x = True", ["x = False"]),
        ("a += b", ["pass"]),
        ("a(b)", ["pass"]),
        ("log.info('said')", []),
        ("'a docstring'", []),
        ("x: tuple[int, 3] = a", []),
        ("while a: b()", ["while not a:\n        b()", "while a:\n        pass"]),
    ],
)
def test_one_small_thing_at_a_time(source, mutants):
    assert written(source) == mutants


def test_a_room_is_its_modules_and_a_module_is_itself():
    assert "tips/queue/claims.py" in list(modules(["tips/queue"]))
    assert list(modules(["tips/queue/claims"])) == list(modules(["tips/queue/claims.py"]))
    assert not [path for path in modules(["tips"]) if "migrations" in path]
