"""The way between a browser and the stack, as a network is: cut without a word, slow, or refused.

A thread with an event loop of its own passes bytes on; what it is told counts for connections that
are open, too."""

import asyncio
import threading
from collections.abc import Iterator
from contextlib import contextmanager

PIECE = 16_384


class CutWire:
    """`is_cut`: nothing passes, and nobody is told. `delay`, `rate`: seconds, bytes a second, each
    way."""

    def __init__(self, port: int) -> None:
        self.is_cut, self.delay, self.rate = False, 0.0, 0.0
        self._to, self.port = port, 0
        self._ready = threading.Event()
        self._loop = asyncio.new_event_loop()
        self._writers: set[asyncio.StreamWriter] = set()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def cut(self) -> None:
        self.is_cut = True

    def mend(self) -> None:
        """As after an outage: what hung is dropped, and what comes next passes."""
        self.is_cut = False
        self._loop.call_soon_threadsafe(self._drop)

    def _drop(self) -> None:
        for writer in list(self._writers):
            writer.transport.abort()

    def run(self) -> None:
        asyncio.set_event_loop(self._loop)
        serving = asyncio.start_server(self._accept, "127.0.0.1", 0)
        server = self._loop.run_until_complete(serving)
        self.port = server.sockets[0].getsockname()[1]
        self._ready.set()
        self._loop.run_forever()

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._writers.add(writer)
        try:
            await self._passable()
            beyond, away = await asyncio.open_connection("127.0.0.1", self._to)
            self._writers.add(away)
            await asyncio.gather(self._pass(reader, away), self._pass(beyond, writer))
        except OSError:
            pass
        finally:
            self._drop_of(writer)

    def _drop_of(self, writer: asyncio.StreamWriter) -> None:
        writer.transport.abort()
        self._writers.discard(writer)

    async def _passable(self) -> None:
        while self.is_cut:
            await asyncio.sleep(0.02)

    async def _pass(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while piece := await reader.read(PIECE):
                await self._passable()
                if self.delay:
                    await asyncio.sleep(self.delay + len(piece) / self.rate)
                writer.write(piece)
                await writer.drain()
        finally:
            self._drop_of(writer)


@contextmanager
def wire(port: int) -> Iterator[CutWire]:
    made = CutWire(port)
    thread = threading.Thread(target=made.run, daemon=True)
    thread.start()
    made._ready.wait()
    yield made
    made._loop.call_soon_threadsafe(made._drop)
    made._loop.call_soon_threadsafe(made._loop.stop)
    thread.join(5)
