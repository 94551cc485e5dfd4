"""How RRR is called: token, headers, timeouts, bounded retries, circuit breaker. What is asked is
in `ledger/rrr/gateway.py`.

One client per process, shared by its threads. Nothing secret reaches a log line or an error's text.
"""

import base64
import json
import logging
import random
import re
import time
import uuid
from collections.abc import Callable, Mapping
from typing import Any
from urllib.parse import quote_plus, urlsplit

import httpx

from ground import clock
from ground.json import fields
from ground.json.fields import Fields, Malformed
from ledger.rrr import circuit, errors
from ledger.rrr.errors import (
    CircuitOpen,
    Conflict,
    Invalid,
    NotFound,
    RateLimited,
    RrrError,
    ServerFault,
    Unauthorized,
    Unreachable,
    Unreadable,
)
from ledger.rrr.token import TokenCache

log = logging.getLogger(__name__)

ATTEMPTS = 4
DEADLINE_SECONDS = (
    20.0  # for one question with all its repeats: no wait and no answer goes on beyond it
)
FIRST_PAUSE_SECONDS, LONGEST_PAUSE_SECONDS = 0.2, 2.0
LONGEST_WAIT_SECONDS = (
    5.0  # a longer Retry-After is not waited for here; the circuit holds everyone back for so long
)
JITTER_AFTER_WAIT_SECONDS = 0.25
MAX_ANSWER_BYTES = 4 * 1024 * 1024
DEFAULT_TOKEN_SECONDS = 300  # when the token endpoint does not say (RFC 6749 only recommends it)
ALIVE_SECONDS = 30.0  # after an answer, the ledger counts as well for so long without being asked
TOKEN_PATH = "/oauth/token"  # noqa: S105
_TOKEN = re.compile(r"[A-Za-z0-9\-._~+/]{1,4096}=*")  # RFC 6750, b64token
_LOOPBACK = frozenset({"127.0.0.1", "localhost", "::1"})
_REPEATED = (Unreachable, ServerFault, RateLimited)
_ANSWERS = (NotFound, Conflict, Invalid)  # about what was asked: whoever asked knows what they mean


class RrrClient:
    """`get` and `post` answer the JSON object of a 2xx, or raise a leaf of RrrError."""

    def __init__(
        self,
        *,
        base_url: str,
        client_id: str,
        client_secret: str,
        connect_timeout: float,
        read_timeout: float,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], object] = time.sleep,
    ) -> None:
        self._client_id, self._client_secret = client_id, client_secret
        self._clock, self._sleep = clock, sleep
        self.circuit = circuit.Circuit()
        self._tokens = TokenCache(self._fetch_token)
        self._answered_at: float | None = None
        self._http = httpx.Client(
            base_url=base_url.rstrip("/"),
            timeout=httpx.Timeout(read_timeout, connect=connect_timeout),
            # Threads bound the connections. A limit below their number would look like a ledger
            # that does not answer, and a surplus idle connection may be closed under the thread
            # that was just given it.
            limits=httpx.Limits(
                max_connections=None, max_keepalive_connections=None, keepalive_expiry=30
            ),
            follow_redirects=False,  # they would carry the token to wherever they point
            trust_env=urlsplit(base_url).hostname
            not in _LOOPBACK,  # proxies are for the way out of this machine
        )

    def __repr__(self) -> str:
        return "RrrClient()"

    def close(self) -> None:
        self._http.close()

    def get(self, path: str, params: Mapping[str, str] | None = None) -> Fields:
        # A key of its own for every reading: under a repeated one an old answer might be played
        # back.
        return self._call("GET", path, key=uuid.uuid4().hex, params=params)

    def post(self, path: str, body: Mapping[str, Any], *, key: str) -> Fields:
        """`key` is the Idempotency-Key: derived from the business fact, so that a repeat after a
        lost answer does nothing."""
        return self._call(
            "POST", path, key=key, content=json.dumps(body, separators=(",", ":")).encode()
        )

    def answers(self) -> bool:
        """Whether RRR answers. Asks only when nobody else has had an answer lately, once and
        without repeats."""
        now = self._clock()
        if self.circuit.state(now) is circuit.State.OPEN:
            return False
        if self._answered_at is not None and now - self._answered_at < ALIVE_SECONDS:
            return True
        try:
            self._fetch_token()
        except RrrError:
            return False
        return True

    def circuit_state(self) -> str:
        return self.circuit.state(self._clock()).value

    # --- one question, repeated when that may help -----------------------------------------------

    def _call(
        self, method: str, path: str, *, key: str, params: Any = None, content: bytes | None = None
    ) -> Fields:
        trace, started = uuid.uuid4().hex, self._clock()
        deadline = started + DEADLINE_SECONDS
        headers = {"X-Client-Id": self._client_id, "X-Request-Trace": trace, "Idempotency-Key": key}
        if content is not None:
            headers["Content-Type"] = "application/json"
        last: RrrError | None = None
        for attempt in range(1, ATTEMPTS + 1):
            try:
                return self._authorized(
                    method, path, headers, deadline, params=params, content=content
                )
            except CircuitOpen as refused:
                raise last or refused from None  # opened while we tried: what we met says more
            except RrrError as error:
                last = error
                pause = self._pause(error, attempt, deadline)
                if pause is None:
                    self._tell(error, trace, attempt, started)
                    raise
                log.info(
                    "rrr_call_repeated",
                    extra={"error_code": error.code or type(error).__name__, "trace_id": trace},
                )
            self._sleep(pause)
        raise AssertionError("the last attempt has no pause")

    def _tell(self, error: RrrError, trace: str, attempts: int, started: float) -> None:
        if isinstance(error, _ANSWERS):
            return
        told = {"error_code": type(error).__name__, "trace_id": trace, "attempts_count": attempts}
        log.warning(
            "rrr_call_failed", extra=told | {"duration_ms": round(1000 * (self._clock() - started))}
        )

    def _pause(self, error: RrrError, attempt: int, deadline: float) -> float | None:
        """Seconds until the next attempt; None when there shall be none."""
        if not isinstance(error, _REPEATED) or attempt >= ATTEMPTS:
            return None
        if error.retry_after is None:
            pause = random.uniform(0, min(LONGEST_PAUSE_SECONDS, FIRST_PAUSE_SECONDS * 2**attempt))
        elif error.retry_after <= LONGEST_WAIT_SECONDS:
            pause = error.retry_after + random.uniform(0, JITTER_AFTER_WAIT_SECONDS)
        else:
            self.circuit.hold(error.retry_after, self._clock())
            return None
        return pause if self._clock() + pause < deadline else None

    def _authorized(
        self, method: str, path: str, headers: dict[str, str], deadline: float, **request: Any
    ) -> Fields:
        """One attempt. A token that RRR refuses is replaced once: it may have ended early."""
        token = self._tokens.get(self._clock)
        try:
            return self._exchange(method, path, headers | _bearer(token), deadline, **request)
        except Unauthorized:
            self._tokens.forget(token)
        return self._exchange(
            method, path, headers | _bearer(self._tokens.get(self._clock)), deadline, **request
        )

    def _fetch_token(self) -> tuple[str, float]:
        # RFC 6749, 2.3.1: the two are form-encoded before they become the user name and password of
        # Basic.
        pair = f"{quote_plus(self._client_id)}:{quote_plus(self._client_secret)}"
        headers = {
            "Authorization": "Basic " + base64.b64encode(pair.encode()).decode(),
            "X-Client-Id": self._client_id,
            "X-Request-Trace": uuid.uuid4().hex,
        }
        deadline = self._clock() + DEADLINE_SECONDS
        answer = self._exchange(
            "POST", TOKEN_PATH, headers, deadline, data={"grant_type": "client_credentials"}
        )
        try:
            token = answer.text("access_token", maximum=4096)
            lifetime = answer.integer(
                "expires_in", minimum=1, maximum=10**9, default=DEFAULT_TOKEN_SECONDS
            )
        except Malformed as bad:
            raise Unreadable(message=str(bad)) from None
        if not _TOKEN.fullmatch(token):  # before it becomes a header, whose error would quote it
            raise Unreadable(message="access_token: is no bearer token")
        return token, float(lifetime)

    # --- one exchange on the wire ----------------------------------------------------------------

    def _exchange(
        self, method: str, path: str, headers: dict[str, str], deadline: float, **request: Any
    ) -> Fields:
        ticket = self._enter()
        try:
            status, after, body = self._send(method, path, headers, deadline, **request)
        except Unreachable:
            self._note_failure(ticket)
            raise
        if status >= 500:
            self._note_failure(ticket)
        elif path == TOKEN_PATH:
            self.circuit.undecided(
                ticket
            )  # who gives out tokens may be well while the ledger is not
        else:
            self._note_answer(ticket)
        if not 200 <= status < 300:
            wait = errors.retry_after(after, now=clock.now()) if after else None
            raise errors.from_answer(status, body, retry_after=wait)
        try:
            return fields.read(body)
        except Malformed as bad:
            raise Unreadable(status=status, message=str(bad)) from None

    def _enter(self) -> circuit.Ticket:
        try:
            return self.circuit.enter(self._clock())
        except circuit.NoTicket as refused:
            raise CircuitOpen(retry_after=refused.seconds) from None

    def _note_failure(self, ticket: circuit.Ticket) -> None:
        if self.circuit.failed(ticket, self._clock()):
            log.error("rrr_circuit_opened")

    def _note_answer(self, ticket: circuit.Ticket) -> None:
        self._answered_at = self._clock()
        if self.circuit.succeeded(ticket):
            log.warning("rrr_circuit_closed")

    def _send(
        self, method: str, path: str, headers: dict[str, str], deadline: float, **request: Any
    ) -> tuple[int, str, bytes]:
        """Status, Retry-After, body. The library's errors may quote headers, so they end here."""
        try:
            with self._http.stream(method, path, headers=headers, **request) as response:
                body = bytearray()
                for part in response.iter_bytes():
                    body += part
                    if len(body) > MAX_ANSWER_BYTES:
                        raise Unreadable(
                            status=response.status_code, message="the answer is too long"
                        )
                    if self._clock() > deadline:
                        raise Unreachable(code="TOO_SLOW")
                return response.status_code, response.headers.get("retry-after", ""), bytes(body)
        except httpx.RequestError as error:
            raise Unreachable(code=type(error).__name__) from None


def _bearer(token: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {token}"}
