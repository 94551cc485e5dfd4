"""Identifiers as RFC 9562 writes them, without the class around them: every tip needs several."""

import hashlib
import os
from uuid import UUID

_VARIANT = "89ab" * 4  # of the hexadecimal digit that carries it


def fresh() -> str:
    """A random one (version 4)."""
    return _written(os.urandom(16), 4)


def derived(namespace: UUID, name: str) -> str:
    """The same name gives the same one (version 5)."""
    named = namespace.bytes + name.encode()
    return _written(hashlib.sha1(named, usedforsecurity=False).digest(), 5)


def _written(made: bytes, version: int) -> str:
    digits = made.hex()
    variant = _VARIANT[int(digits[16], 16)]
    return (
        f"{digits[:8]}-{digits[8:12]}-{version}{digits[13:16]}-"
        f"{variant}{digits[17:20]}-{digits[20:32]}"
    )
