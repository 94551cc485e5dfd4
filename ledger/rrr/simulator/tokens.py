"""The simulated token endpoint's memory: whom it knows, and which tokens are good."""

import base64
import secrets
import threading
import time
from urllib.parse import unquote_plus

from ledger.rrr.simulator.books import Broken

LIFETIME_SECONDS = 3600


class Tokens:
    def __init__(self, *, client_id: str, client_secret: str) -> None:
        self.lifetime_seconds = LIFETIME_SECONDS
        self._client = (client_id, client_secret)
        self._lock = threading.Lock()
        self._good: dict[str, float] = {}

    def issue(self, authorization: str) -> str:
        """A new token for HTTP Basic with the client's id and secret."""
        kind, _, text = authorization.partition(" ")
        try:
            name, _, password = base64.b64decode(text, validate=True).decode().partition(":")
        except ValueError:
            kind = name = password = ""
        if kind != "Basic" or (unquote_plus(name), unquote_plus(password)) != self._client:
            raise Broken(401, "INVALID_CLIENT", "Unknown client, or another secret.")
        token = secrets.token_urlsafe(24)
        with self._lock:
            self._good[token] = time.monotonic() + self.lifetime_seconds
        return token

    def check(self, authorization: str) -> None:
        kind, _, token = authorization.partition(" ")
        with self._lock:
            until = self._good.get(token, 0.0) if kind == "Bearer" else 0.0
        if until < time.monotonic():
            raise Broken(401, "TOKEN_EXPIRED", "The token is unknown or has ended.")

    def expire(self) -> None:
        """Every token given out so far is refused from now on."""
        with self._lock:
            self._good.clear()
