"""What web processes say to each other, as bytes. Each frame is proven under our secret key and for
whom it is meant, and has a number, so that it is heard once: who may write to Redis may not
therefore move money."""

import dataclasses
import hashlib
import hmac
from collections.abc import Sequence
from functools import lru_cache
from operator import attrgetter
from typing import Any

import msgpack  # type: ignore[import-untyped]
from django.conf import settings

from ground.inbox.inbox import Call
from lovense.sending.acknowledgement import Ack
from tips.intake.payloads import Order, TipOrder
from tips.intake.purchases import Purchase

Frame = dict[str, list[Any]]  # what is said, by its kind
Packed = Sequence[Any]

DIGEST = "sha256"
DIGEST_BYTES = 32
MOST_BYTES = 32 * 1024 * 1024  # Redis hangs up on whoever is to be told more


@lru_cache(maxsize=2)
def _key(secret: str) -> bytes:
    return hashlib.sha256(b"frames between web processes/" + secret.encode()).digest()


def _proof(to: str, content: bytes) -> bytes:
    return hmac.digest(_key(settings.SECRET_KEY), to.encode() + b"/" + content, DIGEST)


def sealed(to: str, frame: Frame) -> bytes:
    content: bytes = msgpack.packb(frame, datetime=True)
    return _proof(to, content) + content


def opened(to: str, data: bytes) -> Frame | None:
    """None where it is not proven, or not for us. Whatever is proven may still be of another
    release."""
    if len(data) > MOST_BYTES:
        return None
    proof, content = data[:DIGEST_BYTES], data[DIGEST_BYTES:]
    if not hmac.compare_digest(proof, _proof(to, content)):
        return None
    frame: Frame = msgpack.unpackb(content, timestamp=3)
    return frame


def _fields(kind: Any, *, but: str = "") -> Any:
    names = (field.name for field in dataclasses.fields(kind))
    return attrgetter(*(name for name in names if name != but))


# Only a plain end is handed on, and what has legs is none.
_CALL, _ACK = _fields(Call), _fields(Ack, but="legs")
_ORDERS = {"tip": TipOrder, "purchase": Purchase}
_FIELDS = {kind: (name, _fields(kind)) for name, kind in _ORDERS.items()}


def packed_call(call: Call, order: Order | None) -> Packed:
    if order is None:
        return _CALL(call), "", ()
    name, fields = _FIELDS[type(order)]
    return _CALL(call), name, fields(order)


def call(packed: Packed) -> tuple[Call, Order | None]:
    content, name, fields = packed
    *rest, keys = content
    order: Any = _ORDERS[name](*fields) if name else None
    return Call(*[*rest, tuple(keys)]), order


def packed_ack(ack: Ack) -> Packed:
    return _ACK(ack)  # type: ignore[no-any-return]


def ack(packed: Packed) -> Ack:
    return Ack(*packed)
