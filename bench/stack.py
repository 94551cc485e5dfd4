"""The stack under test: started for one measurement, ended with it. Its databases are its own and
are thrown away."""

import asyncio
import base64
import json
import os
import secrets
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType, TracebackType
from typing import Any
from urllib.parse import urlsplit

from pymongo import MongoClient

from bench import messages
from bench.load import Target
from bench.usage import Watch

BASE_DIR = Path(__file__).resolve().parent.parent
READY_SECONDS = 60
STOP_SECONDS = 10
RECORDED_SECONDS = 10


class StackNotReady(Exception):
    """The stack, or the data prepared in it, did not come up; the text ends with its last lines."""


def new_secret() -> str:
    return "whsec_" + base64.b64encode(secrets.token_bytes(24)).decode()


class BenchStack:
    """`manage.py stack --ephemeral --port 0`, with 50 performers and 2000 funded viewers in it.

    `directory`: with the databases that are there, which stay. `settings`: beside its own. `menu`:
    what all performers tip by, one of `config.benchmark.MENUS`."""

    def __init__(
        self,
        *,
        performers: int,
        web: int,
        workers: int = 1,
        directory: Path | None = None,
        settings: Mapping[str, str] = MappingProxyType({}),
        menu: str = "plain",
    ) -> None:
        self.menu = menu
        self.performers, self.is_kept = performers, directory is not None
        self.web, self.workers = web, workers
        self.directory = directory or Path(tempfile.mkdtemp(prefix="bench-"))
        self.log = self.directory / "stack.log"
        self.secret = new_secret()
        self.environment = {
            **{
                name: value
                for name, value in os.environ.items()
                if name not in ("MONGODB_URI", "REDIS_URL")
            },
            "STACK_FILE": str(self.directory / "stack.json"),
            "PAYMENT_WEBHOOK_SECRETS": self.secret,
            **settings,
        }

    def __enter__(self) -> "BenchStack":
        options = [
            *(() if self.is_kept else ("--ephemeral",)),
            "--port",
            "0",
            "--web",
            str(self.web),
            "--workers",
            str(self.workers),
            "--data",
            str(self.directory),
        ]
        with self.log.open("wb") as log:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "config.stack", *options],
                cwd=BASE_DIR,
                env=self.environment,
                stdout=log,
                stderr=log,
            )
        try:
            self._wait_until_ready()
            self.addresses: dict[str, Any] = json.loads((self.directory / "stack.json").read_text())
            self.tokens = prepare(
                environment=self.environment, performers=self.performers, menu=self.menu
            )
        except BaseException:
            self.stop()
            raise
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.stop()

    def stop(self) -> None:
        self.process.terminate()
        try:
            self.process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        if not self.is_kept:
            shutil.rmtree(self.directory, ignore_errors=True)

    def _wait_until_ready(self) -> None:
        deadline = time.monotonic() + READY_SECONDS
        while "ready http://" not in self.said():
            if self.process.poll() is not None or time.monotonic() > deadline:
                raise StackNotReady(self.said()[-2000:])
            time.sleep(0.1)

    def said(self) -> str:
        return self.log.read_text(errors="replace")

    @property
    def target(self) -> Target:
        url = urlsplit(self.addresses["url"])
        return Target(url.hostname or "", url.port or 0, self.secret, self.tokens)

    @property
    def watch(self) -> Watch:
        return Watch(self.process.pid, self.addresses["processes"])

    async def recorded(self, *, prefix: str, expected: int) -> int:
        """Completed queue requests of one run (its tip ids share a prefix), given a moment to reach
        the number expected."""
        client: MongoClient[dict[str, Any]] = MongoClient(self.addresses["mongodb_uri"])
        mine = {
            "status": "completed",
            "idempotency_key": {"$gte": prefix, "$lt": prefix + "g"},
        }  # "g": after every hex digit
        try:
            requests = client.get_default_database()["queue_requests"]
            deadline = time.monotonic() + RECORDED_SECONDS
            while (
                count := requests.count_documents(mine)
            ) < expected and time.monotonic() < deadline:
                await asyncio.sleep(0.2)
            return count
        finally:
            client.close()


def prepare(*, environment: dict[str, str], performers: int, menu: str = "plain") -> dict[str, str]:
    """Runs `manage.py prepare_bench`; returns each performer's token."""
    command = [
        sys.executable,
        "manage.py",
        "prepare_bench",
        "--performers",
        str(performers),
        "--viewers",
        str(messages.VIEWERS),
        "--menu",
        menu,
    ]
    done = subprocess.run(
        command,
        cwd=BASE_DIR,
        env=environment,
        capture_output=True,
        text=True,
        timeout=READY_SECONDS,
        check=False,
    )
    if done.returncode:
        raise StackNotReady(f"prepare_bench: {done.stderr[-2000:]}")
    tokens: dict[str, str] = json.loads(done.stdout)["tokens"]
    return {
        messages.performer_id(number): tokens[messages.performer_id(number)]
        for number in range(performers)
    }
