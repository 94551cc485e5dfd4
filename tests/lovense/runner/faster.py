"""Seconds that pass faster: what waits in this process's loop, and what it measures, takes a SPEEDth of its
time. The vendor and the database keep their own."""

import asyncio
import time
from contextlib import contextmanager

SPEED = 6  # a wake-up may be late by half a second of the run, which is 80 ms of ours


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
        patched.setattr(time, "monotonic", now)
        patched.setattr(loop, "time", now)
        patched.setattr(loop._selector, "select", selected)
        yield
