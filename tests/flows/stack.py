"""A stack of its own: what it says, where its parts are, and the end of any of them. It is the one that an
operator starts, but for the birth of its processes (`tests/flows/forking.py`)."""

import json
import os
import re
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from config import running
from config.stack.processes import BASE_DIR
from config.stack.stack import ROOT_WARNING
from tests import memory

START_SECONDS, RESTART_SECONDS, STOP_SECONDS = 120.0, 20.0, 10.0
# What the tests' own databases and settings would otherwise say to it.
OURS = ("MONGODB_URI", "REDIS_URL", "STACK_FILE", "STACK_SLOT", "STACK_BEAT", "PUBLIC_BASE_URL")


class NotSaid(AssertionError):
    """The stack did not say in time what it should have; the text ends with what it said last."""


class Stack:
    """`with Stack(directory, web=2, DEBUG="true") as stack`: ready inside the block, gone after it. `keeps`:
    it goes on with the data that is in the directory."""

    def __init__(
        self, directory: Path, *, web: int = 1, workers: int = 1, keeps: bool = False, **environment: str
    ) -> None:
        self.file = directory / "stack.json"
        kept = {name: value for name, value in os.environ.items() if name not in OURS}
        ours = {"STACK_FILE": str(self.file), "TMPDIR": str(memory.place()), "PYTHONWARNINGS": ROOT_WARNING}
        self.environment = kept | ours | environment
        parts = ("--web", str(web), "--workers", str(workers))
        lasting = () if keeps else ("--ephemeral",)
        self.options = (*lasting, "--port", "0", "--data", str(directory), *parts)
        self.lines: list[str] = []
        self._heard = threading.Condition()

    def __enter__(self) -> Self:
        command = (sys.executable, "-m", "tests.flows.forking", *self.options)
        self.process = subprocess.Popen(
            command,
            cwd=BASE_DIR,
            env=self.environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        self._listening = threading.Thread(target=self._listen, daemon=True)
        self._listening.start()
        try:
            self.wait_until_said(r"ready http://.*", seconds=START_SECONDS)
        except BaseException:
            self.stop()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def stop(self) -> None:
        self.process.terminate()
        try:
            self.process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()

    def _listen(self) -> None:
        assert self.process.stdout is not None
        for line in self.process.stdout:
            with self._heard:
                self.lines.append(line.rstrip())
                self._heard.notify_all()
        with self._heard:
            self._heard.notify_all()

    def wait_until_said(self, pattern: str, *, after: int = 0, seconds: float = RESTART_SECONDS) -> str:
        """The first line that matches, among those heard after line number `after`."""
        line = re.compile(pattern)
        deadline = time.monotonic() + seconds
        with self._heard:
            while True:
                found = next((said for said in self.lines[after:] if line.fullmatch(said)), None)
                if found is not None:
                    return found
                left = deadline - time.monotonic()
                if left <= 0 or not self._listening.is_alive():
                    ended = f"(it ended: {self.process.wait()})" if not self._listening.is_alive() else ""
                    raise NotSaid(
                        "\n".join(
                            [f"{pattern!r} was not said {ended}; the last lines are:", *self.lines[-20:]]
                        )
                    )
                self._heard.wait(min(left, 1.0))

    @property
    def parts(self) -> dict[str, Any]:
        """mongodb_uri, redis_url, url, processes: as every command finds them."""
        return running.read(self.file)

    @property
    def url(self) -> str:
        return str(self.parts["url"])

    def kill(self, name: str) -> int:
        """SIGKILL, at once. The number to give to `wait_until_restarted`."""
        mark = len(self.lines)
        os.kill(self.parts["processes"][name], signal.SIGKILL)
        return mark

    def wait_until_restarted(self, name: str, mark: int) -> None:
        self.wait_until_said(rf"restarted {re.escape(name)} \(was killed by signal 9\)", after=mark)

    def fallen(self, mark: int) -> set[str]:
        """Whose restarts were said since."""
        found = (re.match(r"restarted (\S+) ", line) for line in self.lines[mark:])
        return {restart[1] for restart in found if restart}

    def manage(self, *arguments: str) -> str:
        """The output of a command of ours, run beside the stack."""
        command = (sys.executable, "manage.py", *arguments)
        done = subprocess.run(
            command,
            cwd=BASE_DIR,
            env=self.environment,
            capture_output=True,
            text=True,
            timeout=180,
            check=False,
        )
        assert done.returncode == 0, done.stderr[-2000:]
        return done.stdout

    def prepare(self, *, performers: int, viewers: int) -> dict[str, str]:
        """Performers with a menu that answers every tip with two seconds, and funded viewers; each
        performer's token."""
        prepared = self.manage("prepare_bench", "--performers", str(performers), "--viewers", str(viewers))
        tokens: dict[str, str] = json.loads(prepared)["tokens"]
        return tokens
