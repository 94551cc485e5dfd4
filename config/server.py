"""`python -m config.server`: serves HTTP and sockets with uvicorn.

On a listening socket it inherits (`--fd`) or opens (`--port`).
"""

import argparse
import socket

import uvicorn

from config.sockets import PageProtocol

BACKLOG = 1024
APPLICATION = "config.asgi:application"
# Its lease is over long before: this only frees what a dead connection still costs.
PING_SECONDS, PONG_SECONDS = 2, 20
MESSAGE_BYTES = 65_536
"""The longest socket message taken from a page; ours are far shorter."""


def configuration(application: str = APPLICATION) -> uvicorn.Config:
    return uvicorn.Config(
        application,
        loop="uvloop",
        http="httptools",
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
    uvicorn.Server(configuration()).run(sockets=[listener])


if __name__ == "__main__":
    main()
