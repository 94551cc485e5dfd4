"""`python -m config.stack`, whose processes are forks of one that has read Python's libraries and our models:
`python -m tests.flows.forking`.

To read them anew costs a second of the processor with every process that is started again. A fork is as whole
a process: it has its own group, descriptors and environment, dies with the stack, and reads what is its own
(its doors, and whatever knows its slot) after its birth. The stack may fork, for it has no thread and no
connection. How the real commands start is tested by `tests/config/test_stack.py`."""

import atexit
import ctypes
import os
import runpy
import signal
import sys
import threading
import traceback
from collections.abc import Mapping
from typing import cast

from config.stack import processes, supervisor
from config.stack.processes import BASE_DIR, PYTHON, Process, Program
from config.stack.tie import PR_SET_PDEATHSIG

# All that is different from one process of a stack to the next.
OWN = ("STACK_SLOT", "STACK_BEAT")
_libc = ctypes.CDLL(None)
_read: dict[str, str] = {}


class Fork:
    """As much of `subprocess.Popen` as the stack asks for."""

    def __init__(self, program: Program) -> None:
        self.returncode: int | None = None
        parent = os.getpid()
        self.pid = os.fork()
        if self.pid == 0:
            _live(program, parent)

    def poll(self) -> int | None:
        return self._look(os.WNOHANG)

    def wait(self) -> int:
        return cast(int, self._look(0))

    def _look(self, flags: int) -> int | None:
        if self.returncode is None:
            pid, status = os.waitpid(self.pid, flags)
            self.returncode = os.waitstatus_to_exitcode(status) if pid else None
        return self.returncode

    def terminate(self) -> None:
        self._tell(signal.SIGTERM)

    def kill(self) -> None:
        self._tell(signal.SIGKILL)

    def _tell(self, number: int) -> None:
        if self.poll() is None:
            os.kill(self.pid, number)


def launch(program: Program) -> Process:
    """A database is no fork."""
    if program.argv[0] != PYTHON:
        return processes.launch(program)
    _read_once({name: said for name, said in program.environment.items() if name not in OWN})
    return cast(Process, Fork(program))


def _read_once(environment: Mapping[str, str]) -> None:
    if _read:
        assert _read == environment
        return
    _read.update(environment)
    os.environ.update(environment, DJANGO_SETTINGS_MODULE="config.settings")
    import a2wsgi  # noqa: F401
    import celery.bin.celery  # noqa: F401
    import django
    import uvicorn  # noqa: F401
    import uvloop  # noqa: F401

    django.setup()
    import config.urls  # noqa: F401


def _live(program: Program, parent: int) -> None:
    """From its birth to its end; it never returns."""
    status = 1
    try:
        _become(program, parent)
        _run(*program.argv[1:])
        status = 0
    except SystemExit as end:
        status = _status(end.code)
    except BaseException:
        traceback.print_exc()
    finally:
        _end(status)


def _become(program: Program, parent: int) -> None:
    """What `processes.launch` and `tie.py` do for a program that is started anew."""
    _libc.prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != parent:
        os._exit(1)
    os.setpgid(0, 0)
    signal.set_wakeup_fd(-1)
    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_DFL)
    signal.signal(signal.SIGINT, signal.default_int_handler)
    for descriptor in map(int, os.listdir("/proc/self/fd")):
        if descriptor > 2 and descriptor not in program.fds:
            _libc.close(descriptor)  # its list's own is gone already
    os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
    os.environ.update(program.environment)
    from django.conf import settings

    settings.STACK_SLOT, settings.STACK_BEAT = (os.environ[name] for name in OWN)
    settings.DATABASES["default"]["OPTIONS"]["appname"] = settings.STACK_SLOT


def _run(first: str, *arguments: str) -> None:
    if first == "-m":
        sys.argv = list(arguments)
        runpy.run_module(arguments[0], run_name="__main__", alter_sys=True)
    else:
        sys.argv = [first, *arguments]
        runpy.run_path(str(BASE_DIR / first), run_name="__main__")


def _status(code: object) -> int:
    """As Python ends where `sys.exit(code)` is not caught."""
    if code is None or isinstance(code, int):
        return code or 0
    print(code, file=sys.stderr)
    return 1


def _end(status: int) -> None:
    """As Python ends, but for what the stack itself would do at its end."""
    try:
        threading._shutdown()  # type: ignore[attr-defined]
        atexit._run_exitfuncs()
        sys.stdout.flush()
        sys.stderr.flush()
    finally:
        os._exit(status)


if __name__ == "__main__":
    supervisor.launch = launch
    runpy.run_module("config.stack", run_name="__main__", alter_sys=True)
