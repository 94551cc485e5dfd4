"""The two clients of the load: a pool of keep-alive HTTP connections, and a performer's socket.
Loopback only.

Hand-made protocol classes, because the generator shares its two cores with what it measures.
"""

import asyncio
import base64
import collections
import os
import struct
from collections.abc import Callable
from dataclasses import dataclass
from typing import cast

import httptools

from bench import messages

LOOPBACK = ("127.0.0.1", "localhost", "::1")
# a server may close an idle connection just as we write to it; the delivery id makes a repeat
# harmless
MAX_SENDS = 3
MAX_FRAME_BYTES = 1 << 20
NO_ANSWER = 0

Answered = Callable[[int], None]


class NotLoopback(Exception):
    """This generator drives this machine only."""


def require_loopback(host: str) -> None:
    if host not in LOOPBACK:
        raise NotLoopback(host)


@dataclass(slots=True)
class Job:
    request: bytes
    answered: Answered
    sends: int = 0


class Connection(asyncio.Protocol):
    """One keep-alive connection that carries one request at a time."""

    def __init__(self, pool: "Pool") -> None:
        self.pool = pool
        self.job: Job | None = None
        self.parser = httptools.HttpResponseParser(self)

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast(asyncio.Transport, transport)

    def send(self, job: Job) -> None:
        job.sends += 1
        self.job = job
        self.transport.write(job.request)

    def data_received(self, data: bytes) -> None:
        self.parser.feed_data(data)

    def on_message_complete(self) -> None:
        job, self.job = self.job, None
        status = self.parser.get_status_code()
        if self.parser.should_keep_alive():
            self.pool.rest(self)
        else:
            self.transport.close()
        if job:
            job.answered(status)

    def connection_lost(self, exc: Exception | None) -> None:
        self.pool.lost(self, self.job)


class Pool:
    """At most `size` connections; what finds none free waits in order."""

    def __init__(self, host: str, port: int, size: int) -> None:
        require_loopback(host)
        self.host, self.port, self.size = host, port, size
        self.free: list[Connection] = []
        self.waiting: collections.deque[Job] = collections.deque()
        self.opened = self.repeats = 0
        self.opening: set[asyncio.Task[None]] = set()

    async def open(self) -> None:
        for _ in range(self.size - self.opened):
            self.opened += 1
            await self._connect()

    def post(self, request: bytes, answered: Answered) -> None:
        self._submit(Job(request, answered))

    def _submit(self, job: Job) -> None:
        while self.free:
            connection = self.free.pop()
            if not connection.transport.is_closing():
                connection.send(job)
                return
        self.waiting.append(job)
        if self.opened < self.size:
            self.opened += 1
            task = asyncio.get_running_loop().create_task(self._connect())
            self.opening.add(task)
            task.add_done_callback(self.opening.discard)

    async def _connect(self) -> None:
        try:
            _, connection = await asyncio.get_running_loop().create_connection(
                lambda: Connection(self), self.host, self.port
            )
        except OSError:
            self.opened -= 1
            if self.waiting:
                self.waiting.popleft().answered(NO_ANSWER)
            return
        self.rest(connection)

    def rest(self, connection: Connection) -> None:
        if self.waiting:
            connection.send(self.waiting.popleft())
        else:
            self.free.append(connection)

    def lost(self, connection: Connection, job: Job | None) -> None:
        self.opened -= 1
        if connection in self.free:
            self.free.remove(connection)
        if job and job.sends < MAX_SENDS:
            self.repeats += 1
            self._submit(job)
        elif job:
            job.answered(NO_ANSWER)

    def close(self) -> None:
        for connection in list(self.free):
            connection.transport.close()


class Socket(asyncio.Protocol):
    """A performer's socket (RFC 6455, no extensions; a zero mask is legal and free).

    `heard` gets all text messages of one read together, so that its caller can see two commands
    that were under way at once."""

    TEXT, CLOSE, PING, PONG = 0x81, 0x88, 0x89, 0x8A

    def __init__(
        self, *, host: str, token: str, heard: Callable[["Socket", list[bytes]], None]
    ) -> None:
        self.host, self.token, self.heard = host, token, heard
        self.buffer = b""
        self.upgraded = False
        loop = asyncio.get_running_loop()
        self.ready: asyncio.Future[None] = loop.create_future()
        self.closed: asyncio.Future[None] = loop.create_future()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast(asyncio.Transport, transport)
        key = base64.b64encode(os.urandom(16)).decode()
        self.transport.write(messages.socket_request(host=self.host, key=key, token=self.token))

    def send(self, payload: bytes, opcode: int = TEXT) -> None:
        size = len(payload)
        head = (
            struct.pack("!BB", opcode, 0x80 | size)
            if size < 126
            else struct.pack("!BBH", opcode, 0x80 | 126, size)
        )
        if not self.transport.is_closing():
            self.transport.write(head + b"\0\0\0\0" + payload)

    def data_received(self, data: bytes) -> None:
        self.buffer += data
        if not self.upgraded and not self._upgrade():
            return
        texts = []
        for opcode, payload in self._frames():
            if opcode == self.TEXT:
                texts.append(payload)
            elif opcode == self.PING:
                self.send(payload, self.PONG)
            elif opcode != self.PONG:
                # a close, or a fragment: none of our messages is long enough to be one
                self.transport.close()
        if texts:
            self.heard(self, texts)

    def _upgrade(self) -> bool:
        head, found, rest = self.buffer.partition(b"\r\n\r\n")
        if not found:
            return False
        self.buffer, self.upgraded = rest, True
        if b" 101 " in head[:20]:
            return True
        self.ready.set_exception(
            ConnectionRefusedError(head.partition(b"\r\n")[0].decode("latin-1"))
        )
        self.transport.close()
        return False

    def _frames(self) -> list[tuple[int, bytes]]:
        """The whole frames of the buffer; what is left of the next one stays in it."""
        buffer, at, frames = self.buffer, 0, []
        while len(buffer) - at >= 2:
            size, start = buffer[at + 1] & 0x7F, at + 2
            extended = {126: 2, 127: 8}.get(size, 0)
            if len(buffer) - start < extended:
                break
            if extended:
                size, start = (
                    int.from_bytes(buffer[start : start + extended], "big"),
                    start + extended,
                )
            if size > MAX_FRAME_BYTES:
                self.transport.close()
                break
            if len(buffer) - start < size:
                break
            frames.append((buffer[at], buffer[start : start + size]))
            at = start + size
        self.buffer = buffer[at:]
        return frames

    def connection_lost(self, exc: Exception | None) -> None:
        if not self.ready.done():
            self.ready.set_exception(ConnectionResetError("closed before the snapshot"))
        self.closed.set_result(None)


async def open_socket(
    *,
    host: str,
    port: int,
    token: str,
    heard: Callable[[Socket, list[bytes]], None],
    limit_seconds: float = 10,
) -> Socket:
    """Connected, and its snapshot has come (the caller's `heard` marks it ready)."""
    require_loopback(host)
    loop = asyncio.get_running_loop()
    _, socket = await loop.create_connection(
        lambda: Socket(host=host, token=token, heard=heard), host, port
    )
    await asyncio.wait_for(asyncio.shield(socket.ready), limit_seconds)
    return socket
