"""The simulator's clock, and what falls due by it: ends of runs, late commands, heartbeats.

One lock guards the whole simulated world, and it is this one: what falls due is done under it, in
the order of its moments. It waits for real time, or for `advance`."""

import heapq
import threading
import time
from collections.abc import Callable
from itertools import count

Work = Callable[[int], object]
LONGEST_ADVANCE_SECONDS = 6 * 3600  # what plays meanwhile is written down, step by step


class Agenda:
    """Moments are ms since the epoch, and never go back."""

    def __init__(self) -> None:
        self.lock = threading.RLock()
        self._changed = threading.Condition(self.lock)
        self._ahead = time.time() - time.monotonic()
        self._due: list[tuple[int, int, Work]] = []
        self._numbers = count()
        self._is_stopping = False
        self._thread = threading.Thread(target=self._run, daemon=True)

    def now(self) -> int:
        return int((time.monotonic() + self._ahead) * 1000)

    def at(self, moment: int, work: Work) -> None:
        """`work(moment)` once, when it is due."""
        with self._changed:
            heapq.heappush(self._due, (moment, next(self._numbers), work))
            self._changed.notify_all()

    def advance(self, seconds: float) -> int:
        """Time goes on by so much, what was due meanwhile is done in its order; the new moment."""
        with self._changed:
            self._ahead += min(max(seconds, 0.0), LONGEST_ADVANCE_SECONDS)
            self._do_what_is_due()
            self._changed.notify_all()
            return self.now()

    def wait_until(self, holds: Callable[[], bool], seconds: float) -> bool:
        """Whether it held within so many seconds of real time; looked at whenever something has
        changed."""
        with self._changed:
            return self._changed.wait_for(lambda: holds() or self._is_stopping, seconds) and holds()

    def tell(self) -> None:
        """Something has changed for those who wait."""
        with self._changed:
            self._changed.notify_all()

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        with self._changed:
            self._is_stopping = True
            self._changed.notify_all()

    def _run(self) -> None:
        with self._changed:
            while not self._is_stopping:
                self._do_what_is_due()
                self._changed.wait(self._seconds_to_next())

    def _do_what_is_due(self) -> None:
        while self._due and self._due[0][0] <= self.now():
            moment, _, work = heapq.heappop(self._due)
            work(moment)

    def _seconds_to_next(self) -> float | None:
        return max(0.0, (self._due[0][0] - self.now()) / 1000) if self._due else None
