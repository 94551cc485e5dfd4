"""`make quick`: what a change needs, in about two minutes. It checks everything, and runs the tests
that concern what differs from main (on main: from the last commit) until its time is over."""

import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from time import monotonic

import pytest

from tools.concerned import BASE, concerning

SECONDS = 120.0
BIN = Path(sys.executable).parent
ALWAYS = ("tests/test_architecture.py", "tests/test_docs.py")
CHECKS = (
    ("ruff", "format", "--check", "."),
    ("ruff", "check", "."),
    ("mypy",),
    ("lint-imports", "--no-logo"),
)


def git(*arguments: str) -> list[str]:
    answer = subprocess.run(
        ["git", *arguments], cwd=BASE, capture_output=True, text=True, check=False
    )
    return answer.stdout.split("\n") if answer.returncode == 0 else []


def changed() -> list[str]:
    """Python files that are not as they were where this branch began."""
    start = (git("merge-base", "HEAD", "main") or ["HEAD"])[0]
    if start in git("rev-parse", "HEAD"):
        start = "HEAD" if git("status", "--porcelain") != [""] else "HEAD~1"
    paths = {
        *git("diff", "--name-only", start),
        *git("ls-files", "--others", "--exclude-standard"),
    }
    return sorted(path for path in paths if path.endswith(".py") and (BASE / path).exists())


def selected(paths: Sequence[str]) -> list[str]:
    """The tests that changed, the rules of the house, and the tests that concern what changed: the
    time may be over before the last of them."""
    tests = [path for path in paths if Path(path).name.startswith("test_")]
    modules = [path for path in paths if path not in tests]
    return list(dict.fromkeys([*tests, *ALWAYS, *(concerning(modules) if modules else ())]))


def checked() -> bool:
    for command in CHECKS:
        if subprocess.run([str(BIN / command[0]), *command[1:]], cwd=BASE, check=False).returncode:
            return False
    return True


class UntilTheTimeIsOver:
    """Of pytest: begins no further test then, and knows which files have been run to their end."""

    def __init__(self, seconds: float) -> None:
        self._ends = monotonic() + seconds
        self.is_over = False
        self.done: set[Path] = set()

    def pytest_runtest_teardown(self, item: pytest.Item, nextitem: pytest.Item | None) -> None:
        if nextitem is None or nextitem.path != item.path:
            self.done.add(item.path)
        if nextitem is not None and monotonic() > self._ends:
            self.is_over = True
            item.session.shouldstop = "the time is over"


def tried(tests: Sequence[str], *, seconds: float = SECONDS) -> int:
    """pytest, which stops at the first failure, or when the time is over: what has not failed by
    then is left open."""
    time = UntilTheTimeIsOver(seconds)
    answer = pytest.main(["-x", *tests], plugins=[time])
    if not (time.is_over and answer == pytest.ExitCode.INTERRUPTED):
        return int(answer)
    left = [path for path in tests if Path(path).resolve() not in time.done]
    say(
        f"The time is over, and nothing has failed: {len(tests) - len(left)} of {len(tests)} test "
        f"files were run. Not run, or not to the end: {' '.join(left)}. `make test` runs them all."
    )
    return 0


def say(sentence: str) -> None:
    sys.stdout.write(f"{sentence}\n")
    sys.stdout.flush()


def main() -> int:
    os.chdir(BASE)
    if not checked():
        return 1
    tests = selected(changed())
    say(f"{len(tests)} test files concern what changed: {' '.join(tests)}")
    return tried(tests)


if __name__ == "__main__":
    sys.exit(main())
