"""Seconds that pass faster: what waits in the loop of a test, and what its page and its run measure, takes a
SPEEDth of its time. The vendor, the database and whatever outlives the test keep their own."""

import asyncio
import time
from contextlib import contextmanager
from types import SimpleNamespace

from lovense.bridges import cloud
from lovense.runner import run, serverpage
from lovense.sockets import openpage, process

SPEED = 4  # a wake-up may be late by half a second of the run, which is 120 ms of ours
MEASURING = (cloud, run, serverpage, openpage, process)


@contextmanager
def faster(monkeypatch):
    """To be entered on the loop."""
    loop, real = asyncio.get_running_loop(), time.monotonic
    select, began = loop._selector.select, real()

    def now():
        return began + SPEED * (real() - began)

    def selected(timeout=None):
        return select(timeout and timeout / SPEED)

    with monkeypatch.context() as patched:
        for module in MEASURING:
            patched.setattr(module, "time", SimpleNamespace(monotonic=now))
        patched.setattr(loop, "time", now)
        patched.setattr(loop._selector, "select", selected)
        yield
