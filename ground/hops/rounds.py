"""A hop inside one process: however many rings and beats ask for it, one thread drains at a time
and none is missed."""

import logging
import threading
import time
from collections.abc import Callable

from ground.hops.soon import Soon

log = logging.getLogger(__name__)

MAX_ROUNDS = 200  # then the thread goes back to its pool; the next ring or beat goes on


BREATH_SECONDS = 0.01


class Breath:
    """A pause between two rounds as long as the round took, at most `longest`: what comes meanwhile
    shares the next one.

    Under load that saves more time than it takes (`docs/performance.md`); who comes to work that
    has rested never waits."""

    def __init__(self, longest: float = BREATH_SECONDS) -> None:
        self._longest = longest
        self._began = self._rested_at = 0.0

    @property
    def seconds_left(self) -> float:
        return max(0.0, self._rested_at - time.monotonic())

    def __enter__(self) -> None:
        """The round begins."""
        self._began = time.monotonic()

    def __exit__(self, *error: object) -> None:
        now = time.monotonic()
        self._rested_at = now + min(self._longest, now - self._began)


NO_BREATH = 0.0


class Hop:
    """`run()` drains until a round says that it took all there was. Asked meanwhile, it drains
    again, never twice at a time."""

    def __init__(
        self, drain: Callable[[], bool], *, name: str, breath_seconds: float = NO_BREATH
    ) -> None:
        """`drain` handles one bounded round; True when more may wait than it took."""
        self._drain = drain
        self._busy = threading.Lock()
        self._asked = threading.Event()
        self._soon: Soon[None] = Soon(self._answer, name=name)
        self._breath = Breath(breath_seconds)

    def run(self) -> None:
        """Returns at once when another thread is at it: that one will take the work."""
        self._asked.set()
        while self._asked.is_set() and self._busy.acquire(blocking=False):
            try:
                self._rounds()
            finally:
                self._busy.release()

    def ask(self) -> None:
        """For the hop before this one in the same process: runs on this hop's own thread, a
        doorbell without the way."""
        self._soon.ask([None])

    def _answer(self, _: set[None]) -> None:
        try:
            self.run()
        except Exception as error:  # the beat runs it again; nobody waits for this thread's result
            log.warning("drain_failed", extra={"error_code": type(error).__name__})

    def _rounds(self) -> None:
        for _ in range(MAX_ROUNDS):
            time.sleep(self._breath.seconds_left)
            self._asked.clear()
            with self._breath:
                more = self._drain()
            if not more and not self._asked.is_set():
                break
