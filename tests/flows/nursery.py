"""Where processes are born that die at a given write: `python -m tests.flows.nursery`.

It never connects to anything itself, so it may fork: a child is a whole process of the product in three
milliseconds. A child kills itself from PyMongo's command listener, the moment the server has answered its
n-th write. One JSON line in, one out."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from pymongo import monitoring

WRITES = frozenset({"insert", "update", "delete", "findAndModify", "bulkWrite", "commitTransaction"})
SLOT = "worker-0"  # whose processes die
SURVIVED, BROKEN = 0, 70


class Doom(monitoring.CommandListener):
    """Names every write to `told`, and ends the process right after the `last`-th."""

    def __init__(self) -> None:
        self.told, self.last, self.count = -1, 0, 0
        self.targets: dict[int, str] = {}

    def started(self, event: monitoring.CommandStartedEvent) -> None:
        self.targets[event.request_id] = str(event.command.get(event.command_name, ""))

    def succeeded(self, event: monitoring.CommandSucceededEvent) -> None:
        if event.command_name not in WRITES:
            return
        self.count += 1
        target = "" if event.command_name == "commitTransaction" else self.targets[event.request_id]
        os.write(self.told, f"{event.command_name} {target}".strip().encode() + b"\n")
        if self.count == self.last:
            os.kill(os.getpid(), signal.SIGKILL)

    def failed(self, event: monitoring.CommandFailedEvent) -> None: ...


@contextmanager
def opened(database: str, **more: str) -> Iterator[Callable[..., tuple[int, list[str]]]]:
    """`bear(hop, last=n, **given)`: the status and the writes of a process that dies after its n-th write."""
    address, _, options = os.environ["MONGODB_URI"].partition("?")
    uri = f"{address.rpartition('/')[0]}/{database}?{options}"
    environment = (
        os.environ
        | {"MONGODB_URI": uri, "STACK_SLOT": SLOT, "DJANGO_SETTINGS_MODULE": "config.settings"}
        | more
    )
    command = (sys.executable, "-m", "tests.flows.nursery")
    with subprocess.Popen(
        command, env=environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdin is not None

        def birth(hop: str, *, last: int, **given: Any) -> tuple[int, list[str]]:
            print(json.dumps({"hop": hop, "last": last, "given": given}), file=process.stdin, flush=True)
            born = json.loads(process.stdout.readline())  # type: ignore[union-attr]
            return born["status"], born["writes"]

        yield birth
        process.stdin.close()


def main() -> None:
    doom = Doom()
    monitoring.register(doom)  # before the first client is made
    import django

    django.setup()
    from tests.flows.hops import HOPS

    for line in sys.stdin:
        print(json.dumps(bear(doom, HOPS, json.loads(line))), flush=True)


def bear(doom: Doom, hops: dict[str, Any], order: dict[str, Any]) -> dict[str, Any]:
    """One child, from its birth to its end: its exit status (negative: the signal) and the writes it got
    through."""
    reader, doom.told = os.pipe()
    child = os.fork()
    if child == 0:
        live(doom, hops, order)
    os.close(doom.told)
    with os.fdopen(reader) as told:
        writes = told.read().splitlines()
    return {"status": os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), "writes": writes}


def live(doom: Doom, hops: dict[str, Any], order: dict[str, Any]) -> None:
    status = BROKEN
    try:
        doom.last = order["last"]
        hops[order["hop"]](**order["given"])
        status = SURVIVED
    except BaseException:
        import traceback

        traceback.print_exc()
    finally:
        os._exit(status)


if __name__ == "__main__":
    main()
