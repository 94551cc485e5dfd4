"""How a child process is launched, described and ended. A child never outlives the thread that
launched it.

The kernel's parent-death signal belongs to the launching *thread*: launch from the main thread, not
from a pool."""

import os
import subprocess
import sys
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

BASE_DIR = Path(__file__).resolve().parents[2]
PYTHON = sys.executable

# Isolated and without site-packages: it starts in a few milliseconds.
TIE = (PYTHON, "-I", "-S", str(Path(__file__).with_name("tie.py")))

Process = subprocess.Popen[bytes]


@dataclass(frozen=True)
class Program:
    """What to run: `log` receives its output (else the supervisor's own), `fds` are the descriptors
    it inherits."""

    name: str
    argv: tuple[str, ...]
    environment: Mapping[str, str] = field(default_factory=dict)
    log: Path | None = None
    fds: tuple[int, ...] = ()


def launch(program: Program) -> Process:
    """Start it in its own process group, so that Ctrl-C reaches only us, and tied to our life."""
    output = program.log.open("ab") if program.log else None
    try:
        return subprocess.Popen(
            (*TIE, str(os.getpid()), *program.argv),
            cwd=BASE_DIR,
            env={**os.environ, **program.environment},
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output and subprocess.STDOUT,
            pass_fds=program.fds,
            process_group=0,
        )
    finally:
        if output:
            output.close()


def end(processes: Iterable[Process], *, seconds: float) -> None:
    """Ask each to stop, in the order given; whoever still runs after `seconds` is killed."""
    asked = [process for process in processes if process.poll() is None]
    for process in asked:
        process.terminate()
    for process in asked:
        try:
            process.wait(seconds)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def fate(returncode: int) -> str:
    """How it ended, for people."""
    return (
        f"was killed by signal {-returncode}"
        if returncode < 0
        else f"exited with status {returncode}"
    )


def last_lines(log: Path, count: int = 5) -> str:
    try:
        return "\n".join(log.read_text(errors="replace").splitlines()[-count:])
    except OSError:
        return ""
