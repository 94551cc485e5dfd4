"""A hop inside one process: however many rings and beats ask for it, one thread drains at a time and none is missed."""

import threading
from collections.abc import Callable

MAX_ROUNDS = 200  # then the thread goes back to its pool; the next ring or beat goes on


class Hop:
    """`run()` drains until a round says that it took all there was. Asked meanwhile, it drains again, never twice at a time."""

    def __init__(self, drain: Callable[[], bool]) -> None:
        """`drain` handles one bounded round; True when more may wait than it took."""
        self._drain = drain
        self._busy = threading.Lock()
        self._asked = threading.Event()

    def run(self) -> None:
        """Returns at once when another thread is at it: that one will take the work."""
        self._asked.set()
        while self._asked.is_set() and self._busy.acquire(blocking=False):
            try:
                self._rounds()
            finally:
                self._busy.release()

    def _rounds(self) -> None:
        for _ in range(MAX_ROUNDS):
            self._asked.clear()
            more = self._drain()
            if not more and not self._asked.is_set():
                break
