"""`make quick`: what a change needs, in about two minutes. It checks everything, and runs the tests
that concern what differs from main (on main: from the last commit) until its time is over."""

import signal
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

from tools.concerned import BASE, concerning

SECONDS = 120.0
INTERRUPTED = 2  # pytest's answer when it was asked to stop and nothing had failed
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
    """The tests that changed, those that concern what changed, and the rules of the house."""
    tests = [path for path in paths if Path(path).name.startswith("test_")]
    modules = [path for path in paths if path not in tests]
    return list(dict.fromkeys([*tests, *(concerning(modules) if modules else ()), *ALWAYS]))


def checked() -> bool:
    for command in CHECKS:
        if subprocess.run([str(BIN / command[0]), *command[1:]], cwd=BASE, check=False).returncode:
            return False
    return True


def tried(tests: Sequence[str]) -> int:
    """pytest, stopped politely when the time is over: what has not failed by then is left open."""
    command = [sys.executable, "-m", "pytest", "-x", *tests]
    run = subprocess.Popen(command, cwd=BASE)
    try:
        return run.wait(SECONDS)
    except subprocess.TimeoutExpired:
        run.send_signal(signal.SIGINT)
    if run.wait() == INTERRUPTED:
        say("Two minutes are over and nothing has failed; `make test` runs the rest.")
        return 0
    return run.returncode


def say(sentence: str) -> None:
    sys.stdout.write(f"{sentence}\n")
    sys.stdout.flush()


def main() -> int:
    if not checked():
        return 1
    tests = selected(changed())
    say(f"{len(tests)} test files concern what changed: {' '.join(tests)}")
    return tried(tests)


if __name__ == "__main__":
    sys.exit(main())
