"""The simulator as one thing: its parts, what it was asked, and the HTTP server around them
(loopback only)."""

from typing import Self

from ledger.rrr.simulator.server import Server
from ledger.rrr.simulator.webhooks import Webhooks
from ledger.rrr.simulator.world import World

CLIENT_ID = "development"
CLIENT_SECRET = "development-only-rrr-client-secret"  # noqa: S105
TICK_SECONDS = 0.2


class Simulator(World):
    """`with Simulator() as rrr: rrr.books.post(…)`; `rrr.url` is where it answers."""

    def __init__(
        self,
        *,
        port: int = 0,
        client_id: str = CLIENT_ID,
        client_secret: str = CLIENT_SECRET,
        webhooks: Webhooks | None = None,
    ) -> None:
        super().__init__(client_id=client_id, client_secret=client_secret, webhooks=webhooks)
        self._server = Server(self, port)

    @property
    def port(self) -> int:
        return self._server.port

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
