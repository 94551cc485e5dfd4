"""The simulator as one thing: its parts, what it was asked, and the HTTP server around them (loopback only)."""

import threading
from collections import deque
from collections.abc import Callable
from typing import Self

from ledger.rrr_simulator.api import Asked
from ledger.rrr_simulator.books import Books
from ledger.rrr_simulator.faults import Faults
from ledger.rrr_simulator.server import Server
from ledger.rrr_simulator.tokens import Tokens
from ledger.rrr_simulator.webhooks import Webhooks

CLIENT_ID = "development"
CLIENT_SECRET = "development-only-rrr-client-secret"  # noqa: S105
TICK_SECONDS = 0.2


class Simulator:
    """`with Simulator() as rrr: rrr.books.post(…)`; `rrr.url` is where it answers."""

    def __init__(
        self, *, port: int = 0, client_id: str = CLIENT_ID, client_secret: str = CLIENT_SECRET, webhooks: Webhooks | None = None
    ) -> None:
        self.client_id = client_id
        self.webhooks = webhooks or Webhooks()
        self.books = Books(client_id=client_id, happened=self.webhooks.add)
        self.tokens = Tokens(client_id=client_id, client_secret=client_secret)
        self.faults = Faults()
        self.asked: deque[Asked] = deque(maxlen=10_000)
        self.stopping = threading.Event()
        self._afterwards: deque[Callable[[], object]] = deque()
        self._server = Server(self, port)

    @property
    def port(self) -> int:
        return int(self._server.server_address[1])

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def __enter__(self) -> Self:
        self._server.start()
        return self

    def __exit__(self, *error: object) -> None:
        self.stop()

    def stop(self) -> None:
        """Ends the server and every connection: whoever calls now is refused."""
        if not self.stopping.is_set():
            self.stopping.set()
            self._server.stop()
            self.webhooks.close()

    def run(self) -> None:
        """Posts what falls due and sends its webhooks, until stopped."""
        while not self.stopping.wait(TICK_SECONDS):
            self.books.tick()
            self.webhooks.send()

    def count(self, method: str, path: str) -> int:
        return sum(1 for asked in list(self.asked) if (asked.method, asked.path) == (method, path))

    def after_next(self, happens: Callable[[], object]) -> None:
        """`happens` once, after the next request has been worked on and before it is answered."""
        self._afterwards.append(happens)

    def finished_work(self) -> None:
        if self._afterwards:
            self._afterwards.popleft()()
