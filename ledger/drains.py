"""A hop inside one process: however many rings and beats ask for it, one thread drains at a time and none is missed."""

import logging
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

log = logging.getLogger(__name__)

MAX_ROUNDS = 200  # then the thread goes back to its pool; the next ring or beat goes on


class Hop:
    """`run()` drains until a round says that it took all there was. Asked meanwhile, it drains again, never twice at a time."""

    def __init__(self, drain: Callable[[], bool], *, name: str) -> None:
        """`drain` handles one bounded round; True when more may wait than it took."""
        self._drain = drain
        self._busy = threading.Lock()
        self._asked = threading.Event()
        self._thread = ThreadPoolExecutor(1, thread_name_prefix=name)
        self._on_its_way = threading.Event()

    def run(self) -> None:
        """Returns at once when another thread is at it: that one will take the work."""
        self._asked.set()
        while self._asked.is_set() and self._busy.acquire(blocking=False):
            try:
                self._rounds()
            finally:
                self._busy.release()

    def ask(self) -> None:
        """For the hop before this one in the same process: runs on this hop's own thread, a doorbell without the way."""
        if not self._on_its_way.is_set():
            self._on_its_way.set()
            self._thread.submit(self._answer)

    def _answer(self) -> None:
        self._on_its_way.clear()
        try:
            self.run()
        except Exception as error:  # the beat runs it again; nobody waits for this thread's result
            log.warning("drain_failed", extra={"error_code": type(error).__name__})

    def _rounds(self) -> None:
        for _ in range(MAX_ROUNDS):
            self._asked.clear()
            more = self._drain()
            if not more and not self._asked.is_set():
                break
