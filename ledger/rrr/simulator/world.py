"""What the simulator is made of: its books, tokens, faults and webhooks, and what it was asked."""

import threading
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass

from ledger.rrr.simulator.books import RemoteBooks
from ledger.rrr.simulator.faults import Faults
from ledger.rrr.simulator.tokens import Tokens
from ledger.rrr.simulator.webhooks import Webhooks


@dataclass(frozen=True, slots=True)
class Asked:
    """A request that RRR's own interface received, as far as a test may want to know."""

    method: str
    path: str
    query: dict[str, str]
    idempotency_key: str
    trace: str


class World:
    def __init__(self, *, client_id: str, client_secret: str, webhooks: Webhooks | None) -> None:
        self.client_id = client_id
        self.webhooks = webhooks or Webhooks()
        self.books = RemoteBooks(client_id=client_id, happened=self.webhooks.add)
        self.tokens = Tokens(client_id=client_id, client_secret=client_secret)
        self.faults = Faults()
        self.asked: deque[Asked] = deque(maxlen=10_000)
        self.stopping = threading.Event()
        self._afterwards: deque[Callable[[], object]] = deque()

    def count(self, method: str, path: str) -> int:
        return sum(1 for asked in list(self.asked) if (asked.method, asked.path) == (method, path))

    def after_next(self, happens: Callable[[], object]) -> None:
        """`happens` once, after the next request has been worked on and before it is answered."""
        self._afterwards.append(happens)

    def finished_work(self) -> None:
        if self._afterwards:
            self._afterwards.popleft()()
