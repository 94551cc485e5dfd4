"""What is told to one page: in its order, within bounds; at once where it reads as fast as it is
told, else by a task of its own.

Whoever tells a page something never waits for its socket. A page that takes nothing any more for
SEND_SECONDS, or has more waiting than the limits, is cut off: closing it politely would wait for it
too."""

import asyncio
import logging
from collections import deque
from collections.abc import Awaitable, Callable
from typing import Protocol

from lovense.rows import LayerMessage

log = logging.getLogger(__name__)

SEND_SECONDS = 5.0
MAX_WAITING, MAX_CHARACTERS = 200, 1_000_000


class Peer(Protocol):
    """The other end of the connection, as `config/sockets.py` knows it."""

    heard_at: float

    def abort(self) -> None: ...

    def say(self, text: str) -> bool:
        """Whether the page was told at once."""


class Outbox:
    """`say` and `close` return at once; what cannot be told any more is forgotten, since a page
    that returns is told what is in flight.

    `is_refused`: closed by us, so what the page says is not heard either. Where the socket has gone
    by itself, what it said before still counts."""

    def __init__(self, send: Callable[[LayerMessage], Awaitable[None]], peer: Peer | None) -> None:
        self._send, self._peer = send, peer
        self._waiting: deque[LayerMessage] = deque()
        self._characters = 0
        self._task: asyncio.Task[None] | None = None
        self.is_closed = self.is_refused = False

    def say(self, text: str) -> None:
        if self.is_closed or (self._is_idle and self._peer is not None and self._peer.say(text)):
            return
        self._characters += len(text)
        if len(self._waiting) >= MAX_WAITING or self._characters > MAX_CHARACTERS:
            self.cut_off("too_much_unread")
        else:
            self._put({"type": "websocket.send", "text": text})

    @property
    def _is_idle(self) -> bool:
        """Nothing is on its way that this would overtake."""
        return self._task is None

    def close(self, code: int) -> None:
        """After what was said before; nothing can be said any more."""
        if not self.is_closed:
            self.is_closed = self.is_refused = True
            self._put({"type": "websocket.close", "code": code})

    def cut_off(self, why: str) -> None:
        """At once, without a word: for a page that does not read."""
        log.warning("socket_cut_off", extra={"error_code": why})
        self.is_refused = True
        self.forget()
        if self._peer is not None:
            self._peer.abort()

    def forget(self) -> None:
        """The socket has gone."""
        self.is_closed = True
        self._waiting.clear()
        if self._task is not None:
            self._task.cancel()

    def _put(self, message: LayerMessage) -> None:
        self._waiting.append(message)
        if self._task is None:
            self._task = asyncio.create_task(self._run())

    async def _run(self) -> None:
        try:
            while self._waiting:
                message = self._waiting.popleft()
                self._characters -= len(message.get("text", ""))
                async with asyncio.timeout(SEND_SECONDS):
                    await self._send(message)
        except TimeoutError:
            self._task = None
            self.cut_off("does_not_read")
        except (RuntimeError, OSError):  # it has gone, and that is on its way to us
            self._task = None
            self.forget()
        finally:
            self._task = None
