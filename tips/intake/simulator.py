"""A payment system for the demo and for tests: it signs and posts real Standard Webhooks calls
(docs/integrators.md)."""

import json
import time
import uuid
from typing import Any, Self

import httpx

from ground.clock import iso, now
from ground.inbox.signing import sign
from tips.rows import Payload

PATH = "/api/webhooks/payments"
TIMEOUT_SECONDS = 15.0


def tip(tip_id: str, amount: int, *, tipper_id: str, performer_id: str, **more: Any) -> Payload:
    """The `data` of `tip.succeeded`. `more` adds or replaces optional fields, by their wire
    names."""
    return {
        "tipId": tip_id,
        "totalPrice": amount,
        "tipper": {"userId": tipper_id},
        "recipient": {"performerId": performer_id},
        "createdAt": iso(now()),
        **more,
    }


def purchase(purchase_id: str, *, user_id: str, tokens: int) -> Payload:
    """The `data` of `tokens.purchased`."""
    return {"purchaseId": purchase_id, "userId": user_id, "tokens": tokens, "createdAt": iso(now())}


def body(event_type: str, data: Payload) -> bytes:
    """The raw bytes of a call: a repeat must send these very bytes again."""
    return json.dumps(
        {"type": event_type, "timestamp": data["createdAt"], "data": data}, separators=(",", ":")
    ).encode()


def headers(
    secret: str, message_id: str, content: bytes, *, timestamp: int | None = None
) -> dict[str, str]:
    stamp = int(time.time()) if timestamp is None else timestamp
    return {
        "content-type": "application/json",
        "webhook-id": message_id,
        "webhook-timestamp": str(stamp),
        "webhook-signature": sign(secret, message_id, stamp, content),
    }


class PaymentSystem:
    """`async with PaymentSystem(url, secret) as payments: await payments.send("tip.succeeded",
    tip(...))`."""

    def __init__(self, url: str, secret: str) -> None:
        self._url, self._secret = url.rstrip("/") + PATH, secret
        # Loopback and test servers: the environment's proxies do not apply.
        self._http = httpx.AsyncClient(timeout=TIMEOUT_SECONDS, trust_env=False)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *error: object) -> None:
        await self._http.aclose()

    async def send(self, event_type: str, data: Payload, *, message_id: str = "") -> httpx.Response:
        """One call. Without a message id it is a new delivery."""
        return await self.send_bytes(body(event_type, data), message_id=message_id)

    async def send_bytes(self, content: bytes, *, message_id: str = "") -> httpx.Response:
        return await self._post(
            content, headers(self._secret, message_id or f"msg_{uuid.uuid4().hex}", content)
        )

    async def send_forged(self, content: bytes) -> httpx.Response:
        """A call whose signature covers other bytes: it must be answered 401."""
        return await self._post(
            content, headers(self._secret, f"msg_{uuid.uuid4().hex}", content + b" ")
        )

    async def tip(
        self, tip_id: str, amount: int, *, tipper_id: str, performer_id: str, **more: Any
    ) -> httpx.Response:
        return await self.send(
            "tip.succeeded",
            tip(tip_id, amount, tipper_id=tipper_id, performer_id=performer_id, **more),
        )

    async def purchase(self, purchase_id: str, *, user_id: str, tokens: int) -> httpx.Response:
        return await self.send(
            "tokens.purchased", purchase(purchase_id, user_id=user_id, tokens=tokens)
        )

    async def _post(self, content: bytes, signed: dict[str, str]) -> httpx.Response:
        return await self._http.post(self._url, content=content, headers=signed)
