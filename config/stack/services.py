"""mongod (a replica set of one) and redis-server on loopback, for the embedded stack and for the
tests.

Launch from the main thread: a service ends with the thread that launched it (see `processes`).
"""

import random
import shutil
import socket
import time
from pathlib import Path
from types import TracebackType

from config.stack.binaries import libraries, locate
from config.stack.processes import BASE_DIR, Process, Program, end, fate, last_lines, launch

LOOPBACK = "127.0.0.1"
START_SECONDS = 120.0  # after a crash mongod first plays its journal again
STOP_SECONDS = 5.0
PROBE_SECONDS = 0.02
SPARE_BINARIES = BASE_DIR / ".local" / "bin"
# Below the kernel's range for outgoing connections, so that no client's socket holds the port when
# a service comes back to it.
PORTS = range(20_000, 32_768)
_OF_TESTS = {"enableTestCommands": "1", "ttlMonitorEnabled": "false"}
DATABASE = "tips"


class ServiceFailed(Exception):
    """A service ended, or was not ready in time; the text ends with the last lines of its log."""


def free_port() -> int:
    for port in random.sample(PORTS, 200):
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            if _binds(probe, port):
                return port
    raise ServiceFailed(f"No free port between {PORTS.start} and {PORTS.stop}.")


def _binds(probe: socket.socket, port: int) -> bool:
    try:
        probe.bind((LOOPBACK, port))
    except OSError:
        return False
    return True


class Service:
    """One database process: it keeps its port and its data from one start to the next."""

    name: str
    executable: str

    def __init__(self, directory: Path) -> None:
        self.directory = directory / self.name
        self.log = directory / f"{self.name}.log"
        self.port = free_port()
        self.process: Process | None = None

    def options(self) -> tuple[str, ...]:
        raise NotImplementedError

    def probe(self) -> bool:
        """One short look: is it ready?"""
        raise NotImplementedError

    @property
    def program(self) -> Program:
        self.directory.mkdir(parents=True, exist_ok=True)
        executable = locate(self.executable, spare=SPARE_BINARIES)
        return Program(
            self.name,
            (str(executable), *self.options()),
            libraries(executable, spare=SPARE_BINARIES),
            log=self.log,
        )

    @property
    def pid(self) -> int:
        if self.process is None:
            raise ServiceFailed(f"{self.name} is not running.")
        return self.process.pid

    def launch(self) -> None:
        """Without waiting; `wait` or `start` does."""
        if self.process is None:
            self.process = launch(self.program)

    def wait(self) -> None:
        deadline = time.monotonic() + START_SECONDS
        while not self.probe():
            code = self.process.poll() if self.process else None
            if code is not None or time.monotonic() > deadline:
                raise self.failure(code)
            time.sleep(PROBE_SECONDS)

    def failure(self, code: int | None) -> ServiceFailed:
        why = f"was not ready after {START_SECONDS:.0f} s" if code is None else fate(code)
        return ServiceFailed(f"{self.name} {why}; the end of {self.log}:\n{last_lines(self.log)}")

    def start(self) -> None:
        self.launch()
        self.wait()

    def stop(self) -> None:
        self._leave(terminate=True)

    def kill(self) -> None:
        """As a crash: SIGKILL, nothing flushed."""
        self._leave(terminate=False)

    def restart(self) -> None:
        """On the same port and data."""
        self.stop()
        self.start()

    def _leave(self, *, terminate: bool) -> None:
        if self.process is None:
            return
        if terminate:
            end([self.process], seconds=STOP_SECONDS)
        else:
            self.process.kill()
            self.process.wait()
        self.process = None


class Mongod(Service):
    """A replica set of one: transactions need a replica set."""

    name = executable = "mongod"

    def __init__(
        self, directory: Path, *, enable_test_commands: bool = False, cache_gb: float = 0.5
    ) -> None:
        super().__init__(directory)
        self.enable_test_commands = enable_test_commands
        self.cache_gb = cache_gb

    @property
    def url(self) -> str:
        return f"mongodb://{LOOPBACK}:{self.port}/{DATABASE}?replicaSet=rs0"

    def options(self) -> tuple[str, ...]:
        parameters = {
            "diagnosticDataCollectionEnabled": "false",
            # there is no other member to wait for
            "shutdownTimeoutMillisForSignaledShutdown": "100",
            # so long a killed process's locks last that no successor ends
            "transactionLifetimeLimitSeconds": "10",
            # tests stand at a fixed moment: by the clock what they write has expired already
            **(_OF_TESTS if self.enable_test_commands else {}),
        }
        options = {
            "--dbpath": str(self.directory),
            "--port": str(self.port),
            "--bind_ip": LOOPBACK,
            "--replSet": "rs0",
            "--oplogSize": "256",
            "--wiredTigerCacheSizeGB": str(self.cache_gb),
            "--logpath": str(self.log),
        }
        flags = [part for pair in options.items() for part in pair]
        settings = [
            part
            for name, value in parameters.items()
            for part in ("--setParameter", f"{name}={value}")
        ]
        return (*flags, "--logappend", "--quiet", "--nounixsocket", *settings)

    def probe(self) -> bool:
        from config.stack import (
            # brings a MongoDB client: 10 MB that a stack on another's databases does without
            replica,
        )

        return replica.is_primary(LOOPBACK, self.port)


class Redis(Service):
    """Append-only, as in production: the broker's messages survive a restart."""

    name, executable = "redis", "redis-server"

    @property
    def url(self) -> str:
        return f"redis://{LOOPBACK}:{self.port}/0"

    def options(self) -> tuple[str, ...]:
        options = {
            "--port": str(self.port),
            "--bind": LOOPBACK,
            "--dir": str(self.directory),
            "--appendonly": "yes",
            "--save": "",
            "--maxmemory-policy": "noeviction",
            "--loglevel": "warning",
        }
        return tuple(part for pair in options.items() for part in pair)

    def probe(self) -> bool:
        try:
            with socket.create_connection((LOOPBACK, self.port), timeout=0.5) as wire:
                wire.sendall(b"PING\r\n")
                return wire.recv(16).startswith(b"+PONG")
        except OSError:
            return False


class Services:
    """Both, with their data under one directory: `with Services(directory) as services:
    services.mongodb_uri …`."""

    def __init__(
        self, directory: Path, *, enable_test_commands: bool = False, cache_gb: float = 0.5
    ) -> None:
        directory.mkdir(parents=True, exist_ok=True)
        self.directory = directory
        self.mongod = Mongod(
            directory, enable_test_commands=enable_test_commands, cache_gb=cache_gb
        )
        self.redis = Redis(directory)

    @property
    def mongodb_uri(self) -> str:
        return self.mongod.url

    @property
    def redis_url(self) -> str:
        return self.redis.url

    def start(self) -> None:
        try:
            for service in (self.mongod, self.redis):
                service.launch()
            for service in (self.redis, self.mongod):
                service.wait()
        except BaseException:
            self.kill()
            raise

    def stop(self) -> None:
        self.redis.stop()
        self.mongod.stop()

    def kill(self) -> None:
        self.redis.kill()
        self.mongod.kill()

    def discard(self) -> None:
        """End both at once and remove their data: for tests and demonstrations."""
        self.kill()
        shutil.rmtree(self.directory, ignore_errors=True)

    def __enter__(self) -> "Services":
        self.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.stop()
