"""Soon: what several callers ask for is done once for all of them, by one thread, and none of them
waits. For the event loop, and for callers that wait for an answer, there is `groupcommit.py`."""

import threading
import time
from collections.abc import Callable, Iterable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Generic, TypeVar

Item = TypeVar("Item")


def _at_once() -> float:
    return 0.0


class Soon(Generic[Item]):
    """`ask(items)` returns at once; `do` gets everything that was asked for until it begins, and
    what comes after that the next time.

    `wait`: seconds that are left for more to come, asked before each time."""

    def __init__(
        self, do: Callable[[set[Item]], object], *, name: str, wait: Callable[[], float] = _at_once
    ) -> None:
        self._do, self._wait = do, wait
        self._lock = threading.Lock()
        self._asked: set[Item] = set()
        self._is_on_its_way = False
        self.thread = ThreadPoolExecutor(1, thread_name_prefix=name)

    def ask(self, items: Iterable[Item]) -> None:
        with self._lock:
            self._asked.update(items)
            if self._is_on_its_way or not self._asked:
                return
            self._is_on_its_way = True
        self.thread.submit(self._run)

    def done(self) -> Future[None]:
        """When all that was asked for until now has been done."""
        return self.thread.submit(lambda: None)

    def _run(self) -> None:
        time.sleep(self._wait())
        with self._lock:
            asked, self._asked, self._is_on_its_way = self._asked, set(), False
        self._do(asked)
