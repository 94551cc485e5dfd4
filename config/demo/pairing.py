"""Pairs the second performer's app as she does it herself: she asks for a code, somebody scans it,
her toys appear, and she chooses the path by which they are told."""

import asyncio
import contextlib
from dataclasses import dataclass
from typing import Any

import httpx

from lovense.bridges import STANDARD_SERVER

WITHIN_SECONDS, LOOK_SECONDS = 30.0, 0.1  # the site may be starting
TOYS = 2  # of the phone that the stack brings along (config/stack/vendor.py)


class PairingFailed(Exception):
    """Her toys cannot be told; the text says which step failed."""


@dataclass(frozen=True)
class PairedToys:
    """`names` by id."""

    phone: str
    names: dict[str, str]


async def pair(site: str, vendor: str, *, token: str, preferences: dict[str, Any]) -> PairedToys:
    """Raises PairingFailed."""
    headers = {"Authorization": f"Token {token}"}
    try:
        async with httpx.AsyncClient(trust_env=False, timeout=WITHIN_SECONDS) as http:
            hers, phones = _Calls(http, site, headers), _Calls(http, vendor, {})
            await phones.reach("/sim/state")
            opened = await hers.call("POST", "/api/lovense/devices/pair", {})
            scanned = await phones.call("POST", "/sim/scan", {"code": opened["code"]})
            found = PairedToys(scanned["phone"], await _connected(hers))
            chosen = {"bridge": STANDARD_SERVER, **preferences}
            await hers.call("PUT", "/api/lovense/preferences", chosen)
    except httpx.HTTPError as error:
        raise PairingFailed(f"Pairing her toys: {type(error).__name__}.") from None
    return found


async def _connected(hers: "_Calls") -> dict[str, str]:
    """As soon as both of her toys are."""
    for _ in range(int(WITHIN_SECONDS / LOOK_SECONDS)):
        found = (await hers.call("GET", "/api/lovense/devices"))["devices"]
        here = {toy["toyId"]: toy["nickname"] for toy in found if toy["status"] == "connected"}
        if len(here) == TOYS:
            return here
        await asyncio.sleep(LOOK_SECONDS)
    raise PairingFailed(f"{len(here)} of her toys are connected, should be {TOYS}.")


class _Calls:
    """JSON to one site."""

    def __init__(self, http: httpx.AsyncClient, url: str, headers: dict[str, str]) -> None:
        self._http, self._url, self._headers = http, url, headers

    async def reach(self, path: str) -> None:
        """Waits until somebody answers."""
        for _ in range(int(WITHIN_SECONDS / LOOK_SECONDS)):
            with contextlib.suppress(httpx.ConnectError):
                await self.call("GET", path)
                return
            await asyncio.sleep(LOOK_SECONDS)
        raise PairingFailed(f"{self._url} does not answer.")

    async def call(self, method: str, path: str, body: object = None) -> dict[str, Any]:
        url = self._url + path
        answer = await self._http.request(method, url, json=body, headers=self._headers)
        if not answer.is_success:
            raise PairingFailed(f"{method} {path}: {answer.status_code} {answer.text[:200]}")
        return dict(answer.json())
