"""Starts the next request of the lanes that acknowledgements freed, in the process that holds their
pages."""

import logging
import time
from concurrent.futures import ThreadPoolExecutor
from threading import Lock

from ground import clock
from ground.hops.rounds import Breath
from lovense.sending import dispatch
from lovense.sending.messages import Deliver

log = logging.getLogger(__name__)


class FreedLanes:
    """On a thread of its own, behind no write of the next acknowledgements."""

    def __init__(self, deliver: Deliver) -> None:
        self._deliver = deliver
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="lanes")
        self._lock = Lock()
        self._freed: set[str] = set()
        self._breath = Breath()

    def free(self, performer_ids: set[str]) -> None:
        with self._lock:
            first = not self._freed
            self._freed |= performer_ids
        if first and performer_ids:
            self._thread.submit(self._run)

    def _run(self) -> None:
        time.sleep(self._breath.seconds_left)
        with self._lock:
            freed, self._freed = self._freed, set()
        try:
            with self._breath:
                more = dispatch.drain_freed(freed, now=clock.now(), deliver=self._deliver)
        except Exception as error:  # the beat finds the free lanes
            log.warning("lanes_failed", extra={"error_code": type(error).__name__})
            return
        if more:
            self.free(freed)
