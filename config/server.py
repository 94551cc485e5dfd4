"""`python -m config.server`: serves HTTP and sockets with uvicorn.

On a listening socket it inherits (`--fd`) or opens (`--port`). What a caller may send, and how long
he may take for it, is bounded before there is a request: here its head, in `config/asgi.py` its
body.
"""

import argparse
import asyncio
import http
import json
import socket
from typing import Any, cast

import uvicorn
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from config import commandline
from config.sockets import PageProtocol

BACKLOG = 1024
APPLICATION = "config.asgi:application"
WHOLE = "whole"
"""In the scope of a request whose body is here already: nobody need wait for it."""
# Its lease is over long before: this only frees what a dead connection still costs.
PING_SECONDS, PONG_SECONDS = 2, 20
MESSAGE_BYTES = 65_536
"""The longest socket message taken from a page; ours are far shorter."""
HEAD_BYTES, HEAD_SECONDS = 32_768, 10.0
"""Of a request's line and headers together; browsers and proxies stay below it."""
REST_BYTES, REST_SECONDS = 8 * 2**20, 2.0
"""So much of what was refused is still read and thrown away: who is cut off never reads why."""


class BoundedHttp(HttpToolsProtocol):
    """uvicorn's protocol, which would take headers without end."""

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        # bytes that were read since the parser found something, and those of what is refused
        self._unheard = self._rest = self._head = 0
        self._has_heard = self._is_too_long = self._is_refused = self._is_in_head = False
        self._late: asyncio.TimerHandle | None = None
        self._expect_head()

    def connection_lost(self, exc: Exception | None) -> None:
        self._head_is_here()
        super().connection_lost(exc)

    def _expect_head(self) -> None:
        if self._late is None:
            self._late = self.loop.call_later(HEAD_SECONDS, self._give_up)

    def _head_is_here(self) -> None:
        if self._late is not None:
            self._late.cancel()
        self._late = None

    def _give_up(self) -> None:
        self._late = None
        if self.cycle is not None and not self.cycle.response_complete:
            self._expect_head()  # it is we who are slow: requests wait behind each other
        else:
            self.transport.close()

    def data_received(self, data: bytes) -> None:
        if self._is_refused:
            self._throw_away(data)
            return
        self._has_heard = False
        super().data_received(data)
        if self._is_in_head:  # nearly always it came as one
            self._expect_head()
        self._unheard = 0 if self._has_heard else self._unheard + len(data)
        if self._unheard > HEAD_BYTES and not self._is_refused:
            self._is_too_long = True
            self.send_400_response("")

    def _throw_away(self, data: bytes) -> None:
        self._rest += len(data)
        if self._rest > REST_BYTES:
            self.transport.abort()

    # What the parser found: all but headers, which may be trailers and may be endless.

    def on_message_begin(self) -> None:
        self._head = 0
        self._is_in_head = True
        super().on_message_begin()

    def on_header(self, name: bytes, value: bytes) -> None:
        self._head += len(name) + len(value) + 4
        if self._head > HEAD_BYTES:
            self._is_too_long = True
            raise ValueError("more headers than anybody needs")
        super().on_header(name, value)

    def on_headers_complete(self) -> None:
        self._head_is_here()
        self._is_in_head = False
        self._has_heard = True
        if self._head + len(self.url) > HEAD_BYTES:
            self._is_too_long = True
            raise ValueError("a longer head than anybody needs")
        super().on_headers_complete()

    def on_body(self, body: bytes) -> None:
        self._has_heard = True
        if self.cycle is not None and self.cycle.response_complete:
            self._throw_away(body)
        super().on_body(body)

    def on_message_complete(self) -> None:
        self._has_heard = True
        cast(dict[str, Any], self.scope)[WHOLE] = True
        super().on_message_complete()

    def send_400_response(self, msg: str) -> None:
        """In the shape that every error of ours has."""
        status = 431 if self._is_too_long else 400
        code, words = (
            ("too_large", f"The headers must be at most {HEAD_BYTES} bytes.")
            if self._is_too_long
            else ("malformed", "This is not an HTTP request.")
        )
        content = json.dumps({"error": {"code": code, "message": words, "details": None}})
        head = (
            f"HTTP/1.1 {status} {http.HTTPStatus(status).phrase}\r\n"
            f"content-type: application/json\r\ncontent-length: {len(content)}\r\n"
            "connection: close\r\n\r\n"
        )
        self._is_refused = True
        self.transport.write((head + content).encode())
        self.transport.write_eof()
        self.loop.call_later(REST_SECONDS, self.transport.close)


def configuration(application: Any = APPLICATION) -> uvicorn.Config:
    return uvicorn.Config(
        application,
        loop="uvloop",
        http=BoundedHttp,
        ws=PageProtocol,
        lifespan="on",
        access_log=False,
        log_level="warning",
        log_config=None,  # Django's logging settings apply
        server_header=False,
        backlog=BACKLOG,
        timeout_graceful_shutdown=2,
        ws_ping_interval=PING_SECONDS,
        ws_ping_timeout=PONG_SECONDS,
        ws_max_size=MESSAGE_BYTES,
        # commands are a few hundred bytes: compressing them costs more than it saves
        ws_per_message_deflate=False,
    )


def parser() -> argparse.ArgumentParser:
    options = argparse.ArgumentParser(description=__doc__)
    where = options.add_mutually_exclusive_group(required=True)
    where.add_argument("--fd", type=int, help="a listening socket inherited from the supervisor")
    where.add_argument("--port", type=int)
    options.add_argument("--host", default="127.0.0.1")
    return options


def main() -> None:
    options = parser().parse_args()
    if options.fd is None:
        listener = socket.create_server((options.host, options.port), backlog=BACKLOG)
    else:
        listener = socket.socket(fileno=options.fd)
    commandline.run(lambda: uvicorn.Server(configuration()).run(sockets=[listener]))


if __name__ == "__main__":
    main()
