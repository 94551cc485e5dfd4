"""What the stack consists of, and the order in which it comes up and goes down."""

import asyncio
import os
import socket
import sys
from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType

from config.stack.binaries import BinaryMissing
from config.stack.place import Place, PlaceTaken
from config.stack.processes import PYTHON, Process, Program
from config.stack.services import LOOPBACK, Mongod, Redis, Service, ServiceFailed
from config.stack.supervisor import Supervisor, exited, on_signals
from config.stack.vendor import Vendor

BACKLOG = 1024
"""Connections that wait while a web process is being started again."""
READY_SECONDS, LOOK_SECONDS, ASK_SECONDS = 60.0, 0.05, 0.2
ATTEMPTS = 3
"""A process that ends this often before the stack is ready will not come up by itself."""
APPS_STOP_SECONDS, DATABASES_STOP_SECONDS = 3.0, 3.0
EPHEMERAL_STOP_SECONDS = 0.5, 0.0  # pages are told, toys are stopped; nothing else is kept anyway
NOTHING: Mapping[str, str] = MappingProxyType({})
DATABASES = (Mongod.name, Redis.name)
# a demonstration in a container is root; production is not started here
ROOT_WARNING = "ignore:You're running the worker with superuser"


class StackFailed(Exception):
    """The stack cannot come up; the text says why."""


def say(sentence: str) -> None:
    """In one write: the parts share this output, and print() may write the line's end apart from
    the line."""
    sys.stdout.write(f"{sentence}\n")
    sys.stdout.flush()


async def run(
    *,
    port: int,
    web: int,
    workers: int,
    beat: str,
    data: Path | None,
    ephemeral: bool,
    has_vendor: bool = False,
) -> int:
    try:
        listener = listen(port)
        place = Place(data=data, ephemeral=ephemeral)
    except (StackFailed, PlaceTaken) as refusal:
        say(str(refusal))
        return 1
    try:
        stack = Stack(listener, place, web=web, workers=workers, beat=beat, has_vendor=has_vendor)
        return await stack.run()
    finally:
        listener.close()
        place.leave()


def listen(port: int) -> socket.socket:
    """Lent to each web process, but ours for the stack's whole life: while one is started again,
    connections wait unrefused."""
    listener = socket.socket()
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((LOOPBACK, port))
    except OSError as refusal:
        listener.close()
        raise StackFailed(
            f"Port {port} on {LOOPBACK} cannot be used ({refusal.strerror}); choose another with "
            f"--port, or 0 for a free one."
        ) from None
    listener.listen(BACKLOG)
    return listener


class Stack:
    def __init__(
        self,
        listener: socket.socket,
        place: Place,
        *,
        web: int,
        workers: int,
        beat: str,
        has_vendor: bool = False,
    ) -> None:
        self.listener, self.place = listener, place
        self.web, self.workers, self.beat = web, workers, beat
        self.url = f"http://{LOOPBACK}:{listener.getsockname()[1]}"
        self.vendor = Vendor(place.data, self.url) if has_vendor else None
        self.mongodb_uri, self.redis_url = (
            os.environ.get("MONGODB_URI", ""),
            os.environ.get("REDIS_URL", ""),
        )
        self.findable = False
        self.supervisor = Supervisor(say=say, changed=self._publish)

    async def run(self) -> int:
        asked = asyncio.Event()
        on_signals(asked.set, self._hurry)
        rising = asyncio.create_task(self._rise())
        leaving = asyncio.create_task(asked.wait())
        try:
            await asyncio.wait({rising, leaving}, return_when=asyncio.FIRST_COMPLETED)
            if not asked.is_set():
                await rising
                say(f"ready {self.url}")
                await leaving
            return 0
        except (StackFailed, ServiceFailed, BinaryMissing) as failure:
            say(str(failure))
            return 1
        finally:
            rising.cancel()
            await self._fall()

    def _hurry(self) -> None:
        self.supervisor.hurry = True

    async def _rise(self) -> None:
        if self.place.displaced:
            say(
                f"Commands here use the stack at {self.place.displaced['url']}; for this one set "
                f"STACK_FILE={self.place.file}"
            )
        self._start_vendor()
        await self._databases()
        await self._migrate()
        self.findable = True
        for program in self._apps():
            self.supervisor.launch(program)
            self.supervisor.keep(program)
        await self._ready()

    def _start_vendor(self) -> None:
        if self.vendor:
            program = self.vendor.program(self._environment(self.vendor.name))
            self.supervisor.launch(program)
            self.supervisor.keep(program)

    async def _databases(self) -> None:
        services: list[Service] = []
        if not self.mongodb_uri:
            services.append(mongod := Mongod(self.place.data))
            self.mongodb_uri = mongod.url
        if not self.redis_url:
            services.append(redis := Redis(self.place.data))
            self.redis_url = redis.url
        started = [(service, self.supervisor.launch(service.program)) for service in services]
        for service, process in started:
            await self._wait(service, process)
            self.supervisor.keep(service.program)

    async def _wait(self, service: Service, process: Process) -> None:
        ready = asyncio.create_task(self._until_ready(service))
        ended = asyncio.create_task(exited(process))
        try:
            await asyncio.wait(
                {ready, ended}, timeout=READY_SECONDS, return_when=asyncio.FIRST_COMPLETED
            )
            if not ready.done() or not ready.result():
                raise service.failure(process.poll())
        finally:
            ready.cancel()
            ended.cancel()

    async def _until_ready(self, service: Service) -> bool:
        if isinstance(service, Mongod):
            asked = ("-m", "config.stack.replica", LOOPBACK, str(service.port))
            return await self.supervisor.run(self._python("replica", *asked)) == 0
        while not service.probe():
            await asyncio.sleep(LOOK_SECONDS)
        return True

    async def _migrate(self) -> None:
        if await self.supervisor.run(
            self._python("migrate", "manage.py", "migrate", "--verbosity", "0")
        ):
            raise StackFailed("The migrations did not run: see above. Nothing was started.")

    def _apps(self) -> list[Program]:
        fd = self.listener.fileno()
        web = ("-m", "config.server", "--fd", str(fd))
        beat = ("beat", "-s", str(self.place.data / "beat-schedule"), "--pidfile=")
        return [
            *(self._python(f"web-{number}", *web, fds=(fd,)) for number in range(self.web)),
            *(self._worker(number) for number in range(self.workers)),
            *([self._celery("beat", "config.beat", *beat)] if self.beat == "process" else []),
        ]

    def _worker(self, number: int) -> Program:
        """The first has the beat, where it is no process of its own."""
        name = f"worker-{number}"
        less = ("--without-gossip", "--without-mingle", "--without-heartbeat")
        worker = ("worker", "--pool", "threads", "--concurrency", "4", *less)
        where = {} if number == 0 else {"STACK_BEAT": "process"}
        app = "config.celery"
        return self._celery(name, app, *worker, "--hostname", f"{name}@%h", settings=where)

    def _celery(
        self, name: str, app: str, *arguments: str, settings: Mapping[str, str] = NOTHING
    ) -> Program:
        celery = ("-m", "celery", "--quiet", "-A", app)
        return self._python(name, *celery, *arguments, "--loglevel", "WARNING", settings=settings)

    def _python(
        self,
        name: str,
        *arguments: str,
        fds: tuple[int, ...] = (),
        settings: Mapping[str, str] = NOTHING,
    ) -> Program:
        environment = {**self._environment(name), **settings}
        return Program(name, (PYTHON, *arguments), environment, fds=fds)

    def _environment(self, name: str) -> dict[str, str]:
        return {
            "MONGODB_URI": self.mongodb_uri,
            "REDIS_URL": self.redis_url,
            "STACK_SLOT": name,
            "STACK_BEAT": self.beat,
            "STACK_FILE": str(self.place.file),
            "PUBLIC_BASE_URL": os.environ.get("PUBLIC_BASE_URL") or self.url,
            "PYTHONUNBUFFERED": "1",
            "PYTHONWARNINGS": os.environ.get("PYTHONWARNINGS") or ROOT_WARNING,
            **(self.vendor.settings if self.vendor else {}),
        }

    async def _ready(self) -> None:
        for _ in range(int(READY_SECONDS / ASK_SECONDS)):
            if self._has_vendor_up() and await answers_ready(*self.listener.getsockname()):
                return
            self._refuse_to_loop()
            await asyncio.sleep(ASK_SECONDS)
        raise StackFailed(f"{self.url}/readyz did not answer 200 within {READY_SECONDS:.0f} s.")

    def _has_vendor_up(self) -> bool:
        return self.vendor is None or self.vendor.probe()

    def _refuse_to_loop(self) -> None:
        for name, restarts in self.supervisor.restarts.items():
            if restarts >= ATTEMPTS:
                raise StackFailed(
                    f"{name} ended {restarts} times before the stack was ready: see above."
                )

    def _publish(self, processes: dict[str, int]) -> None:
        if self.findable:
            self.place.write(
                {
                    "mongodb_uri": self.mongodb_uri,
                    "redis_url": self.redis_url,
                    "url": self.url,
                    "processes": processes,
                    **({"vendor": self.vendor.address} if self.vendor else {}),
                }
            )

    async def _fall(self) -> None:
        """What uses the databases first, and tells toys to stop; then the rest."""
        apps, rest = APPS_STOP_SECONDS, DATABASES_STOP_SECONDS
        if self.place.ephemeral:
            apps, rest = EPHEMERAL_STOP_SECONDS
        await self.supervisor.stop(seconds=apps, spare=(*DATABASES, Vendor.name))
        await self.supervisor.stop(seconds=rest)


async def answers_ready(host: str, port: int) -> bool:
    """One GET /readyz, without a client library: the supervisor stays small."""
    try:
        async with asyncio.timeout(2):
            reader, writer = await asyncio.open_connection(host, port)
            writer.write(
                f"GET /readyz HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n".encode()
            )
            status = await reader.readline()
            writer.close()
            return status.split()[1:2] == [b"200"]
    except (OSError, TimeoutError):
        return False
