"""The stack as a process of ours: started, waited for, ended. Nothing here imports Django."""

import asyncio
import os
import shutil
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

from config.running import read, stack_file
from config.stack.processes import BASE_DIR, PYTHON, Process, Program, end, fate, last_lines, launch

READY_SECONDS, LOOK_SECONDS, STOP_SECONDS = 60.0, 0.05, 12.0
GRACE_SECONDS = (
    3  # how long a tip waits for its tokens: short, so that the show need not wait a minute for it
)
LEASE_SECONDS = 4  # short, so that a run of a few seconds is told in slices


class SystemFailed(Exception):
    """The stack did not come up, or ended while it was needed; the text ends with what it said
    last."""


class System:
    """Its own data, whatever databases the environment names: a demonstration never writes into
    them."""

    def __init__(self, port: int) -> None:
        self._directory = Path(tempfile.mkdtemp(prefix="tips-demo-"))
        self._log = self._directory / "stack.log"
        self._file = stack_file(BASE_DIR)
        environment = {
            "MONGODB_URI": "",
            "REDIS_URL": "",
            "DEBUG": "true",
            "TEST_DEPLOYMENT": "true",
            "TIP_FUNDING_GRACE_SECONDS": str(GRACE_SECONDS),
            "LOVENSE_BRIDGES": "",  # as they are by themselves
            "SERVER_LEASE_SECONDS": str(LEASE_SECONDS),
        }
        if read(self._file):  # a stack that was here first keeps the file by which commands find it
            self._file = self._directory / "stack.json"
            environment["STACK_FILE"] = str(self._file)
        arguments = ("-m", "config.stack", "--port", str(port), "--ephemeral", "--vendor")
        self._program = Program("stack", (PYTHON, *arguments), environment, log=self._log)
        self._process: Process | None = None
        self.url = self.vendor_url = ""
        self.journal = Path()

    def start(self) -> None:
        self._process = launch(self._program)

    async def databases(self) -> None:
        """Until they answer; then this process's environment names them, for Django to read."""
        await self._until(lambda: bool(self._found()))
        found = self._found()
        self.url, self.vendor_url = found["url"], found["vendor"]["url"]
        self.journal = Path(found["vendor"]["journal"])
        os.environ.update(self._program.environment)
        os.environ.update(
            MONGODB_URI=found["mongodb_uri"],
            REDIS_URL=found["redis_url"],
            PUBLIC_BASE_URL=found["url"],
        )

    async def ready(self) -> None:
        """Until every part answers."""
        await self._until(lambda: "\nready http://" in "\n" + self._log.read_text(errors="replace"))

    def check(self) -> None:
        code = self._process.poll() if self._process else None
        if code is not None:
            raise SystemFailed(f"The stack {fate(code)}:\n{last_lines(self._log)}")

    async def _until(self, is_so: Callable[[], bool]) -> None:
        for _ in range(int(READY_SECONDS / LOOK_SECONDS)):
            self.check()
            if is_so():
                return
            await asyncio.sleep(LOOK_SECONDS)
        raise SystemFailed(
            f"The stack was not ready after {READY_SECONDS:.0f} s:\n{last_lines(self._log)}"
        )

    def _found(self) -> dict[str, Any]:
        """The addresses of our own stack; written when its databases are up and migrated."""
        found = read(self._file)
        return found if self._process and found.get("pid") == self._process.pid else {}

    def stop(self) -> None:
        if self._process is not None:
            end([self._process], seconds=STOP_SECONDS)
        shutil.rmtree(self._directory, ignore_errors=True)
