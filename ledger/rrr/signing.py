"""How RRR signs the webhooks it sends to us: both schemes, both ways. Pure functions; nothing here
reads settings or the clock.

Scheme 1 covers the raw body only. Scheme 2, the default, covers
`METHOD⏎PATH?query⏎TIMESTAMP⏎NONCE⏎SHA256HEX(body)`. Signatures are lower-case hex of HMAC-SHA256.
Verification fails closed: no secret configured, no call accepted. That a nonce comes once per
tenant is for the door to remember: this module only hands it out. The tenant and the key's name are
*not* covered by the signature, so the door must not let them decide anything that a replay could
turn to its use."""

import hashlib
import hmac
import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime

from ground import clock
from ground.inbox.signing import BadSignature

SIGNATURE, TENANT, KEY_ID = "X-RRR-Signature", "X-RRR-Tenant", "X-RRR-Key-Id"
TIMESTAMP, NONCE = "X-RRR-Timestamp", "X-RRR-Nonce"
HEADERS = (SIGNATURE, TENANT, KEY_ID, TIMESTAMP, NONCE)

MIN_SECRET_BYTES = 16
_HEX = re.compile(r"[0-9a-f]{64}")
_NAME = re.compile(r"[A-Za-z0-9_.\-]{1,64}")  # tenants and key ids
_NONCE = re.compile(
    r"[\x21-\x7e]{8,128}"
)  # printable ASCII without spaces; shorter ones would repeat by chance


@dataclass(frozen=True, slots=True)
class SignedNotice:
    """The proven envelope of a scheme 2 call."""

    tenant: str
    key_id: str
    timestamp: datetime
    nonce: str


def secrets_of(words: Collection[str]) -> dict[str, bytes]:
    """`keyid:secret` words as secrets by key id; ValueError when one is not such a word, without
    repeating it."""
    found: dict[str, bytes] = {}
    for word in words:
        key_id, _, secret = word.partition(":")
        if not _NAME.fullmatch(key_id) or key_id in found:
            raise ValueError("an RRR webhook secret is keyid:secret, each key id once")
        if len(secret.encode()) < MIN_SECRET_BYTES:
            raise ValueError(f"an RRR webhook secret has at least {MIN_SECRET_BYTES} bytes")
        found[key_id] = secret.encode()
    return found


# --- scheme 1 ------------------------------------------------------------------------------------


def sign_body(secret: bytes, body: bytes) -> str:
    return hmac.new(secret, body, hashlib.sha256).hexdigest()


def verify_body(secrets: Collection[bytes], headers: Mapping[str, str], body: bytes) -> None:
    """Proves a scheme 1 call under any active secret (two during rotation). Raises BadSignature."""
    given = _signature(_lowered(headers))
    # Every secret is tried, whichever matches: the time tells nothing about which one it was.
    if not sum(hmac.compare_digest(sign_body(secret, body), given) for secret in secrets if secret):
        raise BadSignature(f"{SIGNATURE} matches no active secret")


# --- scheme 2 ------------------------------------------------------------------------------------


def sign_request(
    secret: bytes, *, method: str, target: str, timestamp: str, nonce: str, body: bytes
) -> str:
    """`target` is the path with its query, as it stands in the request line."""
    text = "\n".join((method.upper(), target, timestamp, nonce, hashlib.sha256(body).hexdigest()))
    return hmac.new(secret, text.encode(), hashlib.sha256).hexdigest()


def signed_headers(
    secret: bytes,
    *,
    key_id: str,
    tenant: str,
    method: str,
    target: str,
    now: datetime,
    nonce: str,
    body: bytes,
) -> dict[str, str]:
    """The five headers of a scheme 2 call."""
    timestamp = clock.iso(now)
    signature = sign_request(
        secret, method=method, target=target, timestamp=timestamp, nonce=nonce, body=body
    )
    return {
        SIGNATURE: signature,
        TENANT: tenant,
        KEY_ID: key_id,
        TIMESTAMP: timestamp,
        NONCE: nonce,
    }


def verify_request(
    secrets: Mapping[str, bytes],
    headers: Mapping[str, str],
    *,
    method: str,
    target: str,
    body: bytes,
    now: datetime,
    tolerance_seconds: float,
) -> SignedNotice:
    """Proves a scheme 2 call under the secret that it names. Header names may be in any case.
    Raises BadSignature."""
    found = _lowered(headers)
    tenant, key_id = _name(found, TENANT), _name(found, KEY_ID)
    nonce, stamp = found.get(NONCE.lower(), ""), found.get(TIMESTAMP.lower(), "")
    if not _NONCE.fullmatch(nonce):
        raise BadSignature(f"{NONCE} is missing or malformed")
    moment = _moment(stamp)
    if abs((now - moment).total_seconds()) > tolerance_seconds:
        raise BadSignature(f"{TIMESTAMP} is outside the tolerated window")
    given = _signature(found)
    # An unknown key id costs the same digest as a known one, under a secret that nobody has.
    secret = secrets.get(key_id)
    expected = sign_request(
        secret or b"", method=method, target=target, timestamp=stamp, nonce=nonce, body=body
    )
    if not hmac.compare_digest(expected, given) or not secret:
        raise BadSignature(f"{SIGNATURE} matches no active secret")
    return SignedNotice(tenant, key_id, moment, nonce)


def _lowered(headers: Mapping[str, str]) -> dict[str, str]:
    return {name.lower(): value for name, value in headers.items()}


def _name(headers: Mapping[str, str], name: str) -> str:
    value = headers.get(name.lower(), "")
    if not _NAME.fullmatch(value):
        raise BadSignature(f"{name} is missing or malformed")
    return value


def _moment(stamp: str) -> datetime:
    try:
        return clock.parse(stamp)
    except ValueError:
        raise BadSignature(
            f"{TIMESTAMP} must be an RFC 3339 time with seconds and a zone"
        ) from None


def _signature(headers: Mapping[str, str]) -> str:
    value = headers.get(SIGNATURE.lower(), "")
    if not _HEX.fullmatch(value):
        raise BadSignature(f"{SIGNATURE} is missing or not 64 lower-case hexadecimal digits")
    return value
