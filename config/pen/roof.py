"""What every part of the pen is given: the roof over it as the parts see it, and the threads on
which the database is asked.

It stands apart so that parts know the roof without importing it. What one part needs of another is
said by its constructor; here is only what is nobody's own. Nothing is decided here."""

import asyncio
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Protocol, TypeVar

from lovense.sending.writer import Holding

T = TypeVar("T")
Messages = list[tuple[str, dict[str, Any]]]

TICK_SECONDS = 0.5


async def on(thread: ThreadPoolExecutor, work: Callable[[], T]) -> T:
    return await asyncio.get_running_loop().run_in_executor(thread, work)


class Threads:
    """One for entries, one for everything else; and one for promises, which wait for neither."""

    def __init__(self) -> None:
        self.writer = ThreadPoolExecutor(1, thread_name_prefix="journal")
        self.reader = ThreadPoolExecutor(1, thread_name_prefix="pen")
        self.promises = ThreadPoolExecutor(1, thread_name_prefix="promises")


class Roof(Protocol):
    """`is_ready`: the pen is ours and memory is whole. `awake`: there is something to do for the
    next round. `deliver` and `pages_here` are set from outside, at any time: ask them where they
    are needed, and keep neither."""

    holder: str
    is_ready: bool
    awake: asyncio.Event
    threads: Threads
    deliver: Callable[[Iterable[tuple[str, dict[str, Any]]]], None]
    pages_here: Callable[[], list[Holding]]
