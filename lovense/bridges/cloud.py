"""The vendor's cloud, told a command: at most once, within bounds, and what became of it.

One for the whole process. What it tells is counted against a bucket that all performers share,
since they share the developer token. A command that has waited for too long, or must not be told
any more when its turn comes, never leaves; a stop waits for nobody, and has connections of its own.
Neither that token nor a uid reaches a log line or an error's text."""

import asyncio
import time
from collections.abc import Callable
from urllib.parse import urlsplit

import httpx
from django.conf import settings

from lovense.bridges import slices
from lovense.bridges.outcomes import LONGEST_ANSWER, CallAnswer, CallOutcome, outcome_of
from lovense.devices import pictures
from lovense.rows import Command

PATH = "/api/lan/v2/command"
MAX_OPEN = 256  # calls at a time; slow answers of some keep nobody else waiting
PER_SECOND, BURST = 200.0, 400.0  # of one developer token: the vendor names no limit
# Nothing has left this machine.
_NOT_SENT = (
    httpx.ConnectError,
    httpx.ConnectTimeout,
    httpx.PoolTimeout,
    httpx.UnsupportedProtocol,
    httpx.LocalProtocolError,
)


class Bucket:
    """So many calls in a second, and a burst; `wait` is how long the next one has to."""

    def __init__(self, per_second: float, burst: float) -> None:
        self._per_second, self._burst = per_second, burst
        self._left, self._at = burst, time.monotonic()

    def wait(self) -> float:
        now = time.monotonic()
        self._left = min(self._burst, self._left + (now - self._at) * self._per_second) - 1
        self._at = now
        return max(0.0, -self._left / self._per_second)

    def give_back(self) -> None:
        """It did not leave."""
        self._left += 1


class Cloud:
    """Of one event loop."""

    def __init__(self) -> None:
        self._clients: dict[bool, httpx.AsyncClient] = {}  # by whether they tell stops
        self._bucket = Bucket(PER_SECOND, BURST)
        self._places = asyncio.Semaphore(MAX_OPEN)

    def __repr__(self) -> str:
        return "Cloud()"

    async def tell(
        self,
        uid: str,
        command: Command,
        *,
        is_stop: bool = False,
        may_leave: Callable[[], bool] = lambda: True,
    ) -> CallOutcome:
        """Never twice; what it means is in the outcome, and nothing is raised. `may_leave` is asked
        directly before."""
        if not settings.LOVENSE_DEVELOPER_TOKEN:
            return CallOutcome.OPERATOR_FAULT
        if is_stop:
            return await self._told(uid, command, is_stop=True)
        if not await self._has_turn():
            return CallOutcome.NOT_SENT
        try:
            return await self._told(uid, command) if may_leave() else CallOutcome.NOT_SENT
        finally:
            self._places.release()

    async def _has_turn(self) -> bool:
        """A place, within the time for which a slice may be late."""
        try:
            async with asyncio.timeout(slices.LATE_SECONDS):
                if wait := self._bucket.wait():
                    await asyncio.sleep(wait)
                await self._places.acquire()
        except TimeoutError:
            self._bucket.give_back()
            return False
        return True

    async def _told(self, uid: str, command: Command, *, is_stop: bool = False) -> CallOutcome:
        said = {"token": settings.LOVENSE_DEVELOPER_TOKEN, "uid": uid, **command}
        try:
            return outcome_of(await self._posted(said, self._client(is_stop=is_stop)))
        except _NOT_SENT:
            return CallOutcome.NOT_SENT
        except (httpx.HTTPError, httpx.InvalidURL, TimeoutError):
            return CallOutcome.UNKNOWN

    async def _posted(self, said: Command, client: httpx.AsyncClient) -> CallAnswer:
        """An answer that trickles is over with its time, as one that does not come."""
        longest = settings.LOVENSE_CONNECT_TIMEOUT_SECONDS + settings.LOVENSE_READ_TIMEOUT_SECONDS
        url = settings.LOVENSE_API_BASE_URL + PATH
        async with asyncio.timeout(longest), client.stream("POST", url, json=said) as found:
            body = bytearray()
            async for part in found.aiter_raw():
                body += part
                if len(body) > LONGEST_ANSWER:
                    break
            return CallAnswer(found.status_code, bytes(body))

    def _client(self, *, is_stop: bool) -> httpx.AsyncClient:
        if is_stop not in self._clients:
            self._clients[is_stop] = _new_client()
        return self._clients[is_stop]

    async def aclose(self) -> None:
        while self._clients:
            await self._clients.popitem()[1].aclose()


def _new_client() -> httpx.AsyncClient:
    read, connect = (
        settings.LOVENSE_READ_TIMEOUT_SECONDS,
        settings.LOVENSE_CONNECT_TIMEOUT_SECONDS,
    )
    return httpx.AsyncClient(
        timeout=httpx.Timeout(read, connect=connect),
        limits=httpx.Limits(max_connections=MAX_OPEN, max_keepalive_connections=MAX_OPEN),
        headers={"Accept-Encoding": "identity"},  # what is packed may be any size
        follow_redirects=False,
        # proxies are for the way out of this machine
        trust_env=urlsplit(settings.LOVENSE_API_BASE_URL).hostname not in pictures.LOOPBACK,
    )
