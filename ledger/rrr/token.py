"""RRR's access token: fetched once for all threads, and again shortly before it ends or when RRR
refuses it."""

import threading
from collections.abc import Callable
from concurrent.futures import Future

MARGIN_SECONDS = (
    30.0  # a token this close to its end is not used any more; of short-lived ones a tenth
)

Fetch = Callable[[], tuple[str, float]]
"""Asks for a new token: the token, and the seconds it lives."""


class TokenCache:
    """Whoever needs a token while one is being fetched waits for that one, and shares its error if
    there is one."""

    def __init__(self, fetch: Fetch) -> None:
        self._fetch = fetch
        self._lock = threading.Lock()
        self._token, self._fresh_until = "", 0.0
        self._flight: Future[str] | None = None

    def get(self, now: Callable[[], float]) -> str:
        with self._lock:
            if self._token and now() < self._fresh_until:
                return self._token
            flight = self._flight
            if is_mine := flight is None:
                flight = self._flight = Future()
        if is_mine:
            self._refresh(flight, now)
        return flight.result()

    def forget(self, token: str) -> None:
        """RRR refused this token. A newer one, that another thread has fetched meanwhile, stays."""
        with self._lock:
            if self._token == token:
                self._token = ""

    def _refresh(self, flight: "Future[str]", now: Callable[[], float]) -> None:
        try:
            token, lifetime = self._fetch()
        except BaseException as error:
            with self._lock:
                self._flight = None
            flight.set_exception(error)
            return
        with self._lock:
            self._token, self._fresh_until = (
                token,
                now() + lifetime - min(MARGIN_SECONDS, lifetime / 10),
            )
            self._flight = None
        flight.set_result(token)
