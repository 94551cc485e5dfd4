"""A web process of the product on the tests' databases: `python -m config.server` on a port of its own."""

import socket
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass

from django.conf import settings
from django.db import connection

from config.stack.processes import PYTHON, Process, Program, end, launch
from tests import services

SECONDS = 5


def environment(slot: str = "web-live") -> dict[str, str]:
    """What a process of ours needs to stand on the tests' databases."""
    assert services.running is not None
    address = services.running.mongodb_uri.replace("/tips?", f"/{connection.settings_dict['NAME']}?")
    return {"MONGODB_URI": address, "REDIS_URL": settings.REDIS_URL, "STACK_SLOT": slot}


@dataclass(frozen=True)
class Server:
    url: str
    process: Process

    def kill(self) -> None:
        """As the kernel does: nothing is finished, nothing is said."""
        self.process.kill()
        self.process.wait(SECONDS)


@contextmanager
def server(slot: str = "web-live", **more: str) -> Iterator[Server]:
    """Its socket listens before it starts, so that a first call waits for it instead of failing."""
    surroundings: Mapping[str, str] = environment(slot) | more
    with socket.create_server(("127.0.0.1", 0)) as listener:
        argv = (PYTHON, "-m", "config.server", "--fd", str(listener.fileno()))
        process = launch(Program("web", argv, surroundings, fds=(listener.fileno(),)))
        try:
            yield Server(f"http://127.0.0.1:{listener.getsockname()[1]}", process)
        finally:
            end([process], seconds=SECONDS)
