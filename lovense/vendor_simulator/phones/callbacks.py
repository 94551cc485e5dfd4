"""Callbacks on their way to us, sent beside everything else: a receiver that is slow keeps no
command waiting."""

import json
import threading
from collections import Counter
from concurrent.futures import Future, ThreadPoolExecutor
from urllib.parse import urlsplit

import httpx

from lovense.rows import Json
from lovense.vendor_simulator.calls import LOOPBACK

TIMEOUT_SECONDS = 5.0
HEADERS = {"Content-Type": "application/json"}
SENDERS = 8
MOST_WAITING = 1000  # a receiver that never answers loses what is beyond


class NotThisMachine(ValueError):
    """Callbacks go to this machine only."""


def check_target(url: str) -> str:
    """An address of this machine, or none at all. Raises NotThisMachine."""
    if not url:
        return ""
    try:
        parts = urlsplit(url)
        host = f"[{parts.hostname}]" if parts.hostname == "::1" else parts.hostname
        is_good = parts.scheme == "http" and host in LOOPBACK and parts.port != 0
    except ValueError:
        is_good = False
    if not is_good or parts.username is not None:
        raise NotThisMachine("callbacks go to http://127.0.0.1[:port]/… only")
    return url


class Callbacks:
    """`statuses` counts what was answered; 0: nothing was."""

    def __init__(self, url: str) -> None:
        self.url = check_target(url)
        self.statuses: Counter[int] = Counter()
        self._lock = threading.Lock()
        self._waiting, self._is_closed = 0, False
        self._senders = ThreadPoolExecutor(SENDERS, thread_name_prefix="callback")
        # This machine only: the environment's proxies do not apply.
        self._http = httpx.Client(timeout=TIMEOUT_SECONDS, trust_env=False)

    def send(self, body: Json) -> "Future[int]":
        """Its status is the result; 0 where none was answered, or there is nowhere to send it."""
        with self._lock:
            is_taken = bool(self.url) and not self._is_closed and self._waiting < MOST_WAITING
            self._waiting += is_taken
            if is_taken:
                return self._senders.submit(self._send, self.url, body)
        lost: Future[int] = Future()
        lost.set_result(0)
        return lost

    def close(self) -> None:
        with self._lock:
            self._is_closed = True
        self._senders.shutdown(wait=False, cancel_futures=True)
        self._http.close()

    def _send(self, url: str, body: Json) -> int:
        try:
            content = json.dumps(body).encode()  # ASCII, whatever a name holds
            status = self._http.post(url, content=content, headers=HEADERS).status_code
        except (httpx.HTTPError, RuntimeError):  # RuntimeError: closed meanwhile
            status = 0
        with self._lock:
            self._waiting -= 1
            self.statuses[status] += 1
        return status
