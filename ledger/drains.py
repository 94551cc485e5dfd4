"""A hop inside one process: however many rings and beats ask for it, one thread drains at a time and none is missed."""

import threading
from collections.abc import Callable

MAX_ROUNDS = 200  # then the thread goes back to its pool; the next ring or beat goes on


class Hop:
    """`run()` drains until a round finds nothing. Asked while it runs, it drains once more instead of twice at a time."""

    def __init__(self, drain: Callable[[], int]) -> None:
        self._drain = drain
        self._busy = threading.Lock()
        self._asked = threading.Event()

    def run(self) -> int:
        """How many rows this call handled; 0 when another thread is at it and will take the work."""
        handled = 0
        self._asked.set()
        while self._asked.is_set() and self._busy.acquire(blocking=False):
            try:
                handled += self._rounds()
            finally:
                self._busy.release()
        return handled

    def _rounds(self) -> int:
        handled = 0
        for _ in range(MAX_ROUNDS):
            self._asked.clear()
            done = self._drain()
            handled += done
            if not done and not self._asked.is_set():
                break
        return handled
