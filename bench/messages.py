"""What is said on the wire: a signed `tip.succeeded`, a performer's socket request, an
acknowledgement. Nothing is sent here."""

import base64
import hashlib
import hmac
import time
from dataclasses import dataclass

import orjson

WEBHOOK_PATH = "/api/webhooks/payments"
SOCKET_PATH = "/ws/performer"
VIEWERS = 2000
_PRICES = 500
_CUSTOM_MESSAGE = "thank you for the show tonight, that was fun"


def performer_id(number: int) -> str:
    return f"{0xBE0000000000000000000000 + number:024x}"


def viewer_id(number: int) -> str:
    return f"{0xAB0000000000000000000000 + number:024x}"


@dataclass(frozen=True, slots=True)
class HeardCommand:
    """One `lovense.activate` as the page heard it."""

    tip_id: str
    activation_id: str
    attempt: int
    seconds: float


def command(text: bytes) -> HeardCommand | None:
    """The command in a frame; None for snapshots, news and stops."""
    if b'"lovense.activate"' not in text:
        return None
    said = orjson.loads(text)
    return HeardCommand(
        said["tipId"], said["activationId"], said["attempt"], said.get("durationSec", 0)
    )


def finished(heard: HeardCommand) -> bytes:
    return orjson.dumps(
        {
            "type": "ack",
            "activationId": heard.activation_id,
            "attempt": heard.attempt,
            "stage": "finished",
            "deliveredSeconds": heard.seconds,
        }
    )


def tip_succeeded(*, tip_id: str, number: int, performer: str, happened_at: str) -> bytes:
    """The body of one webhook, about 700 bytes with its headers; prices and viewers go round."""
    viewer = number % VIEWERS
    data = {
        "tipId": tip_id,
        "totalPrice": 5 + number % _PRICES,
        "commission": 25,
        "studioCommission": 0,
        "tipper": {"userId": viewer_id(viewer), "username": f"member{viewer:05d}", "role": "user"},
        "recipient": {"performerId": performer, "username": f"performer-{performer[-4:]}"},
        "context": {"conversationType": "stream_public", "customMessage": _CUSTOM_MESSAGE},
        "createdAt": happened_at,
    }
    return orjson.dumps({"type": "tip.succeeded", "timestamp": happened_at, "data": data})


def signing_key(secret: str) -> bytes:
    return base64.b64decode(secret.removeprefix("whsec_"))


def signed_post(*, host: str, key: bytes, delivery_id: str, body: bytes) -> bytes:
    """The whole HTTP request, signed as Standard Webhooks 1.0."""
    stamp = str(int(time.time()))
    digest = hmac.digest(key, f"{delivery_id}.{stamp}.".encode() + body, hashlib.sha256)
    head = (
        f"POST {WEBHOOK_PATH} HTTP/1.1\r\nHost: {host}\r\nContent-Type: "
        f"application/json\r\nContent-Length: {len(body)}\r\n"
        f"webhook-id: {delivery_id}\r\nwebhook-timestamp: {stamp}\r\n"
        f"webhook-signature: v1,{base64.b64encode(digest).decode()}\r\n\r\n"
    )
    return head.encode() + body


def socket_request(*, host: str, key: str, token: str) -> bytes:
    return (
        f"GET {SOCKET_PATH} HTTP/1.1\r\nHost: {host}\r\nUpgrade: websocket\r\nConnection: "
        f"Upgrade\r\n"
        f"Sec-WebSocket-Key: {key}\r\nSec-WebSocket-Version: 13\r\nAuthorization: Token "
        f"{token}\r\n\r\n"
    ).encode()
