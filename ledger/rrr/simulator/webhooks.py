"""What RRR tells us: signed webhooks about what was posted, once, twice or in the wrong order."""

import json
import random
import threading
import uuid
from dataclasses import dataclass
from typing import Any

import httpx

from ground import clock
from ledger.rrr import signing

TIMEOUT_SECONDS = 10.0
ATTEMPTS = 20  # of one event; what is never accepted is given up
MAX_WAITING = 10_000
FIFO, REVERSED, SHUFFLED = "fifo", "reversed", "shuffled"
ORDERS = (FIFO, REVERSED, SHUFFLED)


@dataclass(frozen=True, slots=True)
class SignedCall:
    """One delivery of one event, signed and ready to be sent."""

    event_id: str
    headers: dict[str, str]
    body: bytes


@dataclass(slots=True)
class _Event:
    body: bytes
    event_id: str
    attempts: int = 0


class Webhooks:
    """An outbox. Signed with our wall clock, not the test clock: the receiver refuses a call from
    another day."""

    def __init__(
        self, *, url: str = "", key_id: str = "dev", secret: bytes = b"", tenant: str = "simulator"
    ) -> None:
        self.url, self.scheme, self.copies, self.order = url, 2, 1, FIFO
        self._key_id, self._secret, self._tenant = key_id, secret, tenant
        self._lock = threading.Lock()
        self._waiting: list[_Event] = []
        # This machine only: the environment's proxies do not apply.
        self._http = httpx.Client(timeout=TIMEOUT_SECONDS, trust_env=False)

    def add(self, event_type: str, data: dict[str, Any], *, event_id: str = "") -> None:
        event_id = event_id or f"evt_{uuid.uuid4().hex}"
        body = json.dumps(
            {"event_id": event_id, "event_type": event_type, "data": data}, separators=(",", ":")
        ).encode()
        with self._lock:
            self._waiting = [*self._waiting, _Event(body, event_id)][-MAX_WAITING:]

    def waiting(self) -> list[dict[str, Any]]:
        with self._lock:
            return [json.loads(event.body) for event in self._waiting]

    def take(self, *, target: str = "/api/webhooks/rrr") -> list[SignedCall]:
        """Everything that waits, signed, as often and in the order as was asked for: for tests
        without a socket."""
        return [self._call(event, target) for event in self._arranged() for _ in range(self.copies)]

    def send(self) -> list[int]:
        """Sends what waits; the statuses of the answers (0: none). What was not taken is sent again
        the next time."""
        if not self.url:
            return []
        statuses: list[int] = []
        for event in self._arranged():
            answers = [self._send(event) for _ in range(self.copies)]
            statuses += answers
            event.attempts += 1
            if not any(200 <= status < 300 for status in answers) and event.attempts < ATTEMPTS:
                with self._lock:
                    self._waiting.append(event)
        return statuses

    def close(self) -> None:
        self._http.close()

    def _arranged(self) -> list[_Event]:
        with self._lock:
            taken, self._waiting = self._waiting, []
        if self.order == REVERSED:
            return taken[::-1]
        return random.sample(taken, len(taken)) if self.order == SHUFFLED else taken

    def _send(self, event: _Event) -> int:
        call = self._call(event, httpx.URL(self.url).raw_path.decode())
        try:
            return self._http.post(self.url, content=call.body, headers=call.headers).status_code
        except httpx.RequestError:
            return 0

    def _call(self, event: _Event, target: str) -> SignedCall:
        if self.scheme == 1:
            headers = {signing.SIGNATURE: signing.sign_body(self._secret, event.body)}
        else:
            headers = signing.signed_headers(
                self._secret,
                key_id=self._key_id,
                tenant=self._tenant,
                method="POST",
                target=target,
                now=clock.now(),
                nonce=uuid.uuid4().hex,
                body=event.body,
            )
        return SignedCall(
            event.event_id, {"Content-Type": "application/json", **headers}, event.body
        )
