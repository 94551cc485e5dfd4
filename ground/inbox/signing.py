"""HMAC signatures, both ways: Standard Webhooks 1.0
(github.com/standard-webhooks/standard-webhooks, spec/).

Signed content is `id.timestamp.body` over the raw bytes. Verification fails closed: no secret
configured, no call accepted."""

import base64
import binascii
import hashlib
import hmac
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from ground.json.errors import Refusal

_ID = re.compile(r"[\x21-\x7e]{1,255}")  # printable ASCII without spaces
_TIMESTAMP = re.compile(r"[0-9]{1,12}")
_BETWEEN = re.compile(r",? +|,(?=v[0-9]+[a-z]*,)")
MAX_SIGNATURES = 10  # a header naming more is refused: each one costs a comparison


class BadSignature(Refusal):
    """The call is not proven to come from the sender; the message says which part is missing or
    wrong."""

    code, status = "bad_signature", 401

    @property
    def message(self) -> str:
        return f"{self}."


@dataclass(frozen=True, slots=True)
class Signed:
    """The proven envelope of a call."""

    message_id: str
    timestamp: int


def key_of(secret: str) -> bytes:
    """The bytes of a `whsec_<base64>` secret; ValueError when it is not one."""
    try:
        key = base64.b64decode(secret.removeprefix("whsec_"), validate=True)
    except (binascii.Error, ValueError):
        raise ValueError("a webhook secret is whsec_ followed by base64") from None
    if not 16 <= len(key) <= 64:
        raise ValueError("a webhook secret carries 16 to 64 bytes")
    return key


def keys_of(secrets: Sequence[str]) -> list[bytes]:
    """Those of all active secrets; ValueError when one is none, or there is none."""
    if not secrets:
        raise ValueError("there is no secret")
    return [key_of(secret) for secret in secrets]


def sign(secret: str, message_id: str, timestamp: int, body: bytes) -> str:
    """The value of the `webhook-signature` header."""
    return (
        "v1," + base64.b64encode(_digest(key_of(secret), message_id, str(timestamp), body)).decode()
    )


def verify(
    keys: Sequence[bytes], headers: Mapping[str, str], body: bytes, *, now: float, tolerance: int
) -> Signed:
    """Proves a call under any of the active keys (several during rotation). Raises BadSignature."""
    message_id, stamp = headers.get("webhook-id", ""), headers.get("webhook-timestamp", "")
    if not _ID.fullmatch(message_id):
        raise BadSignature("webhook-id is missing or malformed")
    if not _TIMESTAMP.fullmatch(stamp):
        raise BadSignature("webhook-timestamp must be whole seconds since 1970")
    if abs(now - int(stamp)) > tolerance:
        raise BadSignature("webhook-timestamp is outside the tolerated window")
    offered = _signatures(headers.get("webhook-signature", ""))
    for key in keys:
        expected = _digest(key, message_id, stamp, body)
        if any(hmac.compare_digest(expected, given) for given in offered):
            return Signed(message_id, int(stamp))
    raise BadSignature("webhook-signature matches no active secret")


def _signatures(header: str) -> list[bytes]:
    """All that are named: separated by spaces, and by commas where a header that came in several
    lines was put together."""
    parts = _BETWEEN.split(header)
    if len(parts) > MAX_SIGNATURES:
        raise BadSignature("webhook-signature names too many signatures")
    found = []
    for part in parts:
        version, _, text = part.partition(",")
        if version == "v1":
            try:
                found.append(base64.b64decode(text, validate=True))
            except (binascii.Error, ValueError):
                continue
    return found


def _digest(key: bytes, message_id: str, stamp: str, body: bytes) -> bytes:
    return hmac.digest(key, f"{message_id}.{stamp}.".encode() + body, hashlib.sha256)
