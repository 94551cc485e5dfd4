"""uvicorn's WebSocket protocol, and what it lacks: when a page was last heard of, and an end for
pages that do not read.

uvicorn closes a connection by writing to it and waiting until that was read; a page that reads
nothing would keep its connection, and what was written to it, for as long as it likes."""

from asyncio import BaseTransport
from typing import Any

from uvicorn._types import ASGISendEvent
from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol
from websockets.exceptions import InvalidState

MAX_UNREAD_BYTES = 262_144  # pongs are written without asking whether anybody reads
CLOSING_SECONDS = 3.0


class PageProtocol(WebSocketsSansIOProtocol):
    """`scope["extensions"]["peer"]` of a socket, for `lovense/sockets/outbox.py`."""

    heard_at = 0.0

    def abort(self) -> None:
        """Ends the connection now; what was not read is thrown away."""
        self.transport.abort()

    def say(self, text: str) -> bool:
        """Tells the page at once; False where that has to be waited for, or the page is going."""
        if not (self.writable.is_set() and self.handshake_complete) or self.close_sent:
            return False
        try:
            self.conn.send_text(text.encode())
        except InvalidState:
            return False
        self.transport.write(b"".join(self.conn.data_to_send()))
        return True

    def connection_made(self, transport: BaseTransport) -> None:
        self.heard_at = self.loop.time()
        super().connection_made(transport)

    def data_received(self, data: bytes) -> None:
        """Whatever it says is a sign of life, the answer to a ping too."""
        self.heard_at = self.loop.time()
        super().data_received(data)
        if self.transport.get_write_buffer_size() > MAX_UNREAD_BYTES:
            self.abort()

    def send_keepalive_ping(self) -> None:
        """A page is asked only when it has been silent for the interval."""
        assert self.ping_interval is not None
        left = self.heard_at + self.ping_interval - self.loop.time()
        if left > 0:
            self.ping_timer = self.loop.call_later(left, self.send_keepalive_ping)
        else:
            super().send_keepalive_ping()

    def keepalive_timeout(self) -> None:
        """Nobody is there to read a goodbye."""
        self.abort()

    async def run_asgi(self) -> None:
        extensions: dict[str, Any] = self.scope.setdefault("extensions", {})
        extensions["peer"] = self
        await super().run_asgi()
        self.loop.call_later(CLOSING_SECONDS, self.abort)

    async def send(self, message: ASGISendEvent) -> None:
        await super().send(message)
        if message["type"] == "websocket.close":
            self.loop.call_later(CLOSING_SECONDS, self.abort)
