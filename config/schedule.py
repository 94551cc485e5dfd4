"""What runs on the clock, and the thread of a worker that sees to it. A lost ring costs one beat.

Every task is the very drain that a doorbell rings for. The beat lives in the worker's process, or,
with STACK_BEAT=process, in one of its own (`config/beat.py`)."""

import logging
import threading
import time
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor

log = logging.getLogger(__name__)

HEARTBEAT = "adminpanel.heartbeat"
SECONDS = {
    "tips.settle": 1.0,
    "tips.end_grace": 1.0,
    "tips.look": 1.0,
    "tips.emit": 1.0,
    "tips.keep_daily_heads": 60.0,
    "journal.trim": 60.0,  # a run a day; while one has more to do, a run a minute
    "ledger.announce": 1.0,
    "lovense.dispatch": 1.0,
    "lovense.heal": 1.0,
    "lovense.owe": 1.0,
    "lovense.sweep_devices": 5.0,
    "lovense.repairs": 5.0,
    "lovense.end_pairings": 10.0,
    "lovense.keep_shows": 5.0,
    "lovense.mail_notices": 10.0,
    "lovense.reveal_draws": 60.0,
    "adminpanel.recount_hours": 60.0,
    "adminpanel.minutes": 60.0,
    "adminpanel.doubts": 60.0,
    HEARTBEAT: 1.0,
}
EXPIRES_SECONDS = 5
"""What is sent and meets no worker for so long is dropped: the next beat does the same work."""
THREADS = 4


class Beat:
    """Runs tasks where it is, without the way through Redis: a broker that is away stops no hop. A
    task that still runs when its time comes again is not begun a second time."""

    def __init__(self, run: Callable[[str], None], seconds: Mapping[str, float] = SECONDS) -> None:
        self._work, self._seconds = run, seconds
        self._running: set[str] = set()
        self._ended = threading.Event()
        self._threads = ThreadPoolExecutor(THREADS, thread_name_prefix="hops")
        self._thread = threading.Thread(target=self._run, name="beat", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        """Nothing is begun any more; what runs ends by itself."""
        self._ended.set()

    def _run(self) -> None:
        due = dict.fromkeys(self._seconds, time.monotonic())
        while not self._ended.wait(min(due.values()) - time.monotonic()):
            now = time.monotonic()
            for name in [name for name, at in due.items() if at <= now]:
                due[name] = now + self._seconds[name]  # a clock that stood still owes nothing
                self._begin(name)

    def _begin(self, name: str) -> None:
        if name not in self._running:
            self._running.add(name)
            self._threads.submit(self._once, name)

    def _once(self, name: str) -> None:
        try:
            self._work(name)
        except Exception as error:  # the next beat runs it again
            log.warning("beat_failed", extra={"mode": name, "error_code": type(error).__name__})
        finally:
            self._running.discard(name)
